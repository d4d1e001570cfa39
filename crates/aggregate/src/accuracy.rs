//! The accuracy tables: Table 2, Table 3, and whatever else the plan runs, alike.

use std::collections::BTreeMap;

use flooding_core::config::TableId;
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_tables::{AccuracyRow, Checkpoint, MeanStd, RunEndRow, SelectionRow, SensitivityRow};
use polars::prelude::*;

use crate::compare::{bold, difference, z};
use crate::error::AggregateError;
use crate::frame::{
    CHECKPOINT, CHECKPOINTS, EPOCH, LEVEL, LEVEL_VALUE, RUN, SETTING, TEST_ACCURACY, TRAIN_ACCURACY, TRIAL,
};
use crate::paper;
use crate::scan::Found;
use crate::select::{BASE_EPOCH, BASE_RUN, MAIN_RULE, OTHER_RULES, WITHOUT, pooled, selected};
use crate::stats::{Sample, holm, mean_interval};

/// A setting's index and the code of a checkpoint selection.
type Key = (u32, u32);

/// The accuracy table and the two tables behind it.
pub(crate) struct Accuracy {
    /// One row a setting and checkpoint selection, in the plan's order, the last epoch before the best validation epoch.
    pub rows: Vec<AccuracyRow>,
    /// The trials behind each row that compares with and without flooding.
    pub selections: Vec<SelectionRow>,
    /// The rows under other choices about selection.
    pub sensitivity: Vec<SensitivityRow>,
}

/// The accuracy of every setting, from the runs of complete trials.
pub(crate) fn accuracy(plan: &Plan, runs: &[Found], whole: &LazyFrame) -> Result<Accuracy, AggregateError> {
    let failed = AggregateError::query("accuracy");
    let choices = trial_choices(plan, runs, selected(whole, MAIN_RULE)).map_err(&failed)?;
    let means = means(pooled(selected(whole, MAIN_RULE))).map_err(&failed)?;
    let mut others = Vec::new();
    for (name, rule) in OTHER_RULES {
        others.push((name, self::means(pooled(selected(whole, rule))).map_err(&failed)?));
    }
    let (mut rows, mut selections, mut sensitivity) = (Vec::new(), Vec::new(), Vec::new());
    for (index, setting) in plan.settings.iter().enumerate() {
        for (code, checkpoint) in CHECKPOINTS.into_iter().enumerate() {
            let key = (index as u32, code as u32);
            sensitivity.extend(others.iter().filter_map(|(name, means)| {
                let [_, with, level] = means.get(&key)?;
                Some(SensitivityRow {
                    setting: setting.id.clone(),
                    reading: setting.reading.clone(),
                    checkpoint,
                    choice: (*name).to_owned(),
                    with: with.as_ref()?.mean,
                    selected_level: level.as_ref()?.mean,
                })
            }));
            let missing = runs.iter().filter(|run| run.setting == index && run.summary().is_none());
            let choices = choices.get(&key).map_or(&[][..], Vec::as_slice);
            let row = Row {
                setting,
                checkpoint,
                means: means.get(&key).copied().unwrap_or_default(),
                choices,
                missing_runs: missing.count() as u32,
            };
            // A trial without a baseline has nothing to compare.
            if row.compares() {
                selections.extend(choices.iter().map(|choice| choice.trial.clone()));
            }
            rows.push(row.finish());
        }
    }
    correct_by_holm(&mut rows);
    underline(&mut rows);
    Ok(Accuracy { rows, selections, sensitivity })
}

impl Accuracy {
    /// Says of each selected run when flooding began in it; `ends` is by the setting's index.
    pub(crate) fn with_beginnings(mut self, plan: &Plan, ends: &[Vec<RunEndRow>]) -> Self {
        for choice in &mut self.selections {
            let index = plan.settings.iter().position(|setting| setting.id == choice.setting);
            let end = index.and_then(|index| {
                ends[index].iter().find(|end| end.trial == choice.trial && end.level == choice.level)
            });
            choice.flooded_from = end.and_then(|end| end.flooded_from);
        }
        for row in &mut self.rows {
            let before = |choice: &&SelectionRow| choice.flooded_from.is_some_and(|from| choice.with_epoch < from);
            let of_row = |choice: &&SelectionRow| choice.setting == row.setting && choice.checkpoint == row.checkpoint;
            row.selected_before_flooding = self.selections.iter().filter(of_row).filter(before).count() as u32;
        }
        self
    }

    /// The trials behind a row.
    pub(crate) fn choices(&self, setting: &str, checkpoint: Checkpoint) -> impl Iterator<Item = &SelectionRow> {
        self.selections.iter().filter(move |choice| choice.setting == setting && choice.checkpoint == checkpoint)
    }
}

/// What the query plan found for one row.
struct Row<'a> {
    setting: &'a Setting,
    checkpoint: Checkpoint,
    /// Without, with, selected level.
    means: [Option<MeanStd>; 3],
    choices: &'a [Choice],
    missing_runs: u32,
}

/// One trial's selection; `None` beside it where the plan has no b = 0.
#[derive(Clone)]
struct Choice {
    trial: SelectionRow,
    has_baseline: bool,
}

impl Row<'_> {
    /// Has every trial a run without flooding?
    fn compares(&self) -> bool {
        !self.choices.is_empty() && self.choices.iter().all(|choice| choice.has_baseline)
    }

    fn finish(self) -> AccuracyRow {
        let compared = self.compares();
        let Row { setting, checkpoint, means: [without, with, selected_level], choices, missing_runs } = self;
        let with_values: Vec<f64> = choices.iter().map(|choice| choice.trial.with).collect();
        let without_values: Vec<f64> =
            choices.iter().filter(|choice| choice.has_baseline).map(|choice| choice.trial.without).collect();
        let sample = |values: &[f64]| (!values.is_empty()).then(|| Sample::of(values));
        let (sample_without, sample_with) = (sample(&without_values), sample(&with_values));
        let (bold_without, bold_with) = bold(sample_without, sample_with);
        let paper = setting.table.and_then(|table| paper::cell(table, &setting.row, checkpoint)).map(|mut cell| {
            cell.z_without = z(sample_without, cell.without, paper::TABLE2_TRIALS);
            cell.z_with = z(sample_with, cell.with, paper::TABLE2_TRIALS);
            cell
        });
        AccuracyRow {
            setting: setting.id.clone(),
            reading: setting.reading.clone(),
            table: setting.table,
            data: setting.row[0].clone(),
            setup: setting.row[1].clone(),
            checkpoint,
            trials: setting.trials,
            complete_trials: choices.len() as u32,
            levels: setting.levels.len() as u32,
            paper_trials: setting.full_grid.0,
            paper_levels: setting.full_grid.1 as u32,
            reduced: setting.reduced.clone(),
            missing_runs,
            without,
            without_ci: sample_without.and_then(mean_interval).map(Into::into),
            with,
            with_ci: sample_with.and_then(mean_interval).map(Into::into),
            selected_level,
            difference: compared.then(|| difference(&without_values, &with_values, paper.and_then(paper::effect))),
            bold_without,
            bold_with,
            without_selected: choices.iter().filter(|choice| choice.trial.level.is_zero()).count() as u32,
            selected_before_flooding: 0,
            dash: compared && choices.iter().all(|choice| choice.trial.level.is_zero()),
            underline_without: false,
            underline_with: false,
            paper,
        }
    }
}

/// Mean and standard deviation of without, with and level, by setting and checkpoint selection.
fn means(pooled: LazyFrame) -> PolarsResult<BTreeMap<Key, [Option<MeanStd>; 3]>> {
    let frame = pooled.collect()?;
    let keys = [frame.column(SETTING)?.u32()?, frame.column(CHECKPOINT)?.u32()?];
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

fn trial_choices(plan: &Plan, runs: &[Found], selected: LazyFrame) -> PolarsResult<BTreeMap<Key, Vec<Choice>>> {
    let frame = selected.collect()?;
    let whole = |name: &str| frame.column(name)?.u32();
    let real = |name: &str| frame.column(name)?.f64();
    let (settings, checkpoints, trials) = (whole(SETTING)?, whole(CHECKPOINT)?, whole(TRIAL)?);
    let (run, level, epoch) = (whole(RUN)?, whole(LEVEL)?, whole(EPOCH)?);
    let (base_run, base_epoch) = (whole(BASE_RUN)?, whole(BASE_EPOCH)?);
    let (without, with, train) = (real(WITHOUT)?, real(TEST_ACCURACY)?, real(TRAIN_ACCURACY)?);
    let mut choices: BTreeMap<Key, Vec<Choice>> = BTreeMap::new();
    for i in 0..frame.height() {
        let at = |column: &UInt32Chunked| column.get(i).unwrap_or(0);
        let key_of = |run: u32| runs[run as usize].key.clone();
        let setting = &plan.settings[at(settings) as usize];
        let trial = SelectionRow {
            setting: setting.id.clone(),
            reading: setting.reading.clone(),
            checkpoint: CHECKPOINTS[at(checkpoints) as usize],
            trial: at(trials),
            level: Level::from_millionths(at(level)),
            without: without.get(i).unwrap_or(0.0),
            with: with.get(i).unwrap_or(0.0),
            train_accuracy: train.get(i).unwrap_or(0.0),
            without_epoch: at(base_epoch),
            with_epoch: at(epoch),
            flooded_from: None,
            without_run: key_of(base_run.get(i).unwrap_or(at(run))),
            with_run: key_of(at(run)),
        };
        let choice = Choice { trial, has_baseline: base_run.get(i).is_some() };
        choices.entry((at(settings), at(checkpoints))).or_default().push(choice);
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

/// Table 3's underline: the best of all cells of a dataset; a dash is no cell.
fn underline(rows: &mut [AccuracyRow]) {
    let with = |row: &AccuracyRow| row.with.filter(|_| !row.dash).map(|with| with.mean);
    let without = |row: &AccuracyRow| row.without.map(|without| without.mean);
    for i in 0..rows.len() {
        if rows[i].table != Some(TableId::Table3) {
            continue;
        }
        let (dataset, reading) = (rows[i].data.clone(), rows[i].reading.clone());
        let best = (rows.iter())
            .filter(|row| row.table == Some(TableId::Table3) && row.data == dataset && row.reading == reading)
            .flat_map(|row| [with(row), without(row)])
            .flatten()
            .max_by(f64::total_cmp);
        rows[i].underline_without = best.is_some() && without(&rows[i]) == best;
        rows[i].underline_with = best.is_some() && with(&rows[i]) == best;
    }
}
