//! A published report: the page with its figures and tables, the configuration, and the runs behind it as one table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flooding_core::digest::Digest;
use flooding_core::store::{Document, DocumentError, Store, StoreError, parse_document};
use flooding_tables::{PublishedRunRow, TableError, from_parquet, to_parquet};
use serde::{Deserialize, Serialize};

use crate::project::Project;

/// The list of all other files, written last.
pub const MANIFEST: &str = "published.json";
/// One row a run.
pub const RUNS: &str = "runs.parquet";
/// The configuration that the runs follow.
pub const CONFIGURATION: &str = "pipeline.toml";
/// Larger files of a report stay behind: a curve of each run is many times the size of everything else.
const LARGEST: u64 = 3 << 20;
/// What a reader opens or a checker reads.
const ENDINGS: [&str; 6] = ["html", "svg", "csv", "tex", "pdf", "yaml"];

/// What a published report is and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// Version of the software that published it.
    pub version: String,
    /// The profile.
    pub profile: String,
    /// Options that cut the profile down, as typed.
    pub overrides: Vec<String>,
    /// Complete runs.
    pub complete: usize,
    /// Runs of the profile.
    pub planned: usize,
    /// Core time of the complete runs that a processor trained, rounded to seconds.
    pub core_seconds: u64,
    /// Time of the processes that trained the others on a GPU, rounded to seconds; processes that share it count each.
    #[serde(default)]
    pub gpu_seconds: u64,
    /// Commits that trained them, each with its number of runs.
    pub commits: BTreeMap<String, usize>,
    /// Processors that trained them, or GPUs with the processor beside them, each with its number of runs.
    pub processors: BTreeMap<String, usize>,
    /// Digest of every other file, by its path.
    pub files: BTreeMap<String, Digest>,
    /// Files of the report that were left out because of their size.
    pub left_out: Vec<String>,
}

impl Document for Published {
    const KIND: &'static str = "published-report";
    const VERSION: u32 = 1;
}

/// Why a report cannot be published or a published one not be read.
#[derive(Debug, thiserror::Error)]
pub enum PublishedError {
    /// No report to publish.
    #[error("{path}: there is no report: run `pipeline run` (or the stages aggregate and render) first", path = path.display())]
    NoReport {
        /// Where it should be.
        path: PathBuf,
    },
    /// Somebody else's folder.
    #[error(
        "{path} holds files and was not written by `pipeline publish`: name a new folder, or one that was", path = path.display()
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
    },
    /// Not a published report.
    #[error("{path}: not a published report: {why} (`pipeline publish FOLDER` writes one)", path = path.display())]
    NotPublished {
        /// The folder.
        path: PathBuf,
        /// What is missing or damaged.
        why: String,
    },
    /// A file is not as the list says.
    #[error("{path}: its SHA-256 is {found}, {MANIFEST} says {expected}: the published report is damaged", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its digest.
        found: String,
        /// The listed digest.
        expected: Digest,
    },
    /// The runs cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Runs {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
    /// Reading failed.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document failed.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> PublishedError {
    let path = path.to_owned();
    move |source| PublishedError::Read { path, source }
}

/// Writes the report and the runs behind it to `folder`, the list of files last.
pub fn publish(
    project: &Project,
    reports: &Path,
    overrides: Vec<String>,
    folder: &Path,
) -> Result<Published, PublishedError> {
    if !reports.join("index.html").is_file() {
        return Err(PublishedError::NoReport { path: reports.to_owned() });
    }
    let before = earlier(folder)?;
    let (rows, planned) = flooding_aggregate::published_runs(&project.plan, &project.read_only_store())?;
    let store = Store::open(folder, folder)?;
    let (mut files, mut left_out) = (BTreeMap::new(), Vec::new());
    let runs = to_parquet(&rows).map_err(|source| PublishedError::Runs { path: folder.join(RUNS), source })?;
    files.insert(RUNS.to_owned(), store.write(&folder.join(RUNS), &runs)?);
    let configuration = store.write(&folder.join(CONFIGURATION), project.configuration.as_bytes())?;
    files.insert(CONFIGURATION.to_owned(), configuration);
    for name in report_files(reports, "")? {
        let path = reports.join(&name);
        if fs::metadata(&path).map_err(reading(&path))?.len() > LARGEST {
            left_out.push(name);
            continue;
        }
        let bytes = fs::read(&path).map_err(reading(&path))?;
        let digest = store.write(&folder.join(&name), &bytes)?;
        files.insert(name, digest);
    }
    for name in before.iter().flat_map(|before| before.files.keys()).filter(|name| !files.contains_key(*name)) {
        store.remove(&folder.join(name))?;
    }
    let count = |of: fn(&PublishedRunRow) -> Option<String>| {
        let mut counts = BTreeMap::new();
        for row in &rows {
            *counts.entry(of(row).unwrap_or_else(|| "not recorded".to_owned())).or_insert(0) += 1;
        }
        counts
    };
    let published = Published {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        profile: project.plan.profile.clone(),
        overrides,
        complete: rows.len(),
        planned,
        core_seconds: seconds(&rows, |row| !by_gpu(row)),
        gpu_seconds: seconds(&rows, by_gpu),
        commits: count(|row| row.commit.clone()),
        processors: count(machine),
        files,
        left_out,
    };
    store.write_document(&folder.join(MANIFEST), &published)?;
    Ok(published)
}

/// Was the run trained by a GPU?
pub fn by_gpu(row: &PublishedRunRow) -> bool {
    row.device.as_ref().is_some_and(|device| device != "cpu")
}

/// What trained the run.
fn machine(row: &PublishedRunRow) -> Option<String> {
    let processor = row.processor.clone()?;
    Some(match &row.device {
        Some(gpu) if by_gpu(row) => format!("{gpu} beside {processor}"),
        _ => processor,
    })
}

/// Levels that took the same path to the end of training have the time of that path each: it counts once.
fn seconds(rows: &[PublishedRunRow], counts: impl Fn(&PublishedRunRow) -> bool) -> u64 {
    let rows = rows.iter().filter(|row| counts(row));
    let path = |row: &PublishedRunRow| Some((row.setting.clone(), row.trial, (row.seconds? * 1e3).round() as u64));
    let paths: BTreeSet<_> = rows.filter_map(path).collect();
    (paths.iter().map(|(_, _, milliseconds)| *milliseconds as f64).sum::<f64>() / 1e3).round() as u64
}

/// What an earlier `publish` left in the folder; `None` in a new or empty one.
fn earlier(folder: &Path) -> Result<Option<Published>, PublishedError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(reading(folder)(error)),
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(None);
            }
        }
    }
    let path = folder.join(MANIFEST);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(parse_document(&bytes, &path)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(PublishedError::NotOurs { path: folder.to_owned() })
        }
        Err(error) => Err(reading(&path)(error)),
    }
}

/// The files of a report that are published, by their path within it, in order.
fn report_files(folder: &Path, within: &str) -> Result<Vec<String>, PublishedError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(reading(folder))? {
        let entry = entry.map_err(reading(folder))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
        let kind = entry.file_type().map_err(reading(&entry.path()))?;
        if kind.is_dir() {
            found.extend(report_files(&entry.path(), &path)?);
        } else if kind.is_file() && name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending)) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A published report, with every file checked against the list.
pub fn open(folder: &Path) -> Result<(Published, Vec<PublishedRunRow>), PublishedError> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).map_err(|error| {
        let why = if error.kind() == io::ErrorKind::NotFound {
            format!("it has no {MANIFEST}")
        } else {
            format!("{MANIFEST}: {error}")
        };
        PublishedError::NotPublished { path: folder.to_owned(), why }
    })?;
    let published: Published = parse_document(&bytes, &path)?;
    for (name, expected) in &published.files {
        let path = folder.join(name);
        let found = Digest::of(&fs::read(&path).map_err(reading(&path))?);
        if found != *expected {
            return Err(PublishedError::Damaged { path, found: found.to_string(), expected: expected.clone() });
        }
    }
    let path = folder.join(RUNS);
    let bytes = fs::read(&path).map_err(reading(&path))?;
    let rows = from_parquet(bytes).map_err(|source| PublishedError::Runs { path, source })?;
    Ok((published, rows))
}
