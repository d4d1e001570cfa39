//! `pipeline status`: what is there, what is missing, and why.

use flooding_core::context::Context;
use flooding_core::work::{Decision, Reason, Stage, WorkItem};

use super::{print, print_json, summary};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::stages::{self, Task};

pub fn run(args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = Project::load(args)?;
    let store = project.read_only_store();
    let context = Context::default();
    let mut items = Vec::new();
    for stage in Stage::ALL {
        items.extend(stages::prepare(&Task::Stage(stage), &project, &store, &context)?.items);
    }
    let items = summary::with_what_follows(items, &project.plan);
    if args.json {
        print_json(&items)?;
    } else {
        let mut text = format!("profile {}: {}\n", project.plan.profile, project.plan.summary);
        for stage in Stage::ALL {
            let of_stage: Vec<&WorkItem> = items.iter().filter(|item| item.stage == stage).collect();
            let done = of_stage.iter().filter(|item| !is_missing(item)).count();
            text.push_str(&format!("{:<10} {done:>5} of {:>5} up to date\n", stage.name(), of_stage.len()));
            for line in summary::reasons(of_stage.into_iter().filter(|item| is_missing(item))) {
                text.push_str(&format!("           {line}\n"));
            }
        }
        print(&text)?;
    }
    Ok(if items.iter().any(is_missing) { Outcome::Gaps } else { Outcome::Done })
}

/// Is it still to be done, or can it not be had?
fn is_missing(item: &WorkItem) -> bool {
    item.decision.runs() || matches!(item.decision, Decision::Skip(Reason::Unavailable { .. }))
}
