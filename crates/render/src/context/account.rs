//! What was not run and why, the datasets, how to repeat and cite, and the configuration.

use serde::Serialize;

use super::facts::Index;
use super::names::label;
use crate::format::bytes;
use crate::tables::Tables;

/// What was not run.
#[derive(Clone, Debug, Serialize)]
pub struct MissingContext {
    /// What should be there and is not.
    pub gaps: Vec<Missing>,
    /// Settings that the profile does not contain.
    pub left_out: Vec<Missing>,
    /// Settings run on less than the paper's grid.
    pub reduced: Vec<Missing>,
    /// Cells with missing runs.
    pub incomplete: Vec<Missing>,
    /// Tables that were never made.
    pub tables: Vec<&'static str>,
}

/// One thing that is missing.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

impl MissingContext {
    /// From all tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let overview = tables.overview.as_ref();
        let gaps = overview.iter().flat_map(|o| &o.gaps);
        let left_out = overview.iter().flat_map(|o| &o.left_out);
        let reduced = index.iter().filter(|facts| facts.scale.full != (0, 0) && !facts.scale.is_full());
        let incomplete = tables.accuracy.iter().flatten().filter(|row| row.missing_runs > 0);
        let mut settings_seen: Vec<&str> = Vec::new();
        Self {
            gaps: gaps
                .map(|gap| Missing { what: format!("{}: {}", gap.stage, gap.id), why: gap.why.clone() })
                .collect(),
            left_out: left_out
                .map(|l| Missing { what: format!("{}, {} ({})", l.row[0], l.row[1], l.setting), why: l.why.clone() })
                .collect(),
            reduced: reduced
                .map(|facts| Missing { what: facts.label.clone(), why: format!("ran {}", facts.scale.numbers()) })
                .collect(),
            incomplete: incomplete
                .filter(|row| {
                    let new = !settings_seen.contains(&row.setting.as_str());
                    settings_seen.push(&row.setting);
                    new
                })
                .map(|row| Missing {
                    what: index.get(&row.setting).map_or_else(|| row.setting.clone(), |facts| facts.label.clone()),
                    why: match tables.missing(&row.setting).first() {
                        Some(run) => {
                            format!("{} of its runs have no complete record, such as {run}", row.missing_runs)
                        }
                        None => format!("{} of its runs have no complete record", row.missing_runs),
                    },
                })
                .collect(),
            tables: absent(tables),
        }
    }
}

fn absent(tables: &Tables) -> Vec<&'static str> {
    [
        (tables.overview.is_none(), "overview"),
        (tables.accuracy.is_none(), "accuracy (Tables 2 and 3)"),
        (tables.claims.is_none(), "claims"),
        (tables.levels.is_none(), "levels (Figure 3)"),
        (tables.curves.is_none(), "curves (Figures 1, 2, 4, 6, 7)"),
        (tables.runs.is_none(), "runs"),
        (tables.theorem.is_none(), "theorem (Theorem 1, cell by cell)"),
        (tables.checks.is_none(), "theorem checks"),
    ]
    .into_iter()
    .filter_map(|(absent, name)| absent.then_some(name))
    .collect()
}

/// The image datasets.
#[derive(Clone, Debug, Serialize)]
pub struct DataContext {
    /// One a dataset.
    pub sets: Vec<DataSet>,
    /// The seed that the synthetic ones are drawn from.
    pub master_seed: Option<u64>,
}

/// One dataset.
#[derive(Clone, Debug, Serialize)]
pub struct DataSet {
    /// Its name.
    pub name: String,
    /// Terms of use.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Its files.
    pub files: Vec<DataFile>,
}

/// One file.
#[derive(Clone, Debug, Serialize)]
pub struct DataFile {
    /// Its name.
    pub name: String,
    /// Its size.
    pub size: String,
    /// Its SHA-256.
    pub sha256: String,
}

impl DataContext {
    /// From the overview.
    pub fn new(tables: &Tables) -> Self {
        let overview = tables.overview.as_ref();
        let sets = overview.iter().flat_map(|o| &o.datasets).map(|set| DataSet {
            name: set.name.clone(),
            licence: set.licence.clone(),
            citation: set.citation.clone(),
            files: set
                .files
                .iter()
                .map(|(name, size, sha256)| DataFile { name: name.clone(), size: bytes(*size), sha256: sha256.clone() })
                .collect(),
        });
        Self { sets: sets.collect(), master_seed: overview.map(|o| o.master_seed) }
    }
}

/// How to repeat and cite, and the configuration.
#[derive(Clone, Debug, Serialize)]
pub struct RepeatContext {
    /// The profile.
    pub profile: Option<String>,
    /// Its sentence.
    pub summary: String,
    /// The readings.
    pub readings: Vec<ReadingContext>,
    /// The software and machines behind the runs.
    pub made_by: Vec<Maker>,
    /// Is there a machine-readable copy?
    pub crate_metadata: bool,
    /// `pipeline.toml`.
    pub configuration: Option<String>,
}

/// An interpretation of what the paper leaves open.
#[derive(Clone, Debug, Serialize)]
pub struct ReadingContext {
    /// Its name in the configuration.
    pub name: String,
    /// What the report calls it.
    pub label: String,
    /// What it is.
    pub summary: String,
}

/// One software and machine.
#[derive(Clone, Debug, Serialize)]
pub struct Maker {
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: String,
    /// The compiler.
    pub rustc: String,
    /// The device.
    pub device: String,
    /// The processor.
    pub processor: String,
}

impl RepeatContext {
    /// From the overview.
    pub fn new(tables: &Tables) -> Self {
        let overview = tables.overview.as_ref();
        Self {
            profile: overview.map(|o| o.profile.clone()),
            summary: overview.map_or_else(String::new, |o| o.summary.clone()),
            readings: overview
                .iter()
                .flat_map(|o| &o.readings)
                .map(|(name, summary)| ReadingContext {
                    name: name.clone(),
                    label: label(tables, name),
                    summary: summary.clone(),
                })
                .collect(),
            made_by: overview
                .iter()
                .flat_map(|o| &o.made_by)
                .map(|made| Maker {
                    version: made.version.clone(),
                    commit: made.commit.clone(),
                    rustc: made.rustc.clone(),
                    device: made.device.clone(),
                    processor: made.processor.clone(),
                })
                .collect(),
            crate_metadata: overview.is_some(),
            configuration: overview.map(|o| o.configuration.clone()),
        }
    }
}
