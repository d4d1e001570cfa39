//! `pipeline explain`, and every command that the program prints: each is run as it stands, in another folder.

#![cfg(unix)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use serde_json::Value;
use support::cli::Tiny;
use support::{Run, assert_same, tiny};

/// Runs a printed command line in a shell, in a folder that has nothing to do with the project.
fn paste(command: &str) -> Run {
    let elsewhere = tempfile::tempdir().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", command]).current_dir(elsewhere.path()).env_remove("PIPELINE_MIRROR");
    Run::of(&shell.output().unwrap())
}

/// When each run's record was written, by the sixteen digits of its key.
fn written(project: &Tiny) -> BTreeMap<String, SystemTime> {
    let records = tiny::files(project.0.path()).into_iter().filter(|path| path.ends_with("record.json"));
    let of = |path: PathBuf| {
        let folder = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        let time = fs::metadata(project.0.path().join(&path)).unwrap().modified().unwrap();
        (folder.rsplit_once('-').unwrap().1.to_owned(), time)
    };
    records.map(of).collect()
}

/// Explains, pastes what is printed, and returns the keys of the runs that were trained by it.
fn trained_by_what_is_printed(project: &Tiny, what: &str) -> (Value, BTreeSet<String>) {
    let explained = project.pipeline(&["explain", what, "--json"]).exits(0);
    let explained: Value = serde_json::from_str(&explained.stdout).unwrap();
    let text = project.pipeline(&["explain", what]).exits(0).stdout;
    let commands: Vec<&str> = explained["commands"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
    assert!(!commands.is_empty(), "{text}");
    let printed: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("  /")).collect();
    assert_eq!(printed.iter().map(|line| format!("/{line}")).collect::<Vec<_>>(), commands, "{text}");
    let before = written(project);
    for command in commands {
        paste(command).exits(0);
    }
    let after = written(project);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{what} made other runs");
    (explained, after.into_iter().filter(|(key, time)| before[key] != *time).map(|(key, _)| key).collect())
}

fn keys(explained: &Value) -> BTreeSet<String> {
    explained["runs"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()[..16].to_owned()).collect()
}

#[test]
fn every_command_that_explain_prints_trains_just_the_runs_it_speaks_of() {
    let project = Tiny::finished();
    let before = project.results();
    let second = project.find("data/runs/tiles/t01", "record.json");
    let second = second.parent().unwrap().file_name().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    for what in [&*second, "gaussians-high", "tiles", "figure-2-gaussians-high"] {
        let (explained, trained) = trained_by_what_is_printed(&project, what);
        assert_eq!(trained, keys(&explained), "{what}");
        assert_eq!(trained.len() == 1, what == second, "{what}");
    }
    for (row, setting) in [("tiles:A", "tiles"), ("gaussians-high:B", "gaussians-high")] {
        let (explained, trained) = trained_by_what_is_printed(&project, row);
        assert!(keys(&explained).is_subset(&trained), "{row}");
        assert_eq!(trained.len(), 4, "all runs of {setting}");
        let cell = &explained["rows"][0];
        let shown = format!("{:.2}", cell["without_mean"].as_f64().unwrap());
        project.pipeline(&["explain", row]).says(&["without flooding", &shown, "2 levels (the paper's grid: 2)"]);
    }
    assert_same(&before, &project.results());
}

#[test]
fn a_run_that_options_made_is_explained_by_its_key_alone_and_repeated_with_those_that_had_an_effect() {
    let project = Tiny::finished();
    let known = written(&project);
    let options =
        ["--only", "gaussians-high", "--epochs", "2", "--levels", "0.05", "--trials", "3", "--test-size", "40"];
    project.pipeline(&[&["stage", "train"], &options[..]].concat());
    project.pipeline(&[&["stage", "generate"], &options[..]].concat()).exits(0);
    project.pipeline(&[&["stage", "train"], &options[..]].concat()).exits(0);
    let new = project.find("data/runs/gaussians-high/t02", "record.json");
    let key = new.parent().unwrap().file_name().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    assert!(!known.contains_key(&key));
    let (explained, trained) = trained_by_what_is_printed(&project, &key[..6]);
    assert_eq!(trained, BTreeSet::from([key]));
    let command = explained["commands"][0].as_str().unwrap();
    for (option, is_needed) in
        [("--epochs 2", true), ("--levels 0.05", true), ("--trials 3", true), ("--test-size", false)]
    {
        assert_eq!(command.contains(option), is_needed, "{command}");
    }
}

#[test]
fn a_stored_run_that_the_configuration_no_longer_describes_is_explained_without_a_wrong_command() {
    let project = Tiny::finished();
    let record = project.find("data/runs/tiles/t00", "record.json");
    let key = record.parent().unwrap().file_name().unwrap().to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    project.edit("lr = 0.1,", "lr = 0.2,");
    let run = project.pipeline(&["explain", &key]).exits(0);
    let run =
        run.says(&["last epoch 3: test accuracy", "no options make this run", "optimiser.lr was 0.1, is now 0.2"]);
    assert!(!run.stdout.contains("stage train"), "{}", run.stdout);
}

#[test]
fn what_explain_does_not_know_is_refused_with_what_it_knows() {
    let project = Tiny::finished();
    project.pipeline(&["explain", "nonsense"]).exits(2).says(&["nonsense", "SETTING:A", "gaussians-high, tiles"]);
    project.pipeline(&["explain", "ffffffffffff"]).exits(2).says(&["at least 4 digits"]);
    project.pipeline(&["explain", "nonsense:A"]).exits(2).says(&["the tables have: gaussians-high, tiles"]);
    project.pipeline(&["stage", "train", "--key", "ffff"]).exits(2).says(&["--key ffff", "no run of this plan"]);
    project.run(&["--key", "ffff"]).exits(2).says(&["--key goes with `stage train` alone"]);
}

/// The command on the line after the one that holds `words`.
fn command_after<'a>(text: &'a str, words: &str) -> &'a str {
    let mut lines = text.lines().skip_while(|line| !line.contains(words));
    lines.next().unwrap_or_else(|| panic!("no {words:?} in {text}"));
    lines.next().unwrap().trim()
}

#[test]
fn a_run_that_takes_the_place_of_a_larger_report_says_so_and_how_to_get_it_back() {
    let project = Tiny::finished();
    let whole = project.results();
    let run = project.run(&["--only", "tiles"]).exits(0).says(&["profile `quick` are replaced: 4 of their 8 runs"]);
    assert!(project.results() != whole);
    paste(command_after(&run.stderr, "are replaced")).exits(0);
    assert_same(&whole, &project.results());

    // What was made with options comes back with its options; the same again replaces nothing.
    project.run(&["--only", "tiles", "--trials", "1"]).exits(0);
    let small = project.results();
    let again = project.run(&["--only", "tiles", "--trials", "1"]).exits(0);
    assert!(!again.stderr.contains("replaced"), "{}", again.stderr);
    let run = project.run(&["--only", "gaussians-high"]).exits(0);
    let run = run.says(&["--only tiles --trials 1 are replaced: 2 of their 2 runs"]);
    paste(command_after(&run.stderr, "are replaced")).exits(0);
    assert_same(&small, &project.results());
}

#[test]
fn the_repair_that_verify_store_prints_is_run_as_it_stands() {
    let project = Tiny::finished();
    let before = project.results();
    fs::write(project.find("data/runs/tiles", "history.csv"), "epoch\n").unwrap();
    let run = project.pipeline(&["verify-store"]).exits(3);
    paste(command_after(&run.stdout, "to remove it")).exits(3).says(&["removed: ", "history.csv"]);
    project.run(&[]).exits(0);
    assert_same(&before, &project.results());
}

#[test]
fn the_command_that_tasks_prints_does_one_of_them_from_a_path_with_blanks_and_quotes() {
    let project = Tiny::new();
    let folder = project.path("it's \"here\" $HOME");
    fs::create_dir(&folder).unwrap();
    for file in ["pipeline.toml", "data", "mirror"] {
        fs::rename(project.path(file), folder.join(file)).unwrap();
    }
    let config = folder.join("pipeline.toml").display().to_string();
    let place = ["--config", &config, "--only", "gaussians-high"];
    let listed = project.pipeline(&[&["tasks"], &place[..]].concat()).exits(0);
    let command = listed.stdout.lines().find_map(|line| line.strip_suffix(" --task TASK")).unwrap();
    paste(&format!("{command} --task gaussians-high/t01")).exits(0);
    project.pipeline(&[&["tasks"], &place[..]].concat()).exits(0).says(&["1 tasks, 2 runs", "gaussians-high/t00"]);
}
