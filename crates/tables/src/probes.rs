//! What the probes of Sections 4.2 and 5 store of a trial: flatness (Figures 5 and 8), calibration, and the replay (Figures
//! 2, 4, 6 and 7).
//!
//! A probe trains two runs of a trial again and looks at more of them. It compares training with flooding at one level
//! with training without: the level is the one above 0 with the best validation accuracy at the last epoch of that trial,
//! the smallest of equals.

use serde::{Deserialize, Serialize};

use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::record::GradientNorms;
use flooding_core::resampling::TheoremAtModel;
use flooding_core::spec::RunKey;
use flooding_core::store::Document;

/// One of the models that a probe looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbedModel {
    /// With flooding, just before the step of the first mini-batch whose loss was below the level.
    // The name that stored probes have for it.
    #[serde(rename = "first-below")]
    FirstCrossing,
    /// The end of training with flooding.
    With,
    /// The end of training without flooding (b = 0).
    Without,
}

impl ProbedModel {
    /// What it is called in text.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::FirstCrossing => "first mini-batch below the flood level",
            Self::With => "end of training with flooding",
            Self::Without => "end of training without flooding",
        }
    }

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FirstCrossing => "first-crossing",
            Self::With => "with",
            Self::Without => "without",
        }
    }

    /// The model of this name in tables.
    pub fn named(name: &str) -> Option<Self> {
        [Self::FirstCrossing, Self::With, Self::Without].into_iter().find(|model| model.name() == name)
    }
}

/// Losses along random directions of one trial.
///
/// A direction is standard normal in every weight of the linear and convolutional layers; each filter (the row of one
/// output unit) is then scaled to the norm of the model's own filter: `d / (||d|| + 1e-10) * ||w||`. Biases and batch
/// normalisation stay as they are (Li et al. 2018). All models of a trial share the normal draws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flatness {
    /// Digest of what it was made from: the probe's definition and the records of its runs.
    pub made_from: Digest,
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The level of the models with flooding.
    pub level: Level,
    /// How far along a direction, ascending, 0 among them.
    pub alphas: Vec<f64>,
    /// Training and test examples that the losses are means over.
    pub examples: [u32; 2],
    /// The models that there are.
    pub models: Vec<Landscape>,
}

/// One model's surroundings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landscape {
    /// Which model.
    pub model: ProbedModel,
    /// The run whose weights these are.
    pub run: RunKey,
    /// One curve a direction.
    pub curves: Vec<DirectionCurve>,
}

/// Mean losses at each alpha along one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionCurve {
    /// Training loss; `None` where it is not finite.
    pub train: Vec<Option<f64>>,
    /// Test loss; `None` where it is not finite.
    pub test: Vec<Option<f64>>,
}

/// The distance up to which [`sharpness`] looks.
pub const SHARPNESS_ALPHA: f64 = 0.5;

/// How far the loss moves within half a filter's norm: the mean of `|L(x) - L(0)|` over the distances x of the curve with
/// `0 < |x| <= ` [`SHARPNESS_ALPHA`]; `None` where one of them is not finite, or there is none.
///
/// It has no sign: a model on a maximum of the loss is not flat.
pub fn sharpness(alphas: &[f64], losses: &[Option<f64>]) -> Option<f64> {
    let centre = loss_at_model(alphas, losses)?;
    let within = alphas.iter().zip(losses).filter(|(alpha, _)| (1e-9..=SHARPNESS_ALPHA + 1e-9).contains(&alpha.abs()));
    let moves: Vec<f64> = within.map(|(_, loss)| loss.map(|loss| (loss - centre).abs())).collect::<Option<_>>()?;
    (!moves.is_empty()).then(|| moves.iter().sum::<f64>() / moves.len() as f64)
}

/// The loss at the model itself; `None` where the curve lacks it.
pub fn loss_at_model(alphas: &[f64], losses: &[Option<f64>]) -> Option<f64> {
    let index = alphas.iter().position(|alpha| alpha.abs() < 1e-9)?;
    losses.get(index).copied().flatten()
}

impl Document for Flatness {
    const KIND: &'static str = "flatness-probe";
    const VERSION: u32 = 1;
}

/// How far the confidence of the models at the end of training is from their accuracy, on the whole test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Digest of what it was made from: the probe's definition and the records of its runs.
    pub made_from: Digest,
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The level of the model with flooding.
    pub level: Level,
    /// The models at the end of training.
    pub models: Vec<Reliability>,
}

impl Document for Calibration {
    const KIND: &'static str = "calibration-probe";
    const VERSION: u32 = 1;
}

/// One model's confidence: the probability that it gives to the class it predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Which model.
    pub model: ProbedModel,
    /// The run whose weights these are.
    pub run: RunKey,
    /// [`CONFIDENCE_BINS`] of equal width over (0, 1]; a confidence on an edge belongs to the bin below it.
    pub bins: Vec<ConfidenceBin>,
}

/// Equal bins of confidence.
pub const CONFIDENCE_BINS: usize = 15;

/// The examples whose confidence falls into one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceBin {
    /// How many.
    pub examples: u64,
    /// How many of them are classified as labelled (labels as they are, noise included).
    pub hits: u64,
    /// Sum of their confidences.
    pub confidence: f64,
}

impl Reliability {
    /// Expected calibration error (Naeini et al. 2015; Guo et al. 2017, equation 3): the mean over examples of
    /// |accuracy - mean confidence| of the example's bin.
    pub fn expected_calibration_error(&self) -> f64 {
        let gaps: f64 = self.bins.iter().map(|bin| (bin.hits as f64 - bin.confidence).abs()).sum();
        gaps / self.examples().max(1) as f64
    }

    /// All examples.
    pub fn examples(&self) -> u64 {
        self.bins.iter().map(|bin| bin.examples).sum()
    }

    /// Mean confidence, from 0 to 1.
    pub fn confidence(&self) -> f64 {
        self.bins.iter().map(|bin| bin.confidence).sum::<f64>() / self.examples().max(1) as f64
    }

    /// Accuracy, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.bins.iter().map(|bin| bin.hits as f64).sum::<f64>() / self.examples().max(1) as f64
    }
}

/// Test curves and gradients of a trial's compared runs, trained again with the same results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Digest of what it was made from: the probe's definition and the records of its runs.
    pub made_from: Digest,
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The level of the run with flooding.
    pub level: Level,
    /// Test examples that each point of the test curves is the mean over, the same throughout.
    pub test_points: u32,
    /// With flooding, then without.
    pub models: Vec<ReplayedRun>,
    /// Theorem 1 at the end of training with flooding.
    pub theorem: TheoremAtModel,
}

impl Document for Replay {
    const KIND: &'static str = "replay";
    const VERSION: u32 = 1;
}

/// One run, measured on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayedRun {
    /// With or without flooding.
    pub model: ProbedModel,
    /// The run of the grid that it repeats.
    pub run: RunKey,
    /// Epoch (from 1), test loss, test accuracy (from 0 to 1), at every epoch.
    pub test: Vec<(u32, f64, f64)>,
    /// Gradient norms at some epochs.
    pub gradients: Vec<(u32, GradientNorms)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sharpness_is_the_mean_move_within_half_a_norm_and_a_maximum_is_not_flat() {
        let alphas: Vec<f64> = (-4..=4).map(|i| f64::from(i) * 0.25).collect();
        let curve = |c: f64| alphas.iter().map(|a| Some(c * a * a + 1.0)).collect::<Vec<_>>();
        // 3/16 at a quarter and 3/4 at a half, on both sides.
        let expected = f64::midpoint(3.0 / 16.0, 0.75);
        for c in [3.0, -3.0] {
            assert!((sharpness(&alphas, &curve(c)).unwrap() - expected).abs() < 1e-12);
        }
        assert_eq!(sharpness(&alphas[..3], &curve(3.0)[..3]), None);
        let mut broken = curve(3.0);
        broken[3] = None;
        assert_eq!(sharpness(&alphas, &broken), None);
        broken = curve(3.0);
        broken[0] = None;
        assert!(sharpness(&alphas, &broken).is_some(), "beyond half a norm nothing is asked");
    }

    #[test]
    fn the_calibration_error_weighs_each_bins_gap_by_its_examples() {
        let mut bins = vec![ConfidenceBin::default(); CONFIDENCE_BINS];
        bins[8] = ConfidenceBin { examples: 30, hits: 15, confidence: 18.0 };
        bins[14] = ConfidenceBin { examples: 10, hits: 10, confidence: 9.8 };
        let run = RunKey::try_from("0".repeat(64)).unwrap();
        let reliability = Reliability { model: ProbedModel::With, run, bins };
        assert!((reliability.expected_calibration_error() - 3.2 / 40.0).abs() < 1e-12);
        assert!((reliability.accuracy() - 25.0 / 40.0).abs() < 1e-12);
        assert!((reliability.confidence() - 27.8 / 40.0).abs() < 1e-12);
    }
}
