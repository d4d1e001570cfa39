//! Accuracy and loss against the flood level.

use flooding_core::level::Level;

use super::{Checkpoint, MeanStd};
use crate::definition::table;

table! {
    "levels" version 1,
    /// One setting, flood level and checkpoint selection, averaged over complete runs (Figure 3).
    pub struct LevelRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// flood level b
        level: Level => "nat",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// trials in which this level was selected
        selected_in: u32 => "trials",
        /// training accuracy
        train_accuracy: MeanStd => "%",
        /// validation accuracy
        validation_accuracy: MeanStd => "%",
        /// test accuracy
        test_accuracy: MeanStd => "%",
        /// training loss
        train_loss: MeanStd => "nat",
        /// test loss
        test_loss: MeanStd => "nat",
    }
}
