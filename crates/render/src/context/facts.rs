//! What is known about each setting, gathered from all tables: its words and the scale at which it was run.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use flooding_core::config::TableId;
use flooding_tables::{AccuracyRow, Checkpoint};

use crate::format::count;
use crate::tables::Tables;

/// The paper trains every network for this number of epochs (Sections 4.1 and 4.2).
pub const PAPER_EPOCHS: u32 = 500;

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Its id.
    pub id: String,
    /// Its row's labels in one line, with the interpretation where it is not `paper`.
    pub label: String,
    /// Its row's labels alone.
    pub row: String,
    /// The row's first label: the dataset.
    pub dataset: String,
    /// The reading.
    pub reading: String,
    /// The paper's table.
    pub table: Option<TableId>,
    /// How much was run.
    pub scale: Scale,
}

/// How much of the paper's grid was run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scale {
    /// Trials.
    pub trials: u32,
    /// Trials without a missing run.
    pub complete: u32,
    /// Levels.
    pub levels: u32,
    /// Epochs of the runs, where a complete run tells.
    pub epochs: Option<u32>,
    /// Levels among them that the paper's grid does not have.
    pub other_levels: u32,
    /// The paper's trials and levels.
    pub full: (u32, u32),
    /// Departures from the paper's protocol.
    pub reduced: Vec<String>,
}

impl Scale {
    fn of(row: &AccuracyRow) -> Self {
        Self {
            trials: row.trials,
            complete: row.complete_trials,
            levels: row.levels,
            epochs: None,
            other_levels: 0,
            full: (row.paper_trials, row.paper_levels),
            reduced: row.reduced.clone(),
        }
    }

    /// Was this planned as the paper's whole grid?
    pub fn is_full(&self) -> bool {
        self.trials >= self.full.0
            && self.levels.saturating_sub(self.other_levels) >= self.full.1
            && self.reduced.is_empty()
    }

    /// Is any trial not complete?
    pub const fn is_unfinished(&self) -> bool {
        self.complete < self.trials
    }

    /// Is this the same plan as another one? Epochs are known only where a run is complete.
    pub fn is_planned_as(&self, other: &Self) -> bool {
        let epochs = self.epochs.is_none() || other.epochs.is_none() || self.epochs == other.epochs;
        let plan = |scale: &Self| (scale.trials, scale.levels, scale.other_levels, scale.full, scale.reduced.clone());
        epochs && plan(self) == plan(other)
    }

    /// `3 of the paper’s 10 trials, 11 of the paper’s 51 levels, 500 epochs`.
    pub fn numbers(&self) -> String {
        let parts = [Some(self.trial_numbers()), Some(self.level_numbers()), self.epoch_numbers()];
        let mut text = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        if let Some(others) = self.other_reductions() {
            text = format!("{text}; {others}");
        }
        text
    }

    /// The same without what is as in the paper, `11 of the paper’s 51 levels`; `the paper’s grid` where everything is.
    pub fn departures(&self) -> String {
        let parts = [
            (self.trials != self.full.0).then(|| self.trial_numbers()),
            (self.levels != self.full.1 || self.other_levels > 0).then(|| self.level_numbers()),
            self.epoch_numbers().filter(|_| self.epochs != Some(PAPER_EPOCHS)),
            self.other_reductions(),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "the paper’s grid".to_owned() } else { parts.join(", ") }
    }

    fn trial_numbers(&self) -> String {
        beside(self.trials, self.full.0, "trial")
    }

    fn level_numbers(&self) -> String {
        match self.levels.saturating_sub(self.other_levels) {
            papers if papers == self.levels => beside(self.levels, self.full.1, "level"),
            0 => format!("{}, none of them of the paper’s {}", count(self.levels.into(), "level"), self.full.1),
            papers => {
                format!("{}, {papers} of them of the paper’s {}", count(self.levels.into(), "level"), self.full.1)
            }
        }
    }

    fn epoch_numbers(&self) -> Option<String> {
        self.epochs.map(|epochs| beside(epochs, PAPER_EPOCHS, "epoch"))
    }

    /// Other keys of the protocol that were cut down.
    fn other_reductions(&self) -> Option<String> {
        let others: Vec<_> = self.reduced.iter().filter(|key| *key != "epochs" || self.epochs.is_none()).collect();
        let keys = others.iter().map(|key| key.replace('_', " ")).collect::<Vec<_>>().join(", ");
        (!others.is_empty()).then(|| format!("reduced: {keys}"))
    }

    /// The sentence for captions.
    pub fn sentence(&self) -> String {
        let plan = if self.is_full() { "The paper’s grid" } else { "Quick run, not the paper’s grid" };
        let left = if self.is_unfinished() {
            format!(" Unfinished: {} of {} complete.", self.complete, count(self.trials.into(), "trial"))
        } else {
            String::new()
        };
        format!("{plan}: {}.{left}", self.numbers())
    }

    /// The sentence for a caption over several settings; `None` for none.
    pub fn common_sentence(scales: &[&Self]) -> Option<String> {
        let known = scales.iter().find(|scale| scale.epochs.is_some()).or(scales.first())?;
        if scales.iter().all(|scale| scale.is_planned_as(known)) {
            let unfinished = scales.iter().filter(|scale| scale.is_unfinished()).count();
            if unfinished == 0 || scales.len() == 1 {
                return Some(known.sentence());
            }
            let whole = Self { complete: known.trials, ..(*known).clone() };
            return Some(format!(
                "{} Unfinished: {unfinished} of {} lack trials.",
                whole.sentence(),
                count(scales.len() as u64, "row")
            ));
        }
        let plan = match scales.iter().filter(|scale| !scale.is_full()).count() {
            0 => "The paper’s grid",
            reduced if reduced < scales.len() => "In part the paper’s grid, in part a reduced one",
            _ => "Quick run, not the paper’s grid",
        };
        let left = if scales.iter().any(|scale| scale.is_unfinished()) { " Unfinished." } else { "" };
        Some(format!("{plan}; the scales differ and stand with each setting.{left}"))
    }
}

/// Our number beside the paper's.
fn beside(ours: u32, paper: u32, unit: &str) -> String {
    match ours.cmp(&paper) {
        Ordering::Equal => count(ours.into(), unit),
        Ordering::Less => format!("{ours} of the paper’s {}", count(paper.into(), unit)),
        Ordering::Greater => format!("{} (the paper: {paper})", count(ours.into(), unit)),
    }
}

/// All settings that any table knows, in the order of the accuracy table.
#[derive(Clone, Debug, Default)]
pub struct Index {
    order: Vec<String>,
    facts: BTreeMap<String, Facts>,
}

impl Index {
    /// Gathers them.
    pub fn new(tables: &Tables) -> Self {
        let mut index = Self::default();
        for row in tables.accuracy.iter().flatten() {
            let facts = index.entry(&row.setting);
            facts.row = format!("{}, {}", row.data, row.setup);
            facts.label = if row.reading == "paper" {
                facts.row.clone()
            } else {
                format!("{} ({})", facts.row, super::names::label(tables, &row.reading))
            };
            facts.dataset.clone_from(&row.data);
            facts.reading.clone_from(&row.reading);
            facts.table = row.table;
            let epochs = facts.scale.epochs;
            let other_levels = tables.levels_beside(row);
            facts.scale = Scale { epochs, other_levels, ..Scale::of(row) };
            // Only the last-epoch rows tell how long the runs were.
            if row.checkpoint == Checkpoint::LastEpoch {
                facts.scale.epochs = tables.selections(row).map(|trial| trial.without_epoch).max().or(epochs);
            }
        }
        for row in tables.levels.iter().flatten() {
            index.entry(&row.setting);
        }
        for row in tables.curves.iter().flatten() {
            let scale = &mut index.entry(&row.setting).scale;
            scale.epochs = scale.epochs.max(Some(row.epoch));
        }
        index
    }

    fn entry(&mut self, id: &str) -> &mut Facts {
        if !self.facts.contains_key(id) {
            self.order.push(id.to_owned());
            let facts = Facts {
                id: id.to_owned(),
                label: id.to_owned(),
                row: id.to_owned(),
                dataset: id.to_owned(),
                reading: "paper".to_owned(),
                table: None,
                scale: Scale::default(),
            };
            self.facts.insert(id.to_owned(), facts);
        }
        self.facts.get_mut(id).expect("just inserted")
    }

    /// One setting.
    pub fn get(&self, id: &str) -> Option<&Facts> {
        self.facts.get(id)
    }

    /// All settings, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Facts> {
        self.order.iter().map(|id| &self.facts[id])
    }

    /// Is every setting run at the paper's scale (and is there one)?
    pub fn is_full(&self) -> bool {
        !self.order.is_empty() && self.iter().all(|facts| facts.scale.is_full())
    }

    /// Was any setting of the paper planned as the paper's whole grid?
    pub fn is_full_in_part(&self) -> bool {
        self.iter().any(|facts| facts.scale.full != (0, 0) && facts.scale.is_full())
    }
}
