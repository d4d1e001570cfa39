//! Rows that judge: the paper's claims and their verdicts, and the controls beside them.

use serde::{Deserialize, Serialize};

use crate::config::TableId;
use crate::level::Level;
use crate::store::Document;
use crate::tables::{Difference, MeanStd, Rows, Stopping};

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimGroup {
    /// Test accuracy and chosen levels.
    Accuracy,
    /// Why flooding works: losses, gradients, flatness, calibration.
    Mechanism,
    /// What is proved.
    Theory,
}

/// The verdict on one claim of the paper, over all readings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Short id.
    pub id: String,
    /// What it is about.
    pub group: ClaimGroup,
    /// The claim, in a sentence of ours.
    pub claim: String,
    /// Where the paper makes it.
    pub source: String,
    /// The verdict on its direction.
    pub verdict: Verdict,
    /// The verdict on its size; `None` where the paper gives no number.
    pub magnitude: Option<Magnitude>,
    /// What decides, in a sentence.
    pub rule: String,
    /// Why this rule and this margin.
    pub reason: String,
    /// The statistic behind the verdict, in words and digits.
    pub statistic: String,
    /// What the reader must know beside the verdict.
    pub qualification: Option<String>,
    /// The verdicts that it follows from: one a table and reading.
    pub readings: Vec<ClaimReading>,
    /// Settings behind it.
    pub settings: Vec<String>,
    /// How many complete runs are behind it; they are the rows of `runs` whose setting is among `settings`.
    pub runs: u64,
}

/// The verdict on a claim by one table of the paper under one reading.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimReading {
    /// The reading.
    pub reading: String,
    /// The paper's table whose settings were judged.
    pub table: Option<TableId>,
    /// The verdict on the direction.
    pub verdict: Verdict,
    /// The verdict on the size; `None` where the paper gives no number.
    pub magnitude: Option<Magnitude>,
    /// The pooled effect, positive where it favours the claim; `None` where the rule is about something else.
    pub effect: Option<f64>,
    /// Its two-sided 95% interval.
    pub interval: Option<(f64, f64)>,
    /// What the effect is measured in: `points`, `log ratio`, `share`, `level`.
    pub unit: String,
    /// The paper's effect on the same settings.
    pub paper_effect: Option<f64>,
    /// Its two-sided 95% interval.
    pub paper_interval: Option<(f64, f64)>,
    /// Settings judged, and how many the paper has.
    pub rows: (u32, u32),
    /// Trials behind it, all settings together.
    pub trials: u32,
    /// The statistic, in words and digits.
    pub statistic: String,
    /// Settings behind it.
    pub settings: Vec<String>,
}

/// The fixed vocabulary of verdicts on a claim's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The paper's whole grid was run and agrees.
    Confirmed,
    /// The paper's whole grid was run and disagrees.
    Contradicted,
    /// A reduced grid was run and agrees; it cannot confirm.
    ConsistentAtThisScale,
    /// A reduced grid was run and disagrees; it cannot contradict.
    InconsistentAtThisScale,
    /// At least one reading decides, and not all decide alike.
    DependsOnReading,
    /// It was tested and nothing is decided.
    Inconclusive,
    /// Too few of its settings, trials or levels were run to judge it.
    NotTested,
    /// Nothing that bears on it was run.
    NotRun,
}

impl Verdict {
    /// Every verdict, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::Confirmed,
        Self::Contradicted,
        Self::ConsistentAtThisScale,
        Self::InconsistentAtThisScale,
        Self::DependsOnReading,
        Self::Inconclusive,
        Self::NotTested,
        Self::NotRun,
    ];

    /// What it is called in text.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::ConsistentAtThisScale => "consistent at this scale",
            Self::InconsistentAtThisScale => "inconsistent at this scale",
            Self::DependsOnReading => "depends on the reading",
            Self::Inconclusive => "inconclusive",
            Self::NotTested => "not tested at this scale",
            Self::NotRun => "not run",
        }
    }

    /// Does it say that the paper is right?
    pub const fn agrees(self) -> bool {
        matches!(self, Self::Confirmed | Self::ConsistentAtThisScale)
    }

    /// Does it say that the paper is wrong?
    pub const fn disagrees(self) -> bool {
        matches!(self, Self::Contradicted | Self::InconsistentAtThisScale)
    }
}

/// The fixed vocabulary of verdicts on a claim's size, beside the paper's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Magnitude {
    /// Shown to differ from the paper's by less than the margin (two one-sided tests at 5%).
    AgreesWithThePaper,
    /// Smaller than the paper's (95% interval of the difference below 0).
    Smaller,
    /// Larger than the paper's (95% interval of the difference above 0).
    Larger,
    /// Neither.
    CannotBeTold,
    /// The readings do not all say the same.
    DependsOnReading,
}

impl Magnitude {
    /// What it is called in text.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::AgreesWithThePaper => "agrees with the paper's size",
            Self::Smaller => "smaller than the paper's",
            Self::Larger => "larger than the paper's",
            Self::CannotBeTold => "size cannot be told",
            Self::DependsOnReading => "size depends on the reading",
        }
    }
}

/// What the probes and the record of one trial say of the mechanism, with flooding at the compared level and without.
///
/// The compared level is the one above 0 with the best validation accuracy at the last epoch, the smallest of equals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialProbeRow {
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The compared level.
    pub level: Level,
    /// The epoch of the first mini-batch whose loss lay below the level; `None` where none did.
    pub flooded_from: Option<u32>,
    /// Mean filter-normalised gradient norm of the training loss over the last tenth of the epochs: with, without.
    pub train_gradient: Option<(f64, f64)>,
    /// The same of the test loss.
    pub test_gradient: Option<(f64, f64)>,
    /// Depth of the second descent of the test loss over its loss at the peak: with, without.
    pub descent: Option<(f64, f64)>,
    /// Mean unsigned rise of the test loss around the model: first crossing, with, without.
    pub rise: [Option<f64>; 3],
    /// Test loss of the same models on the probe's examples.
    pub test_loss: [Option<f64>; 3],
    /// Mean confidence minus accuracy on the test set, in points: with, without.
    pub overconfidence: Option<(f64, f64)>,
    /// Theorem 1 at the trained model with flooding.
    pub theorem: Option<TheoremAtModel>,
}

/// Theorem 1 at a trained model: empirical risks of n losses drawn with replacement from its test losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoremAtModel {
    /// Losses that an empirical risk averages: the number of training examples.
    pub n: u32,
    /// The risk R: the mean test loss.
    pub risk: f64,
    /// Pr[empirical risk < b].
    pub prob_below: f64,
    /// MSE of the empirical risk minus MSE of the flooded one.
    pub gain: f64,
    /// MSE of the empirical risk.
    pub mse_empirical: f64,
}

/// "With" against a placebo: as many baseline runs with fresh initial weights, selected the same way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaceboRow {
    /// The setting with flooding.
    pub setting: String,
    /// The placebo's setting.
    pub placebo_setting: String,
    /// The reading.
    pub reading: String,
    /// The paper's two labels of the row.
    pub row: [String; 2],
    /// Which sub-table.
    pub stopping: Stopping,
    /// Candidates among which "with" and the placebo were selected; a fair comparison has as many of each.
    pub candidates: (u32, u32),
    /// Test accuracy of b = 0, in percent, over the trials that both have.
    pub without: MeanStd,
    /// Test accuracy at the selected level.
    pub with: MeanStd,
    /// Test accuracy of the selected baseline run.
    pub placebo: MeanStd,
    /// What choosing among baselines gives by itself: placebo minus without.
    pub selection: Difference,
    /// Flooding's effect: with minus placebo.
    pub effect: Difference,
    /// With minus placebo of each trial, in points.
    pub per_trial: Vec<f64>,
}

/// Flooding's gain under one reading, in one setting or pooled over all of the reading's, beside the gain under the first
/// reading in the same settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorRow {
    /// The reading.
    pub reading: String,
    /// Its sentence.
    pub summary: String,
    /// The setting's labels in one line; `None` for all of the reading's settings together.
    pub row: Option<String>,
    /// Which sub-table.
    pub stopping: Stopping,
    /// Settings behind it.
    pub settings: u32,
    /// Trials of all of them together.
    pub trials: u32,
    /// With minus without, in points.
    pub gain: f64,
    /// Its 95% interval.
    pub interval: (f64, f64),
    /// The gain minus that under the first reading, in the settings that both have; `None` for that reading itself.
    pub change: Option<f64>,
    /// Its 95% interval.
    pub change_interval: Option<(f64, f64)>,
}

/// The baseline of one data set under one reading beside the paper's "without flooding".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineRow {
    /// The data set: the first label of the rows.
    pub dataset: String,
    /// The reading.
    pub reading: String,
    /// Its sentence.
    pub summary: String,
    /// One entry a row and sub-table.
    pub cells: Vec<BaselineCell>,
    /// The mean of the squared z-scores: about 1 is as good as chance allows. `None` where a cell is missing.
    pub mean_square: Option<f64>,
    /// Is it the least of this data set's readings that have every cell?
    pub closest: bool,
}

/// Our baseline beside the paper's, test accuracies in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineCell {
    /// The row's second label.
    pub row: String,
    /// Which sub-table.
    pub stopping: Stopping,
    /// Ours.
    pub ours: MeanStd,
    /// The paper's mean and standard deviation.
    pub paper: (f64, f64),
    /// (ours - the paper's) over the standard error.
    pub z: Option<f64>,
}

impl Document for Rows<ClaimRow> {
    const KIND: &'static str = "claims";
    const VERSION: u32 = 2;
}

impl Document for Rows<TrialProbeRow> {
    const KIND: &'static str = "trial-probes";
    const VERSION: u32 = 1;
}

impl Document for Rows<PlaceboRow> {
    const KIND: &'static str = "placebo";
    const VERSION: u32 = 1;
}

impl Document for Rows<FactorRow> {
    const KIND: &'static str = "factors";
    const VERSION: u32 = 1;
}

impl Document for Rows<BaselineRow> {
    const KIND: &'static str = "baselines";
    const VERSION: u32 = 1;
}
