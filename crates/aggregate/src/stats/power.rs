//! The power of a t-test.

use super::special::{critical_t, noncentral_two_sided};

/// Significance level of the bold rule (the paper's 1%) and of the power beside it.
pub const SIGNIFICANCE: f64 = 0.01;

/// Power of the two-sided unpaired Student test at `significance` to see a true effect of `d` (Cohen's) with samples of
/// `n_a` and `n_b` values, at least two each.
pub fn power(d: f64, n_a: u32, n_b: u32, significance: f64) -> f64 {
    let (n_a, n_b) = (f64::from(n_a), f64::from(n_b));
    let df = n_a + n_b - 2.0;
    let delta = d * (n_a * n_b / (n_a + n_b)).sqrt();
    noncentral_two_sided(critical_t(significance, df), df, delta)
}
