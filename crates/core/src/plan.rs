//! The plan: configuration, profile and command line, resolved, validated, and listed as runs.
//!
//! Nothing after it re-checks the configuration.

mod check;
mod limits;
mod overrides;
mod resolve;
mod select;

pub use overrides::Overrides;
pub use resolve::Resolver;
pub use select::glob_matches;

use serde::Serialize;

use std::collections::BTreeSet;

use crate::config::{ConfigError, Scenario, TableId};
use crate::digest::Digest;
use crate::level::Level;
use crate::spec::{
    DataSpec, ENGINE_REVISION, InitialWeights, LrSchedule, ModelSpec, Objective, Observe, OptimiserSpec, RunSpec,
};
use crate::task::TaskId;

/// Before a pattern of `--only`: compare it with ids of settings alone.
pub const ID_ALONE: &str = "setting:";

/// What is to be done.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The profile's name.
    pub profile: String,
    /// The profile's sentence for the report.
    pub summary: String,
    /// The seed that every stream derives from.
    pub master_seed: u64,
    /// The settings to run, resolved.
    pub settings: Vec<Setting>,
    /// Settings of the configuration that this plan leaves out, with the reason, for the report.
    pub left_out: Vec<LeftOut>,
    /// The readings that the plan's settings follow, with their sentences.
    pub readings: Vec<(String, String)>,
    /// The readings that the report calls by another label than their name, with that label.
    pub reading_labels: Vec<(String, String)>,
    /// The margin of equivalence of the scorecard, in percentage points.
    pub margin: Option<f64>,
    /// The check of Theorem 1.
    pub theorem: TheoremPlan,
    /// What the command line changed of the profile. What came of it is in the fields above.
    #[serde(skip)]
    pub overrides: Overrides,
}

/// A row of Table 2 or 3 under one reading, with everything resolved.
#[derive(Clone, Debug, Serialize)]
pub struct Setting {
    /// Unique id: the configuration's id, with `-READING` for readings other than `paper`.
    pub id: String,
    /// The configuration's id, the same under all readings.
    pub base: String,
    /// The reading; `paper` for image data.
    pub reading: String,
    /// The row's two labels, as in the paper's table.
    pub row: [String; 2],
    /// The paper's table that it belongs to.
    pub table: Option<TableId>,
    /// What is learned.
    pub data: DataSpec,
    /// What learns it.
    pub model: ModelSpec,
    /// How its weights move.
    pub optimiser: OptimiserSpec,
    /// When the learning rate drops.
    pub schedule: LrSchedule,
    /// What is minimised.
    pub objective: Objective,
    /// Examples per mini-batch.
    pub batch_size: u32,
    /// Passes over the training set.
    pub epochs: u32,
    /// What is measured on the way.
    pub observe: Observe,
    /// How many trials, the first ones, are probed; no run's specification knows of it.
    pub probes: u32,
    /// Whether the levels of a trial start from the same weights.
    pub initial_weights: InitialWeights,
    /// The id of another setting whose random streams its runs use.
    pub streams_of: Option<String>,
    /// Seeds to run: 0 to `trials - 1`.
    pub trials: u32,
    /// Flood levels to run, ascending, without duplicates.
    pub levels: Vec<Level>,
    /// The paper's number of trials and levels for this row.
    pub full_grid: (u32, usize),
    /// The keys by which each run departs from the paper's protocol.
    pub reduced: Vec<String>,
}

impl Setting {
    /// Does `pattern` (a name or a glob) mean this setting: its id, its id without the reading, or its dataset? After
    /// `setting:` it is compared with the id alone: `cifar10` is a dataset and one of its settings.
    pub fn is_named(&self, pattern: &str) -> bool {
        match pattern.strip_prefix(ID_ALONE) {
            Some(pattern) => glob_matches(pattern, &self.id),
            None => [self.data.name(), &self.id, &self.base].iter().any(|name| glob_matches(pattern, name)),
        }
    }

    /// The specification of one run.
    pub fn run(&self, master_seed: u64, trial: u32, level: Level) -> RunSpec {
        RunSpec {
            engine: ENGINE_REVISION,
            setting: self.id.clone(),
            reading: self.reading.clone(),
            trial,
            master_seed,
            data: self.data.clone(),
            model: self.model.clone(),
            optimiser: self.optimiser,
            schedule: self.schedule.clone(),
            objective: self.objective,
            level,
            batch_size: self.batch_size,
            epochs: self.epochs,
            observe: self.observe.of_trial(trial),
            initial_weights: self.initial_weights,
            streams_of: self.streams_of.clone(),
            reduced: self.reduced.clone(),
        }
    }
}

/// All levels of one setting and trial: they share data, split, batches and initial weights and differ in b alone.
#[derive(Clone, Debug)]
pub struct Group {
    /// One specification a level, ascending.
    pub runs: Vec<RunSpec>,
}

/// A setting that the configuration has and the plan does not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub setting: String,
    /// The row's two labels.
    pub row: [String; 2],
    /// The paper's table that it belongs to.
    #[serde(default)]
    pub table: Option<TableId>,
    /// Why, in a sentence.
    pub why: String,
}

/// The check of Theorem 1, validated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TheoremPlan {
    /// Monte Carlo repetitions of each cell.
    pub repetitions: u64,
    /// Numbers n of losses that an empirical risk averages.
    pub sample_sizes: Vec<u32>,
    /// Flood levels as multiples of the scenario's risk.
    pub levels_over_risk: Vec<f64>,
    /// Loss distributions.
    pub scenarios: Vec<Scenario>,
}

impl Plan {
    /// Leaves only these tasks to do.
    ///
    /// # Errors
    /// A task that the plan does not have.
    pub fn keep_tasks(&mut self, tasks: BTreeSet<TaskId>) -> Result<(), ConfigError> {
        let is_planned = |task: &TaskId| {
            self.settings.iter().any(|setting| setting.id == task.setting && task.trial < setting.trials)
        };
        if let Some(unknown) = tasks.iter().find(|task| !is_planned(task)) {
            let profile = &self.profile;
            let problem =
                format!("profile `{profile}` has no such task; `pipeline tasks` lists those that are left to do");
            return Err(ConfigError::Option { option: "--task", value: unknown.to_string(), problem });
        }
        self.overrides.tasks = Some(tasks);
        Ok(())
    }

    /// All groups, in the order of the settings and trials, without the runs that `--key` leaves out.
    pub fn groups(&self) -> impl Iterator<Item = Group> + '_ {
        self.settings
            .iter()
            .flat_map(move |setting| {
                let trials = (0..setting.trials).filter(move |&trial| self.overrides.keeps_trial(&setting.id, trial));
                trials.map(|trial| Group {
                    runs: (setting.levels.iter().map(|&level| setting.run(self.master_seed, trial, level)))
                        .filter(|run| self.overrides.keeps(run))
                        .collect(),
                })
            })
            .filter(|group| !group.runs.is_empty())
    }

    /// All runs.
    pub fn runs(&self) -> impl Iterator<Item = RunSpec> + '_ {
        self.groups().flat_map(|group| group.runs)
    }

    /// Notes the digest of a dataset's files in every setting over it: a user's own files are read once it is known that
    /// the plan needs them.
    pub fn set_files(&mut self, dataset: &str, files: &Digest) {
        for setting in &mut self.settings {
            if let DataSpec::Images(spec) = &mut setting.data
                && spec.dataset == dataset
            {
                spec.files = files.clone();
            }
        }
    }

    /// The names of the image datasets that the plan needs, each once.
    pub fn image_datasets(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for setting in &self.settings {
            if let DataSpec::Images(spec) = &setting.data
                && !names.contains(&spec.dataset.as_str())
            {
                names.push(&*spec.dataset);
            }
        }
        names
    }
}
