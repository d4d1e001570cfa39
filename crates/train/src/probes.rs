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
use flooding_core::plan::{Group, Plan};
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_core::work::{Decision, Stage, StageReport, WorkItem};
use rayon::prelude::*;

use crate::TrainError;
pub use inputs::PROBES_REVISION;
pub(crate) use inputs::tasks;

use inputs::Candidate;

pub use size::{kept_bytes, probes_cost};

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
    for &device in context.devices.all() {
        flooding_engine::device::check(device)?;
    }
    make(decide(plan, store, context.force, kinds)?, store, context, source)
}

/// What [`run`] would do, and why.
pub fn work(plan: &Plan, store: &Store, context: &Context, kinds: &[Kind]) -> Result<Vec<WorkItem>, TrainError> {
    Ok(items(&decide(plan, store, context.force, kinds)?, &|_| true))
}

/// A probe's document and what is to be done about it.
pub(crate) type Decided = (Candidate, Decision);

/// Makes those that are to be made.
pub(crate) fn make(
    decided: Vec<Decided>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
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

/// As tasks. Where runs are still to be trained (`stays` says of a run whether it remains as it is), their probes
/// will follow.
pub(crate) fn items(decided: &[Decided], stays: &dyn Fn(&RunSpec) -> bool) -> Vec<WorkItem> {
    let item = |(candidate, decision): &Decided| {
        let is_changing = !candidate.group.runs.iter().all(stays);
        let decision = if is_changing { inputs::will_change() } else { decision.clone() };
        WorkItem { stage: Stage::Train, id: candidate.id(), decision }
    };
    decided.iter().map(item).collect()
}

pub(crate) fn decide(plan: &Plan, store: &Store, force: bool, kinds: &[Kind]) -> Result<Vec<Decided>, TrainError> {
    let groups: Vec<Group> = inputs::probed(plan).collect();
    let decided = groups.into_par_iter().map(|group| {
        let inputs = inputs::of(&group, store)?;
        let decided = kinds.iter().map(|&kind| {
            let candidate = Candidate { kind, group: group.clone(), inputs: inputs.clone() };
            let decision = inputs::decide(&candidate, store, force)?;
            Ok((candidate, decision))
        });
        decided.collect::<Result<Vec<Decided>, TrainError>>()
    });
    Ok(decided.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}
