//! The paper's claims.

use flooding_core::config::TableId;

use super::{ClaimGroup, Interval, Magnitude, Verdict};
use crate::definition::table;

table! {
    "claims" version 2,
    /// The verdict on one claim of the paper, over all readings; `claim_readings` has the verdicts that it follows from.
    pub struct ClaimRow {
        /// claim id
        id: String => "",
        /// what the claim is about
        group: ClaimGroup => "",
        /// the claim
        claim: String => "",
        /// where the paper makes it
        source: String => "",
        /// verdict on the direction
        verdict: Verdict => "",
        /// verdict on the size beside the paper's; empty where the paper gives no number
        magnitude: Option<Magnitude> => "",
        /// the statistic behind the verdict
        statistic: String => "",
        /// what would confirm the claim and what would contradict it
        rule: String => "",
        /// why it is judged by this measure, rule and margin
        reason: String => "",
        /// what to know beside the verdict
        qualification: Option<String> => "",
        /// settings behind the verdict
        settings: Vec<String> => "",
        /// complete runs behind the verdict: the rows of `runs` with these settings
        runs: u64 => "runs",
    }
}

table! {
    "claim_readings" version 1,
    /// The verdict on one claim by the settings of one table of the paper under one reading.
    pub struct ClaimReadingRow {
        /// claim id
        claim: String => "",
        /// interpretation of the paper; empty for a theorem
        reading: String => "",
        /// table of the paper whose settings were judged; empty for a theorem
        table: Option<TableId> => "",
        /// verdict on the direction
        verdict: Verdict => "",
        /// verdict on the size beside the paper's; empty where the paper gives no number
        magnitude: Option<Magnitude> => "",
        /// pooled effect, positive where it favours the claim; empty where the rule is about something else
        effect: Option<f64> => "",
        /// 95% confidence interval of the effect
        effect_ci: Option<Interval> => "",
        /// what the effect is measured in: `points`, `log ratio`, `share`, `level`
        unit: String => "",
        /// the paper's effect on the same settings
        paper_effect: Option<f64> => "",
        /// 95% confidence interval of the paper's effect
        paper_effect_ci: Option<Interval> => "",
        /// settings judged
        rows: u32 => "settings",
        /// settings that the paper has
        paper_rows: u32 => "settings",
        /// trials behind the effect, all settings together
        trials: u32 => "trials",
        /// the statistic
        statistic: String => "",
        /// settings behind the verdict
        settings: Vec<String> => "",
    }
}
