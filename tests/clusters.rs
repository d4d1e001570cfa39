//! The smoke profile through a real Slurm and a real HyperQueue, both on this machine, with accidents on the way: the
//! tables and the report are those of an undisturbed run.
//!
//! Where they are missing, the tests say so and pass; `PIPELINE_REQUIRE_CLUSTERS` makes that a failure. Slurm is only
//! started where `PIPELINE_TEST_SLURM` is set, as `.ci/run` does: its daemons run as root.

// A skipped test says so.
#![allow(clippy::print_stderr)]
#![cfg(unix)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use flooding_core::record::Provenance;
use flooding_core::store::{Store, document_bytes};
use nix::sys::signal::Signal;
use serde_json::Value;
use support::slurm::{Slurm, in_its_middle, is_held, missing, script, wait_until};
use support::{Project, Run, assert_same, tiny};

const RESULTS: [&str; 6] = ["data/runs", "data/synthetic", "data/probes", "data/tables", "data/theorem", "reports"];

/// The smoke profile's drawn settings, with trainings long enough to be disturbed, and MNIST left out.
fn project(epochs: u32) -> Project {
    let project = Project::new();
    project.edit("pipeline.toml", "epochs = 4\n", &format!("epochs = {epochs}\n"));
    project.edit(
        "pipeline.toml",
        "settings = [\"mnist-mlp\"]\nlevels = [0.0, 0.1]",
        "settings = [\"spiral-low\"]\ntrials = 1\nlevels = [0.0, 0.1]",
    );
    project.edit("pipeline.toml", "epochs = 2\ntrain_size = 600\ntest_size = 500", "epochs = 4\ntest_size = 400");
    project
}

fn undisturbed(epochs: u32) -> Project {
    let project = project(epochs);
    project.smoke(&[]).exits(0);
    project
}

// ---------------------------------------------------------------------------------------------------------------------
// Slurm

/// What `data/cluster/slurm.json` says.
fn submitted(project: &Project) -> (String, Vec<String>, String) {
    let document: Value = serde_json::from_str(&project.read("data/cluster/slurm.json")).unwrap();
    let body = &document["body"];
    let elements = body["train"][0]["elements"].as_array().unwrap().iter();
    let tasks = elements.map(|tasks| tasks[0].as_str().unwrap().to_owned()).collect();
    (body["train"][0]["id"].as_str().unwrap().to_owned(), tasks, body["finish"].as_str().unwrap().to_owned())
}

#[test]
fn the_smoke_profile_through_slurm_with_a_kill_a_requeue_and_a_time_limit_is_byte_identical() {
    let Some(slurm) = Slurm::start() else { return };
    let epochs = 16;
    let (plain, project) = (undisturbed(epochs), project(epochs));
    let submit = ["submit", "slurm", "--profile", "smoke", "--time", "10", "--partition", "main"];
    slurm.pipeline(&project, &submit).exits(0).says(&["submitted: prepare", "left to train: 5 tasks, 10 runs"]);
    let (array, tasks, finish) = submitted(&project);
    let element = |number: usize| format!("{array}_{number}");
    let requeue = |number: usize| slurm.tell("scontrol", &["requeue", &element(number)]);
    std::thread::scope(|scope| {
        // Held as soon as they train, so that what happens to them happens in the middle of a training.
        let hold = |task: &str| in_its_middle(&project, task, Signal::SIGSTOP);
        let [second, third] = [1, 2].map(|number| {
            scope.spawn({
                let task = tasks[number].clone();
                move || hold(&task)
            })
        });
        // Killed: the element fails alone, and is requeued by hand.
        in_its_middle(&project, &tasks[0], Signal::SIGKILL);
        slurm.wait_for(&element(0), "FAILED");
        let second = second.join().unwrap();
        assert!(is_held(second));
        slurm.pipeline(&project, &["status", "--profile", "smoke"]).exits(3).says(&["running", "Slurm job", "waiting"]);
        requeue(0);
        // Requeued in the middle of a training; the signal that ends a job wakes it.
        requeue(1);
        // Warned by Slurm before the end of its time, which comes sooner now: it has itself requeued.
        let third = third.join().unwrap();
        let limit = |minutes: &str| slurm.tell("scontrol", &["update", &format!("JobId={}", element(2)), minutes]);
        limit("TimeLimit=1");
        wait_until("the signal before the end", || !is_held(third));
        // Else the next start would hear the signal at once, and on a slow machine the one after it.
        limit("TimeLimit=10");
    });
    slurm.wait_for(&finish, "COMPLETED");
    assert_same(&plain.results(&RESULTS), &project.results(&RESULTS));
    slurm.pipeline(&project, &["status", "--profile", "smoke"]).exits(0);
    slurm.pipeline(&project, &submit).exits(0).says(&["nothing left to train"]);
    let warned = logs(&project, &format!("train-{}.log", element(2)));
    assert!(warned.contains("stopped in time during train"), "{warned}");
    assert!(!warned.contains("did not work"), "{warned}");
}

/// The log of this name, of whatever submission.
fn logs(project: &Project, name: &str) -> String {
    let folders = fs::read_dir(project.path("data/cluster")).unwrap().map(|entry| entry.unwrap().path());
    let mut logs = folders.map(|folder| folder.join(name)).filter(|log| log.is_file());
    fs::read_to_string(logs.next().unwrap_or_else(|| panic!("no {name}"))).unwrap()
}

#[test]
fn what_slurm_could_not_do_is_refused_in_one_sentence_and_nothing_changes() {
    let Some(slurm) = Slurm::start() else { return };
    let project = project(4);
    let submit = |more: &[&str]| slurm.pipeline(&project, &[&["submit", "slurm", "--profile", "smoke"], more].concat());
    submit(&["--partition", "nowhere"]).exits(2).says(&["--partition nowhere: no such partition; there are: main"]);
    submit(&["--time", "soon"]).exits(2).says(&["--time soon: expected a time as Slurm writes it"]);
    assert!(!project.path("data/cluster").exists());
    submit(&["--dry-run"]).exits(0).says(&["#SBATCH --array=0-4", "exec ", "--task \"$tasks\"", "gaussians-high/t00"]);
    assert!(!project.path("data/cluster").exists());
    // With the pace known: an epoch that takes longer than the limit leaves.
    project.smoke(&["--only", "gaussians-high"]).exits(0);
    take_as_long(&project, 1e6);
    submit(&["--time", "1", "--trials", "3"]).exits(2).says(&["--time 1 is too short: an epoch of "]);
    assert!(!project.path("data/cluster").exists());
}

/// Has every stored run of `gaussians-high` have taken this number of seconds.
fn take_as_long(project: &Project, seconds: f64) {
    let store = Store::read_only(project.path("data"), project.path("reports"));
    let is_of_run = |path: &PathBuf| path.starts_with("data/runs/gaussians-high") && path.ends_with("provenance.json");
    for path in tiny::files(&project.path("")).into_iter().filter(is_of_run).map(|path| project.path("").join(path)) {
        let made: Provenance = store.read_document(&path).unwrap().unwrap();
        fs::write(&path, document_bytes(&path, &Provenance { seconds, ..made }).unwrap()).unwrap();
    }
}

#[test]
fn without_slurm_the_scripts_can_be_seen_and_nothing_is_submitted() {
    let project = project(4);
    let without = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        Run::of(&command.env("PATH", "/nowhere").env_remove("SLURM_CONF").output().unwrap())
    };
    without(&["submit", "slurm", "--profile", "smoke"]).exits(2).says(&["there is no Slurm here", "--dry-run"]);
    without(&["submit", "slurm", "--profile", "smoke", "--dry-run"]).exits(0).says(&["#SBATCH --requeue"]);
    assert!(!project.path("data/cluster").exists());
}

#[test]
fn an_edited_template_comes_before_the_one_that_the_program_carries() {
    let project = project(4);
    fs::create_dir_all(project.path("templates/cluster")).unwrap();
    fs::write(project.path("templates/cluster/slurm-train.sh"), "#!/bin/sh\n#SBATCH --constraint=fast\n{{ train }}\n")
        .unwrap();
    let dry = ["submit", "slurm", "--profile", "smoke", "--dry-run"];
    project.pipeline(&dry).exits(0).says(&["--constraint=fast"]);
    fs::write(project.path("templates/cluster/slurm-train.sh"), "{{ nothing }}").unwrap();
    project.pipeline(&dry).exits(2).says(&["cannot fill the template", "slurm-train.sh"]);
}

// ---------------------------------------------------------------------------------------------------------------------
// HyperQueue

/// A Python with HyperQueue's package: `PIPELINE_HYPERQUEUE_PYTHON`, else `python3`.
fn python() -> Option<PathBuf> {
    let python = std::env::var_os("PIPELINE_HYPERQUEUE_PYTHON").map_or_else(|| "python3".into(), PathBuf::from);
    let has_it = Command::new(&python).args(["-c", "import hyperqueue, tomllib"]).stderr(Stdio::null()).status();
    if has_it.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    missing("a Python 3.11 with HyperQueue (pip install hyperqueue; PIPELINE_HYPERQUEUE_PYTHON names it)");
    None
}

fn run_job(python: &Path, project: &Project) -> std::process::Child {
    let job = project.pipeline(&["submit", "hyperqueue", "--profile", "smoke", "--dry-run"]).exits(0).stdout;
    fs::write(project.path("job.toml"), job).unwrap();
    let mut command = Command::new(python);
    command.arg(script("run_hyperqueue_job.py")).arg(project.path("job.toml"));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn states(child: std::process::Child) -> Value {
    let output = child.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn the_smoke_profile_through_hyperqueue_with_one_failing_task_resubmitted_alone_is_byte_identical() {
    let Some(python) = python() else { return };
    let epochs = 16;
    let (plain, project) = (undisturbed(epochs), project(epochs));
    let job = run_job(&python, &project);
    in_its_middle(&project, "spiral-high/t00", Signal::SIGKILL);
    let first = states(job);
    assert_eq!((&first["spiral-high-t00"], &first["finish"]), (&"failed".into(), &"canceled".into()), "{first}");
    assert_eq!(first["gaussians-high-t01"], "finished", "{first}");
    let second = states(run_job(&python, &project));
    let names: Vec<&String> = second.as_object().unwrap().keys().collect();
    assert_eq!(names, ["prepare", "spiral-high-t00", "finish"], "{second}");
    assert!(second.as_object().unwrap().values().all(|state| state == "finished"), "{second}");
    assert_same(&plain.results(&RESULTS), &project.results(&RESULTS));
}
