//! `pipeline run` and `pipeline stage NAME`.

use std::time::{Duration, Instant};

use flooding_core::context::Context;
use flooding_core::store::Store;
use flooding_core::work::{MissingResult, Stage, StageReport, WorkItem};
use serde::Serialize;

use super::{log, print, print_json, sharing, summary, unused};
use crate::again;
use crate::cli::{ProbeName, RunArgs};
use crate::exit::{Failure, Outcome};
use crate::interrupt;
use crate::project::{self, Project};
use crate::replaced;
use crate::stages::{self, Task};
use crate::tasks;

/// All stages, each on what the ones before it stored.
pub fn all(args: &RunArgs) -> Result<Outcome, Failure> {
    run(args, &Stage::ALL.map(Task::Stage))
}

/// One stage.
pub fn one(stage: Stage, args: &RunArgs) -> Result<Outcome, Failure> {
    run(args, &[Task::Stage(stage)])
}

/// The probes alone, without training what is missing.
pub fn probes(stage: Stage, names: &[ProbeName], args: &RunArgs) -> Result<Outcome, Failure> {
    if stage != Stage::Train {
        let problem = format!("--probe goes with `stage train`: `stage {stage}` makes no probes");
        return Err(Failure::Usage(problem));
    }
    run(args, &[Task::Probes(names.iter().map(|&name| name.into()).collect())])
}

/// What came of one stage, for `--json`.
#[derive(Serialize)]
struct Finished {
    stage: Stage,
    seconds: f64,
    #[serde(flatten)]
    report: StageReport,
}

fn run(args: &RunArgs, wanted: &[Task]) -> Result<Outcome, Failure> {
    unused::refuse(args, wanted)?;
    let mut project = Project::load_runs(&args.plan, &args.key)?;
    project.keep(&args.part)?;
    let project = project;
    let context = project::context(args)?;
    if args.dry_run {
        return dry_run(args, wanted, &project, &context);
    }
    let store = project.store()?;
    let lock = store.share()?;
    for notice in lock.notices() {
        log(&format!("warning: {notice}"));
    }
    let started = Instant::now();
    let mut finished: Vec<Finished> = Vec::new();
    let todo = with_what_is_missing(wanted, &project, &store, &context)?;
    let unforced = Context { force: false, ..context.clone() };
    for task in &todo {
        // --force is about what was asked for, not about the data that it needs.
        let is_asked_for = wanted.iter().any(|wanted| wanted.stage() == task.stage());
        let context = if is_asked_for { &context } else { &unforced };
        let begun = Instant::now();
        let stage = task.stage();
        // Decided after the claim: another process may just have done it.
        let claim = stages::claim(stage, &store, context)?;
        let prepared = stages::prepare(task, &project, &store, context)?;
        let items = &prepared.items;
        explain(stage, items);
        if stage == Stage::Train
            && items.iter().any(|item| item.decision.runs())
            && let Some(announcement) = tasks::announcement(&project, &store, context)?
        {
            log(&format!("note: {announcement}"));
        }
        if stage == Stage::Aggregate
            && items.iter().any(|item| item.decision.runs())
            && let Some(notice) = replaced::notice(&project, &store)
        {
            log(&format!("note: {notice}"));
        }
        let report = prepared.run()?;
        drop(claim);
        let interrupted = report.interrupted;
        finished.push(Finished { stage, seconds: begun.elapsed().as_secs_f64(), report });
        if interrupted {
            let what = match &context.stop {
                stop if stop.is_after_failure() => "stopped by --fail-fast",
                stop if stop.is_for_restart() => "stopped in time",
                _ => "interrupted",
            };
            log(&format!(
                "{what} during {stage}; everything finished is kept. To resume:\n  {}",
                interrupt::command_to_resume()
            ));
            break;
        }
    }
    let outcome = conclude(args, &store, &finished, started.elapsed())?;
    // Whoever asked for it was not interrupted: what is missing is named, as in any incomplete run.
    Ok(match outcome {
        _ if context.stop.is_after_failure() => Outcome::Incomplete,
        Outcome::Interrupted if context.stop.is_for_restart() => {
            again::requeue(args.on_again.as_deref(), &context);
            Outcome::Again
        }
        outcome => outcome,
    })
}

/// A training alone first gets the data that it needs and that are not here.
fn with_what_is_missing(
    wanted: &[Task],
    project: &Project,
    store: &Store,
    context: &Context,
) -> Result<Vec<Task>, Failure> {
    let mut tasks = Vec::new();
    if matches!(wanted, [Task::Stage(Stage::Train)]) {
        // With --force the runs are trained again, on the data that are here.
        let context = Context { force: false, ..context.clone() };
        for task in [Stage::Fetch, Stage::Generate].map(Task::Stage) {
            let items = stages::prepare(&task, project, store, &context)?.items;
            if items.iter().any(|item| item.decision.runs()) {
                tasks.push(task);
            }
        }
    }
    tasks.extend_from_slice(wanted);
    Ok(tasks)
}

/// Results on standard output, warnings last on standard error, and the exit code.
fn conclude(args: &RunArgs, store: &Store, finished: &[Finished], elapsed: Duration) -> Result<Outcome, Failure> {
    let done: u64 = finished.iter().map(|stage| stage.report.done).sum();
    let skipped: u64 = finished.iter().map(|stage| stage.report.skipped).sum();
    let missing: Vec<&MissingResult> = finished.iter().flat_map(|stage| &stage.report.missing).collect();
    if args.plan.json {
        print_json(&finished)?;
    } else {
        let is_interrupted = finished.iter().any(|stage| stage.report.interrupted);
        let text = summary::conclusion([done, skipped, missing.len() as u64], is_interrupted);
        print(&format!("{text} ({:.1} s)\n", elapsed.as_secs_f64()))?;
        if finished.iter().any(|stage| stage.stage == Stage::Render && !stage.report.interrupted) {
            print(&format!("report: {}\n", store.layout().reports().join("index.html").display()))?;
        }
    }
    for (i, result) in missing.iter().enumerate() {
        // A later stage may report what an earlier one left; once is enough for a reader.
        if !missing[..i].iter().any(|earlier| earlier.id == result.id) {
            log(&format!("warning: {}: {} is missing: {}", result.stage, result.id, result.why));
        }
    }
    Ok(match finished.last() {
        Some(last) if last.report.interrupted => Outcome::Interrupted,
        _ if missing.is_empty() => Outcome::Done,
        _ => Outcome::Incomplete,
    })
}

fn dry_run(args: &RunArgs, wanted: &[Task], project: &Project, context: &Context) -> Result<Outcome, Failure> {
    let store = project.read_only_store();
    let mut items = Vec::new();
    for task in with_what_is_missing(wanted, project, &store, context)? {
        items.extend(stages::prepare(&task, project, &store, context)?.items);
    }
    let items = summary::with_what_follows(items, &project.plan);
    if args.plan.json {
        print_json(&items)?;
    } else {
        let sharing = sharing::lines(&items, &project.plan, &store);
        print(&summary::dry_run(&items, &sharing))?;
    }
    Ok(Outcome::Done)
}

/// Says in the log what a stage is about to do and why.
fn explain(stage: Stage, items: &[WorkItem]) {
    for line in summary::reasons(items.iter()) {
        log(&format!("{:<9} {line}", stage.name()));
    }
}
