//! The standard normal distribution, accurate in the far tail.

use std::f64::consts::{PI, SQRT_2};

/// Phi^-1(0.975): half the width of a 95% interval in standard errors.
pub(super) const Z_95: f64 = 1.959_963_984_540_054;

/// The distribution function Phi.
pub(super) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// Pr[|Z| >= |z|].
pub(super) fn two_sided_p(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// Phi^-1(p), for p from 0 to 1.
pub(super) fn quantile(p: f64) -> f64 {
    let rough = -SQRT_2 * statrs::function::erf::erfc_inv(2.0 * p);
    if !rough.is_finite() || p <= 0.0 || p >= 1.0 {
        return rough;
    }
    // One step of Halley's method on Phi(z) - p.
    let density = (-rough * rough / 2.0).exp() / (2.0 * PI).sqrt();
    let step = (cdf(rough) - p) / density;
    rough - step / (1.0 + rough * step / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_inverts_the_distribution_function_to_the_last_digits() {
        assert!((quantile(0.975) - Z_95).abs() < 1e-15);
        assert_eq!(quantile(0.5), 0.0);
        for p in [1e-12, 1e-5, 0.025, 0.3, 0.7, 0.999] {
            assert!((cdf(quantile(p)) - p).abs() < 1e-14 * p, "{p}");
        }
        // Abramowitz and Stegun 1964, table 26.5: Phi^-1(0.001) = -3.09023 23062.
        assert!((quantile(0.001) + 3.090_232_306_2).abs() < 1e-9);
    }
}
