//! `pipeline pack`: the finished part of the store as a tar file.

use super::{log, print, print_json};
use crate::cli::PackArgs;
use crate::exchange::{self, With};
use crate::exit::{Failure, Outcome};
use crate::project::Project;

pub fn run(args: &PackArgs) -> Result<Outcome, Failure> {
    let project = Project::load(&args.plan)?;
    let with = With { weights: args.weights, checkpoints: args.checkpoints };
    let packed =
        exchange::pack(&project.plan, &project.read_only_store(), &args.output, with).map_err(Failure::exchange)?;
    for damaged in &packed.damaged {
        log(&format!("warning: left out, because it is damaged: {damaged}"));
    }
    if args.plan.json {
        print_json(&packed)?;
    } else {
        let (output, megabytes) = (args.output.display(), packed.bytes as f64 / 1e6);
        print(&format!(
            "packed {} of {} runs, {} drawn trials{} and {} probes: {output} ({megabytes:.1} MB)\n",
            packed.runs,
            packed.planned,
            packed.drawn,
            checkpoints(packed.checkpoints),
            packed.probes
        ))?;
    }
    Ok(if packed.damaged.is_empty() { Outcome::Done } else { Outcome::Incomplete })
}

/// In a list, where there are any.
pub(super) fn checkpoints(count: usize) -> String {
    if count == 0 { String::new() } else { format!(", {count} checkpoints") }
}
