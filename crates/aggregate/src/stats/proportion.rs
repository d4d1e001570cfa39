//! The exact interval of a proportion.

use super::CONFIDENCE;

/// Clopper and Pearson's two-sided 95% interval of a proportion, `hits` out of `n`; (0, 1) for none.
///
/// ```
/// use flooding_aggregate::stats::proportion_interval;
/// let (low, high) = proportion_interval(9, 10);
/// assert!((low - 0.5550).abs() < 1e-4 && (high - 0.9975).abs() < 1e-4);
/// ```
pub fn proportion_interval(hits: u32, n: u32) -> (f64, f64) {
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let low = if hits == 0 { 0.0 } else { root(|p| at_least(hits, n, p) - tail) };
    let high = if hits >= n { 1.0 } else { root(|p| tail - (1.0 - at_least(hits + 1, n, p))) };
    (low, high)
}

/// Pr[X >= hits] of a binomial variable.
fn at_least(hits: u32, n: u32, p: f64) -> f64 {
    if p <= 0.0 {
        return f64::from(u8::from(hits == 0));
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (ln_p, ln_q) = (p.ln(), (-p).ln_1p());
    let ln_factorial = |k: u32| libm::lgamma(f64::from(k) + 1.0);
    let term = |k: u32| {
        let choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        (choose + f64::from(k) * ln_p + f64::from(n - k) * ln_q).exp()
    };
    (hits..=n).map(term).sum()
}

/// Where a function that rises from below 0 to above 0 between 0 and 1 crosses it.
fn root(f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}
