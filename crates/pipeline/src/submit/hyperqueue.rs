//! `pipeline submit hyperqueue`: a job file, printed, and submitted where `hq` is at hand.

use std::process::Command;

use flooding_core::digest::Digest;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::folder::Folder;
use super::gpus;
use super::scripts::fill;
use crate::cli::HyperqueueArgs;
use crate::exit::Failure;
use crate::project::Project;
use crate::tasks::OpenTask;

/// A task, as the template has it.
#[derive(Serialize)]
struct Entry {
    id: String,
    /// Its id as a file's name.
    file: String,
    argv: Vec<String>,
    seconds: Option<u64>,
}

/// Says `before` before it submits. Returns the job file and, where it was submitted, what `hq` said.
pub fn submit(
    project: &Project,
    tasks: &[OpenTask],
    args: &HyperqueueArgs,
    before: &dyn Fn(),
) -> Result<String, Failure> {
    let jobs = args.jobs.to_string();
    let entries: Vec<Entry> = (tasks.iter())
        .map(|task| Entry {
            id: task.id.to_string(),
            file: task.id.to_string().replace('/', "-"),
            argv: [&task.argv[..], &["--jobs".to_owned(), jobs.clone()]].concat(),
            seconds: task.takes.map(|takes| takes.as_secs() / u64::from(args.jobs) + 1),
        })
        .collect();
    let store = project.read_only_store();
    let ids: String = entries.iter().map(|entry| format!("{}\n", entry.id)).collect();
    let digest = Digest::of(ids.as_bytes());
    let folder = Folder::new(&store, &format!("hyperqueue-{}", &digest.short()[..8]));
    let stage = |stage: &str| project.planned(["stage", stage]).to_string();
    // Exit code 3: something is missing, and everything else was done.
    let prepare = format!("{} || [ $? -eq 3 ] || exit 1; exec {}", stage("fetch"), stage("generate"));
    let [verify, aggregate, render] = ["verify", "aggregate", "render"].map(stage);
    let finish = format!("{verify} || [ $? -eq 3 ] || exit 1; {aggregate} || [ $? -eq 3 ] || exit 1; exec {render}");
    let context = minijinja::context! {
        name => "flooding",
        logs => folder.anywhere().display().to_string(),
        jobs => args.jobs,
        gpus => gpus(&args.device),
        prepare => prepare,
        finish => finish,
        tasks => Value::from(Serde(entries)),
    };
    let text = fill("hyperqueue.toml", &project.folder(), &context)?;
    before();
    let is_there = Command::new("hq").arg("--version").output().is_ok_and(|output| output.status.success());
    if args.dry_run || !is_there {
        return Ok(text);
    }
    let path = folder.write(&project.store()?, "job.toml", &text)?;
    let output = Command::new("hq").args(["job", "submit-file"]).arg(&path).output()?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(format!("{text}\n# {}\n", said(&output.stdout)))
    } else {
        Err(Failure::Usage(format!("HyperQueue refuses {}: {}", path.display(), said(&output.stderr))))
    }
}
