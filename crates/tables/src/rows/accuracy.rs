//! Tables 2 and 3 of the paper, beside ours, and the trials behind them.

use flooding_core::config::TableId;
use flooding_core::level::Level;
use flooding_core::spec::RunKey;

use super::{Checkpoint, Interval, MeanStd};
use crate::definition::{columns, table};

table! {
    "accuracy" version 2,
    /// One comparison of Table 2 or 3: test accuracy without and with flooding, for one setting and checkpoint selection.
    /// The level is selected trial by trial, by validation accuracy. Only complete trials count: those in which no level
    /// is missing.
    pub struct AccuracyRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// table of the paper; empty for a setting that the paper does not have
        table: Option<TableId> => "",
        /// first label of the row in the paper's table
        data: String => "",
        /// second label of the row in the paper's table
        setup: String => "",
        /// checkpoint selection: `last-epoch` (sub-table A) or `best-validation` (early stopping, sub-table B)
        checkpoint: Checkpoint => "",
        /// trials of the plan
        trials: u32 => "trials",
        /// complete trials
        complete_trials: u32 => "trials",
        /// flood levels of the plan, b = 0 among them
        levels: u32 => "levels",
        /// trials of the paper
        paper_trials: u32 => "trials",
        /// flood levels of the paper
        paper_levels: u32 => "levels",
        /// how the runs depart from the paper's protocol
        reduced: Vec<String> => "",
        /// runs of the plan without results
        missing_runs: u32 => "runs",
        /// test accuracy without flooding (b = 0)
        without: Option<MeanStd> => "%",
        /// 95% confidence interval of the mean test accuracy without flooding
        without_ci: Option<Interval> => "%",
        /// test accuracy at the selected flood level (b = 0 included)
        with: Option<MeanStd> => "%",
        /// 95% confidence interval of the mean test accuracy at the selected flood level
        with_ci: Option<Interval> => "%",
        /// selected flood level
        selected_level: Option<MeanStd> => "nat",
        /// test accuracy with minus without flooding
        difference: Option<Difference> => "percentage points",
        /// bold without flooding: the best, or not different from the best at 1% by Student's t-test
        bold_without: bool => "",
        /// bold with flooding
        bold_with: bool => "",
        /// trials in which b = 0 was selected, so that with flooding is the baseline itself
        without_selected: u32 => "trials",
        /// trials in which a level above 0 was selected at an epoch before flooding began: the baseline, too
        selected_before_flooding: u32 => "trials",
        /// b = 0 was selected in every trial (a dash in Table 3)
        dash: bool => "",
        /// best cell of its dataset and reading, without flooding (underlined in Table 3)
        underline_without: bool => "",
        /// best cell of its dataset and reading, with flooding
        underline_with: bool => "",
        /// the paper
        paper: Option<PaperCell> => "",
    }
}

columns! {
    /// The difference of the two means and the tests on it.
    #[derive(Copy)]
    pub struct Difference {
        /// mean
        mean: f64 => "",
        /// 95% confidence interval (Student); empty for one trial
        ci: Option<Interval> => "",
        /// two-sided p-value of Student's unpaired t-test
        p_student: Option<f64> => "probability",
        /// two-sided p-value of Welch's t-test
        p_welch: Option<f64> => "probability",
        /// two-sided p-value of the paired t-test
        p_paired: Option<f64> => "probability",
        /// Student's p-value corrected over the table by Holm's method
        p_holm: Option<f64> => "probability",
        /// Cohen's d with the pooled standard deviation
        cohens_d: Option<f64> => "standard deviations",
        /// power of Student's t-test at 1% to detect the paper's own effect with this number of trials; empty where the paper
        /// gives no standard deviations
        power: Option<f64> => "probability",
    }
}

columns! {
    /// What the paper's table prints.
    #[derive(Copy)]
    pub struct PaperCell {
        /// test accuracy without flooding
        without: Option<Printed> => "%",
        /// test accuracy with flooding; empty where the table prints a dash
        with: Option<Printed> => "%",
        /// selected flood level
        selected_level: Option<Printed> => "nat",
        /// bold without flooding
        bold_without: bool => "",
        /// bold with flooding
        bold_with: bool => "",
        /// underlined without flooding
        underline_without: bool => "",
        /// underlined with flooding
        underline_with: bool => "",
        /// (ours - theirs) / standard error from both standard deviations, without flooding
        z_without: Option<f64> => "standard errors",
        /// (ours - theirs) / standard error from both standard deviations, with flooding
        z_with: Option<f64> => "standard errors",
    }
}

columns! {
    /// A number in the paper, with its standard deviation where it prints one.
    #[derive(Copy)]
    pub struct Printed {
        /// mean
        mean: f64 => "",
        /// standard deviation; empty where none is printed
        std: Option<f64> => "",
    }
}

table! {
    "selections" version 2,
    /// What selection did in one complete trial: the runs behind one trial's share of a row of `accuracy`.
    pub struct SelectionRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// seed index
        trial: u32 => "",
        /// selected flood level
        level: Level => "nat",
        /// test accuracy without flooding (b = 0)
        without: f64 => "%",
        /// test accuracy at the selected level
        with: f64 => "%",
        /// training accuracy at the selected level
        train_accuracy: f64 => "%",
        /// evaluated epoch of the run without flooding
        without_epoch: u32 => "epoch",
        /// evaluated epoch of the run at the selected level
        with_epoch: u32 => "epoch",
        /// epoch of the first mini-batch below the selected level; empty where none was
        flooded_from: Option<u32> => "epoch",
        /// key of the run without flooding
        without_run: RunKey => "",
        /// key of the run at the selected level
        with_run: RunKey => "",
    }
}

table! {
    "selection_sensitivity" version 1,
    /// A row of `accuracy` under another choice of what the paper leaves open about selection.
    pub struct SensitivityRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// what is chosen otherwise
        choice: String => "",
        /// mean test accuracy at the selected flood level
        with: f64 => "%",
        /// mean selected flood level
        selected_level: f64 => "nat",
    }
}
