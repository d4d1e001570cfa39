//! The stage: draw what the plan needs and is not there yet.

use flooding_core::context::Context;
use flooding_core::dataset::Splits;
use flooding_core::plan::Plan;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_core::work::{Decision, Prepared, Reason, Stage, StageReport, WorkItem};
use rayon::prelude::*;

use crate::GenerateError;
use crate::trial::TrialSpec;

/// Decides what there is to do: an item a setting and trial with synthetic data. Running it draws and stores what is new,
/// changed or damaged, `context.jobs` trials at a time.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
) -> Result<Prepared<'a, GenerateError>, GenerateError> {
    let (mut items, mut wanted) = (Vec::new(), Vec::new());
    for spec in trials(plan) {
        let decision = decide(&spec, store, context)?;
        let id = spec.id();
        if decision.runs() {
            wanted.push(spec);
        }
        items.push(WorkItem { stage: Stage::Generate, id, decision });
    }
    let skipped = (items.len() - wanted.len()) as u64;
    Ok(Prepared::new(items, move || run(&wanted, skipped, store, context)))
}

fn run(wanted: &[TrialSpec], skipped: u64, store: &Store, context: &Context) -> Result<StageReport, GenerateError> {
    let mut report = StageReport { skipped, ..StageReport::default() };
    context.progress.stage_started(Stage::Generate.name(), wanted.len() as u64, "dataset");
    let jobs = context.workers(wanted.len());
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .map_err(|source| GenerateError::Threads { jobs, source })?;
    let generate = |spec: &TrialSpec| {
        if context.stop.is_raised() {
            return Ok(false);
        }
        let id = spec.id();
        context.progress.item_started(&id, 1);
        let splits = spec.generate(store)?;
        let sizes = [&splits.train, &splits.validation, &splits.test].map(|set| set.len().to_string()).join("/");
        context.progress.item_finished(&id, &format!("{sizes} examples"));
        Ok(true)
    };
    let outcomes: Vec<Result<bool, GenerateError>> = threads.install(|| wanted.par_iter().map(generate).collect());
    context.progress.stage_finished();
    for outcome in outcomes {
        if outcome? {
            report.done += 1;
        } else {
            report.interrupted = true;
        }
    }
    Ok(report)
}

/// The examples of a run's setting and trial, checked against their digest.
///
/// `None` where they were not drawn yet, and for image data, which this stage knows nothing of. Examples that were
/// drawn under another specification are an error: they must not be learned from by mistake.
pub fn load(spec: &RunSpec, store: &Store) -> Result<Option<Splits>, GenerateError> {
    TrialSpec::of_run(spec).map_or(Ok(None), |trial| trial.load(store))
}

fn trials(plan: &Plan) -> impl Iterator<Item = TrialSpec> + '_ {
    plan.settings.iter().flat_map(|setting| {
        (0..setting.trials).filter_map(|trial| TrialSpec::of_setting(setting, plan.master_seed, trial))
    })
}

fn decide(spec: &TrialSpec, store: &Store, context: &Context) -> Result<Decision, GenerateError> {
    Ok(match spec.state(store)? {
        Reason::UpToDate if context.force => Decision::Run(Reason::Forced),
        Reason::UpToDate => Decision::Skip(Reason::UpToDate),
        reason => Decision::Run(reason),
    })
}
