//! With against without flooding, trial by trial, and one effect over the settings of a table.

use flooding_core::config::TableId;

use super::{Checkpoint, Interval};
use crate::definition::table;

table! {
    "paired" version 1,
    /// With minus without flooding, trial by trial, for one setting and checkpoint selection: trials share data, batches
    /// and initial weights across levels. Only settings with two complete trials or more.
    pub struct PairedRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// complete trials
        trials: u32 => "trials",
        /// mean of with minus without
        difference: f64 => "percentage points",
        /// 95% confidence interval (paired t)
        ci: Interval => "percentage points",
        /// size of the held-out part over that of the training part, where trials redraw splits of one pool: `ci_corrected`
        /// and `p_corrected` use the variance of Nadeau and Bengio (2003)
        split_overlap: Option<f64> => "",
        /// 95% confidence interval with the corrected variance
        ci_corrected: Option<Interval> => "percentage points",
        /// two-sided p-value with the corrected variance
        p_corrected: Option<f64> => "probability",
        /// two-sided p-value of the paired t-test
        p_paired: f64 => "probability",
        /// share of all sign patterns whose mean is at least as far from 0 (exact; empty for more than 20 trials)
        p_sign_flip: Option<f64> => "probability",
        /// 95% interval by the bias-corrected and accelerated bootstrap
        bca: Interval => "percentage points",
        /// share of all pairs of trials in which with is above without, equal ones counted half
        probability_of_improvement: f64 => "probability",
        /// share of trials in which with is above without, equal ones counted half
        paired_improvement: f64 => "probability",
        /// margin of equivalence of the configuration
        margin: Option<f64> => "percentage points",
        /// the larger one-sided p-value against +margin and -margin: small if no effect is larger than the margin
        p_beyond_margin: Option<f64> => "probability",
        /// the differences do not vary by more than rounding
        constant: bool => "",
    }
}

table! {
    "overall" version 1,
    /// One effect over the settings of a table of the paper, under one reading: the mean over settings, each counting the
    /// same, with a bootstrap stratified over settings (rliable).
    pub struct OverallRow {
        /// table of the paper
        table: TableId => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// settings with a complete trial
        settings: u32 => "settings",
        /// rows of the paper's table
        paper_rows: u32 => "settings",
        /// complete trials of all of them
        trials: u32 => "trials",
        /// with minus without flooding
        effect: f64 => "percentage points",
        /// 95% bootstrap interval; empty where each setting has one trial
        ci: Option<Interval> => "percentage points",
        /// the paper's differences of the same rows, averaged
        paper_effect: Option<f64> => "percentage points",
        /// 95% interval of that, by the normal distribution; empty where the paper gives no standard deviations
        paper_ci: Option<Interval> => "percentage points",
        /// ours minus the paper's
        minus_paper: Option<f64> => "percentage points",
        /// 95% interval of that, by the normal distribution
        minus_paper_ci: Option<Interval> => "percentage points",
        /// rows in which the paper's difference and ours have the same sign, neither being 0
        same_direction: u32 => "settings",
    }
}
