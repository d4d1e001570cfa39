//! Flatness (Figures 5 and 8) and calibration.

use flooding_core::level::Level;

use super::{GradientNorms, Interval, MeanStd};
use crate::definition::{columns, table};
use crate::probes::ProbedModel;

table! {
    "flatness" version 1,
    /// The loss of one model at one distance from its weights, over all directions and trials of a setting.
    pub struct FlatnessRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// model: `first-crossing`, `with` or `without` flooding
        model: ProbedModel => "",
        /// flood levels of the models with flooding, one a trial
        levels: Vec<Level> => "nat",
        /// directions of each trial
        directions: u32 => "directions",
        /// training examples that the loss is a mean over
        train_examples: u32 => "examples",
        /// test examples that the loss is a mean over
        test_examples: u32 => "examples",
        /// distance along a direction
        alpha: f64 => "filter norms",
        /// training loss; empty where one of the losses is not finite
        train_loss: Option<Band> => "nat",
        /// test loss; empty where one of the losses is not finite
        test_loss: Option<Band> => "nat",
    }
}

columns! {
    /// Mean, least and greatest of several curves at one point.
    #[derive(Copy)]
    pub struct Band {
        /// mean
        mean: f64 => "",
        /// least
        min: f64 => "",
        /// greatest
        max: f64 => "",
    }
}

table! {
    "sharpness" version 2,
    /// The sharpness of a setting's models: the mean of |L(x) - L(0)| over the distances x within half a filter's norm.
    pub struct SharpnessRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// model
        model: ProbedModel => "",
        /// flood levels of the models with flooding, one a trial
        levels: Vec<Level> => "nat",
        /// trials
        trials: u32 => "trials",
        /// directions of each trial
        directions: u32 => "directions",
        /// sharpness of the training loss
        train: Option<Sharpness> => "nat",
        /// sharpness of the test loss
        test: Option<Sharpness> => "nat",
    }
}

columns! {
    /// A mean change of the loss with its interval.
    #[derive(Copy)]
    pub struct Sharpness {
        /// mean over directions and trials
        change: f64 => "",
        /// 95% t-interval over the means of the trials; empty for a single trial
        change_ci: Option<Interval> => "",
        /// mean change minus that without flooding, direction by direction; empty for that model itself
        minus_without: Option<f64> => "",
        /// 95% t-interval of that difference over trials; empty for a single one
        minus_without_ci: Option<Interval> => "",
    }
}

table! {
    "calibration" version 1,
    /// The calibration of one model at the end of training, over the trials of a setting.
    pub struct CalibrationRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// model
        model: ProbedModel => "",
        /// flood level of the model with flooding, one a trial
        levels: Vec<Level> => "nat",
        /// expected calibration error over 15 bins of equal width
        expected_calibration_error: MeanStd => "%",
        /// test accuracy
        accuracy: MeanStd => "%",
        /// confidence of the predictions
        confidence: MeanStd => "%",
    }
}

table! {
    "reliability_bins" version 1,
    /// One bin of a reliability diagram: the test examples, of all trials of a setting, whose confidence falls into it.
    pub struct ReliabilityBinRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// model
        model: ProbedModel => "",
        /// bin, from 0: the confidences above bin / 15, up to (bin + 1) / 15
        bin: u32 => "",
        /// examples in the bin
        examples: u64 => "examples",
        /// examples in the bin that are classified as labelled
        hits: u64 => "examples",
        /// sum of the confidences of the examples in the bin
        confidence: f64 => "examples",
    }
}

table! {
    "replays" version 1,
    /// One epoch of the compared runs, trained again and measured on the way: means over the probed trials. Every point of
    /// a test curve is measured on the same test examples.
    pub struct ReplayRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// model: `with` or `without` flooding
        model: ProbedModel => "",
        /// flood levels of the runs with flooding, one a trial
        levels: Vec<Level> => "nat",
        /// epoch, from 1
        epoch: u32 => "epoch",
        /// trials averaged
        trials: u32 => "trials",
        /// test examples that each trial's loss and accuracy are measured on
        test_examples: u32 => "examples",
        /// test loss
        test_loss: Band => "nat",
        /// test accuracy
        test_accuracy: Band => "%",
        /// filter-normalised norm of the loss gradient; empty at epochs where it was not measured
        gradient_norm: Option<GradientNorms> => "",
    }
}
