//! The unit of work that is handed out: the levels of one setting and trial, which share data and initial weights.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::plan::Group;
use crate::spec::RunSpec;

/// Names a task: `spiral-high/t03` is trial 3 of the setting `spiral-high`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TaskId {
    /// The setting's id.
    pub setting: String,
    /// Seed index from 0.
    pub trial: u32,
}

/// A text that names no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no task: a task is SETTING/tTRIAL, such as spiral-high/t03 (`pipeline tasks` lists them)")]
pub struct BadTaskId(String);

impl TaskId {
    /// The task that a run belongs to.
    pub fn of(run: &RunSpec) -> Self {
        Self { setting: run.setting.clone(), trial: run.trial }
    }

    /// The task of a group; `None` where it has no runs.
    pub fn of_group(group: &Group) -> Option<Self> {
        group.runs.first().map(Self::of)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/t{:02}", self.setting, self.trial))
    }
}

impl FromStr for TaskId {
    type Err = BadTaskId;

    fn from_str(text: &str) -> Result<Self, BadTaskId> {
        let parts = text.rsplit_once("/t").filter(|(setting, _)| !setting.is_empty());
        let digits = |trial: &str| trial.bytes().all(|byte| byte.is_ascii_digit());
        let (setting, trial) = parts.filter(|(_, trial)| digits(trial)).ok_or_else(|| BadTaskId(text.to_owned()))?;
        let trial = trial.parse().map_err(|_| BadTaskId(text.to_owned()))?;
        Ok(Self { setting: setting.to_owned(), trial })
    }
}

impl TryFrom<String> for TaskId {
    type Error = BadTaskId;

    fn try_from(text: String) -> Result<Self, BadTaskId> {
        text.parse()
    }
}

impl From<TaskId> for String {
    fn from(task: TaskId) -> Self {
        task.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::TaskId;

    #[test]
    fn a_task_reads_back_from_its_name_and_other_names_are_refused() {
        for (name, trial) in [("spiral-high/t03", 3), ("a/t100", 100)] {
            let task: TaskId = name.parse().unwrap();
            assert_eq!((task.to_string(), task.trial), (name.to_owned(), trial));
        }
        for name in ["", "spiral-high", "spiral-high/3", "/t03", "a/t", "a/t-1", "a/t+1", "a/t99999999999"] {
            assert!(name.parse::<TaskId>().is_err(), "{name}");
        }
    }
}
