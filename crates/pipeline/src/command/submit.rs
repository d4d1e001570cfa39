//! `pipeline submit`: the work that is left, to a batch system.

use super::{log, print};
use crate::cli::SubmitCommand;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::submit;
use crate::tasks::{Side, account, calibrated_tasks};

pub fn run(command: &SubmitCommand) -> Result<Outcome, Failure> {
    let (plan, devices, jobs) = match command {
        SubmitCommand::Slurm(args) => (&args.plan, &args.device, args.jobs),
        SubmitCommand::Hyperqueue(args) => (&args.plan, &args.device, args.jobs),
    };
    let project = Project::load(plan)?;
    let tasks = calibrated_tasks(&project, &project.read_only_store(), devices, jobs.into())?;
    if tasks.is_empty() {
        print("nothing left to train: `pipeline run` makes the tables and the report\n")?;
        return Ok(Outcome::Done);
    }
    let side = Side { devices, jobs: jobs.into(), machines: 1 };
    // Said when nothing speaks against the submission, and before it is made.
    let forecast = || account::summary(&account::by_setting(&tasks), side).lines().for_each(log);
    let text = match command {
        SubmitCommand::Slurm(args) => submit::slurm(&project, &tasks, args, &forecast)?,
        SubmitCommand::Hyperqueue(args) => submit::hyperqueue(&project, &tasks, args, &forecast)?,
    };
    print(&text)?;
    Ok(Outcome::Done)
}
