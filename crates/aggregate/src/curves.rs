//! Learning curves: histories, averaged over trials, a setting at a time.
//!
//! A setting's curves are kept beside the tables together with a digest of the histories that they were made from, so
//! that only settings whose runs changed are read again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::record::{EpochRow, History};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document, Layout, Store};
use flooding_core::work::{MissingResult, Stage};
use flooding_tables::{CurvePoint, CurveRow, DescentRow, FinalLossRow, GradientNorms, Measured, Rows, RunEndRow};
use polars::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::dependencies::TABLES_REVISION;
use crate::descent::descent;
use crate::error::AggregateError;
use crate::final_loss::{final_loss, final_train_loss};
use crate::frame::{EPOCH, percent};
use crate::scan::Found;

/// The largest number of epochs of a curve, besides its first and last, that the report draws.
const EPOCHS_IN_REPORT: u32 = 125;

/// Everything about one setting's histories.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SettingCurves {
    /// Digest of what they were made from.
    made_from: Option<Digest>,
    /// All epochs, by level and epoch.
    pub rows: Rows<CurveRow>,
    /// The second descent of each level that has a test curve.
    pub descents: Rows<DescentRow>,
    /// Where the training loss of each level ended.
    pub final_losses: Rows<FinalLossRow>,
    /// How each run ended.
    pub ends: Rows<RunEndRow>,
    /// Histories that could not be used.
    pub missing: Vec<MissingResult>,
}

impl Document for SettingCurves {
    const KIND: &'static str = "setting-curves";
    const VERSION: u32 = 5;
}

/// The curves of one setting's complete runs, from the cache where nothing changed.
pub(crate) fn curves(
    plan: &Plan,
    store: &Store,
    setting: &Setting,
    runs: &[&Found],
    force: bool,
) -> Result<SettingCurves, AggregateError> {
    let path = store.layout().tables().join("cache").join(format!("{}.json", setting.id));
    let made_from = digest(plan, store, runs);
    if !force
        // A cache that cannot be read is rebuilt.
        && let Ok(Some(cached)) = store.read_document::<SettingCurves>(&path)
        && cached.made_from.as_ref() == Some(&made_from)
    {
        return Ok(cached);
    }
    let mut curves = read(plan, store, setting, runs)?;
    if curves.missing.is_empty() {
        curves.made_from = Some(made_from);
        store.write_document(&path, &curves)?;
    }
    Ok(curves)
}

/// Names the histories by what their records say of them, and by their size, so that a torn or lost one is read (and
/// refused) again.
fn digest(plan: &Plan, store: &Store, runs: &[&Found]) -> Digest {
    let mut hasher = Hasher::new().chain(&TABLES_REVISION.to_le_bytes()).chain(&plan.master_seed.to_le_bytes());
    for run in runs {
        let Some((record, _)) = run.complete() else { continue };
        let path = store.layout().run(&run.spec).join(Layout::HISTORY);
        let size = std::fs::metadata(path).map_or(u64::MAX, |data| data.len());
        hasher.update(run.key.as_str().as_bytes());
        hasher.update(record.history.as_str().as_bytes());
        hasher.update(&size.to_le_bytes());
    }
    hasher.finish()
}

fn read(plan: &Plan, store: &Store, setting: &Setting, runs: &[&Found]) -> Result<SettingCurves, AggregateError> {
    let read: Vec<(&Found, Result<History, String>)> = runs.par_iter().map(|run| (*run, history(store, run))).collect();
    let mut histories = Vec::with_capacity(read.len());
    let mut missing = Vec::new();
    for (run, history) in read {
        match history {
            Ok(history) => histories.push((run, history)),
            Err(why) => missing.push(MissingResult { stage: Stage::Aggregate, id: run.id(), why }),
        }
    }
    let any_samples = histories.iter().any(|(run, _)| samples_test(run));
    // Level by level: the levels share no row of a curve, and cores share the levels.
    let rows: Vec<Vec<CurveRow>> = (by_level(&histories).par_iter())
        .map(|(level, of_level)| average(setting, *level, of_level, any_samples))
        .collect::<PolarsResult<_>>()
        .map_err(AggregateError::query("curves"))?;
    let descents: Vec<DescentRow> = (setting.levels.par_iter())
        .filter_map(|&level| {
            let (epochs, curves) = test_curves(&histories, level);
            descent(plan, setting, level, &epochs, &curves)
        })
        .collect();
    let final_losses: Vec<FinalLossRow> =
        setting.levels.iter().filter_map(|&level| final_loss(setting, level, &histories)).collect();
    Ok(SettingCurves {
        made_from: None,
        rows: Rows(rows.concat()),
        descents: Rows(descents),
        final_losses: Rows(final_losses),
        ends: Rows(ends(setting, &histories)),
        missing,
    })
}

fn ends(setting: &Setting, histories: &[(&Found, History)]) -> Vec<RunEndRow> {
    let baselines: HashMap<u32, &History> = (histories.iter())
        .filter(|(run, _)| run.spec.level.is_zero())
        .map(|(run, history)| (run.spec.trial, history))
        .collect();
    histories.iter().map(|(run, history)| end(setting, run, history, baselines.get(&run.spec.trial).copied())).collect()
}

fn end(setting: &Setting, run: &Found, history: &History, baseline: Option<&History>) -> RunEndRow {
    let flooded_from = if run.spec.level.is_zero() {
        None
    } else {
        match baseline.filter(|_| run.spec.initial_weights.are_shared()) {
            Some(baseline) => parting(history, baseline),
            // A mean over the epoch's mini-batches: exact where the epoch is one of them.
            None => history.rows.iter().find(|row| row.batch_loss < run.spec.level.value()).map(|row| row.epoch),
        }
    };
    let RunSpec { trial, level, .. } = run.spec;
    RunEndRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        trial,
        level,
        train_loss: final_train_loss(history),
        flooded_from,
    }
}

/// The first epoch in which a run parts from the baseline of its trial: up to its first flooded step the two are the same,
/// bit for bit.
fn parting(history: &History, baseline: &History) -> Option<u32> {
    let same = |(a, b): &(&EpochRow, &EpochRow)| a.batch_loss == b.batch_loss && a.validation == b.validation;
    history.rows.iter().zip(&baseline.rows).find(|pair| !same(pair)).map(|(row, _)| row.epoch)
}

/// A complete run's history, if it is the one its record speaks of.
fn history(store: &Store, run: &Found) -> Result<History, String> {
    let path = store.layout().run(&run.spec).join(Layout::HISTORY);
    let named = |why: &dyn std::fmt::Display| {
        format!("{}: {why}; its curves are left out (remove its folder and train again to replace it)", path.display())
    };
    let (record, _) = run.complete().ok_or_else(|| named(&"has no complete record"))?;
    let bytes = store.read(&path).map_err(|error| error.to_string())?.ok_or_else(|| named(&"is missing"))?;
    let found = Digest::of(&bytes);
    if found != record.history {
        return Err(named(&format_args!("damaged: its SHA-256 is {found}, its record says {}", record.history)));
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| named(&error))?;
    let history = History::from_csv(text).map_err(|error| named(&error))?;
    let finite = |m: &flooding_core::record::Measure| m.loss.is_finite() && m.accuracy.is_finite();
    let whole = |row: &&EpochRow| {
        row.train.as_ref().is_none_or(finite) && finite(&row.validation) && row.test.as_ref().is_none_or(finite)
    };
    match history.rows.iter().find(|row| !whole(row)) {
        Some(row) => Err(named(&format_args!("holds a number that is not finite at epoch {}", row.epoch))),
        None => Ok(history),
    }
}

/// Does this run measure the test set along the way?
fn samples_test(run: &Found) -> bool {
    run.spec.observe.test_every > 0
}

/// Is this one of the epochs at which such a run measures it (and not just an epoch that happened to be selected)?
fn on_grid(run: &Found, epoch: u32) -> bool {
    epoch == 1 || epoch == run.spec.epochs || epoch.is_multiple_of(run.spec.observe.test_every.max(1))
}

/// The test-loss curves of a level's sampling runs at the epochs that all of them measured.
fn test_curves(histories: &[(&Found, History)], level: Level) -> (Vec<u32>, Vec<Vec<f64>>) {
    let curves: Vec<BTreeMap<u32, f64>> = (histories.iter())
        .filter(|(run, _)| run.spec.level == level && samples_test(run))
        .map(|(run, history)| {
            let measured = history.rows.iter().filter(|row| on_grid(run, row.epoch));
            measured.filter_map(|row| row.test.map(|test| (row.epoch, test.loss))).collect()
        })
        .collect();
    let Some(first) = curves.first() else { return (Vec::new(), Vec::new()) };
    let common: BTreeSet<u32> =
        first.keys().copied().filter(|epoch| curves.iter().all(|curve| curve.contains_key(epoch))).collect();
    let values = curves.iter().map(|curve| common.iter().map(|epoch| curve[epoch]).collect()).collect();
    (common.into_iter().collect(), values)
}

const MEANS: [&str; 9] = [
    "batch_loss",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
    "train_gradient",
    "test_gradient",
];

/// The histories of each level, in the order of their trials.
fn by_level<'a>(histories: &'a [(&'a Found, History)]) -> BTreeMap<Level, Vec<&'a (&'a Found, History)>> {
    let mut levels: BTreeMap<Level, Vec<&(&Found, History)>> = BTreeMap::new();
    for one in histories {
        levels.entry(one.0.spec.level).or_default().push(one);
    }
    levels
}

/// Mean over the trials of one level, by epoch. Training, test and gradient values appear where every run that samples
/// them has one, so that no curve jumps between different sets of trials. Where no run of the setting samples the test
/// set (`any_samples`), its last epoch is all there is.
fn average(
    setting: &Setting,
    level: Level,
    histories: &[&(&Found, History)],
    any_samples: bool,
) -> PolarsResult<Vec<CurveRow>> {
    let rows = histories.iter().map(|(_, history)| history.rows.len()).sum();
    let mut epochs = Vec::<u32>::with_capacity(rows);
    let mut values: [Vec<Option<f64>>; MEANS.len()] = std::array::from_fn(|_| Vec::with_capacity(rows));
    let mut expected = Expected::default();
    for (run, history) in histories {
        let observes = if any_samples { samples_test(run) } else { true };
        let gradients = run.spec.observe.gradients_every > 0;
        expected.tests += u32::from(observes);
        expected.gradients += u32::from(gradients);
        for row in &history.rows {
            epochs.push(row.epoch);
            // An epoch that happened to be selected has a measure of the test set too, and is no point of a curve.
            let is_due = if any_samples { on_grid(run, row.epoch) } else { row.epoch == run.spec.epochs };
            let test = row.test.filter(|_| observes && is_due);
            let gradients = row.gradients.filter(|_| gradients);
            let row = [
                Some(row.batch_loss),
                row.train.map(|train| train.loss),
                row.train.map(|train| percent(train.accuracy)),
                Some(row.validation.loss),
                Some(percent(row.validation.accuracy)),
                test.map(|test| test.loss),
                test.map(|test| percent(test.accuracy)),
                gradients.map(|norms| norms.train_filter),
                gradients.map(|norms| norms.test_filter),
            ];
            for (column, value) in values.iter_mut().zip(row) {
                column.push(value);
            }
        }
    }
    let mut columns = vec![Column::new(EPOCH.into(), epochs)];
    columns.extend(MEANS.iter().zip(values).map(|(name, values)| Column::new((*name).into(), values)));
    let mut aggregations = vec![len().alias("trials")];
    aggregations.extend(MEANS.map(|name| col(name).mean()));
    aggregations.extend([col("train_loss").count().alias("train_n")]);
    aggregations.extend([col("test_loss").count().alias("test_n"), col("test_gradient").count().alias("gradient_n")]);
    let frame = DataFrame::new(rows, columns)?
        .lazy()
        .group_by_stable([col(EPOCH)])
        .agg(aggregations)
        .sort([EPOCH], SortMultipleOptions::default())
        .collect()?;
    to_rows(setting, level, &frame, expected)
}

/// How many runs of a level sample the test set, and the gradients.
#[derive(Clone, Copy, Default)]
struct Expected {
    tests: u32,
    gradients: u32,
}

fn to_rows(setting: &Setting, level: Level, frame: &DataFrame, expected: Expected) -> PolarsResult<Vec<CurveRow>> {
    let whole = |name: &str| frame.column(name)?.u32();
    let (epochs, trials) = (whole(EPOCH)?, whole("trials")?);
    let (train_n, test_n, gradient_n) = (whole("train_n")?, whole("test_n")?, whole("gradient_n")?);
    let means = MEANS.iter().map(|name| frame.column(name)?.f64()).collect::<PolarsResult<Vec<_>>>()?;
    let mut rows = Vec::with_capacity(frame.height());
    for i in 0..frame.height() {
        let at = |column: &UInt32Chunked| column.get(i).unwrap_or(0);
        let pair = |first: usize| means[first].get(i).zip(means[first + 1].get(i));
        let measured = |first: usize| pair(first).map(|(loss, accuracy)| Measured { loss, accuracy });
        rows.push(CurveRow {
            setting: setting.id.clone(),
            reading: setting.reading.clone(),
            level,
            epoch: at(epochs),
            trials: at(trials),
            batch_loss: means[0].get(i),
            train: measured(1).filter(|_| at(train_n) == at(trials)),
            // Every epoch of a history has these.
            validation: measured(3).unwrap_or(Measured { loss: 0.0, accuracy: 0.0 }),
            test_trials: expected.tests,
            test: measured(5).filter(|_| at(test_n) == expected.tests),
            gradient_trials: expected.gradients,
            gradient_norm: pair(7)
                .filter(|_| at(gradient_n) == expected.gradients)
                .map(|(train, test)| GradientNorms { train, test }),
        });
    }
    Ok(rows)
}

/// The rows that the report draws: the first and last epoch and every k-th, k being the least number that leaves at most 125
/// epochs and keeps every (or every few) of the epochs at which the training and test set are sampled.
pub(crate) fn thinned(setting: &Setting, rows: &[CurveRow]) -> Vec<CurvePoint> {
    let interval = setting.observe.test_every.max(setting.observe.train_every).max(1);
    let fits = |k: &u32| interval.is_multiple_of(*k) || k.is_multiple_of(interval);
    let least = setting.epochs.div_ceil(EPOCHS_IN_REPORT).max(1);
    let every = (least..=least.next_multiple_of(interval)).find(fits).unwrap_or(interval);
    let kept = |epoch: u32| epoch == 1 || epoch == setting.epochs || epoch.is_multiple_of(every);
    rows.iter().filter(|row| kept(row.epoch)).cloned().map(CurvePoint).collect()
}
