//! Softmax cross-entropy of one example.

/// The loss of one example, in double precision; huge logits do not overflow.
pub fn example_loss(logits: &[f32], label: u16) -> f64 {
    let max = max(logits);
    let sum: f64 = logits.iter().map(|&z| (f64::from(z) - max).exp()).sum();
    sum.ln() + max - f64::from(logits[usize::from(label)])
}

/// Adds `weight` times the gradient by the logits, softmax minus one-hot, to `gradient`.
pub fn add_gradient(logits: &[f32], label: u16, weight: f64, gradient: &mut [f32]) {
    let max = max(logits);
    let sum: f64 = logits.iter().map(|&z| (f64::from(z) - max).exp()).sum();
    for (class, (z, out)) in logits.iter().zip(gradient).enumerate() {
        let hit = if class == usize::from(label) { 1.0 } else { 0.0 };
        *out += (weight * ((f64::from(*z) - max).exp() / sum - hit)) as f32;
    }
}

fn max(logits: &[f32]) -> f64 {
    // A NaN wins, so that it is seen.
    logits.iter().fold(f64::NEG_INFINITY, |max, &z| if f64::from(z) > max || z.is_nan() { z.into() } else { max })
}
