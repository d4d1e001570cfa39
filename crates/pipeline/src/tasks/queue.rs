//! Where the tasks are that are not done: with which process, or in which queue.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use flooding_core::store::{Store, StoreError};
use flooding_core::task::TaskId;
use serde::Serialize;

use crate::submit::SlurmJobs;

/// Where one task is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Whereabouts {
    /// A living process has claimed it.
    Running {
        /// How the process calls itself.
        holder: String,
    },
    /// A job of a batch system will do it.
    Waiting {
        /// The job, as the batch system names it.
        job: String,
        /// The job's state in the batch system's words.
        queue: String,
    },
    /// It was submitted, and its job is over or gone.
    Lost {
        /// The job.
        job: String,
    },
    /// Nobody has it.
    Open,
}

/// Where tasks are, as far as is known.
#[derive(Debug, Default)]
pub struct Whereabout {
    holders: BTreeMap<String, String>,
    jobs: BTreeMap<TaskId, String>,
    queue: BTreeMap<String, String>,
    /// Why the batch system does not tell.
    pub silence: Option<String>,
}

impl Whereabout {
    /// From the store's claims, and from Slurm where something was submitted to it.
    pub fn look(store: &Store) -> Result<Self, StoreError> {
        let holders = store.living_claims()?.into_iter().map(|claim| (claim.name, claim.holder)).collect();
        let mut found = Self { holders, ..Self::default() };
        let Ok(Some(jobs)) = store.read_document::<SlurmJobs>(&SlurmJobs::path(store)) else { return Ok(found) };
        for job in &jobs.train {
            for (index, tasks) in job.elements.iter().enumerate() {
                let element = format!("{}_{index}", job.id);
                found.jobs.extend(tasks.iter().map(|task| (task.clone(), element.clone())));
            }
        }
        let ids: Vec<&str> = jobs.train.iter().map(|job| &*job.id).collect();
        match queue(&ids) {
            Ok(queue) => found.queue = queue,
            Err(why) => found.silence = Some(why),
        }
        Ok(found)
    }

    /// Where this task is, which is not done.
    pub fn of(&self, task: &TaskId) -> Whereabouts {
        if let Some(holder) = self.holders.get(&task.to_string()) {
            return Whereabouts::Running { holder: holder.clone() };
        }
        let Some(job) = self.jobs.get(task) else { return Whereabouts::Open };
        match self.queue.get(job) {
            Some(queue) => Whereabouts::Waiting { job: job.clone(), queue: queue.clone() },
            None if self.silence.is_some() => Whereabouts::Open,
            None => Whereabouts::Lost { job: job.clone() },
        }
    }
}

/// The elements of these arrays that are not over, with their states.
fn queue(ids: &[&str]) -> Result<BTreeMap<String, String>, String> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut command = Command::new("squeue");
    // `--array`: one line an element, also of those that wait together.
    command.args(["--noheader", "--array", "--format", "%i %T", "--jobs", &ids.join(",")]);
    let output = command.output().map_err(|error| format!("`squeue`: {error}"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        // A job that ended long ago is no longer known, which is an answer.
        return if text.contains("Invalid job id") { Ok(BTreeMap::new()) } else { Err(format!("`squeue`: {text}")) };
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let over: BTreeSet<&str> = ["COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY"].into();
    let elements = text.lines().filter_map(|line| line.trim().split_once(' '));
    Ok(elements
        .filter(|(_, state)| !over.contains(state))
        .map(|(id, state)| (id.to_owned(), state.to_owned()))
        .collect())
}
