//! Theorem 1 at a trained model: its test losses stand for the loss distribution.

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::seeds::Stream;

/// Theorem 1 at a trained model: empirical risks of n losses drawn with replacement from its test losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoremAtModel {
    /// Losses that an empirical risk averages: the number of training examples.
    pub n: u32,
    /// The risk R: the mean test loss.
    pub risk: f64,
    /// The probability that the empirical risk is below b.
    pub prob_below: f64,
    /// MSE of the empirical risk minus MSE of the flooded one.
    pub gain: f64,
    /// MSE of the empirical risk.
    pub mse_empirical: f64,
}

/// The largest number of losses drawn, so that large training sets take no longer than small ones.
const MOST_DRAWN: u64 = 200_000_000;

/// Empirical risks of `n` losses drawn with replacement from `losses`, and their flooded estimates at `level`; the mean of
/// the list is the risk R. `draws` empirical risks are drawn, fewer where `n` is large (at least 100).
///
/// The gain is 4 (R - b) E[(b - R^)+], the identity behind Theorem 1, with the expectation over the draws. `None` for an
/// empty list, a loss that is not finite, or n = 0.
pub fn theorem_at_model(losses: &[f64], n: u32, level: f64, draws: u32, stream: &mut Stream) -> Option<TheoremAtModel> {
    if losses.is_empty() || n == 0 || losses.iter().any(|loss| !loss.is_finite()) {
        return None;
    }
    let count = losses.len() as f64;
    let risk = losses.iter().sum::<f64>() / count;
    let variance = losses.iter().map(|loss| (loss - risk).powi(2)).sum::<f64>() / count;
    let draws = u64::from(draws).min(MOST_DRAWN / u64::from(n)).max(100);
    let (mut below, mut shortfall) = (0_u64, 0.0);
    for _ in 0..draws {
        let sum: f64 = (0..n).map(|_| losses[stream.random_range(0..losses.len())]).sum();
        let empirical = sum / f64::from(n);
        if empirical < level {
            below += 1;
            shortfall += level - empirical;
        }
    }
    Some(TheoremAtModel {
        n,
        risk,
        prob_below: below as f64 / draws as f64,
        gain: 4.0 * (risk - level) * shortfall / draws as f64,
        mse_empirical: variance / f64::from(n),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Purpose, Streams};

    fn cell(losses: &[f64], n: u32, level: f64) -> Option<TheoremAtModel> {
        let mut stream = Streams::new(1, "resampling", 0).stream(Purpose::MonteCarlo, 0);
        theorem_at_model(losses, n, level, 200_000, &mut stream)
    }

    #[test]
    fn losses_of_zero_and_one_have_the_gain_that_the_binomial_distribution_gives() {
        // n = 2 of {0, 1}: R^ is 0, 1/2, 1 with 1/4, 1/2, 1/4; below b = 0.4 lies 0 alone.
        let found = cell(&[0.0, 1.0], 2, 0.4).unwrap();
        assert_eq!((found.risk, found.mse_empirical), (0.5, 0.125));
        assert!((found.prob_below - 0.25).abs() < 0.005, "{}", found.prob_below);
        let expected = 4.0 * (0.5 - 0.4) * 0.25 * 0.4;
        assert!((found.gain - expected).abs() < 0.02 * expected, "{}", found.gain);
    }

    #[test]
    fn a_level_above_the_risk_is_a_loss_and_one_below_every_loss_is_a_tie() {
        let losses = [0.2, 0.3, 0.7];
        assert!(cell(&losses, 5, 0.6).unwrap().gain < 0.0);
        let tie = cell(&losses, 5, 0.1).unwrap();
        assert_eq!((tie.gain, tie.prob_below), (0.0, 0.0));
    }

    #[test]
    fn without_a_finite_loss_there_is_nothing_to_resample() {
        assert_eq!(cell(&[], 2, 0.1), None);
        assert_eq!(cell(&[1.0, f64::NAN], 2, 0.1), None);
        assert_eq!(cell(&[1.0], 0, 0.1), None);
    }
}
