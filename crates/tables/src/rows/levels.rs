//! Accuracy and loss against the flood level.

use flooding_core::level::Level;

use super::{Checkpoint, Interval, MeanStd};
use crate::definition::table;

table! {
    "levels" version 2,
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
        /// 95% confidence interval of the mean test accuracy; empty for one trial
        test_accuracy_ci: Option<Interval> => "%",
        /// training loss
        train_loss: MeanStd => "nat",
        /// test loss
        test_loss: MeanStd => "nat",
        /// training examples with a flipped label that are classified as labelled (memorised); empty without flipped labels,
        /// or where their number is not known exactly
        fit_flipped: Option<MeanStd> => "%",
        /// training examples with an unflipped label that are classified as labelled
        fit_unflipped: Option<MeanStd> => "%",
        /// test accuracy against the labels before noise
        test_clean_accuracy: MeanStd => "%",
    }
}
