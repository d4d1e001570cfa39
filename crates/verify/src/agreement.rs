//! Do exact and Monte Carlo values agree? z-scores of a quantity over the grid, and how they are distributed.

use std::f64::consts::SQRT_2;

use flooding_tables::{Estimate, TheoremRow};
use libm::erfc;

/// Draws that must fall below the level (or not below it) before a mean over them counts as normal.
const ENOUGH: f64 = 100.0;

/// A quantity of Theorem 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    MseEmpirical,
    MseFlooded,
    Gain,
    Shortfall,
    ProbBelow,
}

impl Quantity {
    pub(crate) const ALL: [Self; 5] =
        [Self::MseEmpirical, Self::MseFlooded, Self::Gain, Self::Shortfall, Self::ProbBelow];

    /// As the report prints it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MseEmpirical => "MSE(R^)",
            Self::MseFlooded => "MSE(R~)",
            Self::Gain => "MSE(R^) - MSE(R~)",
            Self::Shortfall => "E[(b - R^)+]",
            Self::ProbBelow => "Pr[R^ < b]",
        }
    }

    const fn of(self, row: &TheoremRow) -> Estimate {
        match self {
            Self::MseEmpirical => row.mse_empirical,
            Self::MseFlooded => row.mse_flooded,
            Self::Gain => row.gain,
            Self::Shortfall => row.shortfall,
            Self::ProbBelow => row.prob_below,
        }
    }

    /// Do enough draws bear on this quantity for its standard error to mean something?
    fn is_seen(self, row: &TheoremRow, repetitions: u64) -> bool {
        let below = row.prob_below.exact * repetitions as f64;
        match self {
            Self::MseEmpirical | Self::MseFlooded => true,
            Self::Gain | Self::Shortfall => below >= ENOUGH,
            Self::ProbBelow => below >= ENOUGH && repetitions as f64 - below >= ENOUGH,
        }
    }
}

/// The mean squared errors of a cell, against which rounding is measured.
pub(crate) const fn scale(row: &TheoremRow) -> f64 {
    row.mse_empirical.exact + row.mse_flooded.exact
}

/// How one cell's exact and Monte Carlo value compare.
enum Comparison {
    /// This number of standard errors apart.
    Score(f64),
    /// There is no spread, and they are equal.
    Equal,
    /// There is no spread, and they differ.
    Different,
    /// Too few draws bear on it.
    Unseen,
}

fn compare(quantity: Quantity, row: &TheoremRow, repetitions: u64) -> Comparison {
    let Estimate { exact, mc, se } = quantity.of(row);
    // What is left of a difference of equal squares is rounding, not spread.
    let size = exact.abs().max(if quantity == Quantity::ProbBelow { 1.0 } else { scale(row) });
    let certain = row.prob_below.exact == 0.0 || quantity == Quantity::ProbBelow && exact == 1.0;
    if !quantity.is_seen(row, repetitions) && !certain {
        Comparison::Unseen
    } else if se > 1e-12 * size {
        Comparison::Score((mc - exact) / se)
    } else if (mc - exact).abs() <= 1e-9 * size {
        Comparison::Equal
    } else {
        Comparison::Different
    }
}

/// The agreement of one quantity over the grid.
pub(crate) struct Agreement {
    /// Cells with a z-score.
    pub(crate) scores: Vec<f64>,
    /// Cells without spread whose values are equal.
    pub(crate) equal: usize,
    /// Cells without spread whose values differ.
    pub(crate) different: usize,
}

impl Agreement {
    pub(crate) fn new(quantity: Quantity, rows: &[TheoremRow], repetitions: u64) -> Self {
        let mut agreement = Self { scores: Vec::new(), equal: 0, different: 0 };
        for row in rows {
            match compare(quantity, row, repetitions) {
                Comparison::Score(z) => agreement.scores.push(z),
                Comparison::Equal => agreement.equal += 1,
                Comparison::Different => agreement.different += 1,
                Comparison::Unseen => {}
            }
        }
        agreement
    }

    /// The largest |z|, and the probability that so many normal scores have none larger.
    pub(crate) fn largest(&self) -> (f64, f64) {
        // A NaN must not hide: `f64::max` would drop it.
        let largest = self.scores.iter().fold(0.0, |worst: f64, z| if z.abs() <= worst { worst } else { z.abs() });
        (largest, (self.scores.len() as f64 * erfc(largest / SQRT_2)).min(1.0))
    }

    /// Kolmogorov and Smirnov's distance of the scores from normal ones, and its p-value.
    pub(crate) fn uniformity(&self) -> (f64, f64) {
        let mut heights: Vec<f64> = self.scores.iter().map(|z| 0.5 * erfc(-z / SQRT_2)).collect();
        heights.sort_unstable_by(f64::total_cmp);
        let n = heights.len() as f64;
        let gap = |(i, u): (usize, &f64)| (u - i as f64 / n).max((i as f64 + 1.0) / n - u);
        let distance = heights.iter().enumerate().map(gap).fold(0.0, f64::max);
        (distance, kolmogorov(distance, n))
    }
}

/// The probability of a distance at least this large among n uniform numbers (Stephens' approximation, 1970).
fn kolmogorov(distance: f64, n: f64) -> f64 {
    let x = distance * (n.sqrt() + 0.12 + 0.11 / n.sqrt());
    if n == 0.0 || x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
        sign * (-2.0 * f64::from(k * k) * x * x).exp()
    };
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kolmogorovs_probabilities_are_the_tabulated_ones() {
        // Critical distances for n = 100 (Massey 1951: 1.36 / sqrt(n) and 1.63 / sqrt(n) asymptotically).
        assert!((kolmogorov(0.1340, 100.0) - 0.05).abs() < 0.002);
        assert!((kolmogorov(0.1608, 100.0) - 0.01).abs() < 0.001);
        assert_eq!(kolmogorov(0.0, 100.0), 1.0);
    }

    #[test]
    fn shifted_and_widened_scores_are_not_uniform() {
        let of = |scores: Vec<f64>| Agreement { scores, equal: 0, different: 0 }.uniformity().1;
        // Quantiles of the logistic distribution scaled to unit variance are close enough to normal ones.
        let normal =
            |i: i32| (f64::from(2 * i + 1) / f64::from(399 - 2 * i)).ln() * 3.0_f64.sqrt() / std::f64::consts::PI;
        assert!(of((0..200).map(normal).collect()) > 0.5);
        assert!(of((0..200).map(|i| normal(i) + 0.5).collect()) < 1e-4);
        assert!(of((0..200).map(|i| 2.0 * normal(i)).collect()) < 1e-2);
    }
}
