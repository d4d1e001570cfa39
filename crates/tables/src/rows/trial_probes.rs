//! What the probes say of each trial.

use flooding_core::level::Level;

use crate::definition::{columns, table};

table! {
    "trial_probes" version 1,
    /// What the probes of one trial say of the mechanism, with flooding at the compared level and without. The compared level
    /// is the one above 0 with the best validation accuracy at the last epoch, the smallest of equals.
    pub struct TrialProbeRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// seed index
        trial: u32 => "",
        /// compared flood level
        level: Level => "nat",
        /// epoch of the first mini-batch whose loss lay below the level; empty where none did
        flooded_from: Option<u32> => "epoch",
        /// mean filter-normalised norm of the training loss gradient over the last tenth of the epochs
        train_gradient: Option<Pair> => "",
        /// mean filter-normalised norm of the test loss gradient over the last tenth of the epochs
        test_gradient: Option<Pair> => "",
        /// depth of the second descent of the test loss after flooding began, over the loss at its peak
        second_descent: Option<Pair> => "",
        /// mean unsigned change of the test loss within half a filter's norm
        sharpness: Three => "nat",
        /// test loss of the same models on the probe's examples
        test_loss: Three => "nat",
        /// mean confidence minus accuracy on the test set
        overconfidence: Option<Pair> => "percentage points",
        /// Theorem 1 at the end of training with flooding, its test losses resampled
        theorem: Option<TrainedTheorem> => "",
    }
}

columns! {
    /// With and without flooding.
    #[derive(Copy)]
    pub struct Pair {
        /// with flooding
        with: f64 => "",
        /// without flooding
        without: f64 => "",
    }
}

columns! {
    /// The three models of a trial.
    #[derive(Copy)]
    pub struct Three {
        /// first mini-batch below the level
        first_crossing: Option<f64> => "",
        /// end of training with flooding
        with: Option<f64> => "",
        /// end of training without flooding
        without: Option<f64> => "",
    }
}

columns! {
    /// Theorem 1 for empirical risks of n losses drawn with replacement.
    #[derive(Copy)]
    pub struct TrainedTheorem {
        /// losses that an empirical risk averages: the number of training examples
        n: u32 => "losses",
        /// risk R: the mean test loss
        risk: f64 => "nat",
        /// probability that the empirical risk is below b
        prob_below: f64 => "probability",
        /// MSE of the empirical risk minus MSE of the flooded one
        gain: f64 => "nat^2",
        /// MSE of the empirical risk
        mse_empirical: f64 => "nat^2",
    }
}
