//! A published report can be continued: of what was trained elsewhere and published, only the rest need be trained.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use support::cli::{Tiny, results_in};
use support::forge::forge;

/// Tables that say what only a machine with the records knows: every epoch of every curve, and what the training took.
const OF_RECORDS: [&str; 2] = ["curves.csv", "compute.csv"];

/// A finished project with its report published in `published/`.
fn published() -> Tiny {
    let project = Tiny::finished();
    project.pipeline(&["publish", "published"]).exits(0);
    project
}

/// Another project with a copy of that report, where only the fetched dataset was trained.
fn half_trained(report: &Path) -> Tiny {
    let project = Tiny::new();
    copy(report, &project.path("published"));
    project.run(&["--only", "tiles"]).exits(0);
    project
}

fn one_of(folder: &Path) -> PathBuf {
    fs::read_dir(folder).unwrap().next().unwrap().unwrap().path()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The CSV files of all tables.
fn tables(project: &Tiny) -> BTreeMap<String, String> {
    let files = results_in(project.path("").as_path()).into_iter();
    let csv = files.filter(|(path, _)| path.starts_with("data/tables") && path.extension().is_some_and(|e| e == "csv"));
    csv.map(|(path, bytes)| (path.file_name().unwrap().to_str().unwrap().to_owned(), String::from_utf8(bytes).unwrap()))
        .filter(|(name, _)| !OF_RECORDS.contains(&name.as_str()))
        .collect()
}

#[test]
fn settings_of_a_published_report_beside_those_trained_here_give_the_same_tables_as_training_all() {
    let whole = published();
    let project = half_trained(&whole.path("published"));
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(3).says(&["gaussians-high"]);
    project.pipeline(&["import", "published"]).exits(0).says(&["published: 8 runs of 2 settings"]);
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
    let (ours, theirs) = (tables(&project), tables(&whole));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, text) in &theirs {
        assert_eq!(&ours[name], text, "{name}");
    }
    assert!(theirs.contains_key("run_ends.csv") && theirs.contains_key("trial_probes.csv"));
    project.pipeline(&["stage", "render", "--offline"]).exits(0);
    let page = fs::read_to_string(project.path("reports/index.html")).unwrap();
    assert!(page.contains("4 runs of 1 setting (gaussians-high) were not trained for this report"), "{page}");
    project.pipeline(&["status"]).says(&["4 runs of 1 settings count as the published report published has them"]);
    // What it publishes in turn has all runs, the published ones as they were, and they still come out the same.
    project.pipeline(&["publish", "again"]).exits(0).says(&["published 8 of 8 runs"]);
    project.pipeline(&["compare", "again", "--sample", "8"]).exits(0).says(&["8 identical to the bit"]);
    project.pipeline(&["verify-store"]).exits(0);
}

#[test]
fn a_setting_with_as_many_runs_here_counts_as_it_was_trained_here() {
    let project = published();
    let before = tables(&project);
    project.pipeline(&["import", "published"]).exits(0);
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
    assert_eq!(tables(&project), before);
    let overview = fs::read_to_string(project.path("data/tables/overview.json")).unwrap();
    assert!(overview.contains("\"published\":[]"), "{overview}");
}

#[test]
fn a_run_that_is_here_alone_is_named_where_its_setting_is_taken_from_a_published_report() {
    let whole = Tiny::new();
    whole.run(&["--only", "gaussians-high", "--levels", "0"]).exits(0);
    whole.pipeline(&["publish", "published", "--only", "gaussians-high", "--levels", "0"]).exits(0);
    let project = Tiny::new();
    copy(&whole.path("published"), &project.path("published"));
    project.run(&["--only", "gaussians-high", "--levels", "0.65", "--trials", "1"]).exits(0);
    project.pipeline(&["import", "published"]).exits(0).says(&["2 runs of 1 settings"]);
    let run = project.pipeline(&["stage", "aggregate", "--offline", "--only", "gaussians-high"]).exits(3);
    run.says(&["gaussians-high t00 b0.65", "taken from a published report"]);
}

#[test]
fn a_setting_of_which_the_report_has_other_runs_too_is_not_taken_and_the_report_says_so() {
    let project = published();
    fs::remove_dir_all(project.path("data/runs/gaussians-high")).unwrap();
    project.pipeline(&["import", "published"]).exits(0);
    let run = project.pipeline(&["stage", "aggregate", "--offline", "--trials", "1"]).exits(3);
    run.says(&["gaussians-high", "has 2 of its runs, and 2 that this plan does not ask for"]);
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
}

#[test]
fn a_report_of_before_the_table_of_ends_says_of_selected_runs_when_flooding_began() {
    let whole = published();
    fs::remove_file(whole.path("published/tables/run_ends.csv")).unwrap();
    forge(&whole.path("published/published.json"), |body| {
        body["files"].as_object_mut().unwrap().remove("tables/run_ends.csv");
    });
    let project = half_trained(&whole.path("published"));
    // A file that the list does not name has no digest to be checked by, and is not read.
    fs::write(project.path("published/tables/run_ends.csv"), "forged").unwrap();
    project.pipeline(&["import", "published"]).exits(0);
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
    assert_eq!(tables(&project)["selections.csv"], tables(&whole)["selections.csv"]);
    assert_eq!(tables(&project)["accuracy.csv"], tables(&whole)["accuracy.csv"]);
}

#[test]
fn a_damaged_report_and_one_of_other_runs_are_refused() {
    let project = published();
    project.edit("master_seed = 7", "master_seed = 8");
    project
        .pipeline(&["import", "published"])
        .exits(2)
        .says(&["none of its 8 runs is planned", "published/pipeline.toml"]);
    project.edit("master_seed = 8", "master_seed = 7");
    let levels = project.path("published/tables/levels.csv");
    let text = fs::read_to_string(&levels).unwrap();
    fs::write(&levels, format!("{text}\n")).unwrap();
    project.pipeline(&["import", "published"]).exits(2).says(&["levels.csv", "damaged"]);
    assert!(!project.path("data/published").exists());
}

#[test]
fn a_damaged_document_of_a_published_report_is_a_missing_result_that_names_the_remedy() {
    let whole = published();
    let project = half_trained(&whole.path("published"));
    project.pipeline(&["import", "published"]).exits(0);
    let document = one_of(&project.path("data/published"));
    fs::write(&document, "{").unwrap();
    let run = project.pipeline(&["stage", "aggregate", "--offline"]).exits(3);
    run.says(&["data/published/", "import it again"]);
    let run = project.pipeline(&["verify-store"]).exits(3);
    run.says(&["data/published/"]);
    project.pipeline(&["import", "published"]).exits(0);
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
}
