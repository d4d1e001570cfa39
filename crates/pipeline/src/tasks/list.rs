//! The tasks of a plan that are left to do.

use std::time::Duration;

use flooding_core::context::Devices;
use flooding_core::progress::Silent;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_core::task::TaskId;
use serde::{Serialize, Serializer};

use super::forecast::Forecaster;
use super::memory;
use crate::exit::Failure;
use crate::project::{self, Project};
use crate::shell;
use crate::source::StoredExamples;

/// A task that is left to do.
#[derive(Clone, Debug, Serialize)]
pub struct OpenTask {
    /// Which.
    pub id: TaskId,
    /// Its runs that are to be trained.
    #[serde(serialize_with = "count")]
    pub runs: Vec<RunSpec>,
    /// Of these, runs that failed before.
    pub failed: usize,
    /// What it takes on this device, with one job; `None` where nothing is known.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub takes: Option<Duration>,
    /// Bytes that one of its runs (on CUDA: all of them together) takes at its peak; `None` where that is not known.
    pub memory: Option<u64>,
    /// The command that does it.
    pub argv: Vec<String>,
}

fn count<S: Serializer>(runs: &[RunSpec], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(runs.len() as u64)
}

#[expect(clippy::ref_option, reason = "the signature is serde's")]
fn seconds<S: Serializer>(takes: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    takes.map(|takes| takes.as_secs_f64()).serialize(serializer)
}

/// The tasks that are left to do, in the plan's order, by what is known of their times.
pub fn open_tasks(project: &Project, store: &Store, devices: &Devices) -> Result<Vec<OpenTask>, Failure> {
    let surveys = flooding_train::survey(&project.plan, store, false)?;
    let mut forecaster = Forecaster::new(devices.all()[0]);
    forecaster.learn_from_runs(&surveys, store);
    Ok(listed(project, surveys, &forecaster, devices))
}

/// The same, after some seconds of training of what nothing is known of, with this number of jobs side by side.
pub fn calibrated_tasks(
    project: &Project,
    store: &Store,
    devices: &Devices,
    jobs: usize,
) -> Result<Vec<OpenTask>, Failure> {
    let surveys = flooding_train::survey(&project.plan, store, false)?;
    let mut forecaster = Forecaster::new(devices.all()[0]);
    forecaster.learn_from_runs(&surveys, store);
    let source = StoredExamples::new(store, &project.manifest, &Silent);
    forecaster.calibrate(&surveys, &source, jobs.min(project::cores()));
    Ok(listed(project, surveys, &forecaster, devices))
}

fn listed(
    project: &Project,
    surveys: Vec<flooding_train::Survey>,
    forecaster: &Forecaster,
    devices: &Devices,
) -> Vec<OpenTask> {
    let open = surveys.into_iter().filter(|survey| !survey.left.is_empty());
    let task = |survey: flooding_train::Survey| OpenTask {
        takes: forecaster.task(&survey),
        memory: memory::of_task(&survey.left, &project.manifest, devices),
        argv: argv(project, &survey.task, devices),
        id: survey.task,
        failed: survey.failed,
        runs: survey.left,
    };
    open.map(task).collect()
}

/// The command that trains one task, in any folder.
fn argv(project: &Project, task: &TaskId, devices: &Devices) -> Vec<String> {
    let mut command = training(project, devices);
    command.option("task", task.to_string());
    command.words().iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The command that trains the whole plan, in any folder.
pub fn training(project: &Project, devices: &Devices) -> shell::Command {
    let mut command = project.planned(["stage", "train"]);
    if !devices.are_cpu() {
        command.option("device", devices.to_string());
    }
    command
}
