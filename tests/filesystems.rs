//! File systems that lack something, and folders that are not all ours.

// A skipped test says so.
#![allow(clippy::print_stderr)]
#![cfg(unix)]

mod support;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::cli::Tiny;
use support::{Run, assert_same, tiny};

/// A library that takes locks and the fsync of folders away; `None` (and a word about it) without a C compiler.
fn without_locks(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("filesystem.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/support/filesystem.c");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    if built.is_ok_and(|status| status.success()) {
        return Some(library);
    }
    eprintln!("skipped: no C compiler");
    None
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_system_without_locks_and_fsync_of_folders_is_worked_on_with_one_warning_each() {
    let folder = tempfile::tempdir().unwrap();
    let Some(library) = without_locks(folder.path()) else { return };
    let project = Tiny::new();
    let run = Run::of(&project.command(&tiny::RUN).env("LD_PRELOAD", &library).output().unwrap()).exits(0);
    for words in ["has no locks", "cannot sync folders"] {
        assert_eq!(run.stderr.matches(words).count(), 1, "{words}\n{}", run.stderr);
    }
    assert_same(&Tiny::finished().results(), &project.results());
}

#[test]
fn files_that_are_not_ours_are_neither_removed_nor_called_damaged() {
    let project = Tiny::finished();
    let theirs = ["data/tables/mine.json", "data/runs/notes.tmp", "data/mine/.a.csv.tmp", "reports/.draft.html.tmp"];
    for path in theirs {
        fs::create_dir_all(project.path(path).parent().unwrap()).unwrap();
        fs::write(project.path(path), "{\"mine\": true}").unwrap();
    }
    let ours = project.path("data/runs/.record.json.999999-0.tmp");
    fs::write(&ours, "half").unwrap();
    project.run(&["--force"]).exits(0).says(&["had not finished", ".record.json.999999-0.tmp"]);
    assert!(!ours.exists());
    let words = ["left alone: data/tables/mine.json", "0 do not"];
    project.pipeline(&["verify-store"]).exits(0).says(&words);
    project.pipeline(&["verify-store", "--repair"]).exits(0).says(&words);
    for path in theirs {
        assert_eq!(fs::read_to_string(project.path(path)).unwrap(), "{\"mine\": true}", "{path}");
    }
}

#[test]
fn repair_says_what_it_removed_and_what_it_leaves_to_the_user() {
    let project = Tiny::finished();
    symlink("nowhere", project.path("data/runs/elsewhere")).unwrap();
    let record = project.find("data/runs/tiles", "record.json");
    fs::write(&record, "nonsense").unwrap();
    let run = project.pipeline(&["verify-store", "--repair"]).exits(3);
    let run = run.says(&["removed: data/runs/tiles", "1 of them this command does not remove"]);
    assert!(!run.stdout.contains("removed: data/runs/elsewhere"), "{}", run.stdout);
    assert!(project.path("data/runs/elsewhere").is_symlink() && !record.exists());
    let told = project.pipeline(&["verify-store", "--repair", "--json"]).exits(3);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(
        (told["removed"].as_array().unwrap().len(), told["damaged"].as_array().unwrap().len()),
        (0, 1),
        "{told}"
    );
}

#[test]
fn a_disk_with_a_folder_that_nobody_may_read_is_worked_on() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Tiny::new();
    for folder in ["data/lost+found", "reports/lost+found"] {
        fs::create_dir_all(project.path(folder)).unwrap();
        fs::set_permissions(project.path(folder), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let as_another = |arguments: &[&str]| {
        // The superuser may read everything; somebody else may not.
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_pipeline")]);
        Run::of(&command.args(arguments).current_dir(project.0.path()).output().unwrap())
    };
    if fs::read_dir(project.path("data/lost+found")).is_err() {
        project.run(&[]).exits(0);
        project.pipeline(&["verify-store"]).exits(0);
    } else if Command::new("setpriv").arg("--version").output().is_ok() {
        let everyone = fs::Permissions::from_mode(0o777);
        for folder in ["", "data", "reports"] {
            fs::set_permissions(project.path(folder), everyone.clone()).unwrap();
        }
        as_another(&tiny::RUN).exits(0);
        as_another(&["verify-store"]).exits(0);
    } else {
        eprintln!("skipped: cannot become another user");
    }
}

#[test]
fn commands_that_only_read_write_nothing_and_work_on_a_read_only_checkout() {
    let project = Tiny::new();
    let nothing = tiny::files(project.0.path());
    for command in [
        &["status"][..],
        &["run", "--dry-run", "--offline"],
        &["verify-store"],
        &["data", "ls"],
        &["data", "verify"],
        &["data", "prune", "--dry-run"],
        &["explain", "tiles"],
    ] {
        project.pipeline(command);
        assert_eq!(tiny::files(project.0.path()), nothing, "{command:?} wrote something");
        assert!(!project.path("reports").exists(), "{command:?} made a folder");
    }
    project.pipeline(&["data", "fetch", "tiles", "--offline", "--mirror", "mirror"]).exits(0);
    assert!(!project.path("reports").exists(), "`data fetch` makes no report");
}

// ---------------------------------------------------------------------------------------------------------------------
// Names that are not UTF-8

/// The tiny project in a folder whose name is Latin-1.
fn in_latin_1() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join(OsString::from_vec(b"caf\xe9 1".to_vec()));
    fs::create_dir(&project).unwrap();
    tiny::make(&project);
    (folder, project)
}

fn command(folder: &Path, project: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
    command.current_dir(folder).args(arguments).arg("--config").arg(project.join("pipeline.toml"));
    command.env_remove("PIPELINE_MIRROR");
    command
}

fn pipeline(folder: &Path, project: &Path, arguments: &[&str]) -> Run {
    Run::of(&command(folder, project, arguments).output().unwrap())
}

#[test]
fn a_path_that_is_not_text_is_worked_with_and_its_json_is_printed() {
    let (folder, project) = in_latin_1();
    let mut run = command(folder.path(), &project, &["run", "--offline", "--json"]);
    Run::of(&run.arg("--mirror").arg(project.join("mirror")).output().unwrap()).exits(0);
    let extra = project.join("data/raw/tiles").join(OsString::from_vec(b"\xff.partial.tmp".to_vec()));
    fs::write(&extra, "half").unwrap();
    for command in [&["verify-store", "--repair", "--json"][..], &["data", "prune", "--json"], &["status", "--json"]] {
        let run = pipeline(folder.path(), &project, command).exits(0);
        serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    }
}

#[test]
fn the_command_that_resumes_is_quoted_so_that_a_shell_takes_it_whatever_the_name() {
    let (folder, project) = in_latin_1();
    let text = fs::read_to_string(project.join("pipeline.toml")).unwrap();
    let text = text.replace("mean = 1.0", "mean = 1000000.0");
    let text = text.replace(r#"kind = "adam", lr = 0.001"#, r#"kind = "sgd", lr = 1000.0"#);
    fs::write(project.join("pipeline.toml"), text).unwrap();
    let arguments = ["run", "--offline", "--only", "gaussians-high", "--fail-fast"];
    let run = pipeline(folder.path(), &project, &arguments).exits(3);
    let run = run.says(&["stopped by --fail-fast during train"]);
    let command = run.stderr.lines().skip_while(|line| !line.contains("To resume")).nth(1).unwrap().trim().to_owned();
    assert!(command.contains("caf\\351 1"), "{command}");
    let again = Command::new("bash").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
    Run::of(&again).exits(3).says(&["stopped by --fail-fast during train"]);
}
