//! Values that fill several columns of several tables, and the words of the columns that hold one of a few.

use serde::{Deserialize, Serialize};

use crate::definition::columns;

columns! {
    /// Mean and standard deviation over trials.
    #[derive(Copy)]
    pub struct MeanStd {
        /// number of trials
        n: u32 => "trials",
        /// mean over trials
        mean: f64 => "",
        /// standard deviation over trials (n - 1); empty for one trial
        std: Option<f64> => "",
    }
}

columns! {
    /// An interval.
    #[derive(Copy)]
    pub struct Interval {
        /// lower end
        low: f64 => "",
        /// upper end
        high: f64 => "",
    }
}

impl From<(f64, f64)> for Interval {
    fn from((low, high): (f64, f64)) -> Self {
        Self { low, high }
    }
}

columns! {
    /// Loss and accuracy on one split.
    #[derive(Copy)]
    pub struct Measured {
        /// cross-entropy
        loss: f64 => "nat",
        /// accuracy
        accuracy: f64 => "%",
    }
}

/// Which checkpoint of a run is evaluated (checkpoint selection).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checkpoint {
    /// The last epoch: sub-table (A) of the paper.
    LastEpoch,
    /// The first epoch with the best validation accuracy, that is, early stopping: sub-table (B) of the paper.
    BestValidation,
}

/// What became of a run of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    /// It has a record with results.
    Complete,
    /// Training failed.
    Failed,
    /// Its record cannot be used.
    Damaged,
    /// It has no record.
    Missing,
}

/// What a claim is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimGroup {
    /// Test accuracy and selected levels.
    Accuracy,
    /// Why flooding works: losses, gradients, flatness, calibration.
    Mechanism,
    /// What is proved.
    Theory,
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
