//! Student's t distribution and its noncentral sister, accurate in the far tail.
//!
//! A p-value of 1e-300 must be right to ten digits, which rules out `1 - cdf` and differences of log-gamma values: the
//! incomplete beta function is evaluated by its continued fraction with a prefactor put together from logarithms that
//! do not cancel.

use std::f64::consts::PI;

use super::normal;

/// Two-sided p-value of Student's t distribution: Pr[|T| >= |t|] for `df` > 0 degrees of freedom (need not be whole).
///
/// NaN where either argument is NaN or `df` is not positive.
pub fn two_sided_p(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    let t = t.abs();
    if t == 0.0 {
        return 1.0;
    }
    if t.is_infinite() {
        return 0.0;
    }
    // Beyond this the two distributions agree in all digits of any p-value that is not zero.
    if df > 1e25 {
        return normal::two_sided_p(t);
    }
    // p = I_x(a, 1/2) with x = df / (df + t^2) and a = df / 2.
    let a = df / 2.0;
    let ratio = t / df.sqrt();
    let ln_x = -ln_one_plus_square(ratio);
    let x = ln_x.exp();
    // 1 - x without cancellation: r^2 / (1 + r^2).
    let y = (ratio / ratio.hypot(1.0)).powi(2);
    // x^a (1 - x)^(1/2) / B(a, 1/2), the prefactor of both continued fractions.
    let front = (a * ln_x).exp() * y.sqrt() * gamma_ratio(a) / PI.sqrt();
    if x >= (a + 1.0) / (a + 2.5) {
        1.0 - front * continued_fraction(0.5, a, y) / 0.5
    } else if y > 0.01 {
        front * continued_fraction(a, 0.5, x) / a
    } else {
        // So close to x = 1 the fraction loses as many digits as y has zeros.
        2.0 * density(t, df) * tail_over_density(t, df)
    }
}

/// Student's density at t.
fn density(t: f64, df: f64) -> f64 {
    let a = df / 2.0;
    gamma_ratio(a) / (PI * df).sqrt() * (-(a + 0.5) * ln_one_plus_square(t / df.sqrt())).exp()
}

/// The integral of the density from t > 0 on, over the density at t, by double exponential quadrature (Takahasi and
/// Mori 1974): with u = h exp(s - exp(-s)) the trapezoidal rule converges exponentially. Every term is positive.
fn tail_over_density(t: f64, df: f64) -> f64 {
    const STEP: f64 = 1.0 / 16.0;
    // The distance over which the density falls by about e.
    let h = (df + t * t) / ((df + 1.0) * t);
    let term = |i: i32| {
        let s = f64::from(i) * STEP;
        let inner = (-s).exp();
        let u = h * (s - inner).exp();
        let fall = -(df + 1.0) / 2.0 * (u * (2.0 * t + u) / (df + t * t)).ln_1p();
        fall.exp() * u * (1.0 + inner)
    };
    // exp(-exp(4)) and exp(-exp(7)) are far below the last digit.
    STEP * (-64..=112).map(term).sum::<f64>()
}

/// The t at which [`two_sided_p`] equals `p`, for 0 < p < 1: the critical value of a two-sided test.
pub fn critical_t(p: f64, df: f64) -> f64 {
    let mut high = 1.0;
    while two_sided_p(high, df) > p {
        high *= 2.0;
    }
    let mut low = 0.0;
    // p falls monotonically in t, so halving always works, also for one degree of freedom, where Newton may not.
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if two_sided_p(middle, df) > p {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Pr[|T| >= t] for the noncentral t distribution with noncentrality `delta`: the power of a two-sided t-test whose
/// critical value is `t`.
///
/// By the trapezoidal rule over v = ln(u) with u = `sqrt(chi^2 / df)`: the integrand is smooth and dies at both ends,
/// where that rule converges faster than any power of the step.
pub fn noncentral_two_sided(t: f64, df: f64, delta: f64) -> f64 {
    // ln of the density of v, up to its constant: df (v - (e^(2v) - 1) / 2).
    let ln_density = |v: f64| df * (v - f64::midpoint((2.0 * v).exp(), -1.0));
    let step = 1.0 / (16.0 * df.sqrt().max(1.0));
    let mut mass = 0.0;
    let mut hit = 0.0;
    let mut add = |v: f64| {
        let ln = ln_density(v);
        let weight = ln.exp();
        let u = v.exp();
        mass += weight;
        hit += weight * (normal::cdf(delta - t * u) + normal::cdf(-delta - t * u));
        ln > -45.0
    };
    add(0.0);
    let mut i = 1.0;
    while add(i * step) {
        i += 1.0;
    }
    i = 1.0;
    while add(-i * step) {
        i += 1.0;
    }
    hit / mass
}

/// The regularised lower incomplete gamma function P(a, x) for a > 0 and x >= 0: the chi-squared distribution function is
/// P(df / 2, x / 2). By its series below a + 1, else by the continued fraction of the rest (DLMF 8.11.4 and 8.9.2).
pub(super) fn lower_gamma(a: f64, x: f64) -> f64 {
    if x == 0.0 {
        return 0.0;
    }
    let front = (a * x.ln() - x - libm::lgamma(a)).exp();
    if x < a + 1.0 {
        let mut term = a.recip();
        let mut sum = term;
        let mut n = a;
        while term > sum * f64::EPSILON / 4.0 {
            n += 1.0;
            term *= x / n;
            sum += term;
        }
        return front * sum;
    }
    // The modified Lentz method.
    let mut b = x + 1.0 - a;
    let mut c = f64::INFINITY;
    let mut d = b.recip();
    let mut fraction = d;
    let mut n = 0.0;
    loop {
        n += 1.0;
        b += 2.0;
        let numerator = n * (a - n);
        d = (numerator * d + b).recip();
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() < f64::EPSILON {
            return 1.0 - front * fraction;
        }
    }
}

/// ln(1 + r^2) for r >= 0, also where r^2 overflows.
fn ln_one_plus_square(r: f64) -> f64 {
    if r > 1e100 { 2.0 * r.ln() } else { (r * r).ln_1p() }
}

/// Gamma(a + 1/2) / Gamma(a): by its asymptotic series from 40 on, brought there by the recurrence.
fn gamma_ratio(a: f64) -> f64 {
    const SERIES: [f64; 8] = [
        1.0,
        -1.0 / 8.0,
        1.0 / 128.0,
        5.0 / 1024.0,
        -21.0 / 32_768.0,
        -399.0 / 262_144.0,
        869.0 / 4_194_304.0,
        39_325.0 / 33_554_432.0,
    ];
    let mut factor = 1.0;
    let mut a = a;
    while a < 40.0 {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    let sum = SERIES.iter().rev().fold(0.0, |sum, coefficient| sum / a + coefficient);
    factor * a.sqrt() * sum
}

/// The continued fraction of the regularised incomplete beta function (DLMF 8.17.22) by the modified Lentz method, for
/// x < (a + 1) / (a + b + 2).
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // About the square root of the larger parameter is needed; this bounds a loop that always ends far earlier.
    const MOST: u32 = 100_000;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..=MOST {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away_from_zero(1.0 + even * d);
        c = away_from_zero(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away_from_zero(1.0 + odd * d);
        c = away_from_zero(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-16 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_incomplete_gamma_function_has_the_values_of_its_closed_forms() {
        // P(1, x) = 1 - exp(-x); P(1/2, x) = erf(sqrt(x)); P(3, x) = 1 - exp(-x) (1 + x + x^2 / 2).
        for x in [1e-6, 0.3, 1.0, 1.9, 2.1, 3.9, 4.1, 20.0, 700.0] {
            let close = |a: f64, expected: f64| {
                let found = lower_gamma(a, x);
                assert!(
                    (found - expected).abs() <= 1e-13 * expected.max(1e-3),
                    "P({a}, {x}) = {found}, not {expected}"
                );
            };
            close(1.0, -(-x).exp_m1());
            close(0.5, libm::erf(x.sqrt()));
            close(3.0, 1.0 - (-x).exp() * (1.0 + x + x * x / 2.0));
        }
        assert_eq!(lower_gamma(4.5, 0.0), 0.0);
    }
}
