//! How much of a gain is the choice among levels, and how much spread the finite test set alone explains.

use serde::{Deserialize, Serialize};

use super::{Checkpoint, Interval, MeanStd};
use crate::definition::table;

/// How a level is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelChoice {
    /// In each trial the level that is best on its validation set: the paper's.
    PerTrial,
    /// One level for all trials: the best on the validation sets on average.
    Fixed,
    /// In each trial the level that is best on the test set: what no method can know.
    Oracle,
}

table! {
    "selection_noise" version 1,
    /// Test accuracy at the level that one of three ways of choosing selects, for one setting and checkpoint selection.
    /// What per-trial choice loses against the fixed level is noise of the validation set; what the oracle gains over it
    /// is in part noise of the test set.
    pub struct SelectionNoiseRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// `per-trial`, `fixed` or `oracle`
        choice: LevelChoice => "",
        /// levels to choose from, b = 0 among them
        levels: u32 => "levels",
        /// examples of a validation set
        validation_examples: u32 => "examples",
        /// selected level
        level: MeanStd => "nat",
        /// test accuracy there
        accuracy: MeanStd => "%",
        /// test accuracy there minus that without flooding
        gain: MeanStd => "percentage points",
        /// 95% confidence interval of the gain (paired t); empty for one trial
        gain_ci: Option<Interval> => "percentage points",
    }
}

table! {
    "spread" version 1,
    /// A sanity check: the spread of a test accuracy over trials beside the spread that a finite test set gives by itself.
    /// A smaller spread than that would need trials that share test examples.
    pub struct SpreadRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// at the selected level (`true`) or without flooding (`false`)
        with_flooding: bool => "",
        /// examples of a test set
        test_examples: u32 => "examples",
        /// do the trials share one test set? Its spread is then no part of theirs
        shared_test_set: bool => "",
        /// test accuracy over trials
        accuracy: MeanStd => "%",
        /// the standard deviation that the test set gives by itself: that of a share among so many examples
        test_set_std: f64 => "%",
        /// probability of a spread as small as ours or smaller if the test set were its only source (chi-squared); empty
        /// for one trial or a shared test set
        p_smaller: Option<f64> => "probability",
        /// the paper's standard deviation over trials
        paper_std: Option<f64> => "%",
    }
}
