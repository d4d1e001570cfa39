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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
