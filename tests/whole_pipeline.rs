//! The smoke profile through all six stages: what comes out, and that it comes out the same whatever happens.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use support::{Project, assert_same, real_data};

const RESULTS: [&str; 5] = ["data/synthetic", "data/runs", "data/theorem", "data/tables", "reports"];

#[test]
fn without_network_the_report_is_made_and_names_what_was_left_out() {
    let project = Project::new();
    let run = project.smoke(&[]).exits(3).says(&["report:", "index.html"]);
    let last_warning = run.stderr.trim_end().lines().last().unwrap();
    assert!(last_warning.starts_with("warning:") && last_warning.contains("mnist"), "{last_warning}");
    let report = project.read("reports/index.html");
    assert!(report.contains("not available") && report.contains("mnist"));
    assert!(project.read("reports/latex/table2.tex").contains("\\toprule"));
    for table in ["accuracy.csv", "accuracy.parquet", "accuracy.json"] {
        assert!(project.path("data/tables").join(table).exists(), "{table}");
    }
}

#[test]
fn with_a_mirror_of_the_originals_nothing_is_left_out() {
    let Some(mirror) = real_data() else { return };
    let project = Project::new();
    let mirror = mirror.to_str().unwrap().to_owned();
    project.pipeline(&["run", "--profile", "smoke", "--offline", "--mirror", &mirror]).exits(0);
    let record = fs::read_dir(project.path("data/runs/mnist-mlp/t00")).unwrap().count();
    assert_eq!(record, 2);
}

#[test]
fn again_when_all_is_done_nothing_is_done_and_it_says_so() {
    let project = Project::new();
    project.smoke(&[]).exits(3);
    let before = project.results(&RESULTS);
    project.smoke(&[]).exits(3).says(&["nothing to do", "up to date"]);
    assert_same(&before, &project.results(&RESULTS));
}

#[test]
fn one_job_and_two_jobs_give_the_same_bytes() {
    let (one, two) = (Project::new(), Project::new());
    one.smoke(&["--jobs", "1"]).exits(3);
    two.smoke(&["--jobs", "2"]).exits(3);
    assert_same(&one.results(&RESULTS), &two.results(&RESULTS));
}

#[test]
fn stage_by_stage_gives_the_same_bytes_as_one_run() {
    let (whole, parts) = (Project::new(), Project::new());
    whole.smoke(&[]).exits(3);
    for stage in ["fetch", "generate", "train", "verify", "aggregate", "render"] {
        let run = parts.pipeline(&["stage", stage, "--profile", "smoke", "--offline"]);
        assert!(matches!(run.code, Some(0 | 3)), "{stage}: {}", run.stderr);
    }
    assert_same(&whole.results(&RESULTS), &parts.results(&RESULTS));
}

#[test]
fn a_killed_run_resumes_and_ends_with_the_same_bytes() {
    let (whole, killed) = (Project::new(), Project::new());
    whole.smoke(&[]).exits(3);
    let arguments = ["run", "--profile", "smoke", "--offline", "--jobs", "1"];
    let mut process = killed.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let runs = killed.path("data/runs");
    wait_until(|| runs.join("gaussians-high").exists());
    process.kill().unwrap();
    assert!(!process.wait().unwrap().success());
    assert!(!killed.path("reports/index.html").exists(), "the kill came too late to mean anything");
    killed.smoke(&[]).exits(3);
    assert_same(&whole.results(&RESULTS), &killed.results(&RESULTS));
}

/// Killed in the middle of a training, which then resumes from its checkpoint: with Adam's moments, and with batch
/// normalisation's running statistics and several batches an epoch under the reading `demo`.
#[test]
fn a_training_killed_half_way_resumes_from_its_checkpoint_bit_for_bit() {
    for reading in ["paper", "demo"] {
        let [whole, killed] = [(); 2].map(|()| {
            let project = Project::new();
            let part = "settings = [\"gaussians-high\", \"spiral-high\"]\ntrials = 2\n";
            let other = format!("settings = [\"gaussians-high\"]\nreadings = [\"{reading}\"]\ntrials = 1\n");
            project.edit("pipeline.toml", part, &other);
            project.edit("pipeline.toml", "epochs = 4", "epochs = 40");
            project.edit("pipeline.toml", "batch_size = 200", "batch_size = 64");
            project
        });
        let arguments = ["run", "--profile", "smoke", "--offline", "--jobs", "1", "--checkpoint-every", "0"];
        whole.smoke(&[]).exits(3);
        let mut process = killed.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let checkpoint = || find(&killed.path("data/runs"), "checkpoint.safetensors");
        wait_until(|| checkpoint().is_some());
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(checkpoint().is_some(), "the training was over before the kill");
        killed.pipeline(&arguments).exits(3);
        assert!(checkpoint().is_none());
        assert_same(&whole.results(&RESULTS), &killed.results(&RESULTS));
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_done_and_prints_the_command_that_resumes() {
    let project = Project::new();
    project.edit("pipeline.toml", "epochs = 4", "epochs = 4000");
    let arguments = ["stage", "train", "--profile", "smoke", "--offline", "--jobs", "1", "--only", "gaussians-high"];
    project.pipeline(&["stage", "generate", "--profile", "smoke", "--only", "gaussians-high"]).exits(0);
    let mut process = project.command(&arguments).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let started = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("train: "));
    assert!(started.is_some());
    thread::sleep(Duration::from_millis(300));
    std::process::Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(process.wait().unwrap().code(), Some(130));
    let command = rest.iter().find(|line| line.contains("stage train --profile smoke --offline --jobs 1"));
    assert!(command.is_some(), "{rest:#?}");
}

#[test]
fn a_changed_specification_says_which_key_and_runs_again() {
    let project = Project::new();
    project.smoke(&["--only", "gaussians"]).exits(0);
    project.edit("pipeline.toml", "epochs = 4", "epochs = 5");
    project
        .pipeline(&["stage", "train", "--profile", "smoke", "--only", "gaussians", "--dry-run"])
        .exits(0)
        .says(&["specification changed: epochs was 4, is now 5"]);
}

#[test]
fn a_damaged_record_is_found_and_only_that_run_is_repeated() {
    let project = Project::new();
    project.smoke(&["--only", "gaussians"]).exits(0);
    let before = project.results(&RESULTS);
    let group = project.path("data/runs/gaussians-high/t00");
    let run = fs::read_dir(&group).unwrap().next().unwrap().unwrap().path();
    let record = run.join("record.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replace("\"accuracy\":0", "\"accuracy\":1")).unwrap();
    let status = project.pipeline(&["status", "--profile", "smoke", "--only", "gaussians"]).exits(3);
    assert!(status.stdout.contains("damaged"), "{}", status.stdout);
    project.smoke(&["--only", "gaussians"]).exits(0).says(&["damaged"]);
    assert_same(&before, &project.results(&RESULTS));
}

/// A file of this name somewhere below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut paths = entries.map(|entry| entry.path());
    paths.find_map(|path| {
        if path.is_dir() { find(&path, name) } else { path.file_name().is_some_and(|n| n == name).then_some(path) }
    })
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(Instant::now() < deadline, "it never happened");
        thread::sleep(Duration::from_millis(2));
    }
}
