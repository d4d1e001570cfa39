//! `pipeline publish`: the report and the runs behind it, for others to read and to check.

use super::{log, print, print_json};
use crate::cli::PublishArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::published;

pub fn run(args: &PublishArgs) -> Result<Outcome, Failure> {
    let project = Project::load(&args.plan)?;
    let store = project.read_only_store();
    let done = published::publish(&project, store.layout().reports(), overrides(args), &args.folder)
        .map_err(Failure::published)?;
    for name in &done.left_out {
        log(&format!("warning: {name} stays behind: it is larger than what is published"));
    }
    if args.plan.json {
        print_json(&done)?;
    } else {
        print(&format!(
            "published {} of {} runs and {} files of the report: {}\n",
            done.complete,
            done.planned,
            done.files.len() - 2,
            args.folder.display()
        ))?;
    }
    Ok(if done.complete == done.planned { Outcome::Done } else { Outcome::Incomplete })
}

/// The options that cut the profile down.
fn overrides(args: &PublishArgs) -> Vec<String> {
    let plan = &args.plan;
    let mut typed: Vec<String> = plan.only.iter().map(|only| format!("--only {only}")).collect();
    let numbers = [
        ("--epochs", plan.epochs),
        ("--train-size", plan.train_size),
        ("--test-size", plan.test_size),
        ("--trials", plan.trials),
    ];
    typed.extend(numbers.into_iter().filter_map(|(name, value)| Some(format!("{name} {}", value?))));
    typed.extend(plan.levels.iter().map(|levels| {
        let levels: Vec<String> = levels.iter().map(ToString::to_string).collect();
        format!("--levels {}", levels.join(","))
    }));
    typed
}
