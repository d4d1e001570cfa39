//! The quantities of Theorem 1 without sampling: closed forms where they exist, quadrature elsewhere.
//!
//! The mean squared error of the flooded risk is always computed from the distribution of the empirical risk itself,
//! never through the identity that it is to check.

mod atoms;
mod contour;
mod cross_entropy;
mod density;
mod quadrature;

use flooding_core::config::Scenario;
use serde::Serialize;

pub(crate) use cross_entropy::{Margin, softplus};

/// The exact quantities of one cell: a loss distribution, n losses averaged, a flood level b.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Exact {
    /// The true risk R: the mean loss.
    pub risk: f64,
    /// MSE of the empirical risk R^: E[(R^ - R)^2].
    pub mse_empirical: f64,
    /// MSE of the flooded empirical risk |R^ - b| + b.
    pub mse_flooded: f64,
    /// The first minus the second, summed over the outcomes below b (the others add nothing), so that a small gain
    /// keeps its digits.
    pub gain: f64,
    /// E[(b - R^)+].
    pub shortfall: f64,
    /// Pr[R^ < b].
    pub prob_below: f64,
    /// An estimate of the largest relative error among these numbers.
    pub accuracy: f64,
}

/// What closed forms and quadrature by positive terms achieve, and what the tests against 40 digits demand.
const CLOSED_FORM_ACCURACY: f64 = 1e-11;

/// |R^ - b| + b, the flooded empirical risk (equation 10).
pub fn flooded(empirical: f64, level: f64) -> f64 {
    (empirical - level).abs() + level
}

/// Is an outcome below the level? Values that differ by rounding alone, such as 0.2 + 0.7 and 0.9, are equal.
pub(crate) fn is_below(empirical: f64, level: f64) -> bool {
    level - empirical > 4.0 * f64::EPSILON * (empirical.abs() + level.abs())
}

/// The nearest number of at most twelve decimals where it is within rounding, else the number itself.
pub(crate) fn decimal(value: f64) -> f64 {
    let rounded = (value * 1e12).round() / 1e12;
    if (rounded - value).abs() <= 4.0 * f64::EPSILON * value.abs() { rounded } else { value }
}

/// The true risk R of a scenario.
pub fn risk(scenario: &Scenario) -> f64 {
    match *scenario {
        Scenario::Bernoulli { p } => p,
        Scenario::ShiftedBernoulli { p, c } => decimal(c + p),
        Scenario::Constant { c } => c,
        Scenario::Exponential { theta } => theta,
        Scenario::Gaussian { mu, .. } => mu,
        Scenario::CrossEntropy { .. } => Margin::new(scenario).map_or(0.0, |margin| margin.moments().0),
    }
}

/// The exact quantities of a cell. The scenario's parameters and the level are taken to be valid, n at least 1.
pub(crate) fn exact(scenario: &Scenario, n: u32, level: f64) -> Exact {
    let Exact { risk, mse_empirical, mse_flooded, gain, shortfall, prob_below, accuracy } = compute(scenario, n, level);
    // An empty sum is a negative zero, which would be printed as such.
    let [mse_flooded, gain, shortfall, prob_below] =
        [mse_flooded, gain, shortfall, prob_below].map(|value| value + 0.0);
    Exact { risk, mse_empirical, mse_flooded, gain, shortfall, prob_below, accuracy }
}

fn compute(scenario: &Scenario, n: u32, level: f64) -> Exact {
    let risk = risk(scenario);
    match *scenario {
        Scenario::Bernoulli { p } => {
            atoms::exact(risk, p * (1.0 - p) / f64::from(n), level, &atoms::binomial_mean(n, p, 0.0))
        }
        Scenario::ShiftedBernoulli { p, c } => {
            atoms::exact(risk, p * (1.0 - p) / f64::from(n), level, &atoms::binomial_mean(n, p, c))
        }
        Scenario::Constant { c } => atoms::exact(c, 0.0, level, &[(c, 1.0)]),
        Scenario::Exponential { theta } => density::exponential(theta, n, level),
        Scenario::Gaussian { mu, s: 0.0 } => atoms::exact(mu, 0.0, level, &[(mu, 1.0)]),
        Scenario::Gaussian { mu, s } => density::gaussian(mu, s, n, level),
        Scenario::CrossEntropy { .. } => match Margin::new(scenario) {
            Some(margin) if margin.is_constant() => atoms::exact(risk, 0.0, level, &[(risk, 1.0)]),
            Some(margin) => margin.exact(n, level),
            None => unreachable!("a cross-entropy scenario has a margin"),
        },
    }
}

/// Mean squared error of the flooded risk and gain from nodes (R^ - R, probability) on both sides of the level.
fn from_nodes(offset: f64, below: &[(f64, f64)], above: &[(f64, f64)]) -> (f64, f64) {
    // With all values relative to R, a deviation d below b - R = offset is reflected to 2 offset - d.
    let mse_above: f64 = above.iter().map(|(d, p)| p * d * d).sum();
    let mse_below: f64 = below.iter().map(|(d, p)| p * flooded(*d, offset).powi(2)).sum();
    let gain = below.iter().map(|(d, p)| p * (d * d - flooded(*d, offset).powi(2))).sum();
    (mse_above + mse_below, gain)
}
