//! A published report can be checked by anyone: its cells against its runs, its runs against this machine, and one report
//! against another.

mod support;

use std::fs;

use serde_json::json;
use support::cli::Tiny;
use support::forge::forge;

/// A finished project with its report published in `published/`.
fn published() -> Tiny {
    let project = Tiny::finished();
    project.pipeline(&["publish", "published"]).exits(0).says(&["published 8 of 8 runs"]);
    project
}

#[test]
fn the_cells_of_a_published_report_follow_from_its_runs_and_its_runs_come_out_the_same() {
    let project = published();
    let run = project.pipeline(&["compare", "published", "--sample", "2", "--seed", "7"]).exits(0);
    let run = run.says(&["follow from the runs", "2 identical to the bit, 0 equal to rounding, 0 different"]);
    // The same seed draws the same runs.
    let again = project.pipeline(&["compare", "published", "--sample", "2", "--seed", "7"]).exits(0);
    assert_eq!(run.stdout, again.stdout);
}

#[test]
fn runs_that_a_gpu_trained_are_counted_with_it_and_are_not_drawn_to_be_trained_again() {
    let project = Tiny::finished();
    let provenance = project.find("data/runs/gaussians-high/t00", "provenance.json");
    forge(&provenance, |body| body["device"] = json!("NVIDIA H100 80GB HBM3"));
    project.pipeline(&["stage", "aggregate", "--offline"]).exits(0);
    project.pipeline(&["stage", "render", "--offline"]).exits(0);
    project.pipeline(&["publish", "published"]).exits(0);
    let published = fs::read_to_string(project.path("published/published.json")).unwrap();
    assert!(published.contains("\"NVIDIA H100 80GB HBM3 beside "), "{published}");
    let run = project.pipeline(&["compare", "published", "--sample", "9"]).exits(0);
    run.says(&["not drawn: 1 of 8 runs", "of 7 runs drawn", "7 identical to the bit"]);
}

#[test]
fn a_pdf_of_an_earlier_report_is_not_published_with_a_new_one() {
    let project = Tiny::finished();
    fs::write(project.path("reports/latex/report.pdf"), "of this report").unwrap();
    project.pipeline(&["publish", "published"]).exits(0);
    assert!(project.path("published/latex/report.pdf").is_file());
    project.pipeline(&["stage", "render", "--offline", "--force"]).exits(0);
    project.pipeline(&["publish", "published"]).exits(0);
    assert!(!project.path("published/latex/report.pdf").exists());
}

#[test]
fn a_changed_file_of_a_published_report_is_named() {
    let project = published();
    let accuracy = project.path("published/tables/accuracy.csv");
    fs::write(&accuracy, fs::read_to_string(&accuracy).unwrap() + "\n").unwrap();
    project.pipeline(&["compare", "published"]).exits(2).says(&["accuracy.csv", "SHA-256", "damaged"]);
}

#[test]
fn a_report_and_its_published_copy_agree_and_a_changed_cell_is_shown_with_its_size() {
    let project = published();
    project.pipeline(&["compare", "published", "reports"]).exits(0).says(&["0 verdicts and 0 selected levels differ"]);
    let accuracy = project.path("published/tables/accuracy.csv");
    let text = fs::read_to_string(&accuracy).unwrap();
    let header = text.lines().next().unwrap().split(',').position(|name| name == "trials").unwrap();
    let changed: Vec<String> = (text.lines().enumerate())
        .map(|(line, row)| {
            let mut fields: Vec<&str> = row.split(',').collect();
            if line == 1 {
                fields[header] = "99";
            }
            fields.join(",")
        })
        .collect();
    fs::write(&accuracy, changed.join("\n") + "\n").unwrap();
    project.pipeline(&["compare", "published", "reports"]).exits(3).says(&["trials: 99", "1 of "]);
}

#[test]
fn folders_that_are_not_reports_are_refused_with_a_remedy_and_left_as_they_are() {
    let project = published();
    fs::create_dir(project.path("mine")).unwrap();
    fs::write(project.path("mine/thesis.tex"), "mine").unwrap();
    project.pipeline(&["publish", "mine"]).exits(2).says(&["mine", "was not written by `pipeline publish`"]);
    assert_eq!(fs::read_to_string(project.path("mine/thesis.tex")).unwrap(), "mine");
    project.pipeline(&["compare", "mine"]).exits(2).says(&["mine", "not a published report"]);
    project.pipeline(&["compare", "mine", "reports"]).exits(2).says(&["mine", "has no tables"]);
    project.pipeline(&["compare", "published", "reports", "--sample", "1"]).exits(2).says(&["--sample"]);
    // Publishing again replaces what was published.
    project.pipeline(&["publish", "published"]).exits(0);
    project.pipeline(&["compare", "published"]).exits(0);
}
