//! `pipeline submit slurm`: prepare, a training array, and the report behind it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flooding_core::digest::Digest;
use flooding_core::store::Store;
use flooding_core::task::TaskId;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

use super::folder::Folder;
use super::gpus;
use super::packing::pack;
use super::scripts::fill;
use super::slurm_jobs::{SlurmJobs, TrainJob};
use crate::batch;
use crate::cli::SlurmArgs;
use crate::exit::Failure;
use crate::project::Project;
use crate::shell;
use crate::tasks::{OpenTask, training};

/// Slurm's default of `MaxArraySize`, for a dry run without a cluster.
const DEFAULT_ARRAY_SIZE: usize = 1001;
/// A job script, the program and the data take this long to start and read.
const START: Duration = Duration::from_secs(10);

/// What every template is filled with.
#[derive(Serialize)]
struct Common<'a> {
    name: &'a str,
    logs: String,
    time: String,
    jobs: u16,
    partition: Option<&'a str>,
    account: Option<&'a str>,
}

/// A script and what it is called.
struct Script {
    name: String,
    text: String,
}

/// What is to be submitted.
struct Submission {
    folder: Folder,
    list: String,
    prepare: Script,
    train: Vec<(Script, Vec<Vec<TaskId>>)>,
    finish: Script,
}

/// A path as `sbatch` reads it in a script's `#SBATCH` line: blanks end a word there, and quotes begin one.
fn in_a_directive(path: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    path.chars().flat_map(|c| (!is_plain(c)).then_some('\\').into_iter().chain([c])).collect()
}

/// Writes the scripts and submits them, after `before`; a dry run shows them and changes nothing. Returns what is to be
/// printed.
pub fn submit(project: &Project, tasks: &[OpenTask], args: &SlurmArgs, before: &dyn Fn()) -> Result<String, Failure> {
    let limit = batch::duration(&args.time).filter(|limit| !limit.is_zero()).ok_or_else(|| {
        let time = &args.time;
        Failure::Usage(format!("--time {time}: expected a time as Slurm writes it, such as 2:00:00 or 1-12"))
    })?;
    let cluster = Cluster::ask(args.dry_run)?;
    if let (Some(partition), true) = (&args.partition, cluster.is_there) {
        Cluster::check_partition(partition)?;
    }
    let lead = lead(limit);
    check_limit(tasks, args, limit, lead)?;
    let submission = Submission::new(project, tasks, args, limit, &cluster)?;
    before();
    if args.dry_run {
        return Ok(submission.shown());
    }
    submission.submit(&project.store()?)
}

/// The program hears of the end of its time so long before it.
fn lead(limit: Duration) -> Duration {
    (limit / 10).clamp(Duration::from_secs(15), Duration::from_secs(300))
}

/// A limit in which a task does not reach its first checkpoint would have it requeued for ever.
fn check_limit(tasks: &[OpenTask], args: &SlurmArgs, limit: Duration, lead: Duration) -> Result<(), Failure> {
    // Slurm may send the signal a minute early.
    let usable = limit.saturating_sub(START + lead.min(limit / 2));
    let epoch = |task: &OpenTask| {
        let epochs = task.runs.first()?.epochs.max(1);
        let together = if args.device.are_cpu() { task.runs.len() as u32 } else { 1 };
        Some(task.takes? / epochs / together.max(1))
    };
    let longest = tasks.iter().filter_map(|task| Some((epoch(task)?, task))).max_by_key(|(epoch, _)| *epoch);
    match longest {
        Some((epoch, task)) if epoch > usable => Err(Failure::Usage(format!(
            "--time {} is too short: an epoch of {} takes about {:.0} s, and of each job {:.0} s are left between its \
             start and the signal before its end",
            args.time,
            task.id,
            epoch.as_secs_f64(),
            usable.as_secs_f64()
        ))),
        _ => Ok(()),
    }
}

impl Submission {
    fn new(
        project: &Project,
        tasks: &[OpenTask],
        args: &SlurmArgs,
        limit: Duration,
        cluster: &Cluster,
    ) -> Result<Self, Failure> {
        let elements = pack(tasks, limit, args.jobs.into());
        let list: String = elements.iter().map(|ids| format!("{}\n", joined(ids))).collect();
        // The same work is the same folder, whoever submits it and how often.
        let digest = Digest::of(list.as_bytes());
        let folder = Folder::new(&project.read_only_store(), &format!("slurm-{}", &digest.short()[..8]));
        let common = || {
            Value::from(Serde(Common {
                name: "flooding",
                logs: in_a_directive(&folder.anywhere().display().to_string()),
                time: batch::spelled(limit),
                jobs: args.jobs,
                partition: args.partition.as_deref(),
                account: args.account.as_deref(),
            }))
        };
        let base = project.folder();
        let stage = |stage: &str| project.planned(["stage", stage]).to_string();
        let jobs = args.jobs.to_string();
        let mut generate = project.planned(["stage", "generate"]);
        generate.option("jobs", &jobs);
        let mut verify = project.planned(["stage", "verify"]);
        verify.option("jobs", &jobs);
        let prepare = fill(
            "slurm-prepare.sh",
            &base,
            &minijinja::context! { fetch => stage("fetch"), generate => generate.to_string(), ..common() },
        )?;
        let finish = fill(
            "slurm-finish.sh",
            &base,
            &minijinja::context! {
                verify => verify.to_string(), aggregate => stage("aggregate"), render => stage("render"), ..common()
            },
        )?;
        let gpus = args.gpus.or_else(|| gpus(&args.device));
        let memory = tasks.iter().map(|task| task.memory).collect::<Option<Vec<u64>>>();
        let memory = memory.and_then(|memory| memory.into_iter().max()).map(|most| mebibytes(most, args));
        let list_path = shell::quoted(folder.anywhere().join("tasks.txt").as_os_str());
        let mut train = Vec::new();
        for (index, part) in elements.chunks(cluster.array_size).enumerate() {
            let context = minijinja::context! {
                last => part.len() - 1,
                offset => index * cluster.array_size,
                max_running => args.max_running,
                lead => lead(limit).as_secs(),
                list => list_path.as_str(),
                train => training(project, &args.device).to_string(),
                gpus => gpus,
                memory => memory,
                ..common()
            };
            let text = fill("slurm-train.sh", &base, &context)?;
            train.push((Script { name: format!("train-{index}.sh"), text }, part.to_vec()));
        }
        let prepare = Script { name: "prepare.sh".to_owned(), text: prepare };
        let finish = Script { name: "finish.sh".to_owned(), text: finish };
        Ok(Self { folder, list, prepare, train, finish })
    }

    fn shown(&self) -> String {
        let scripts = std::iter::once(&self.prepare).chain(self.train.iter().map(|(script, _)| script));
        let mut text = String::new();
        for script in scripts.chain([&self.finish]) {
            text.push_str(&format!("==> {}\n{}\n", self.folder.anywhere().join(&script.name).display(), script.text));
        }
        text + &format!("==> {}\n{}", self.folder.anywhere().join("tasks.txt").display(), self.list)
    }

    fn submit(&self, store: &Store) -> Result<String, Failure> {
        self.folder.write(store, "tasks.txt", &self.list)?;
        let write = |script: &Script| self.folder.write(store, &script.name, &script.text);
        let prepare = sbatch(&write(&self.prepare)?, None)?;
        let mut train = Vec::new();
        for (script, elements) in &self.train {
            let id = sbatch(&write(script)?, Some(format!("afterok:{prepare}")))?;
            train.push(TrainJob { id, elements: elements.clone() });
        }
        let ids: Vec<&str> = train.iter().map(|job| &*job.id).collect();
        // The report is made of what is there, however the training ended.
        let after = ids.iter().map(|id| format!("afterany:{id}")).collect::<Vec<_>>().join(",");
        let finish =
            sbatch(&write(&self.finish)?, Some(if ids.is_empty() { format!("afterok:{prepare}") } else { after }))?;
        let elements: usize = train.iter().map(|job| job.elements.len()).sum();
        let text = format!(
            "submitted: prepare {prepare}, train {} ({elements} elements), finish {finish}\nlogs and scripts: {}\n\
             `pipeline status` tells how far they are\n",
            ids.join(", "),
            self.folder.anywhere().display()
        );
        store.write_document(&SlurmJobs::path(store), &SlurmJobs { prepare, train, finish })?;
        Ok(text)
    }
}

fn joined(ids: &[TaskId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// For this number of runs side by side, and the program itself.
fn mebibytes(most: u64, args: &SlurmArgs) -> u64 {
    let side_by_side = if args.device.are_cpu() { u64::from(args.jobs) } else { 1 };
    most.saturating_mul(side_by_side).div_ceil(1 << 20) + 512
}

fn sbatch(script: &Path, dependency: Option<String>) -> Result<String, Failure> {
    let mut command = Command::new("sbatch");
    command.arg("--parsable");
    if let Some(dependency) = dependency {
        command.arg(format!("--dependency={dependency}")).arg("--kill-on-invalid-dep=yes");
    }
    let output = command.arg(script).output()?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        return Err(Failure::Usage(format!("Slurm refuses {}: {why}", script.display())));
    }
    // `ID` or `ID;CLUSTER`.
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(text.split(';').next().unwrap_or_default().to_owned())
}

/// What is asked of the cluster.
struct Cluster {
    is_there: bool,
    /// Elements of an array: `MaxArraySize` caps the highest index, from 0.
    array_size: usize,
}

impl Cluster {
    fn ask(is_dry: bool) -> Result<Self, Failure> {
        let output = Command::new("scontrol").args(["show", "config"]).output();
        match output {
            Ok(output) if output.status.success() => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let size = text.lines().find_map(|line| line.strip_prefix("MaxArraySize")?.split('=').nth(1));
                let size = size.and_then(|size| size.trim().parse().ok()).unwrap_or(DEFAULT_ARRAY_SIZE);
                Ok(Self { is_there: true, array_size: size.max(1) })
            }
            _ if is_dry => Ok(Self { is_there: false, array_size: DEFAULT_ARRAY_SIZE }),
            Ok(output) => {
                // Each line is the reason for the next.
                let text = String::from_utf8_lossy(&output.stderr);
                let why = text.trim().lines().next_back().unwrap_or_default();
                Err(Failure::Usage(format!("Slurm does not answer ({why}): --dry-run shows the scripts without it")))
            }
            Err(error) => Err(Failure::Usage(format!(
                "there is no Slurm here (`scontrol`: {error}): submit where `sbatch` works, or see the scripts with \
                 --dry-run"
            ))),
        }
    }

    fn check_partition(partition: &str) -> Result<(), Failure> {
        let output = Command::new("sinfo").args(["--noheader", "--format", "%R"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut known: Vec<&str> = text.split_whitespace().collect();
        known.sort_unstable();
        known.dedup();
        // Several may be given: the job runs in the first that has room.
        match partition.split(',').find(|wanted| !known.contains(wanted)) {
            Some(unknown) => Err(Failure::Usage(format!(
                "--partition {unknown}: no such partition; there are: {}",
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::in_a_directive;

    #[test]
    fn a_path_with_blanks_and_quotes_is_one_word_of_a_directive() {
        assert_eq!(in_a_directive("/data/it's my \"run\""), r#"/data/it\'s\ my\ \"run\""#);
        assert_eq!(in_a_directive("/data/runs-1.2_a"), "/data/runs-1.2_a");
    }
}
