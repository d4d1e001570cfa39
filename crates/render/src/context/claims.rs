//! The paper's claims, grouped, each with one verdict from a fixed vocabulary and the readings' verdicts inside.

use flooding_core::config::TableId;
use flooding_tables::{ClaimGroup, ClaimReadingRow, ClaimRow, Magnitude, Verdict};
use serde::Serialize;

use super::facts::Index;
use crate::format::count;
use crate::tables::Tables;

/// The claims table; without groups it says why.
#[derive(Clone, Debug, Serialize)]
pub struct ClaimsContext {
    /// Accuracy, mechanism, theory.
    pub groups: Vec<Group>,
}

/// Claims about one thing.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// What they are about.
    pub name: &'static str,
    /// One a claim.
    pub rows: Vec<Claim>,
}

/// One claim.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// Short id.
    pub id: String,
    /// Statement of the claim.
    #[serde(rename = "claim")]
    pub sentence: String,
    /// Where the paper makes it.
    pub source: String,
    /// Text of the verdict.
    pub verdict: &'static str,
    /// Text of the verdict on its size; empty where the paper gives no number.
    pub magnitude: &'static str,
    /// Its class for the style sheet.
    pub class: &'static str,
    /// A mark, so that colour is not the only sign.
    pub mark: &'static str,
    /// What the reader must know beside the verdict; often empty.
    pub qualification: String,
    /// What would confirm or contradict it.
    pub rule: String,
    /// Why it is judged so.
    pub reason: String,
    /// The readings' verdicts.
    pub readings: Vec<Reading>,
    /// Said where there is no reading.
    pub statistic: String,
    /// The settings behind it, with their anchors.
    pub settings: Vec<SettingLink>,
    /// How many runs are behind it.
    pub runs: String,
}

/// One reading's verdict on a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Reading {
    /// The reading, or `benchmarks`; empty where there is no choice.
    pub name: String,
    /// Text of the verdict.
    pub verdict: &'static str,
    /// The verdict on the size.
    pub magnitude: &'static str,
    /// Its class for the style sheet.
    pub class: &'static str,
    /// A mark.
    pub mark: &'static str,
    /// The statistic behind it.
    pub statistic: String,
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
        let of = |group: ClaimGroup| -> Vec<Claim> {
            let rows = tables.claims.iter().flatten().filter(|row| row.group == group);
            rows.map(|row| claim(row, tables, index)).collect()
        };
        let groups =
            [("Accuracy", ClaimGroup::Accuracy), ("Mechanism", ClaimGroup::Mechanism), ("Theory", ClaimGroup::Theory)];
        let groups = groups.map(|(name, group)| Group { name, rows: of(group) });
        Self { groups: groups.into_iter().filter(|group| !group.rows.is_empty()).collect() }
    }
}

fn claim(row: &ClaimRow, tables: &Tables, index: &Index) -> Claim {
    let readings = tables.claim_readings.iter().flatten().filter(|reading| reading.claim == row.id);
    let (class, mark) = look(row.verdict);
    let link = |id: &String| match index.get(id) {
        Some(facts) => SettingLink { label: facts.label.clone(), anchor: super::setting_anchor(id) },
        None => SettingLink { label: id.clone(), anchor: String::new() },
    };
    Claim {
        id: row.id.clone(),
        sentence: row.claim.clone(),
        source: row.source.clone(),
        verdict: row.verdict.describe(),
        magnitude: row.magnitude.map_or("", Magnitude::describe),
        class,
        mark,
        qualification: row.qualification.clone().unwrap_or_default(),
        rule: row.rule.clone(),
        reason: row.reason.clone(),
        readings: readings.map(|row| reading(row, tables)).collect(),
        statistic: row.statistic.clone(),
        settings: row.settings.iter().map(link).collect(),
        runs: if row.runs == 0 { String::new() } else { count(row.runs, "run") },
    }
}

fn reading(row: &ClaimReadingRow, tables: &Tables) -> Reading {
    let (class, mark) = look(row.verdict);
    let name = match row.table {
        Some(TableId::Table3) => "benchmarks".to_owned(),
        Some(TableId::Table2) => super::names::label(tables, &row.reading),
        None => String::new(),
    };
    Reading {
        name,
        verdict: row.verdict.describe(),
        magnitude: row.magnitude.map_or("", Magnitude::describe),
        class,
        mark,
        statistic: row.statistic.clone(),
    }
}

/// Class and mark of a verdict.
pub const fn look(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Confirmed => ("good", "✓"),
        Verdict::Contradicted => ("bad", "✗"),
        Verdict::ConsistentAtThisScale => ("good weak", "≈"),
        Verdict::InconsistentAtThisScale => ("bad weak", "≉"),
        Verdict::DependsOnReading => ("open", "±"),
        Verdict::Inconclusive => ("open", "?"),
        Verdict::NotTested | Verdict::NotRun => ("open", "–"),
    }
}
