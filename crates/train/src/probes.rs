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
use flooding_core::work::{Decision, Prepared, Stage, StageReport, WorkItem};
use rayon::prelude::*;

use crate::{TrainError, check_devices};
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

/// Decides which probes of these kinds are to be made, of the trials that the plan probes: an item a document. Running it
/// makes them.
///
/// A trial whose runs are not complete, and a missing dataset, are missing in the report.
pub fn prepare<'a>(
    plan: &Plan,
    store: &'a Store,
    context: &'a Context,
    source: impl Source + 'a,
    kinds: &[Kind],
) -> Result<Prepared<'a, TrainError>, TrainError> {
    let decided = decide(plan, store, context.force, kinds)?;
    Ok(Prepared::new(items(&decided).collect(), move || {
        check_devices(context)?;
        make(decided, store, context, &source)
    }))
}

/// A probe's document and what is to be done about it.
pub(crate) type Decided = (Candidate, Decision);

/// Makes those that are to be made.
pub(crate) fn make(
    mut decided: Vec<Decided>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    // The runs of these have been trained since.
    decided.par_iter_mut().filter(|(_, decision)| *decision == inputs::will_change()).try_for_each(
        |(candidate, decision)| {
            candidate.inputs = inputs::of(&candidate.group, store)?;
            *decision = inputs::decide(candidate, store, context.force)?;
            Ok::<(), TrainError>(())
        },
    )?;
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

/// Marks those that compare runs which are about to change.
pub(crate) fn follow(decided: &mut [Decided], changes: impl Fn(&RunSpec) -> bool) {
    for (candidate, decision) in decided {
        if candidate.group.runs.iter().any(&changes) {
            *decision = inputs::will_change();
        }
    }
}

/// As tasks.
pub(crate) fn items(decided: &[Decided]) -> impl Iterator<Item = WorkItem> + '_ {
    decided.iter().map(|(candidate, decision)| WorkItem {
        stage: Stage::Train,
        id: candidate.id(),
        decision: decision.clone(),
    })
}

/// What is to be done about each probe, in the plan's order.
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
