//! Published reports: where one has more of a setting's runs than there are records here, the setting is taken from it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use flooding_aggregate::{Measured, PublishedReport};
use flooding_core::config::ConfigError;
use flooding_core::digest::Digest;
use flooding_core::store::Store;
use flooding_tables::{CurvePoint, PublishedRunRow, Rows, RunEndRow, SelectionRow, Table, TableError, from_csv};
use serde::Serialize;

use super::ExchangeError;
use super::known::KnownSettings;
use crate::published::{self, MANIFEST};

/// What was imported of a published report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportedReport {
    /// Its folder.
    pub name: String,
    /// Its runs that a profile of this project plans.
    pub runs: usize,
    /// Their settings.
    pub settings: usize,
    /// Its other runs, which count for nothing here.
    pub unplanned: usize,
    /// Its files that were too large to be published: what is made from them will be missing.
    pub lacking: Vec<String>,
}

/// Is this the folder of a published report?
pub fn is_published_report(folder: &Path) -> bool {
    folder.join(MANIFEST).is_file()
}

/// Reads a published report, checks every file of it, and keeps what it says in `data/published/`.
pub fn import_report(
    folder: &Path,
    store: &Store,
    known: &KnownSettings,
) -> Result<Result<ImportedReport, ExchangeError>, ConfigError> {
    let (report, lacking) = match read(folder) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let settings: BTreeSet<&str> = report.runs.0.iter().map(|row| row.setting.as_str()).collect();
    let mut planned: BTreeSet<String> = BTreeSet::new();
    for setting in &settings {
        planned.extend(known.planned(setting)?.iter().map(|run| run.key().to_string()));
    }
    let counts = |row: &&PublishedRunRow| planned.contains(row.key.as_str());
    let ours: Vec<&PublishedRunRow> = report.runs.0.iter().filter(counts).collect();
    if ours.is_empty() {
        return Ok(Err(ExchangeError::NoRunOfOurs { path: folder.to_owned(), runs: report.runs.0.len() }));
    }
    let imported = ImportedReport {
        name: report.name.clone(),
        runs: ours.len(),
        settings: ours.iter().map(|row| row.setting.as_str()).collect::<BTreeSet<_>>().len(),
        unplanned: report.runs.0.len() - ours.len(),
        lacking,
    };
    let path = store.layout().published().join(format!("{}.json", report.digest.short()));
    Ok(store.write_document(&path, &report).map(|_| imported).map_err(ExchangeError::from))
}

/// The report, and the files that it does without because of their size.
fn read(folder: &Path) -> Result<(PublishedReport, Vec<String>), ExchangeError> {
    let (published, runs) = published::open(folder)?;
    let manifest = folder.join(MANIFEST);
    let bytes = fs::read(&manifest).map_err(ExchangeError::reading(&manifest))?;
    let mut points = BTreeMap::new();
    let is_figure =
        |name: &&String| name.starts_with("figures/") && Path::new(name).extension() == Some(OsStr::new("csv"));
    for name in published.files.keys().filter(is_figure) {
        for point in curve_points(&folder.join(name))? {
            points.insert((point.0.setting.clone(), point.0.level, point.0.epoch), point);
        }
    }
    let digest = Digest::of(&bytes);
    let from = Tables { folder, listed: &published.files };
    let run_ends = if from.has::<RunEndRow>() { from.rows()? } else { ends_of_selections(from.rows()?) };
    let lacking = published.left_out.iter().filter(|name| **name != table_name::<CurvePoint>()).cloned().collect();
    let report = PublishedReport {
        name: folder.display().to_string(),
        digest,
        version: published.version,
        profile: published.profile,
        runs: Rows(runs),
        measured: Measured {
            levels: from.rows()?,
            selection_sensitivity: from.rows()?,
            run_ends,
            curve_points: Rows(points.into_values().collect()),
            second_descents: from.rows()?,
            final_training_loss: from.rows()?,
            trial_probes: from.rows()?,
            replays: from.rows()?,
            flatness: from.rows()?,
            sharpness: from.rows()?,
            calibration: from.rows()?,
            reliability_bins: from.rows()?,
        },
    };
    Ok((report, lacking))
}

fn table_name<T: Table>() -> String {
    format!("tables/{}.csv", T::NAME)
}

/// The tables of a published report: those that its list names, whose digests have been checked.
#[derive(Clone, Copy)]
struct Tables<'a> {
    folder: &'a Path,
    listed: &'a BTreeMap<String, Digest>,
}

impl Tables<'_> {
    fn has<T: Table>(self) -> bool {
        self.listed.contains_key(&table_name::<T>())
    }

    /// The rows of a table; none of one that was too large to be published.
    fn rows<T: Table>(self) -> Result<Rows<T>, ExchangeError> {
        if !self.has::<T>() {
            return Ok(Rows(Vec::new()));
        }
        let path = self.folder.join(table_name::<T>());
        let bytes = fs::read(&path).map_err(ExchangeError::reading(&path))?;
        from_csv(&bytes).map(Rows).map_err(|source| ExchangeError::PublishedTable { path, source })
    }
}

/// What a figure draws of curves, nothing for other figures: the table of all curves is too large to be published.
fn curve_points(path: &Path) -> Result<Vec<CurvePoint>, ExchangeError> {
    let bytes = fs::read(path).map_err(ExchangeError::reading(path))?;
    match from_csv(&bytes) {
        Ok(points) => Ok(points),
        Err(TableError::Header { .. }) => Ok(Vec::new()),
        Err(source) => Err(ExchangeError::PublishedTable { path: path.to_owned(), source }),
    }
}

/// When flooding began in the selected runs, which is all that reports without a table of the runs' ends say.
fn ends_of_selections(selections: Rows<SelectionRow>) -> Rows<RunEndRow> {
    let end = |row: SelectionRow| {
        let SelectionRow { setting, reading, trial, level, flooded_from, .. } = row;
        let key = (setting.clone(), trial, level);
        (key, RunEndRow { setting, reading, trial, level, train_loss: None, flooded_from })
    };
    let ends: BTreeMap<_, RunEndRow> = selections.0.into_iter().map(end).collect();
    Rows(ends.into_values().collect())
}
