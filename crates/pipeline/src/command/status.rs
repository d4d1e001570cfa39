//! `pipeline status`: what is there, what is missing and where it is, and the command that resumes.

use std::collections::BTreeMap;

use flooding_core::context::Context;
use flooding_core::work::{Decision, Reason, Stage, WorkItem};
use flooding_tables::PublishedSource;
use flooding_train::Survey;
use serde::Serialize;

use super::{print, print_json, summary};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::stages::{self, Task};
use crate::tasks::{Whereabout, Whereabouts};

/// How far the training is, for `--json`.
#[derive(Default, Serialize)]
struct Training {
    runs: usize,
    complete: usize,
    failed: usize,
    damaged: usize,
    tasks: usize,
    /// Tasks that are not done, each with where it is.
    open: BTreeMap<String, Whereabouts>,
    /// Why the batch system does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    /// The tasks of the other stages.
    items: &'a [WorkItem],
    training: &'a Training,
    /// Published reports that settings are taken from.
    published: &'a [PublishedSource],
    /// The command that resumes; none where all is done.
    command: Option<String>,
}

pub fn run(args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = Project::load(args)?;
    let store = project.read_only_store();
    let context = Context::default();
    let whereabouts = Whereabout::look(&store)?;
    let surveys = flooding_train::survey(&project.plan, &store, false)?;
    let mut items = Vec::new();
    for stage in Stage::ALL {
        items.extend(match stage {
            Stage::Train => continue,
            Stage::Aggregate => stages::prepare_tables(&surveys, &project, &store, &context)?.items,
            stage => stages::prepare(&Task::Stage(stage), &project, &store, &context)?.items,
        });
    }
    let training = training(surveys, whereabouts);
    let published = flooding_aggregate::published_sources(&project.plan, &store)?;
    let items = summary::with_what_follows(items, &project.plan);
    let is_done = training.complete == training.runs && !items.iter().any(is_missing);
    let command = (!is_done).then(|| command(&project, &training));
    if args.json {
        print_json(&Answer { items: &items, training: &training, published: &published, command })?;
    } else {
        print(&describe(&project, &items, (&training, &published), command.as_deref()))?;
    }
    Ok(if is_done { Outcome::Done } else { Outcome::Incomplete })
}

fn training(surveys: Vec<Survey>, whereabouts: Whereabout) -> Training {
    let mut training = Training { tasks: surveys.len(), ..Training::default() };
    for survey in surveys {
        training.runs += survey.runs;
        training.complete += survey.runs - survey.left.len();
        training.failed += survey.failed;
        training.damaged += survey.damaged;
        if !survey.left.is_empty() {
            training.open.insert(survey.task.to_string(), whereabouts.of(&survey.task));
        }
    }
    training.silence = whereabouts.silence;
    training
}

/// The command that continues where everything stopped: whoever submitted submits again, others run.
fn command(project: &Project, training: &Training) -> String {
    let is_of_slurm = |place: &Whereabouts| matches!(place, Whereabouts::Lost { .. } | Whereabouts::Waiting { .. });
    if training.open.values().any(is_of_slurm) {
        project.planned(["submit", "slurm"]).to_string()
    } else {
        project.planned(["run"]).to_string()
    }
}

/// At most this number of lines for each kind of task.
const SHOWN: usize = 10;

fn describe(
    project: &Project,
    items: &[WorkItem],
    (training, published): (&Training, &[PublishedSource]),
    command: Option<&str>,
) -> String {
    let mut text = format!("profile {}: {}\n", project.plan.profile, project.plan.summary);
    for stage in Stage::ALL {
        if stage == Stage::Train {
            describe_training(&mut text, training);
            for PublishedSource { name, runs, settings, .. } in published {
                let settings = settings.len();
                text.push_str(&format!(
                    "           {runs} runs of {settings} settings count as the published report {name} has them\n"
                ));
            }
            continue;
        }
        let of_stage: Vec<&WorkItem> = items.iter().filter(|item| item.stage == stage).collect();
        let done = of_stage.iter().filter(|item| !is_missing(item)).count();
        text.push_str(&format!("{:<10} {done:>5} of {:>5} up to date\n", stage.name(), of_stage.len()));
        let mut lines = summary::reasons(of_stage.into_iter().filter(|item| is_missing(item)));
        let more = lines.len().saturating_sub(SHOWN);
        lines.truncate(SHOWN);
        lines.extend((more > 0).then(|| format!("and {more} more")));
        for line in lines {
            text.push_str(&format!("           {line}\n"));
        }
    }
    if let Some(command) = command {
        text.push_str(&format!("to resume: {command}\n"));
    }
    text
}

fn describe_training(text: &mut String, training: &Training) {
    let Training { runs, complete, failed, damaged, tasks, open, silence } = training;
    text.push_str(&format!(
        "{:<10} {complete:>5} of {runs:>5} runs complete, {failed} failed, {damaged} damaged; {} of {tasks} tasks are \
         not done\n",
        Stage::Train.name(),
        open.len()
    ));
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (task, place) in open {
        let (kind, line) = match place {
            Whereabouts::Running { holder } => ("running", format!("{task}: {holder}")),
            Whereabouts::Waiting { job, queue } => ("waiting", format!("{task}: Slurm job {job}, {queue}")),
            Whereabouts::Lost { job } => ("lost", format!("{task}: Slurm job {job} is over")),
            Whereabouts::Open => ("open", task.clone()),
        };
        kinds.entry(kind).or_default().push(line);
    }
    for (kind, lines) in kinds {
        text.push_str(&format!("           {} {kind}\n", lines.len()));
        for line in lines.iter().take(SHOWN) {
            text.push_str(&format!("             {line}\n"));
        }
        if lines.len() > SHOWN {
            text.push_str(&format!("             and {} more\n", lines.len() - SHOWN));
        }
    }
    if let Some(silence) = silence {
        text.push_str(&format!("           Slurm does not answer: {silence}\n"));
    }
}

/// Is it still to be done, or is it not available?
fn is_missing(item: &WorkItem) -> bool {
    item.decision.runs() || matches!(item.decision, Decision::Skip(Reason::Unavailable { .. }))
}
