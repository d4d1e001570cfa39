//! Every run of the plan.

use flooding_core::level::Level;
use flooding_core::spec::RunKey;

use super::RunStatus;
use crate::definition::{columns, table};

table! {
    "runs" version 1,
    /// One run of the plan: a setting, a trial and a flood level.
    pub struct RunRow {
        /// run key
        key: RunKey => "",
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// seed index
        trial: u32 => "",
        /// flood level b
        level: Level => "nat",
        /// `complete`, `failed`, `damaged` or `missing`
        status: RunStatus => "",
        /// why there are no results; empty where there are
        cause: Option<String> => "",
        /// at the last epoch
        at_last: Option<EpochAccuracy> => "",
        /// at the first epoch with the best validation accuracy
        at_best_validation: Option<EpochAccuracy> => "",
    }
}

impl RunRow {
    /// The run's name in messages, such as `spiral-high t00 b0.05`.
    pub fn id(&self) -> String {
        format!("{} t{:02} b{}", self.setting, self.trial, self.level)
    }
}

columns! {
    /// The accuracies at one epoch.
    #[derive(Copy)]
    pub struct EpochAccuracy {
        /// the epoch, from 1
        epoch: u32 => "epoch",
        /// training accuracy
        train_accuracy: f64 => "%",
        /// validation accuracy
        validation_accuracy: f64 => "%",
        /// test accuracy
        test_accuracy: f64 => "%",
    }
}
