//! What was not run and why, the datasets, how to repeat and cite, and the configuration.

use flooding_core::record::Provenance;
use flooding_core::work::Stage;
use flooding_tables::{ComputeRow, PublishedSource};
use serde::Serialize;

use super::facts::Index;
use super::names;
use super::scorecard::table_name;
use crate::format::{bytes, count};
use crate::tables::Tables;

/// What was not run.
#[derive(Clone, Debug, Serialize)]
pub struct MissingContext {
    /// What should be there and is not.
    pub results: Vec<Missing>,
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
        let missing = overview.iter().flat_map(|o| &o.missing);
        let left_out = overview.iter().flat_map(|o| &o.left_out);
        let reduced = index.iter().filter(|facts| facts.scale.full != (0, 0) && !facts.scale.is_full());
        let incomplete = tables.accuracy.iter().flatten().filter(|row| row.missing_runs > 0);
        let mut settings_seen: Vec<&str> = Vec::new();
        let label = |id: &str| index.get(id).map_or_else(|| id.to_owned(), |facts| facts.label.clone());
        let (without_any, partly): (Vec<_>, Vec<_>) = incomplete
            .filter(|row| {
                let new = !settings_seen.contains(&row.setting.as_str());
                settings_seen.push(&row.setting);
                new
            })
            .partition(|row| row.missing_runs == row.trials * row.levels);
        let without_any = without_any.into_iter().map(|row| label(&row.setting)).collect::<Vec<_>>();
        Self {
            // A setting with missing records is listed once, below.
            results: missing
                .filter(|result| {
                    result.stage != Stage::Aggregate
                        || index.get(&result.id).is_none_or(|facts| !facts.scale.is_unfinished())
                })
                .map(|result| Missing { what: format!("{}: {}", result.stage, result.id), why: result.why.clone() })
                .collect(),
            left_out: left_out
                .map(|l| Missing { what: format!("{}, {} ({})", l.row[0], l.row[1], l.setting), why: l.why.clone() })
                .collect(),
            reduced: reduced.map(|facts| Missing { what: facts.label.clone(), why: facts.scale.numbers() }).collect(),
            incomplete: partly
                .into_iter()
                .map(|row| Missing {
                    what: label(&row.setting),
                    why: format!(
                        "{} of {} runs and {} of {} trials are complete{}",
                        row.trials * row.levels - row.missing_runs,
                        row.trials * row.levels,
                        row.complete_trials,
                        row.trials,
                        tables
                            .missing(&row.setting)
                            .first()
                            .map_or_else(String::new, |run| format!("; the first missing run is {run}"))
                    ),
                })
                .chain((!without_any.is_empty()).then(|| Missing {
                    what: format!("No run yet of {}", count(without_any.len() as u64, "setting")),
                    why: without_any.join("; "),
                }))
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
    /// One sentence for each published report that settings were taken from.
    pub published: Vec<String>,
    /// What computing took, a row a table and machine.
    pub compute: Vec<Computed>,
    /// The same in a sentence; empty where nothing is known.
    pub took: String,
    /// A BibTeX entry of this software.
    pub citation: String,
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

/// The versions and commits that made runs; without runs, the version that made this report.
fn citation(made_by: &[Provenance]) -> String {
    let distinct = |of: fn(&Provenance) -> &String| {
        let mut all: Vec<&str> = made_by.iter().map(|made| &**of(made)).collect();
        all.sort_unstable();
        all.dedup();
        all.join(", ")
    };
    let (versions, commits) = (distinct(|made| &made.version), distinct(|made| &made.commit));
    let mut fields = vec![(
        "title",
        "flooding-pipeline: a reproduction of “Do We Need Zero Training Loss After Achieving Zero Training Error?”"
            .to_owned(),
    )];
    fields.push(("version", if versions.is_empty() { env!("CARGO_PKG_VERSION").to_owned() } else { versions }));
    if !commits.is_empty() {
        fields.push(("note", format!("commit {commits}")));
    }
    let address = env!("CARGO_PKG_REPOSITORY");
    if !address.is_empty() {
        fields.push(("url", address.to_owned()));
    }
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("  {name:<9} = {{{value}}}")).collect();
    format!("@software{{flooding-pipeline,\n{}\n}}", fields.join(",\n"))
}

/// What the runs of one table took on one machine.
#[derive(Clone, Debug, Serialize)]
pub struct Computed {
    /// The table of the paper.
    pub table: String,
    /// The device and the processor.
    pub machine: String,
    /// Its cores.
    pub cores: String,
    /// Its memory.
    pub memory: String,
    /// Complete runs.
    pub runs: String,
    /// Hours of one core, or of one GPU.
    pub hours: String,
    /// Hours on the clock.
    pub elapsed: String,
}

impl Computed {
    fn of(row: &ComputeRow) -> Self {
        let known =
            |value: Option<u32>, unit: &str| value.map_or_else(|| "not recorded".to_owned(), |n| format!("{n}{unit}"));
        Self {
            table: row.table.map_or("other settings", table_name).to_owned(),
            machine: if row.device == "cpu" {
                row.processor.clone()
            } else {
                format!("{}, {}", row.device, row.processor)
            },
            cores: known(row.cores, ""),
            memory: known(row.memory, " GiB"),
            runs: row.runs.to_string(),
            hours: hours(row.hours),
            elapsed: row.elapsed_hours.map_or_else(|| "not recorded".to_owned(), hours),
        }
    }
}

/// Hours are whole ones; less than one is not nothing.
fn hours(hours: u64) -> String {
    if hours == 0 { "< 1".to_owned() } else { hours.to_string() }
}

/// All runs in one sentence.
fn took(rows: &[ComputeRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let of = |gpu: bool| rows.iter().filter(move |row| (row.device != "cpu") == gpu);
    let mut parts = Vec::new();
    for (gpu, unit) in [(false, "core-hour"), (true, "GPU-hour")] {
        if of(gpu).next().is_some() {
            let sum: u64 = of(gpu).map(|row| row.hours).sum();
            parts.push(if sum == 0 { format!("less than one {unit}") } else { count(sum, unit) });
        }
    }
    let mut machines: Vec<(&str, &str, Option<u32>, Option<u32>)> =
        rows.iter().map(|row| (&*row.device, &*row.processor, row.cores, row.memory)).collect();
    machines.sort_unstable();
    machines.dedup();
    let runs: u64 = rows.iter().map(|row| row.runs).sum();
    format!(
        "{} took {} on {}.",
        count(runs, "complete run"),
        parts.join(" and "),
        count(machines.len() as u64, "kind of machine").replace("kind of machines", "kinds of machine")
    )
}

/// What was taken from a published report.
fn taken(source: &PublishedSource) -> String {
    let PublishedSource { name, digest, version, profile, runs, settings } = source;
    format!(
        "{} of {} ({}) were not trained for this report: they are taken as an earlier published report has them ({name} \
         at that time, whose published.json has the SHA-256 {digest}; profile {profile}, version {version}), with the curves and \
         probes that it shows.",
        count(*runs, "run"),
        count(settings.len() as u64, "setting"),
        settings.join(", ")
    )
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
                    label: names::label(tables, name),
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
            published: overview.iter().flat_map(|o| &o.published).map(taken).collect(),
            compute: tables.compute.iter().flatten().map(Computed::of).collect(),
            took: took(tables.compute.as_deref().unwrap_or_default()),
            citation: citation(overview.map_or(&[], |overview| &overview.made_by)),
            crate_metadata: overview.is_some(),
            configuration: overview.map(|o| o.configuration.clone()),
        }
    }
}
