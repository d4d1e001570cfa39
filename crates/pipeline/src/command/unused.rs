//! An option that says how to work is refused by name where no chosen stage works so: passed over, it would be believed.
//!
//! Options of the plan (`--only`, `--epochs`, ...) go with every stage: each does its part of that plan. So does
//! `--offline`: no stage uses a network then.

use flooding_core::work::Stage;

use crate::cli::RunArgs;
use crate::exit::Failure;
use crate::stages::Task;

/// The stages that an option goes with, and why with no other.
struct Use {
    option: &'static str,
    is_given: bool,
    stages: &'static [Stage],
    why: &'static str,
}

/// Refuses what none of these stages uses.
pub fn refuse(args: &RunArgs, wanted: &[Task]) -> Result<(), Failure> {
    for Use { option, stages, why, .. } in uses(args).into_iter().filter(|one| one.is_given) {
        if !wanted.iter().any(|task| stages.contains(&task.stage())) {
            let names = stages.iter().map(|stage| format!("`stage {stage}`")).collect::<Vec<_>>().join(", ");
            let names =
                names.rsplit_once(", ").map_or_else(|| names.clone(), |(all, last)| format!("{all} and {last}"));
            return Err(Failure::Usage(format!("{option} goes with {names}: {why}; leave it out here")));
        }
    }
    part(args, wanted)
}

fn uses(args: &RunArgs) -> [Use; 6] {
    use Stage::{Fetch, Generate, Train, Verify};
    // The variable is set for a whole shell; only the option is meant for this command.
    let mirror = args.mirror.is_some() && args.mirror != std::env::var_os("PIPELINE_MIRROR");
    let one = |option, is_given, stages, why| Use { option, is_given, stages, why };
    [
        one("--device", args.device.is_some(), &[Train], "nothing else runs on a device"),
        one("--group-size", args.group_size.is_some(), &[Train], "nothing else runs on a device"),
        one("--checkpoint-every", args.checkpoint_every.is_some(), &[Train], "nothing else leaves checkpoints"),
        one("--fail-fast", args.fail_fast, &[Train], "nothing else resumes after a failure"),
        one("--jobs", args.jobs.is_some(), &[Generate, Train, Verify], "the other stages use one thread"),
        one("--mirror", mirror, &[Fetch, Train], "the other stages fetch nothing"),
    ]
}

/// Tables and report are of whole plans, and so are data: only training takes a part of the runs.
fn part(args: &RunArgs, wanted: &[Task]) -> Result<(), Failure> {
    if matches!(wanted, [Task::Stage(Stage::Train) | Task::Probes(_)]) {
        return Ok(());
    }
    let part = &args.part;
    for (option, is_given) in
        [("--key", !args.key.is_empty()), ("--task", !part.task.is_empty()), ("--shard", part.shard.is_some())]
    {
        if is_given {
            let problem = format!("{option} goes with `stage train` alone: it names a part of the runs to train");
            return Err(Failure::Usage(problem));
        }
    }
    Ok(())
}
