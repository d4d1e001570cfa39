//! How long a training will take, before its first step: by what runs of the same network took here, or else by what the
//! machine of docs/performance.md achieves.

use std::collections::BTreeMap;
use std::time::Duration;

use flooding_core::context::{Context, DeviceChoice};
use flooding_core::record::Provenance;
use flooding_core::spec::RunSpec;
use flooding_core::store::{Layout, Store};
use flooding_core::work::WorkItem;
use flooding_train::{cost, run_id};

use crate::project::Project;

/// A forecast below this is not worth a line.
const WORTH_SAYING: Duration = Duration::from_hours(1);

/// Seconds for a floating-point operation on one thread of the machine of docs/performance.md.
const SECONDS: f64 = 1.0 / 90e9;

/// Runs of a network whose times are looked at.
const SAMPLE: usize = 12;

/// A sentence on how long the training of these tasks is going to take on the CPU; `None` where it is less than an hour.
/// What a GPU takes is not forecast: nothing was measured.
pub fn of_training(items: &[WorkItem], project: &Project, store: &Store, context: &Context) -> Option<String> {
    if context.device != DeviceChoice::Cpu {
        return None;
    }
    let wanted: BTreeMap<&str, bool> = items.iter().map(|item| (&*item.id, item.decision.runs())).collect();
    let (mut todo, mut paces) = (Vec::new(), BTreeMap::new());
    for run in project.plan.runs() {
        match wanted.get(&*run_id(&run)) {
            Some(true) => todo.push(run),
            Some(false) => learn(&mut paces, &run, store),
            None => {}
        }
    }
    let seconds = |run: &RunSpec| paces.get(&network(run)).map_or(SECONDS, Pace::seconds) * cost(run);
    let each: Vec<f64> = todo.iter().map(seconds).collect();
    // A run is one thread: more jobs than runs do not shorten it.
    let longest = each.iter().copied().fold(0.0, f64::max);
    let total = (each.iter().sum::<f64>() / context.jobs as f64).max(longest);
    let total = Duration::try_from_secs_f64(total).ok().filter(|total| *total >= WORTH_SAYING)?;
    let known = todo.iter().all(|run| paces.contains_key(&network(run)));
    let basis = if known { "by the runs that are stored" } else { "by times measured on another machine" };
    Some(format!(
        "training these {} runs is going to take about {} ({basis}; {} at a time). Ctrl-C stops it and keeps what is \
         finished; --epochs, --train-size, --levels, --trials and --only make it less",
        todo.len(),
        words(total),
        context.jobs
    ))
}

/// Seconds and costs of runs of one network.
#[derive(Default)]
struct Pace {
    runs: usize,
    seconds: f64,
    cost: f64,
}

impl Pace {
    /// For a unit of cost.
    fn seconds(&self) -> f64 {
        self.seconds / self.cost
    }
}

fn learn(paces: &mut BTreeMap<String, Pace>, run: &RunSpec, store: &Store) {
    if paces.get(&network(run)).is_some_and(|pace| pace.runs == SAMPLE) {
        return;
    }
    let made: Option<Provenance> =
        store.read_document(&store.layout().run(run).join(Layout::PROVENANCE)).ok().flatten();
    if let Some(made) = made.filter(|made| made.device == "cpu" && made.seconds > 0.0) {
        let pace = paces.entry(network(run)).or_default();
        pace.runs += 1;
        pace.seconds += made.seconds;
        pace.cost += cost(run);
    }
}

fn network(run: &RunSpec) -> String {
    serde_json::to_string(&run.model).expect("a specification is plain data")
}

/// `90 minutes`, `7 hours`, `5 days`, `6 weeks`.
fn words(time: Duration) -> String {
    let hours = time.as_secs_f64() / 3600.0;
    let (count, unit) = match hours {
        ..3.0 => (hours * 60.0, "minutes"),
        ..48.0 => (hours, "hours"),
        ..336.0 => (hours / 24.0, "days"),
        _ => (hours / 168.0, "weeks"),
    };
    format!("{count:.0} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_unit_that_people_plan_in() {
        for (hours, text) in [(1.5, "90 minutes"), (7.2, "7 hours"), (120.0, "5 days"), (1008.0, "6 weeks")] {
            assert_eq!(words(Duration::from_secs_f64(hours * 3600.0)), text);
        }
    }
}
