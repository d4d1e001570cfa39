//! Probes of trained networks (paper, Sections 4.2, 5.2 and 5.3): one document a trial and kind, rebuilt only when the
//! runs that it was made from changed.
//!
//! The runs of the grid keep no weights for this: the two that a trial's probes compare are trained again, which gives
//! the same numbers, and are looked at on the way.
//!
//! A probe compares training with flooding at one level with training without. The level is the one above 0 with the
//! best validation accuracy at the last epoch of that trial, the smallest of equals.

mod inputs;
mod measure;
mod replay;
mod schedule;
mod size;

use flooding_core::context::Context;
use flooding_core::dataset::Source;
use flooding_core::plan::Plan;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_core::work::{Decision, Stage, StageReport, WorkItem};

use crate::TrainError;
pub use inputs::PROBES_REVISION;

use inputs::Candidate;

pub use size::kept_bytes;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Losses along random directions: Figures 5 and 8.
    Flatness,
    /// Confidence against accuracy on the test set.
    Calibration,
    /// Test curves and gradients on the way (Figures 2, 4, 6 and 7), and Theorem 1 at the end.
    Replay,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Flatness, Self::Calibration, Self::Replay];

    /// The name on the command line, and of the document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flatness => "flatness",
            Self::Calibration => "calibration",
            Self::Replay => "replay",
        }
    }
}

/// Makes the probes of these kinds that are not up to date, for the trials that the plan probes.
///
/// A trial whose runs are not complete, and a missing dataset, are gaps of the report.
pub fn run(
    plan: &Plan,
    store: &Store,
    context: &Context,
    source: &dyn Source,
    kinds: &[Kind],
) -> Result<StageReport, TrainError> {
    flooding_engine::device::check(context.device)?;
    let decided = decide(plan, store, context.force, kinds)?;
    let total = decided.len();
    let wanted: Vec<Candidate> =
        decided.into_iter().filter(|(_, d)| d.runs()).map(|(candidate, _)| candidate).collect();
    let skipped = (total - wanted.len()) as u64;
    if wanted.is_empty() {
        return Ok(StageReport { skipped, ..StageReport::default() });
    }
    let trials = schedule::by_trial(wanted);
    context.progress.stage_started("probes", trials.len() as u64, "trial");
    let report = schedule::probe_all(&trials, store, context, source);
    context.progress.stage_finished();
    let mut report = report?;
    report.skipped += skipped;
    Ok(report)
}

/// What [`run`] would do, and why.
///
/// Where runs are still to be trained (`trained` says of a run whether it stays as it is), their probes will follow.
pub fn work(
    plan: &Plan,
    store: &Store,
    context: &Context,
    kinds: &[Kind],
    trained: &dyn Fn(&RunSpec) -> bool,
) -> Result<Vec<WorkItem>, TrainError> {
    let decided = decide(plan, store, context.force, kinds)?;
    let item = |(candidate, decision): (Candidate, Decision)| {
        let changing = candidate.group.runs.iter().any(|run| !trained(run));
        let decision = if changing { inputs::will_change() } else { decision };
        WorkItem { stage: Stage::Train, id: candidate.id(), decision }
    };
    Ok(decided.into_iter().map(item).collect())
}

fn decide(plan: &Plan, store: &Store, force: bool, kinds: &[Kind]) -> Result<Vec<(Candidate, Decision)>, TrainError> {
    let mut decided = Vec::new();
    for group in inputs::probed(plan) {
        let inputs = inputs::of(&group, store)?;
        for &kind in kinds {
            let candidate = Candidate { kind, group: group.clone(), inputs: inputs.clone() };
            let decision = inputs::decide(&candidate, store, force)?;
            decided.push((candidate, decision));
        }
    }
    Ok(decided)
}
