//! The rows that `verify` and `aggregate` write and `render` reads: the contract between numbers and pictures.
//!
//! Each set of rows is one JSON document under `data/tables/` (or `data/theorem/`); `aggregate` writes the same rows as
//! Parquet and CSV beside it. Accuracies are percentages (0 to 100) here, as in the paper's tables.

use serde::{Deserialize, Serialize};

use crate::config::{Scenario, TableId};
use crate::level::Level;
use crate::plan::LeftOut;
use crate::record::Provenance;
use crate::spec::RunKey;
use crate::store::Document;
use crate::work::Gap;

/// Rows that are stored as one document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rows<T>(pub Vec<T>);

macro_rules! row_documents {
    ($($row:ty => $kind:literal),* $(,)?) => {$(
        impl Document for Rows<$row> {
            const KIND: &'static str = $kind;
            const VERSION: u32 = 1;
        }
    )*};
}

row_documents! {
    AccuracyRow => "accuracy-table",
    CurveRow => "curves",
    LevelRow => "levels",
    RunRow => "runs",
    TheoremRow => "theorem",
    TheoremCheck => "theorem-checks",
    ClaimRow => "claims",
    DescentRow => "second-descents",
    FloatRow => "floats",
}

/// Mean and standard deviation (n - 1) over trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanStd {
    /// How many trials.
    pub n: u32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation; `None` for one trial.
    pub std: Option<f64>,
}

/// Last epoch or selected epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Stopping {
    /// Sub-table (A): the last epoch.
    #[serde(rename = "A")]
    LastEpoch,
    /// Sub-table (B): per level the first epoch with the best validation accuracy.
    #[serde(rename = "B")]
    EarlyStopping,
}

/// One comparison of Table 2 or 3: without against with flooding, for one setting and one way of stopping.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// Typographic marks: each is a column of its own.
#[allow(clippy::struct_excessive_bools)]
pub struct AccuracyRow {
    /// The setting's id.
    pub setting: String,
    /// The paper's two labels of the row.
    pub row: [String; 2],
    /// The paper's table.
    pub table: Option<TableId>,
    /// The reading.
    pub reading: String,
    /// Which sub-table.
    pub stopping: Stopping,
    /// Trials asked for by the plan.
    pub trials: u32,
    /// Levels asked for by the plan.
    pub levels: u32,
    /// The paper's number of trials and levels.
    pub full_grid: (u32, u32),
    /// How the runs depart from the paper's protocol.
    pub reduced: Vec<String>,
    /// Test accuracy of b = 0, in percent; `None` where no trial is whole.
    pub without: Option<MeanStd>,
    /// Test accuracy at the selected level (b = 0 included), in percent.
    pub with: Option<MeanStd>,
    /// The selected level.
    pub chosen_b: Option<MeanStd>,
    /// With minus without, per trial.
    pub difference: Option<Difference>,
    /// Is "without" the best, or not different from the best at 1% by Student's t-test?
    pub bold_without: bool,
    /// Is "with" the best, or not different from the best at 1%?
    pub bold_with: bool,
    /// Was b = 0 selected in every trial, so that "with" is the baseline itself? Table 3 then prints a dash.
    #[serde(default)]
    pub dash: bool,
    /// Is "without" the best of all cells of its data set and reading, both ways of stopping together? Table 3
    /// underlines it.
    #[serde(default)]
    pub underline_without: bool,
    /// Is "with" the best of all cells of its data set and reading?
    #[serde(default)]
    pub underline_with: bool,
    /// Two-sided 95% interval of the mean "without", in percent; `None` for one trial.
    #[serde(default)]
    pub without_interval: Option<(f64, f64)>,
    /// Two-sided 95% interval of the mean "with", in percent; `None` for one trial.
    #[serde(default)]
    pub with_interval: Option<(f64, f64)>,
    /// The paper's numbers for this row.
    pub paper: Option<PaperCell>,
    /// One entry a whole trial, in order.
    pub per_trial: Vec<TrialChoice>,
    /// Runs that are missing, by id.
    pub missing: Vec<String>,
    /// How selection depends on what the paper leaves open.
    pub sensitivity: Vec<Sensitivity>,
}

/// The difference of the two means and the tests on it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of "with" minus mean of "without", in percentage points.
    pub mean: f64,
    /// Two-sided 95% interval of it (Student); `None` for one trial.
    pub interval: Option<(f64, f64)>,
    /// Two-sided p-value of the unpaired Student test: the main one.
    pub p_student: Option<f64>,
    /// Of Welch's test.
    pub p_welch: Option<f64>,
    /// Of the paired test.
    pub p_paired: Option<f64>,
    /// Student's, corrected over the table by Holm's method.
    pub p_holm: Option<f64>,
    /// Cohen's d with the pooled standard deviation.
    pub effect: Option<f64>,
    /// Power of the Student test at 1% to see the observed effect with this number of trials.
    pub power: Option<f64>,
}

/// What the paper's table says; accuracies in percent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
// Typographic marks: each is a mark of its own in the table.
#[allow(clippy::struct_excessive_bools)]
pub struct PaperCell {
    /// Without flooding: mean, and standard deviation where the table gives one.
    pub without: Option<(f64, Option<f64>)>,
    /// With flooding; `None` where the table prints a dash (b = 0 was chosen).
    pub with: Option<(f64, Option<f64>)>,
    /// The chosen level.
    pub chosen_b: Option<(f64, f64)>,
    /// Bold in the paper.
    pub bold_without: bool,
    /// Bold in the paper.
    pub bold_with: bool,
    /// Underlined in the paper (Table 3: the best cell of its data set).
    #[serde(default)]
    pub underline_without: bool,
    /// Underlined in the paper.
    #[serde(default)]
    pub underline_with: bool,
    /// (ours - theirs) / standard error from both standard deviations, for "without" and "with".
    pub z: Option<(f64, f64)>,
}

/// What selection did in one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialChoice {
    /// Seed index.
    pub trial: u32,
    /// Test accuracy of b = 0, in percent.
    pub without: f64,
    /// Test accuracy of the selected level, in percent.
    pub with: f64,
    /// The selected level.
    pub level: Level,
    /// The epoch reported for b = 0 and for the selected level.
    pub epochs: (u32, u32),
    /// The run of b = 0.
    pub baseline_run: RunKey,
    /// The run of the selected level.
    pub selected_run: RunKey,
    /// Training accuracy of the selected run at the reported epoch, in percent.
    pub train_accuracy: f64,
}

/// Mean test accuracy "with" under another choice of what the paper leaves open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// What was chosen otherwise, such as `ties: largest b` or `clean validation labels`.
    pub choice: String,
    /// Mean test accuracy "with", in percent.
    pub with: f64,
    /// Mean selected level.
    pub chosen_b: f64,
}

/// One setting, level and way of stopping, averaged over trials (Figure 3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LevelRow {
    /// The setting's id.
    pub setting: String,
    /// The flood level.
    pub level: Level,
    /// Last or selected epoch.
    pub stopping: Stopping,
    /// Training accuracy in percent.
    pub train_accuracy: MeanStd,
    /// Validation accuracy in percent.
    pub validation_accuracy: MeanStd,
    /// Test accuracy in percent.
    pub test_accuracy: MeanStd,
    /// Training loss.
    pub train_loss: MeanStd,
    /// Test loss.
    pub test_loss: MeanStd,
    /// In how many trials this level was the selected one.
    pub chosen_in: u32,
}

/// One epoch of one level of a setting, averaged over trials (Figures 1, 2, 4, 6, 7).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveRow {
    /// The setting's id.
    pub setting: String,
    /// The flood level.
    pub level: Level,
    /// Epoch from 1.
    pub epoch: u32,
    /// Trials averaged.
    pub trials: u32,
    /// Mean un-flooded loss of the epoch's mini-batches, each before its update.
    #[serde(default)]
    pub batch_loss: Option<f64>,
    /// Training loss and accuracy (percent), at the epochs where it was evaluated.
    pub train: Option<(f64, f64)>,
    /// Validation loss and accuracy (percent).
    pub validation: (f64, f64),
    /// Test loss and accuracy (percent), at the epochs where it was evaluated.
    pub test: Option<(f64, f64)>,
    /// Per-filter gradient norm of the training and test loss, at the epochs where it was measured.
    pub gradients: Option<(f64, f64)>,
}

/// One run, for provenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    /// The run's key.
    pub key: RunKey,
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The flood level.
    pub level: Level,
    /// `complete`, or the cause of failure.
    pub status: String,
    /// Last epoch: training, validation, test accuracy in percent.
    pub last: Option<[f64; 3]>,
    /// Selected epoch: the epoch, then training, validation, test accuracy in percent.
    pub best: Option<(u32, [f64; 3])>,
}

/// One cell of the check of Theorem 1: a scenario, a sample size and a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoremRow {
    /// The loss distribution.
    pub scenario: Scenario,
    /// Losses averaged by an empirical risk.
    pub n: u32,
    /// The flood level.
    pub level: f64,
    /// The true risk R.
    pub risk: f64,
    /// MSE of the empirical risk.
    pub mse_empirical: Estimate,
    /// MSE of the flooded empirical risk.
    pub mse_flooded: Estimate,
    /// MSE of the empirical risk minus MSE of the flooded one.
    pub gain: Estimate,
    /// E[(b - empirical risk)+].
    pub shortfall: Estimate,
    /// Pr[empirical risk < b].
    pub prob_below: Estimate,
}

/// An exact value and its Monte Carlo estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// By closed form or quadrature.
    pub exact: f64,
    /// By Monte Carlo.
    pub mc: f64,
    /// Standard error of `mc`.
    pub se: f64,
}

/// One line of the theorem's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TheoremCheck {
    /// What is checked, such as `identity gain = 4 (R - b) E[(b - R^)+]`.
    pub statement: String,
    /// Where in the paper.
    pub source: String,
    /// Did it hold?
    pub passed: bool,
    /// Cells looked at.
    pub cells: u32,
    /// The statistic, in words and digits.
    pub detail: String,
}

/// The verdict on one claim of the paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Short id.
    pub id: String,
    /// The claim, in a sentence of ours.
    pub claim: String,
    /// Where the paper makes it.
    pub source: String,
    /// The reading it was judged under.
    pub reading: String,
    /// The judgement.
    pub verdict: Verdict,
    /// The statistic behind it, in words and digits.
    pub statistic: String,
    /// Settings behind it.
    pub settings: Vec<String>,
    /// What would confirm it and what would contradict it, in a sentence.
    #[serde(default)]
    pub rule: String,
    /// How many complete runs are behind it; they are the rows of `runs` whose setting is among `settings`.
    #[serde(default)]
    pub runs: u64,
}

/// The second descent of the test loss of one level of a setting (paper, Section 1 and Figures 2 and 6).
///
/// Measured on the mean curve over trials, at the epochs where the test set was evaluated. For an epoch e, the rise is
/// the loss at e minus the least loss up to e, and the fall is the loss at e minus the least loss from e on; the peak
/// is the epoch where the smaller of the two is largest. A curve that only falls, or only rises, has depth 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DescentRow {
    /// The setting's id.
    pub setting: String,
    /// The flood level.
    pub level: Level,
    /// Trials averaged.
    pub trials: u32,
    /// Epoch of the local maximum.
    pub peak_epoch: u32,
    /// Mean test loss there.
    pub peak_loss: f64,
    /// Epoch of the least test loss after the peak: the end of the second descent.
    pub valley_epoch: u32,
    /// Mean test loss there.
    pub valley_loss: f64,
    /// Rise from the first minimum to the peak.
    pub rise: f64,
    /// Fall from the peak to the valley.
    pub fall: f64,
    /// The smaller of rise and fall: how deep the second descent is beyond doubt.
    pub depth: f64,
    /// 95% bootstrap interval of `peak_epoch` over trials; `None` for one trial.
    pub peak_epoch_interval: Option<(f64, f64)>,
    /// 95% bootstrap interval of `depth` over trials; `None` for one trial.
    pub depth_interval: Option<(f64, f64)>,
}

/// Where the training loss of one level of a setting has gone by the end of training (paper, Figure 1 (b)).
///
/// Each run is averaged over its last epochs, the last tenth of them and at least five; then runs are averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloatRow {
    /// The setting's id.
    pub setting: String,
    /// The flood level.
    pub level: Level,
    /// Training, validation and test examples of each run.
    pub examples: [u32; 3],
    /// The first and the last epoch averaged.
    pub epochs: (u32, u32),
    /// Un-flooded loss of the mini-batches, each before its update.
    pub batch_loss: MeanStd,
    /// Loss of the whole training set after each epoch, in evaluation mode.
    pub train_loss: MeanStd,
    /// The least and the greatest `train_loss` of any of these epochs and trials.
    pub train_loss_range: (f64, f64),
    /// Training accuracy after each epoch, in percent.
    pub train_accuracy: MeanStd,
}

/// The fixed vocabulary of judgements.
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
    /// It was run and decides nothing.
    Inconclusive,
    /// Nothing that bears on it was run.
    NotRun,
}

/// What the report says about the whole: written by `aggregate` from what it was handed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The profile's name.
    pub profile: String,
    /// The command line's options that changed it, each without dashes and with its value.
    #[serde(default)]
    pub options: Vec<(String, String)>,
    /// Its sentence.
    pub summary: String,
    /// The seed of all streams.
    pub master_seed: u64,
    /// The readings run, with their sentences.
    pub readings: Vec<(String, String)>,
    /// Runs of the plan, and how many of them have complete records.
    pub runs: (u64, u64),
    /// What should be there and is not.
    pub gaps: Vec<Gap>,
    /// Settings that this plan does not contain.
    pub left_out: Vec<LeftOut>,
    /// The software and machines that made the records, each distinct one once; durations set to zero.
    pub made_by: Vec<Provenance>,
    /// The image data sets used.
    pub datasets: Vec<DatasetRow>,
    /// `pipeline.toml`, as it was.
    pub configuration: String,
}

/// A data set, for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRow {
    /// Its name.
    pub name: String,
    /// Where its digests come from and how it may be used.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Name, bytes and SHA-256 of each file.
    pub files: Vec<(String, u64, String)>,
}

impl Document for Overview {
    const KIND: &'static str = "overview";
    const VERSION: u32 = 1;
}
