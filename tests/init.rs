//! A project in an empty folder, from the program alone.

mod support;

use std::process::{Command, Stdio};

use support::Run;

fn pipeline(folder: &std::path::Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
    command.current_dir(folder).args(arguments).env_remove("PIPELINE_MIRROR").stdin(Stdio::null());
    Run::of(&command.output().expect("the binary starts"))
}

#[test]
fn in_an_empty_folder_init_and_a_smoke_run_end_with_a_report() {
    let folder = tempfile::tempdir().unwrap();
    pipeline(folder.path(), &["init"]).exits(0);
    // Without network MNIST is missing, and everything else is there.
    pipeline(folder.path(), &["run", "--profile", "smoke", "--offline"]).exits(3);
    let page = std::fs::read_to_string(folder.path().join("reports/index.html")).unwrap();
    assert!(page.contains("Two Gaussians") && page.contains("Spiral"));
    assert!(!folder.path().join("templates").exists());
}

#[test]
fn init_writes_nothing_where_a_file_is_there_already() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/datasets.toml"), "mine").unwrap();
    let run = pipeline(folder.path(), &["init"]).exits(2);
    assert!(run.stderr.contains("datasets.toml is there already"), "{}", run.stderr);
    assert!(!folder.path().join("pipeline.toml").exists());
    assert_eq!(std::fs::read_to_string(folder.path().join("data/datasets.toml")).unwrap(), "mine");
}

#[test]
fn a_template_of_the_project_replaces_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    pipeline(folder.path(), &["init", "--templates", "here"]).exits(0);
    let project = folder.path().join("here");
    pipeline(&project, &["stage", "render"]).exits(0);
    let methods = project.join("templates/sections/methods.html");
    std::fs::write(&methods, "<p>a section of ours</p>").unwrap();
    pipeline(&project, &["stage", "render"]).exits(0);
    let page = std::fs::read_to_string(project.join("reports/index.html")).unwrap();
    assert!(page.contains("<p>a section of ours</p>"));
}
