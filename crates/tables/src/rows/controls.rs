//! Controls: a placebo for selection, flooding's gain by reading, and the baselines beside the paper's.

use super::{Checkpoint, Difference, Interval, MeanStd, Printed};
use crate::definition::table;

table! {
    "placebo" version 1,
    /// Flooding at the selected level beside a placebo: as many baseline runs with fresh initial weights, selected the same
    /// way. Flooding's effect is what remains.
    pub struct PlaceboRow {
        /// id of the setting with flooding
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// id of the placebo's setting
        placebo_setting: String => "",
        /// first label of the row in the paper's table
        data: String => "",
        /// second label of the row in the paper's table
        setup: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// runs among which the one with flooding was selected
        candidates: u32 => "runs",
        /// runs among which the placebo was selected; a fair comparison has as many
        placebo_candidates: u32 => "runs",
        /// test accuracy without flooding (b = 0), over the trials that both settings have
        without: MeanStd => "%",
        /// test accuracy at the selected flood level
        with: MeanStd => "%",
        /// test accuracy of the selected baseline run
        placebo: MeanStd => "%",
        /// what selecting among baselines gives by itself: placebo minus without
        selection: Difference => "percentage points",
        /// flooding's effect: with minus placebo
        effect: Difference => "percentage points",
    }
}

table! {
    "gain_by_reading" version 1,
    /// Flooding's gain under one reading, in one setting or over all of the reading's settings of Table 2, beside the gain
    /// under the first reading in the same settings.
    pub struct GainRow {
        /// interpretation of the paper
        reading: String => "",
        /// what the reading is
        summary: String => "",
        /// the row of the paper's table; empty for all of the reading's settings together
        row: Option<String> => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// settings
        settings: u32 => "settings",
        /// trials of all of them together
        trials: u32 => "trials",
        /// test accuracy with minus without flooding
        gain: f64 => "percentage points",
        /// 95% confidence interval of the gain
        gain_ci: Interval => "percentage points",
        /// gain minus that under the first reading, in the settings that both have; empty for that reading itself
        change: Option<f64> => "percentage points",
        /// 95% confidence interval of the change
        change_ci: Option<Interval> => "percentage points",
    }
}

table! {
    "baselines" version 1,
    /// Test accuracy without flooding in one row of Table 2 under one reading, beside the paper's.
    pub struct BaselineRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// what the reading is
        summary: String => "",
        /// first label of the row in the paper's table
        data: String => "",
        /// second label of the row in the paper's table
        setup: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// ours
        ours: MeanStd => "%",
        /// the paper's
        paper: Printed => "%",
        /// (ours - the paper's) / standard error from both standard deviations
        z: Option<f64> => "standard errors",
        /// mean of z squared over this dataset's rows and checkpoint selections under this reading: about 1 is as good as
        /// chance allows; empty where one is missing
        mean_square: Option<f64> => "",
        /// is it the least of this dataset's readings?
        closest: bool => "",
    }
}
