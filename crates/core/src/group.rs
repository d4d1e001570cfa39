//! Runs that differ in the flood level alone.

use crate::level::Level;
use crate::spec::{InitialWeights, Objective, RunSpec};

/// Runs of one setting and trial that differ in the flood level alone: they share data, batches and random streams. The
/// unit in which work is scheduled.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The specification of the lowest level.
    first: RunSpec,
    /// Ascending, without duplicates, never empty.
    levels: Vec<Level>,
}

impl Group {
    /// Sorts runs into groups, in the order in which each group's first run comes.
    pub fn of(runs: impl IntoIterator<Item = RunSpec>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for run in runs {
            // Runs come trial by trial, so the group of the one before is looked at first.
            match groups.iter_mut().rev().find(|group| group.takes(&run)) {
                Some(group) => group.insert(run),
                None => groups.push(Self { levels: vec![run.level], first: run }),
            }
        }
        groups
    }

    fn takes(&self, run: &RunSpec) -> bool {
        self.first.trial == run.trial && self.first.setting == run.setting && self.run(run.level) == *run
    }

    fn insert(&mut self, run: RunSpec) {
        if let Err(at) = self.levels.binary_search(&run.level) {
            self.levels.insert(at, run.level);
            if at == 0 {
                self.first = run;
            }
        }
    }

    /// The setting's id.
    pub fn setting(&self) -> &str {
        &self.first.setting
    }

    /// The seed index.
    pub fn trial(&self) -> u32 {
        self.first.trial
    }

    /// The flood levels, ascending.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// What the runs have in common; its level is the lowest.
    pub fn common(&self) -> &RunSpec {
        &self.first
    }

    /// The run of one level.
    pub fn run(&self, level: Level) -> RunSpec {
        RunSpec { level, ..self.first.clone() }
    }

    /// All runs, by ascending level.
    pub fn runs(&self) -> impl Iterator<Item = RunSpec> + '_ {
        self.levels.iter().map(|&level| self.run(level))
    }

    /// The same runs at these levels alone; `None` where there are none.
    pub fn at(&self, levels: &[Level]) -> Option<Self> {
        let mut levels = levels.to_vec();
        levels.sort_unstable();
        levels.dedup();
        let first = self.run(*levels.first()?);
        Some(Self { first, levels })
    }

    /// Is a run of this group the plain one, bit for bit, until its mini-batch loss J is first at or below its level?
    /// Not where single examples are flooded, nor where each level starts from its own weights.
    pub fn shares_prefixes(&self) -> bool {
        let floods_the_mean = match self.first.objective {
            Objective::Flood | Objective::None => true,
            Objective::IFlood | Objective::SoftAd => false,
        };
        floods_the_mean && self.first.initial_weights == InitialWeights::Shared
    }
}
