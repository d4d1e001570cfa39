//! Our numbers beside the paper's, by the criteria of the large replication projects.

use flooding_core::config::TableId;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Interval};
use crate::definition::{columns, table};

/// What of a row of the paper's table is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// Test accuracy with minus without flooding.
    Difference,
    /// Test accuracy without flooding.
    Without,
    /// Test accuracy with flooding.
    With,
}

table! {
    "scorecard" version 1,
    /// One quantity of one row of Table 2 or 3, ours beside the paper's. A criterion that is not available has an empty
    /// cell, for the reason in `unavailable`.
    pub struct ScorecardRow {
        /// setting id
        setting: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// table of the paper
        table: TableId => "",
        /// first label of the row in the paper's table
        data: String => "",
        /// second label of the row in the paper's table
        setup: String => "",
        /// checkpoint selection
        checkpoint: Checkpoint => "",
        /// `difference` (with minus without flooding), `without` or `with`
        quantity: Quantity => "",
        /// complete trials
        trials: u32 => "trials",
        /// ours
        ours: Option<Estimated> => "%",
        /// the paper's
        paper: Option<Estimated> => "%",
        /// criteria
        criterion: Criteria => "",
        /// numbers behind them
        compared: Option<Compared> => "%",
        /// the paper's single number is predicted from our trials: our 95% interval for one more run
        our_prediction: Option<Interval> => "%",
        /// why criteria are empty; empty where none is
        unavailable: Option<String> => "",
    }
}

columns! {
    /// A number with its 95% interval.
    #[derive(Copy)]
    pub struct Estimated {
        /// mean
        mean: f64 => "",
        /// 95% confidence interval; empty without a standard deviation
        ci: Option<Interval> => "",
    }
}

columns! {
    /// Which criteria are met.
    #[derive(Copy, Default)]
    pub struct Criteria {
        /// same direction: both differences are nonzero and of the same sign
        same_direction: Option<bool> => "",
        /// same direction, and significant at 1% by the paper's unpaired t-test; empty where the paper's own difference is
        /// not
        significant: Option<bool> => "",
        /// the paper's number is in our 95% confidence interval
        paper_in_ours: Option<bool> => "",
        /// ours is in the paper's 95% confidence interval
        ours_in_paper: Option<bool> => "",
        /// ours is in the paper's 95% prediction interval (by t); with single runs in the paper: its number is in ours
        predicted: Option<bool> => "",
        /// ours is equivalent to the paper's within the margin (two one-sided tests at 5%); `false` says that it could not
        /// be shown
        equivalent: Option<bool> => "",
    }
}

columns! {
    /// Ours against the paper's.
    #[derive(Copy)]
    pub struct Compared {
        /// 95% prediction interval of the paper by the normal distribution, the usual form; too short for few trials
        prediction_normal: Interval => "",
        /// the same by Student's distribution, which decides
        prediction_t: Interval => "",
        /// ours minus the paper's
        difference: f64 => "",
        /// two-sided p-value of no difference from the paper, by the normal distribution
        p: f64 => "probability",
        /// the larger one-sided p-value against differences from the paper of +margin and -margin
        p_beyond_margin: Option<f64> => "probability",
        /// both combined by inverse variance; empty if neither varies
        combined: Option<Combined> => "",
    }
}

columns! {
    /// The fixed-effect estimate.
    #[derive(Copy)]
    pub struct Combined {
        /// estimate
        mean: f64 => "",
        /// 95% interval
        ci: Interval => "",
        /// two-sided p-value
        p: f64 => "probability",
    }
}

table! {
    "scorecard_counts" version 1,
    /// In how many cells of the scorecard each criterion is met, of those in which it is available.
    pub struct ScorecardCountRow {
        /// table of the paper
        table: TableId => "",
        /// interpretation of the paper
        reading: String => "",
        /// checkpoint selection; empty for both together
        checkpoint: Option<Checkpoint> => "",
        /// `difference` (with minus without flooding), `without` or `with`
        quantity: Quantity => "",
        /// rows of the paper's table
        paper_rows: u32 => "rows",
        /// same direction
        same_direction: Count => "",
        /// same direction and significant at 1%, of those significant in the paper
        significant: Count => "",
        /// the paper's number in our interval
        paper_in_ours: Count => "",
        /// our number in the paper's interval
        ours_in_paper: Count => "",
        /// predicted
        predicted: Count => "",
        /// equivalent within the margin
        equivalent: Count => "",
        /// margin of equivalence of the configuration
        margin: Option<f64> => "percentage points",
    }
}

columns! {
    /// A part of a whole.
    #[derive(Copy, Default)]
    pub struct Count {
        /// met
        met: u32 => "cells",
        /// available
        of: u32 => "cells",
    }
}
