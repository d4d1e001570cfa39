//! The standard normal distribution, accurate in the far tail.

use std::f64::consts::{PI, SQRT_2};

/// Phi^-1(0.975): half the width of a 95% interval in standard errors.
pub const Z_95: f64 = 1.959_963_984_540_054;

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
    if p <= 0.0 || p >= 1.0 {
        return if p == 0.0 {
            f64::NEG_INFINITY
        } else if p == 1.0 {
            f64::INFINITY
        } else {
            f64::NAN
        };
    }
    // Abramowitz and Stegun 1964, 26.2.23: right to 4.5e-4.
    let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
    let rough =
        t - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    // Each step of Halley's method on Phi(z) - p triples the digits. The tail keeps them where 1 - p would lose them.
    let tail = |z: f64| {
        let density = (-z * z / 2.0).exp() / (2.0 * PI).sqrt();
        let step = (cdf(z) - p.min(1.0 - p)) / density;
        z - step / (1.0 + z * step / 2.0)
    };
    let z = tail(tail(-rough));
    if p < 0.5 { z } else { -z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantile_inverts_the_distribution_function_to_the_last_digits() {
        assert!((quantile(0.975) - Z_95).abs() < 1e-15);
        assert!(quantile(0.5).abs() < 1e-16);
        assert_eq!((quantile(0.0), quantile(1.0)), (f64::NEG_INFINITY, f64::INFINITY));
        for p in [1e-300, 1e-12, 1e-5, 0.025, 0.3, 0.7, 0.999] {
            let z = quantile(p);
            // A rounded z moves p by about z^2 roundings: far out in the tail, that is more than the last digits.
            let tolerance = 1e-14 + z * z * f64::EPSILON;
            assert!((cdf(z) - p).abs() < tolerance * p, "{p:e}");
        }
        // Abramowitz and Stegun 1964, table 26.5: Phi^-1(0.001) = -3.09023 23062.
        assert!((quantile(0.001) + 3.090_232_306_2).abs() < 1e-9);
    }
}
