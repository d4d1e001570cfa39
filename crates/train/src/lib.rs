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
use flooding_core::work::{Decision, Gap, Reason, Stage, StageReport, WorkItem};

pub use calibrate::calibrate;
pub use cost::cost;
pub use error::TrainError;
pub use probes::kept_bytes;
pub use schedule::run_id;
pub use survey::{Survey, survey};

/// Trains every run of the plan that is not up to date, then makes the [`probes`] of the trials that the plan probes.
///
/// A run that fails, and a data set that cannot be had, are gaps of the report; the others go on.
pub fn run(plan: &Plan, store: &Store, context: &Context, source: &dyn Source) -> Result<StageReport, TrainError> {
    flooding_engine::device::check(context.device)?;
    let decided = decide::decide(plan, store, context.force)?;
    for (spec, _) in decided.iter().filter(|(_, decision)| !decision.runs()) {
        // Left by a process that died between the record and the removal of the checkpoint.
        checkpoint::remove(store, spec, &*context.progress);
    }
    let total = decided.len();
    let runs: Vec<_> = decided.into_iter().filter(|(_, decision)| decision.runs()).collect();
    let skipped = (total - runs.len()) as u64;
    let kept = kept_bytes(runs.iter().map(|(spec, _)| spec));
    if kept > 0 {
        let megabytes = kept.div_ceil(1_000_000);
        let folder = store.layout().runs();
        context.progress.warn(&format!("weights that runs keep take up to {megabytes} MB in {}", folder.display()));
    }
    context.progress.stage_started(Stage::Train.name(), runs.len() as u64, "run");
    let report = schedule::train_all(runs, store, context, source);
    context.progress.stage_finished();
    let mut report = report?;
    report.skipped += skipped;
    if !report.interrupted {
        let probed = probes::run(plan, store, context, source, &probes::Kind::ALL)?;
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

/// What [`run`] would do, and why.
pub fn work(plan: &Plan, store: &Store, context: &Context) -> Result<Vec<WorkItem>, TrainError> {
    let decided = decide::decide(plan, store, context.force)?;
    let changing: HashSet<RunKey> = decided.iter().filter(|(_, d)| d.runs()).map(|(spec, _)| spec.key()).collect();
    let item = |(spec, decision)| WorkItem { stage: Stage::Train, id: run_id(&spec), decision };
    let mut items: Vec<WorkItem> = decided.into_iter().map(item).collect();
    items.extend(probes::work(plan, store, context, &probes::Kind::ALL, &|run| !changing.contains(&run.key()))?);
    Ok(items)
}
