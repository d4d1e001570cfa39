//! The accuracy tables: Table 2, Table 3, and whatever else the plan runs, alike.

use std::collections::BTreeMap;

use flooding_core::config::TableId;
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::tables::{AccuracyRow, MeanStd, Sensitivity, Stopping, TrialChoice};
use polars::prelude::*;

use crate::compare::{bold, difference, z};
use crate::error::AggregateError;
use crate::frame::{
    EPOCH, LEVEL, LEVEL_VALUE, RUN, SETTING, STOPPING, STOPPINGS, TEST_ACCURACY, TRAIN_ACCURACY, TRIAL,
};
use crate::paper;
use crate::scan::Found;
use crate::select::{BASE_EPOCH, BASE_RUN, MAIN_RULE, OTHER_RULES, WITHOUT, pooled, selected};
use crate::stats::{Sample, holm, mean_interval};

/// A setting's index and the code of a way of stopping.
type Key = (u32, u32);

/// One row a setting and way of stopping, in the plan's order, `A` before `B`.
pub(crate) fn accuracy_rows(
    plan: &Plan,
    runs: &[Found],
    whole: &LazyFrame,
) -> Result<Vec<AccuracyRow>, AggregateError> {
    let failed = AggregateError::table("accuracy");
    let choices = trial_choices(runs, selected(whole, MAIN_RULE)).map_err(&failed)?;
    let means = means(pooled(selected(whole, MAIN_RULE))).map_err(&failed)?;
    let mut others = Vec::new();
    for (name, rule) in OTHER_RULES {
        others.push((name, self::means(pooled(selected(whole, rule))).map_err(&failed)?));
    }
    let mut rows = Vec::new();
    for (index, setting) in plan.settings.iter().enumerate() {
        for (code, stopping) in STOPPINGS.into_iter().enumerate() {
            let key = (index as u32, code as u32);
            let sensitivity = (others.iter())
                .filter_map(|(name, means)| {
                    let means = means.get(&key)?;
                    let [_, with, level] = means;
                    Some(Sensitivity {
                        choice: (*name).to_owned(),
                        with: with.as_ref()?.mean,
                        chosen_b: level.as_ref()?.mean,
                    })
                })
                .collect();
            let missing = runs.iter().filter(|run| run.setting == index && run.complete().is_none());
            let row = Row {
                setting,
                stopping,
                means: means.get(&key).copied().unwrap_or_default(),
                choices: choices.get(&key).cloned().unwrap_or_default(),
                missing: missing.map(Found::id).collect(),
                sensitivity,
            };
            rows.push(row.finish());
        }
    }
    correct_by_holm(&mut rows);
    underline(&mut rows);
    Ok(rows)
}

/// What the query plan found for one row.
struct Row<'a> {
    setting: &'a Setting,
    stopping: Stopping,
    /// Without, with, chosen level.
    means: [Option<MeanStd>; 3],
    choices: Vec<Choice>,
    missing: Vec<String>,
    sensitivity: Vec<Sensitivity>,
}

/// One trial's selection; `None` beside it where the plan has no b = 0.
#[derive(Clone)]
struct Choice {
    trial: TrialChoice,
    has_baseline: bool,
}

impl Row<'_> {
    fn finish(self) -> AccuracyRow {
        let Row { setting, stopping, means: [without, with, chosen_b], choices, missing, sensitivity } = self;
        let compared = !choices.is_empty() && choices.iter().all(|choice| choice.has_baseline);
        let with_values: Vec<f64> = choices.iter().map(|choice| choice.trial.with).collect();
        let without_values: Vec<f64> =
            choices.iter().filter(|choice| choice.has_baseline).map(|choice| choice.trial.without).collect();
        let sample = |values: &[f64]| (!values.is_empty()).then(|| Sample::of(values));
        let (sample_without, sample_with) = (sample(&without_values), sample(&with_values));
        let (bold_without, bold_with) = bold(sample_without, sample_with);
        let paper = setting.table.and_then(|table| paper::cell(table, &setting.row, stopping)).map(|mut cell| {
            cell.z = z(sample_without, cell.without, paper::TABLE2_TRIALS).zip(z(
                sample_with,
                cell.with,
                paper::TABLE2_TRIALS,
            ));
            cell
        });
        AccuracyRow {
            setting: setting.id.clone(),
            row: setting.row.clone(),
            table: setting.table,
            reading: setting.reading.clone(),
            stopping,
            trials: setting.trials,
            levels: setting.levels.len() as u32,
            full_grid: (setting.full_grid.0, setting.full_grid.1 as u32),
            reduced: setting.reduced.clone(),
            without,
            with,
            chosen_b,
            difference: compared.then(|| difference(&without_values, &with_values, paper.and_then(paper::effect))),
            bold_without,
            bold_with,
            dash: compared && choices.iter().all(|choice| choice.trial.level.is_zero()),
            underline_without: false,
            underline_with: false,
            without_interval: sample_without.and_then(mean_interval),
            with_interval: sample_with.and_then(mean_interval),
            paper,
            // A trial without a baseline has nothing to compare, and its row says so by `without: None`.
            per_trial: if compared { choices.into_iter().map(|choice| choice.trial).collect() } else { Vec::new() },
            missing,
            sensitivity,
        }
    }
}

/// Mean and standard deviation of without, with and level, by setting and way of stopping.
fn means(pooled: LazyFrame) -> PolarsResult<BTreeMap<Key, [Option<MeanStd>; 3]>> {
    let frame = pooled.collect()?;
    let keys = [frame.column(SETTING)?.u32()?, frame.column(STOPPING)?.u32()?];
    let trials = frame.column("trials")?.u32()?;
    let moments = [WITHOUT, TEST_ACCURACY, LEVEL_VALUE].map(|name| MeanStdColumns::new(&frame, name));
    let mut means = BTreeMap::new();
    for i in 0..frame.height() {
        let mut row = [None; 3];
        for (value, columns) in row.iter_mut().zip(&moments) {
            *value = columns.as_ref().map_err(Clone::clone)?.get(i, trials.get(i).unwrap_or(0));
        }
        means.insert((keys[0].get(i).unwrap_or(0), keys[1].get(i).unwrap_or(0)), row);
    }
    Ok(means)
}

/// The columns `NAME_mean` and `NAME_std` of a frame.
pub(crate) struct MeanStdColumns<'a> {
    mean: &'a Float64Chunked,
    std: &'a Float64Chunked,
}

impl<'a> MeanStdColumns<'a> {
    pub(crate) fn new(frame: &'a DataFrame, name: &str) -> PolarsResult<Self> {
        Ok(Self {
            mean: frame.column(&format!("{name}_mean"))?.f64()?,
            std: frame.column(&format!("{name}_std"))?.f64()?,
        })
    }

    pub(crate) fn get(&self, row: usize, n: u32) -> Option<MeanStd> {
        self.mean.get(row).map(|mean| MeanStd { n, mean, std: self.std.get(row) })
    }
}

fn trial_choices(runs: &[Found], selected: LazyFrame) -> PolarsResult<BTreeMap<Key, Vec<Choice>>> {
    let frame = selected.collect()?;
    let whole = |name: &str| frame.column(name)?.u32();
    let real = |name: &str| frame.column(name)?.f64();
    let (settings, stoppings, trials) = (whole(SETTING)?, whole(STOPPING)?, whole(TRIAL)?);
    let (run, level, epoch) = (whole(RUN)?, whole(LEVEL)?, whole(EPOCH)?);
    let (base_run, base_epoch) = (whole(BASE_RUN)?, whole(BASE_EPOCH)?);
    let (without, with, train) = (real(WITHOUT)?, real(TEST_ACCURACY)?, real(TRAIN_ACCURACY)?);
    let mut choices: BTreeMap<Key, Vec<Choice>> = BTreeMap::new();
    for i in 0..frame.height() {
        let at = |column: &UInt32Chunked| column.get(i).unwrap_or(0);
        let key_of = |run: u32| runs[run as usize].key.clone();
        let trial = TrialChoice {
            trial: at(trials),
            without: without.get(i).unwrap_or(0.0),
            with: with.get(i).unwrap_or(0.0),
            level: Level::from_millionths(at(level)),
            epochs: (at(base_epoch), at(epoch)),
            baseline_run: key_of(base_run.get(i).unwrap_or(at(run))),
            selected_run: key_of(at(run)),
            train_accuracy: train.get(i).unwrap_or(0.0),
            flooded_from: None,
        };
        let choice = Choice { trial, has_baseline: base_run.get(i).is_some() };
        choices.entry((at(settings), at(stoppings))).or_default().push(choice);
    }
    Ok(choices)
}

/// Holm's correction over each of the paper's tables under each reading.
fn correct_by_holm(rows: &mut [AccuracyRow]) {
    let families = rows.iter().map(|row| (row.table, row.reading.clone())).collect::<Vec<_>>();
    let mut done: Vec<&(Option<TableId>, String)> = Vec::new();
    for family in &families {
        if done.contains(&family) {
            continue;
        }
        done.push(family);
        let members: Vec<usize> = (0..rows.len()).filter(|&i| families[i] == *family).collect();
        let p: Vec<Option<f64>> = members.iter().map(|&i| rows[i].difference.and_then(|d| d.p_student)).collect();
        for (&i, corrected) in members.iter().zip(holm(&p)) {
            if let Some(difference) = &mut rows[i].difference {
                difference.p_holm = corrected;
            }
        }
    }
}

/// Table 3's underline: the best of all cells of a data set; a dash is no cell.
fn underline(rows: &mut [AccuracyRow]) {
    let with = |row: &AccuracyRow| row.with.filter(|_| !row.dash).map(|with| with.mean);
    let without = |row: &AccuracyRow| row.without.map(|without| without.mean);
    for i in 0..rows.len() {
        if rows[i].table != Some(TableId::Table3) {
            continue;
        }
        let (dataset, reading) = (rows[i].row[0].clone(), rows[i].reading.clone());
        let best = (rows.iter())
            .filter(|row| row.table == Some(TableId::Table3) && row.row[0] == dataset && row.reading == reading)
            .flat_map(|row| [with(row), without(row)])
            .flatten()
            .max_by(f64::total_cmp);
        rows[i].underline_without = best.is_some() && without(&rows[i]) == best;
        rows[i].underline_with = best.is_some() && with(&rows[i]) == best;
    }
}
