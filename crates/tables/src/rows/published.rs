//! The runs behind a published report.

use flooding_core::level::Level;
use flooding_core::spec::RunKey;

use crate::definition::{columns, table};

table! {
    "published_runs" version 1,
    /// One complete run behind a published report, with who made it: enough to recompute every cell of the accuracy tables,
    /// and to check the run by training it again (`pipeline compare`).
    pub struct PublishedRunRow {
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
        /// was any mini-batch loss at or below the level? Empty where the mean loss is not flooded
        crossed: Option<bool> => "",
        /// optimiser step, from 1, of the first mini-batch whose loss was at or below the level
        first_crossing: Option<u64> => "step",
        /// at the last epoch
        at_last: PublishedOutcome => "",
        /// at the first epoch with the best validation accuracy
        at_best_validation: PublishedOutcome => "",
        /// SHA-256 of the run's record
        record: String => "",
        /// `cpu` or the GPU's name
        device: Option<String> => "",
        /// processor and vector instructions
        processor: Option<String> => "",
        /// commit of the software
        commit: Option<String> => "",
        /// wall-clock time of the run
        seconds: Option<f64> => "s",
    }
}

columns! {
    /// Losses and accuracies at one epoch.
    #[derive(Copy)]
    pub struct PublishedOutcome {
        /// the epoch, from 1
        epoch: u32 => "epoch",
        /// training loss
        train_loss: f64 => "nat",
        /// training accuracy
        train_accuracy: f64 => "%",
        /// validation loss
        validation_loss: f64 => "nat",
        /// validation accuracy
        validation_accuracy: f64 => "%",
        /// test loss
        test_loss: f64 => "nat",
        /// test accuracy
        test_accuracy: f64 => "%",
        /// test accuracy against the labels before noise
        test_clean_accuracy: f64 => "%",
    }
}
