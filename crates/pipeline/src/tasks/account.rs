//! What is left to train, by setting: time, memory, disk.

use std::time::Duration;

use flooding_core::context::Devices;
use serde::Serialize;

use super::OpenTask;
use crate::words;

/// Who does the work.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The devices of each machine.
    pub devices: &'a Devices,
    /// Runs side by side on each processor.
    pub jobs: usize,
    /// Machines.
    pub machines: usize,
}

impl Side<'_> {
    /// Workers on each machine.
    fn workers(&self) -> usize {
        if self.devices.are_cpu() { self.jobs } else { self.devices.all().len() }
    }

    fn unit(&self) -> &'static str {
        if self.devices.are_cpu() { "core-hours" } else { "GPU-hours" }
    }
}

/// What is left of one setting.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SettingCost {
    /// Its id.
    pub setting: String,
    /// Tasks.
    pub tasks: usize,
    /// Runs.
    pub runs: usize,
    /// Seconds of a core, or of a GPU; `None` where nothing is known.
    pub seconds: Option<f64>,
    /// Seconds of its longest task.
    pub longest: Option<f64>,
    /// Bytes of memory at the peak of one run (on CUDA: of a task); `None` where that is not known.
    pub memory: Option<u64>,
    /// Bytes of records and histories.
    pub records: u64,
    /// Bytes of kept weights, at most.
    pub weights: u64,
}

/// Bytes of a row of a history, about.
const ROW: u64 = 150;
/// Bytes of a record with its provenance, about.
const RECORD: u64 = 4096;

/// The tasks' settings, in the order of the tasks.
pub fn by_setting(tasks: &[OpenTask]) -> Vec<SettingCost> {
    let mut costs: Vec<SettingCost> = Vec::new();
    for task in tasks {
        if costs.last().is_none_or(|cost| cost.setting != task.id.setting) {
            let setting = task.id.setting.clone();
            costs.push(SettingCost { setting, seconds: Some(0.0), memory: Some(0), ..SettingCost::default() });
        }
        let Some(cost) = costs.last_mut() else { continue };
        let takes = task.takes.map(|takes| takes.as_secs_f64());
        cost.tasks += 1;
        cost.runs += task.runs.len();
        cost.seconds = cost.seconds.zip(takes).map(|(sum, takes)| sum + takes);
        cost.longest = takes.map(|takes| takes.max(cost.longest.unwrap_or(0.0))).or(cost.longest);
        cost.memory = cost.memory.zip(task.memory).map(|(most, memory)| most.max(memory));
        cost.records += task.runs.iter().map(|run| RECORD + ROW * u64::from(run.epochs)).sum::<u64>();
        cost.weights += flooding_train::kept_bytes(&task.runs);
    }
    costs
}

/// A table of all settings, and what they come to.
pub fn table(costs: &[SettingCost], side: Side<'_>) -> String {
    let width = costs.iter().map(|cost| cost.setting.len()).max().unwrap_or(0).max(7);
    let hours = side.unit();
    let mut text = format!("{:<width$}  {:>6}  {hours:>10}  {:>9}  {:>9}\n", "setting", "runs", "memory", "disk");
    for cost in costs {
        let seconds = cost.seconds.map_or_else(|| "unknown".to_owned(), hours_of);
        let memory = cost.memory.map_or_else(|| "unknown".to_owned(), words::bytes);
        let disk = words::bytes(cost.records + cost.weights);
        text.push_str(&format!("{:<width$}  {:>6}  {seconds:>10}  {memory:>9}  {disk:>9}\n", cost.setting, cost.runs));
    }
    text + &summary(costs, side)
}

fn hours_of(seconds: f64) -> String {
    format!("{:.2}", seconds / 3600.0)
}

/// What the settings come to, in a few lines.
pub fn summary(costs: &[SettingCost], side: Side<'_>) -> String {
    let runs: usize = costs.iter().map(|cost| cost.runs).sum();
    let tasks: usize = costs.iter().map(|cost| cost.tasks).sum();
    // Not `sum`, which makes -0 of nothing.
    let known = costs.iter().filter_map(|cost| cost.seconds).fold(0.0, |sum, seconds| sum + seconds);
    let unknown: Vec<&str> = costs.iter().filter(|cost| cost.seconds.is_none()).map(|cost| &*cost.setting).collect();
    let workers = side.workers() * side.machines;
    let longest = costs.iter().filter_map(|cost| cost.longest).fold(0.0, f64::max);
    // The levels of a task are shared out among a processor's jobs; on a GPU they are one network.
    let longest = if side.devices.are_cpu() { longest / side.jobs as f64 } else { longest };
    let wall = Duration::try_from_secs_f64((known / workers.max(1) as f64).max(longest)).unwrap_or(Duration::MAX);
    let memory = costs.iter().filter_map(|cost| cost.memory).max().unwrap_or(0);
    let memory = if side.devices.are_cpu() { memory.saturating_mul(side.jobs as u64) } else { memory };
    let [records, weights] = [|cost: &SettingCost| cost.records, |cost: &SettingCost| cost.weights]
        .map(|part: fn(&SettingCost) -> u64| words::bytes(costs.iter().map(part).sum()));
    let takes = if unknown.len() == costs.len() {
        "time unknown".to_owned()
    } else {
        let (hours, wall) = (hours_of(known), words::duration(wall));
        format!(
            "about {hours} {}: {wall} with {workers} at a time (what levels share counts once; probes are included)",
            side.unit()
        )
    };
    let memory = words::bytes(memory);
    let mut text = format!(
        "left to train: {tasks} tasks, {runs} runs, {takes}\n\
         memory up to {memory} a {}, disk {records} for records and {weights} for weights\n",
        if side.devices.are_cpu() { "machine" } else { "GPU" },
    );
    if !unknown.is_empty() {
        text.push_str(&format!(
            "not in the forecast, because nothing of the kind ran here and their data are not here: {}\n",
            unknown.join(", ")
        ));
    }
    text
}
