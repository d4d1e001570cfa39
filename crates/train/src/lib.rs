//! The training stage: trains every run of the plan on dfdx and leaves a record of each.
//!
//! A run is one network, trained on one flood level. On the CPU, runs are trained side by side, one thread each; on
//! CUDA (cargo feature `cuda`) all levels of a trial are trained together, along a leading member axis. A run's record
//! depends on its specification alone: not on threads, order, interruptions or the clock.

pub mod branch;
mod calibrate;
pub mod checkpoint;
mod cost;
mod decide;
mod error;
pub mod outcome;
pub mod probes;
mod provenance;
mod queue;
mod save;
mod schedule;
mod survey;
pub mod trainer;

use std::collections::HashSet;

use flooding_core::context::Context;
use flooding_core::dataset::Source;
use flooding_core::plan::Plan;
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::Store;
use flooding_core::work::{Decision, Gap, Prepared, Reason, Stage, StageReport, WorkItem};

pub use calibrate::{Pilot, calibrate};
pub use cost::{cost, measuring_cost, steps, task_cost};
pub use error::TrainError;
pub use probes::{kept_bytes, probes_cost};
pub use schedule::run_id;
pub use survey::{Complete, Survey, survey};

/// Decides once which runs are trained and which [`probes`] are made, and why. Running what is returned does that.
///
/// A run that fails, and a missing dataset, are gaps of the report; the others are trained.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
    source: impl Source + 'a,
) -> Result<Prepared<'a, TrainError>, TrainError> {
    let decided = Decided::now(plan, store, context)?;
    let items = decided.items();
    Ok(Prepared::new(items, move || train(decided, plan, store, context, &source)))
}

/// [`prepare`]s and runs.
pub fn run(plan: &Plan, store: &Store, context: &Context, source: &dyn Source) -> Result<StageReport, TrainError> {
    train(Decided::now(plan, store, context)?, plan, store, context, source)
}

/// What [`run`] would do, and why.
pub fn work(plan: &Plan, store: &Store, context: &Context) -> Result<Vec<WorkItem>, TrainError> {
    Ok(Decided::now(plan, store, context)?.items())
}

/// What is to be done about each run and each probe, in the plan's order.
struct Decided {
    runs: Vec<(RunSpec, Decision)>,
    probes: Vec<probes::Decided>,
}

impl Decided {
    fn now(plan: &Plan, store: &Store, context: &Context) -> Result<Self, TrainError> {
        let runs = decide::decide(plan, store, context.force)?;
        Ok(Self { runs, probes: probes::decide(plan, store, context.force, &probes::Kind::ALL)? })
    }

    fn items(&self) -> Vec<WorkItem> {
        let changing: HashSet<RunKey> =
            self.runs.iter().filter(|(_, decision)| decision.runs()).map(|(spec, _)| spec.key()).collect();
        let item = |(spec, decision): &(RunSpec, Decision)| WorkItem {
            stage: Stage::Train,
            id: run_id(spec),
            decision: decision.clone(),
        };
        let mut items: Vec<WorkItem> = self.runs.iter().map(item).collect();
        let stays = |run: &RunSpec| changing.is_empty() || !changing.contains(&run.key());
        items.extend(probes::items(&self.probes, &stays));
        items
    }
}

fn train(
    decided: Decided,
    plan: &Plan,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    for &device in context.devices.all() {
        flooding_engine::device::check(device)?;
    }
    for (spec, _) in decided.runs.iter().filter(|(_, decision)| !decision.runs()) {
        // Left by a process that died between the record and the removal of the checkpoint.
        checkpoint::remove(store, spec, &*context.progress);
    }
    let total = decided.runs.len();
    let runs: Vec<_> = decided.runs.into_iter().filter(|(_, decision)| decision.runs()).collect();
    let skipped = (total - runs.len()) as u64;
    let kept = kept_bytes(runs.iter().map(|(spec, _)| spec));
    if kept > 0 {
        let megabytes = kept.div_ceil(1_000_000);
        let folder = store.layout().runs();
        context.progress.warn(&format!("weights that runs keep take up to {megabytes} MB in {}", folder.display()));
    }
    let is_unchanged = runs.is_empty();
    context.progress.stage_started(Stage::Train.name(), runs.len() as u64, "run");
    let report = schedule::train_all(runs, store, context, source);
    context.progress.stage_finished();
    let mut report = report?;
    report.skipped += skipped;
    if !report.interrupted {
        let probed = if is_unchanged {
            probes::make(decided.probes, store, context, source)?
        } else {
            probes::run(plan, store, context, source, &probes::Kind::ALL)?
        };
        report.done += probed.done;
        report.skipped += probed.skipped;
        // A dataset that is missing is named once, not once a probe.
        let missing = |gap: &Gap| {
            let setting = plan.settings.iter().find(|setting| gap.id.split(' ').next() == Some(&setting.id));
            setting.is_some_and(|setting| report.gaps.iter().any(|known| known.id == setting.data.name()))
        };
        let gaps: Vec<Gap> = probed.gaps.into_iter().filter(|gap| !missing(gap)).collect();
        report.gaps.extend(gaps);
        report.interrupted = probed.interrupted;
    }
    Ok(report)
}

/// Trains just these runs, whatever is stored of them, and makes no probes.
pub fn train_runs(
    runs: Vec<RunSpec>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let context = Context { force: true, ..context.clone() };
    let runs: Vec<_> = runs.into_iter().map(|run| (run, Decision::Run(Reason::Forced))).collect();
    context.progress.stage_started(Stage::Train.name(), runs.len() as u64, "run");
    let report = schedule::train_all(runs, store, &context, source);
    context.progress.stage_finished();
    report
}
