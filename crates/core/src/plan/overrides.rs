//! What the command line changes of a profile.

use std::collections::BTreeSet;

use super::Plan;
use crate::config::ConfigError;
use crate::spec::{RunKey, RunSpec};
use crate::task::TaskId;

/// What the command line may change of a profile; anything set here but `only`, `keys` and `tasks` is marked in the
/// records as a reduction.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Dataset names, setting ids or globs; empty is everything.
    pub only: Vec<String>,
    /// Epochs.
    pub epochs: Option<u32>,
    /// Training images before the validation split.
    pub train_size: Option<u32>,
    /// Test images.
    pub test_size: Option<u32>,
    /// Flood levels.
    pub levels: Option<Vec<f64>>,
    /// Seeds.
    pub trials: Option<u32>,
    /// First digits of the keys of the only runs to train; empty is every run.
    pub keys: Vec<String>,
    /// The only tasks to do; `None` is every task.
    pub tasks: Option<BTreeSet<TaskId>>,
}

impl Overrides {
    /// The options, without dashes, and values that say the same on the command line; a profile alone has none.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let list = |items: &[String]| (!items.is_empty()).then(|| items.join(","));
        let number = |value: Option<u32>| value.map(|value| value.to_string());
        let levels = |levels: &Vec<f64>| levels.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
        let tasks = |tasks: &BTreeSet<TaskId>| tasks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let options = [
            ("only", list(&self.only)),
            ("epochs", number(self.epochs)),
            ("train-size", number(self.train_size)),
            ("test-size", number(self.test_size)),
            ("levels", self.levels.as_ref().map(levels)),
            ("trials", number(self.trials)),
            ("key", list(&self.keys)),
            ("task", self.tasks.as_ref().map(tasks)),
        ];
        options.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Is this one of the trials that `tasks` leaves?
    pub fn keeps_trial(&self, setting: &str, trial: u32) -> bool {
        let wanted = |tasks: &BTreeSet<TaskId>| tasks.contains(&TaskId { setting: setting.to_owned(), trial });
        self.tasks.as_ref().is_none_or(wanted)
    }

    /// Is this one of the runs that `keys` leaves?
    pub(super) fn keeps(&self, run: &RunSpec) -> bool {
        self.keys.is_empty() || {
            let key = run.key();
            self.keys.iter().any(|digits| key.as_str().starts_with(&digits.to_ascii_lowercase()))
        }
    }
}

impl Plan {
    /// Each key of the overrides must name one run of the plan.
    ///
    /// # Errors
    /// The first one that names none or several.
    pub fn check_keys(&self) -> Result<(), ConfigError> {
        if self.overrides.keys.is_empty() {
            return Ok(());
        }
        let whole = Self { overrides: Overrides { keys: Vec::new(), ..self.overrides.clone() }, ..self.clone() };
        let keys: Vec<RunKey> = whole.runs().map(|run| run.key()).collect();
        for digits in &self.overrides.keys {
            let wanted = digits.to_ascii_lowercase();
            let problem = match keys.iter().filter(|key| key.as_str().starts_with(&wanted)).count() {
                1 if digits.len() >= 4 => continue,
                0 => {
                    "no run of this plan has a key that starts so; `pipeline explain KEY` prints the options of its plan"
                }
                _ => "more than one run may be meant: give more digits of the key",
            };
            return Err(ConfigError::Option { option: "--key", value: digits.clone(), problem: problem.to_owned() });
        }
        Ok(())
    }
}
