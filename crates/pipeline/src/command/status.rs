//! `pipeline status`: what is there, what is missing, and why.

use flooding_core::context::Context;
use flooding_core::work::{Stage, WorkItem};

use super::{print, print_json};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::stages::{self, Task};

pub fn run(args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = Project::load(args, &[])?;
    let store = project.read_only_store();
    let context = Context::default();
    let mut items = Vec::new();
    for stage in Stage::ALL {
        items.extend(stages::work(&Task::Stage(stage), &project, &store, &context)?);
    }
    if args.json {
        print_json(&items)?;
    } else {
        let mut text = format!("profile {}: {}\n", project.plan.profile, project.plan.summary);
        for stage in Stage::ALL {
            let of_stage: Vec<&WorkItem> = items.iter().filter(|item| item.stage == stage).collect();
            let done = of_stage.iter().filter(|item| !item.decision.runs()).count();
            text.push_str(&format!("{:<10} {done:>5} of {:>5} up to date\n", stage.name(), of_stage.len()));
            for line in super::run::reasons(of_stage.into_iter().filter(|item| item.decision.runs())) {
                text.push_str(&format!("           {line}\n"));
            }
        }
        print(&text)?;
    }
    Ok(if items.iter().any(|item| item.decision.runs()) { Outcome::Gaps } else { Outcome::Done })
}
