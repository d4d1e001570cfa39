//! Holm's correction for several tests.

/// Holm's step-down correction over a family of p-values; absent ones stay absent and do not count.
pub fn holm(p: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> = p.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut corrected = vec![None; p.len()];
    let mut least: f64 = 0.0;
    let family = order.len();
    for (rank, (i, p)) in order.into_iter().enumerate() {
        least = least.max((p * (family - rank) as f64).min(1.0));
        corrected[i] = Some(least);
    }
    corrected
}
