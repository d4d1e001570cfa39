//! Learning curves and what is measured on them.

use flooding_core::level::Level;

use super::{Interval, MeanStd, Measured};
use crate::definition::{BadCell, Cell, Cells, Column, Field, Table, columns, table};

table! {
    "curves" version 2,
    /// One epoch of one flood level of a setting, averaged over trials.
    pub struct CurveRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// flood level b
        level: Level => "nat",
        /// epoch, from 1
        epoch: u32 => "epoch",
        /// trials averaged
        trials: u32 => "trials",
        /// mean loss (without flooding) of the epoch's mini-batches, each before its update
        batch_loss: Option<f64> => "nat",
        /// training set; empty at epochs where it was not evaluated
        train: Option<Measured> => "",
        /// validation set
        validation: Measured => "",
        /// trials averaged for the test set: those that evaluate it on the way
        test_trials: u32 => "trials",
        /// test set; empty at epochs where it was not evaluated
        test: Option<Measured> => "",
        /// trials averaged for the gradients: those that measure them
        gradient_trials: u32 => "trials",
        /// filter-normalised norm of the loss gradient; empty at epochs where it was not measured
        gradient_norm: Option<GradientNorms> => "",
    }
}

columns! {
    /// Filter-normalised gradient norms.
    #[derive(Copy)]
    pub struct GradientNorms {
        /// of the training loss
        train: f64 => "",
        /// of the test loss
        test: f64 => "",
    }
}

/// A row of `curves` that the report draws.
#[derive(Clone, Debug, PartialEq)]
pub struct CurvePoint(pub CurveRow);

impl Field for CurvePoint {
    const WIDTH: usize = CurveRow::WIDTH;

    fn describe(column: Column, columns: &mut Vec<Column>) {
        CurveRow::describe(column, columns);
    }

    fn put(&self, cells: &mut Vec<Cell>) {
        self.0.put(cells);
    }

    fn take(cells: &mut Cells) -> Result<Self, BadCell> {
        CurveRow::take(cells).map(Self)
    }
}

impl Table for CurvePoint {
    const NAME: &'static str = "curve_points";
    const VERSION: u32 = CurveRow::VERSION;
    const ABOUT: &'static str = " The rows of `curves` that the figures draw: no more than 125 epochs of a setting, the\n \
                                 first and the last among them (Figures 1, 2, 4, 6 and 7).\n";
}

table! {
    "second_descents" version 1,
    /// The second descent of the test loss of one flood level of a setting (Section 1, Figures 2 and 6).
    ///
    /// Measured on the mean curve over trials, at the epochs where the test set was evaluated. For an epoch e, the rise
    /// is the loss at e minus the least loss up to e, and the fall is the loss at e minus the least loss from e on; the
    /// peak is the epoch where the smaller of the two is largest. A curve that only falls, or only rises, has depth 0.
    pub struct DescentRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// flood level b
        level: Level => "nat",
        /// trials averaged
        trials: u32 => "trials",
        /// epoch of the local maximum of the mean test loss
        peak_epoch: u32 => "epoch",
        /// 95% bootstrap interval of `peak_epoch` over trials; empty for one trial
        peak_epoch_ci: Option<Interval> => "epoch",
        /// mean test loss at the peak
        peak_loss: f64 => "nat",
        /// epoch of the least mean test loss after the peak: the end of the second descent
        valley_epoch: u32 => "epoch",
        /// mean test loss at the end of the second descent
        valley_loss: f64 => "nat",
        /// rise from the first minimum to the peak
        rise: f64 => "nat",
        /// fall from the peak to the end of the second descent
        fall: f64 => "nat",
        /// depth of the second descent: the smaller of rise and fall
        depth: f64 => "nat",
        /// 95% bootstrap interval of `depth` over trials; empty for one trial
        depth_ci: Option<Interval> => "nat",
    }
}

table! {
    "final_training_loss" version 1,
    /// Where the training loss of one flood level of a setting is at the end of training (Figure 1 (b)): each run is
    /// averaged over its last epochs, the last tenth of them and no fewer than five; then runs are averaged.
    pub struct FinalLossRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// flood level b
        level: Level => "nat",
        /// training examples of each run
        train_examples: u32 => "examples",
        /// validation examples of each run
        validation_examples: u32 => "examples",
        /// test examples of each run
        test_examples: u32 => "examples",
        /// first epoch averaged
        first_epoch: u32 => "epoch",
        /// last epoch averaged
        last_epoch: u32 => "epoch",
        /// loss (without flooding) of the mini-batches, each before its update
        batch_loss: MeanStd => "nat",
        /// loss of the whole training set after each epoch, in evaluation mode
        train_loss: MeanStd => "nat",
        /// least `train_loss` of any of these epochs and trials
        train_loss_min: f64 => "nat",
        /// greatest `train_loss` of any of these epochs and trials
        train_loss_max: f64 => "nat",
        /// training accuracy after each epoch
        train_accuracy: MeanStd => "%",
    }
}

table! {
    "run_ends" version 1,
    /// What the history of one complete run says of its end and of when flooding began.
    pub struct RunEndRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// seed index
        trial: u32 => "",
        /// flood level b
        level: Level => "nat",
        /// loss of the whole training set, averaged over the last tenth of the epochs (no fewer than five); empty where none of
        /// them evaluated it
        train_loss: Option<f64> => "nat",
        /// epoch of the first mini-batch below the level; empty where none was
        flooded_from: Option<u32> => "epoch",
    }
}
