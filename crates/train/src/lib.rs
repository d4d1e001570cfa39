//! The training stage: trains every run of the plan on dfdx and leaves a record of each.
//!
//! A run is one network, trained on one flood level. On the CPU, runs are trained side by side, one thread each; on
//! CUDA (cargo feature `cuda`) all levels of a trial are trained together, along a leading ensemble axis. A run's record
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
use flooding_core::work::{Decision, MissingResult, Prepared, Reason, Stage, StageReport, WorkItem};

pub use calibrate::{Pilot, calibrate};
pub use cost::{cost, measuring_cost, steps, task_cost};
pub use error::TrainError;
pub use probes::{kept_bytes, probes_cost};
pub use schedule::run_id;
pub use survey::{Complete, Survey, survey};

/// Decides which runs are to be trained and which [`probes`] follow: an item a run, then an item a probe. Running it does
/// that; what the probes of newly trained runs compare is known, and decided, only then.
///
/// A run that fails, and a missing dataset, are missing in the report; the others are trained.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
    source: impl Source + 'a,
) -> Result<Prepared<'a, TrainError>, TrainError> {
    let runs = decide::decide(plan, store, context.force)?;
    let mut probes = probes::decide(plan, store, context.force, &probes::Kind::ALL)?;
    let changing: HashSet<RunKey> = runs.iter().filter(|(_, d)| d.runs()).map(|(spec, _)| spec.key()).collect();
    if !changing.is_empty() {
        probes::follow(&mut probes, |run| changing.contains(&run.key()));
    }
    let item = |(spec, decision): &(RunSpec, Decision)| WorkItem {
        stage: Stage::Train,
        id: run_id(spec),
        decision: decision.clone(),
    };
    let items = runs.iter().map(item).chain(probes::items(&probes)).collect();
    Ok(Prepared::new(items, move || {
        check_devices(context)?;
        let mut report = train(runs, store, context, &source)?;
        if !report.interrupted {
            add(&mut report, probes::make(probes, store, context, &source)?, plan);
        }
        Ok(report)
    }))
}

fn check_devices(context: &Context) -> Result<(), TrainError> {
    for &device in context.devices.all() {
        flooding_engine::device::check(device)?;
    }
    Ok(())
}

/// Trains those of the runs that are to be trained.
fn train(
    decided: Vec<(RunSpec, Decision)>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let (runs, ready): (Vec<_>, Vec<_>) = decided.into_iter().partition(|(_, decision)| decision.runs());
    for (spec, _) in &ready {
        // Left by a process that died between the record and the removal of the checkpoint.
        checkpoint::remove(store, spec, &*context.progress);
    }
    let kept = kept_bytes(runs.iter().map(|(spec, _)| spec));
    if kept > 0 {
        let megabytes = kept.div_ceil(1_000_000);
        let folder = store.layout().runs();
        context.progress.warn(&format!("weights that runs keep take up to {megabytes} MB in {}", folder.display()));
    }
    let mut report = train_all(runs, store, context, source)?;
    report.skipped += ready.len() as u64;
    Ok(report)
}

fn train_all(
    runs: Vec<(RunSpec, Decision)>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    context.progress.stage_started(Stage::Train.name(), runs.len() as u64, "run");
    let report = schedule::train_all(runs, store, context, source);
    context.progress.stage_finished();
    report
}

/// Adds the probes' report to that of the training before them.
fn add(report: &mut StageReport, probed: StageReport, plan: &Plan) {
    report.done += probed.done;
    report.skipped += probed.skipped;
    // A dataset that is missing is named once, not once a probe.
    let is_known = |result: &MissingResult| {
        let setting = plan.settings.iter().find(|setting| result.id.split(' ').next() == Some(&setting.id));
        setting.is_some_and(|setting| report.missing.iter().any(|known| known.id == setting.data.name()))
    };
    let missing: Vec<MissingResult> = probed.missing.into_iter().filter(|result| !is_known(result)).collect();
    report.missing.extend(missing);
    report.interrupted = probed.interrupted;
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
    train_all(runs, store, &context, source)
}
