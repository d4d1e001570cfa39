//! `pipeline tasks`: what is left to train, a task a line.

use super::{print, print_json};
use crate::cli::TasksArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use crate::shell;
use crate::tasks::{OpenTask, open_tasks, training};
use crate::words;

pub fn run(args: &TasksArgs) -> Result<Outcome, Failure> {
    let mut project = Project::load(&args.plan)?;
    project.keep(&args.part)?;
    let tasks = open_tasks(&project, &project.read_only_store(), &args.device)?;
    if args.plan.json {
        print_json(&tasks)?;
    } else {
        print(&table(&tasks, &training(&project, &args.device)))?;
    }
    Ok(Outcome::Done)
}

fn table(tasks: &[OpenTask], command: &shell::Command) -> String {
    if tasks.is_empty() {
        return "nothing left to train\n".to_owned();
    }
    let width = tasks.iter().map(|task| task.id.to_string().len()).max().unwrap_or(0).max(4);
    let mut text = format!("{:<width$}  {:>5}  {:>9}  {:>9}\n", "task", "runs", "takes", "memory");
    for task in tasks {
        let takes = task.takes.map_or_else(|| "unknown".to_owned(), words::duration);
        let memory = task.memory.map_or_else(|| "unknown".to_owned(), words::bytes);
        text.push_str(&format!("{:<width$}  {:>5}  {takes:>9}  {memory:>9}\n", task.id, task.runs.len()));
    }
    let runs: usize = tasks.iter().map(|task| task.runs.len()).sum();
    text + &format!("{} tasks, {runs} runs; each is done by\n  {command} --task TASK\n", tasks.len())
}
