//! The paper's claims, each with a verdict from a fixed vocabulary.

use flooding_tables::{ClaimRow, Verdict};
use serde::Serialize;

use super::facts::Index;
use crate::format::count;
use crate::tables::Tables;

/// The claims table; without rows it says why.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimsContext {
    /// One a claim and reading.
    pub rows: Vec<Claim>,
}

/// One claim.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// Short id.
    pub id: String,
    /// The claim in words.
    #[serde(rename = "claim")]
    pub sentence: String,
    /// Where the paper makes it.
    pub source: String,
    /// Under which reading it was judged.
    pub reading: String,
    /// The verdict in words.
    pub verdict: &'static str,
    /// Its class for the style sheet.
    pub class: &'static str,
    /// A mark, so that colour is not the only sign.
    pub mark: &'static str,
    /// The statistic behind it.
    pub statistic: String,
    /// What would confirm or contradict it.
    pub rule: String,
    /// The settings behind it, with their anchors.
    pub settings: Vec<SettingLink>,
    /// How many runs are behind it.
    pub runs: String,
}

/// A link to a setting's provenance.
#[derive(Clone, Debug, Serialize)]
pub struct SettingLink {
    /// The setting's words.
    pub label: String,
    /// Its anchor; empty where the page has nothing on it.
    pub anchor: String,
}

impl ClaimsContext {
    /// From the claims table.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        Self { rows: tables.claims.iter().flatten().map(|row| claim(row, index)).collect() }
    }
}

fn claim(row: &ClaimRow, index: &Index) -> Claim {
    let (verdict, class, mark) = words(row.verdict);
    let link = |id: &String| match index.get(id) {
        Some(facts) => SettingLink { label: facts.label.clone(), anchor: super::setting_anchor(id) },
        None => SettingLink { label: id.clone(), anchor: String::new() },
    };
    Claim {
        id: row.id.clone(),
        sentence: row.claim.clone(),
        source: row.source.clone(),
        reading: row.reading.clone(),
        verdict,
        class,
        mark,
        statistic: row.statistic.clone(),
        rule: row.rule.clone(),
        settings: row.settings.iter().map(link).collect(),
        runs: if row.runs == 0 { String::new() } else { count(row.runs, "run") },
    }
}

/// Words, class and mark of a verdict.
pub const fn words(verdict: Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::Confirmed => ("confirmed", "good", "✓"),
        Verdict::Contradicted => ("contradicted", "bad", "✗"),
        Verdict::ConsistentAtThisScale => ("consistent at this scale", "good weak", "≈"),
        Verdict::InconsistentAtThisScale => ("inconsistent at this scale", "bad weak", "≉"),
        Verdict::Inconclusive => ("inconclusive", "open", "?"),
        Verdict::NotRun => ("not run", "open", "–"),
    }
}
