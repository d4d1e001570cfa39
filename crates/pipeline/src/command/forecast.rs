//! `pipeline forecast`: what is left to train and what it will take.

use super::{print, print_json};
use crate::cli::ForecastArgs;
use crate::exit::{Failure, Outcome};
use crate::project::{self, Project};
use crate::tasks::{Side, account, calibrated_tasks};

pub fn run(args: &ForecastArgs) -> Result<Outcome, Failure> {
    let mut project = Project::load(&args.tasks.plan)?;
    project.keep(&args.tasks.part)?;
    let devices = &args.tasks.device;
    let jobs = args.jobs.map_or_else(project::cores, usize::from);
    let tasks = calibrated_tasks(&project, &project.read_only_store(), devices, jobs)?;
    let costs = account::by_setting(&tasks);
    let side = Side { devices, jobs, machines: args.machines.into() };
    if args.tasks.plan.json {
        print_json(&costs)?;
    } else {
        print(&account::table(&costs, side))?;
    }
    Ok(Outcome::Done)
}
