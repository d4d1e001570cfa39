//! Spreads: the correction for redrawn splits, and the chi-squared test of a variance.

use super::sample::Sample;
use super::special::lower_gamma;
use super::{CONFIDENCE, critical_t, two_sided_p};

/// A mean's 95% interval and two-sided p-value against 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corrected {
    /// The interval.
    pub interval: (f64, f64),
    /// The p-value.
    pub p: f64,
}

/// The t-test of a mean over at least two values that come from redrawn splits of one pool, with the variance of Nadeau
/// and Bengio (2003): std^2 (1/n + overlap), where `overlap` is the size of the part left out over that of the part
/// learned from.
pub fn corrected_interval(sample: Sample, overlap: f64) -> Corrected {
    let n = f64::from(sample.n);
    let error = sample.std * (1.0 / n + overlap).sqrt();
    if error == 0.0 {
        return Corrected { interval: (sample.mean, sample.mean), p: if sample.mean == 0.0 { 1.0 } else { 0.0 } };
    }
    let half = critical_t(1.0 - CONFIDENCE, n - 1.0) * error;
    Corrected { interval: (sample.mean - half, sample.mean + half), p: two_sided_p(sample.mean / error, n - 1.0) }
}

/// The probability of a sample standard deviation as small as `std`, or smaller, over n normal values whose standard
/// deviation is `expected` (chi-squared); `None` for fewer than two values or an `expected` of 0.
pub fn spread_as_small_p(std: f64, expected: f64, n: u32) -> Option<f64> {
    if n < 2 || expected <= 0.0 || !std.is_finite() {
        return None;
    }
    let df = f64::from(n) - 1.0;
    let half = df / 2.0 * (std / expected).powi(2);
    Some(lower_gamma(df / 2.0, half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_spreads_are_judged_by_the_chi_squared_distribution() {
        // With 2 degrees of freedom the distribution function is 1 - exp(-x / 2), here at x = 2 * 0.25.
        let p = spread_as_small_p(0.5, 1.0, 3).unwrap();
        assert!((p - (1.0 - (-0.25f64).exp())).abs() < 1e-12, "{p}");
        assert_eq!(spread_as_small_p(0.0, 1.0, 3), Some(0.0));
        assert_eq!(spread_as_small_p(1.0, 1.0, 1), None);
    }

    #[test]
    fn redrawn_splits_widen_an_interval_by_their_overlap() {
        // Four values with a fifth held out: 1/4 + 1/4 instead of 1/4, sqrt(2) times as wide.
        let sample = Sample { n: 4, mean: 1.0, std: 1.0 };
        let (plain, wide) = (corrected_interval(sample, 0.0), corrected_interval(sample, 0.25));
        let width = |corrected: Corrected| corrected.interval.1 - corrected.interval.0;
        assert!((width(wide) / width(plain) - 2f64.sqrt()).abs() < 1e-12 && wide.p > plain.p);
    }
}
