//! The paper's claims.

use super::Verdict;
use crate::definition::table;

table! {
    "claims" version 1,
    /// The verdict on one claim of the paper under one reading.
    pub struct ClaimRow {
        /// claim id
        id: String => "",
        /// the claim
        claim: String => "",
        /// where the paper makes it
        source: String => "",
        /// interpretation of the paper
        reading: String => "",
        /// verdict
        verdict: Verdict => "",
        /// the statistic behind the verdict
        statistic: String => "",
        /// what would confirm the claim and what would contradict it
        rule: String => "",
        /// settings behind the verdict
        settings: Vec<String> => "",
        /// complete runs behind the verdict: the rows of `runs` with these settings
        runs: u64 => "runs",
    }
}
