//! The evidence, cut into blocks: the paper's settings of one table under one reading.

use std::collections::HashMap;

use flooding_core::config::TableId;
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::record::Summary;
use flooding_core::spec::{DataSpec, Objective};
use flooding_tables::{AccuracyRow, Checkpoint, READINGS, RunEndRow, SelectionRow, TheoremCheck, TrialProbeRow};

use super::definition::Domain;
use crate::accuracy::Accuracy;
use crate::controls::Placebo;
use crate::paper;
use crate::scan::Found;
use crate::stats::Stratum;

/// What claims are judged by.
pub(crate) struct Evidence<'a> {
    pub plan: &'a Plan,
    /// Selected among the paper's levels alone.
    pub accuracy: &'a Accuracy,
    pub runs: &'a [Found],
    /// How each run of a setting of the plan ended, by the setting's index.
    pub ends: &'a [Vec<RunEndRow>],
    pub probes: &'a [TrialProbeRow],
    pub placebos: &'a [Placebo],
    pub checks: &'a [TheoremCheck],
}

/// The paper's settings of one table under one reading that the plan runs.
pub(super) struct Block<'a> {
    pub table: TableId,
    pub reading: &'a str,
    /// How many settings the paper has.
    pub rows: usize,
    pub settings: Vec<Judged<'a>>,
}

/// One setting of a block.
#[derive(Clone, Copy)]
pub(super) struct Judged<'a> {
    pub setting: &'a Setting,
    /// Its index in the plan.
    pub index: usize,
    pub evidence: &'a Evidence<'a>,
}

/// One trial of which every level of the paper that the plan runs is complete.
pub(super) struct WholeTrial<'a> {
    pub trial: u32,
    pub baseline: &'a Summary,
    /// The levels above 0, ascending.
    pub flooded: Vec<(Level, &'a Summary)>,
}

impl<'a> WholeTrial<'a> {
    /// The level above 0 with the best validation accuracy at the last epoch, the smallest of equals.
    pub fn compared(&self) -> Option<(Level, &'a Summary)> {
        let mut best: Option<(Level, &Summary)> = None;
        for &(level, summary) in &self.flooded {
            if best.is_none_or(|(_, best)| summary.last.validation.accuracy > best.last.validation.accuracy) {
                best = Some((level, summary));
            }
        }
        best
    }
}

/// One value a trial of a setting, positive where it favours the claim.
pub(super) struct Sampled<'a> {
    pub judged: Judged<'a>,
    pub values: Vec<f64>,
    /// Trials whose value is zero by construction; they are not among `values`.
    pub zeros: u32,
    /// The paper's value.
    pub paper: Option<PaperEffect>,
}

/// The paper's effect in a setting.
#[derive(Clone, Copy, Debug)]
pub(super) enum PaperEffect {
    /// From means and standard deviations.
    Summary(Stratum),
    /// From single runs.
    Single(f64),
}

impl Sampled<'_> {
    /// Trials with a value.
    pub fn trials(&self) -> u32 {
        self.values.len() as u32 + self.zeros
    }

    /// The values, with the zeros among them.
    pub fn with_zeros(&self) -> Vec<f64> {
        self.values.iter().copied().chain(std::iter::repeat_n(0.0, self.zeros as usize)).collect()
    }
}

/// The blocks of a claim's domain, in the plan's order of readings; one without settings is left out.
pub(super) fn blocks<'a>(evidence: &'a Evidence<'a>, domain: &[Domain]) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    for part in domain {
        let rows = paper::rows(part.table).filter(|row| part.rows.is_empty() || part.rows.iter().any(|r| r == row[1]));
        let rows: Vec<[&str; 2]> = rows.collect();
        let settings = |reading: &str| -> Vec<Judged<'a>> {
            let of_block = |setting: &Setting| {
                setting.reading == reading
                    && is_the_papers(setting, part.table)
                    && rows.contains(&[&setting.row[0], &setting.row[1]])
            };
            let all = evidence.plan.settings.iter().enumerate().filter(|(_, setting)| of_block(setting));
            all.map(|(index, setting)| Judged { setting, index, evidence }).collect()
        };
        for (reading, stand_in) in READINGS {
            let mut found = settings(reading);
            if found.is_empty() {
                continue;
            }
            let missing = stand_in.map_or_else(Vec::new, settings);
            let has = |row: &[String; 2]| found.iter().any(|judged| judged.setting.row == *row);
            let missing: Vec<Judged> = missing.into_iter().filter(|judged| !has(&judged.setting.row)).collect();
            found.extend(missing);
            found.sort_by_key(|judged| {
                rows.iter().position(|row| *row == [&judged.setting.row[0], &judged.setting.row[1]])
            });
            blocks.push(Block { table: part.table, reading, rows: rows.len(), settings: found });
        }
    }
    blocks
}

/// Is this a row of the paper's table, with the paper's label noise and objective?
fn is_the_papers(setting: &Setting, table: TableId) -> bool {
    let noise = match &setting.data {
        DataSpec::Synthetic(data) => Some(data.label_noise),
        DataSpec::Images(_) => None,
    };
    setting.table == Some(table) && setting.objective == Objective::Flood && paper::has_row(table, &setting.row, noise)
}

impl<'a> Judged<'a> {
    /// Its row of the accuracy table.
    pub fn row(&self, checkpoint: Checkpoint) -> Option<&'a AccuracyRow> {
        self.evidence.accuracy.rows.iter().find(|row| row.setting == self.setting.id && row.checkpoint == checkpoint)
    }

    /// What selection did in each complete trial.
    pub fn choices(&self, checkpoint: Checkpoint) -> Vec<&'a SelectionRow> {
        self.evidence.accuracy.choices(&self.setting.id, checkpoint).collect()
    }

    /// The levels of the plan that the paper has too.
    pub fn levels(&self) -> Vec<Level> {
        let table = self.setting.table;
        let papers = |level: &&Level| table.is_some_and(|table| table.has_level(**level));
        self.setting.levels.iter().filter(papers).copied().collect()
    }

    /// Its complete trials, in order.
    pub fn trials(&self) -> Vec<WholeTrial<'a>> {
        let levels = self.levels();
        let of_setting = self.evidence.runs.iter().filter(|run| run.setting == self.index);
        let summaries: HashMap<(u32, Level), &Summary> =
            of_setting.filter_map(|run| Some(((run.spec.trial, run.spec.level), run.summary()?))).collect();
        let whole = |trial: u32| {
            let summary = |level: Level| summaries.get(&(trial, level)).copied();
            let flooded = levels.iter().filter(|level| !level.is_zero());
            Some(WholeTrial {
                trial,
                baseline: summary(Level::ZERO)?,
                flooded: flooded.map(|&level| Some((level, summary(level)?))).collect::<Option<_>>()?,
            })
        };
        (0..self.setting.trials).filter_map(whole).collect()
    }

    /// The probes of its trials.
    pub fn probes(&self) -> impl Iterator<Item = &'a TrialProbeRow> + use<'a> {
        let id = &self.setting.id;
        self.evidence.probes.iter().filter(move |row| row.setting == *id)
    }

    /// Was it run as in the paper, with the paper's number of trials behind a measure?
    pub fn is_full(&self, trials: u32) -> bool {
        let Some(table) = self.setting.table else { return false };
        let grid = paper::grid(table);
        let missing = self.row(Checkpoint::LastEpoch).is_none_or(|row| row.missing_runs > 0);
        self.setting.reduced.is_empty()
            && self.setting.epochs >= grid.epochs
            && self.levels().len() >= grid.levels
            && self.setting.trials >= grid.trials
            && trials >= grid.trials
            && !missing
    }

    /// What it is called in a statistic.
    pub fn label(&self) -> String {
        self.setting.row.join(", ")
    }
}
