//! Documents whose digests are right and whose contents are not, as a bug or an enemy would leave them: the tables and the
//! report are made of them, or refused in a sentence; nothing panics, and nothing in them becomes markup or a way out.

#![cfg(unix)]

mod support;

use std::fs;
use std::path::Path;

use flooding_core::digest::Digest;
use serde_json::{Value, json};
use support::cli::Tiny;
use support::forge::forge;
use support::tiny;

/// Replaces the history of a run, and updates its checksum in the record.
fn forge_history(record: &Path, history: &str) {
    fs::write(record.with_file_name("history.csv"), history).unwrap();
    forge(record, |body| body["history"] = json!(Digest::of(history.as_bytes()).as_str()));
}

/// Makes tables and report of what is stored, as well as it goes.
fn report_of(project: &Tiny, what: &str) {
    for stage in ["aggregate", "render"] {
        let run = project.pipeline(&["stage", stage, "--offline"]);
        assert!(matches!(run.code, Some(0 | 1 | 3)), "{what}: {stage} ended with {:?}\n{}", run.code, run.stderr);
        assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
        let sentence = run.stderr.lines().any(|line| line.starts_with("error: "));
        assert_eq!(run.code == Some(1), sentence, "{what}: {}", run.stderr);
    }
    for path in tiny::files(project.0.path()) {
        if path.extension().is_some_and(|ending| ending == "html" || ending == "svg") {
            let text = fs::read_to_string(project.0.path().join(&path)).unwrap();
            assert!(!text.contains("<script>alert"), "{what}: {}", path.display());
        }
    }
}

/// The one run that the figures of its setting are drawn of.
const RUN: &str = "data/runs/gaussians-high/t00";

#[test]
fn no_number_in_a_history_makes_tables_or_report_panic() {
    let project = Tiny::finished();
    let record = project.find(RUN, "record.json");
    let whole = fs::read_to_string(record.with_file_name("history.csv")).unwrap();
    let rows: Vec<&str> = whole.lines().collect();
    for number in ["NaN", "inf", "-inf", "1e308", "-1e308", "-1", "1e-320", "", "x"] {
        for column in [1, 3, 8, 11] {
            let changed = rows.iter().enumerate().map(|(at, row)| {
                let mut fields: Vec<&str> = row.split(',').collect();
                if at > 0 {
                    fields[column] = number;
                }
                fields.join(",") + "\n"
            });
            forge_history(&record, &changed.collect::<String>());
            report_of(&project, &format!("{number:?} in column {column}"));
        }
    }
    let header = rows[0];
    for history in [
        format!("{header}\n"),
        String::new(),
        whole.replacen("\n1,", "\n0,", 1),
        whole.replacen("\n3,", "\n4294967295,", 1),
        whole.replacen("\n2,", "\n1,", 1),
        format!("{}{}", whole, rows[1]),
    ] {
        forge_history(&record, &history);
        report_of(&project, &format!("history {history:.60}"));
    }
}

#[test]
fn nothing_in_a_record_makes_tables_or_report_panic_or_becomes_markup() {
    let nasty = "<script>alert(1)</script> \\input{/etc/passwd} & % $ # _ ^ ~ \u{0} \u{1b}[31m \u{202e} \n\r\t";
    let long = "x".repeat(1 << 20);
    let failed =
        |cause: &str| json!({ "status": "failed", "cause": cause, "step": u64::MAX, "last_finite_loss": null });
    let mut changes: Vec<(String, &str, Value)> = vec![
        ("a cause with markup".into(), "/status", failed(nasty)),
        ("an overlong cause".into(), "/status", failed(&long)),
        ("no results".into(), "/summary", Value::Null),
        ("another key".into(), "/key", json!("0".repeat(64))),
        ("no examples".into(), "/examples", json!([0, 0, 0])),
        ("all parameters".into(), "/parameters", json!(u64::MAX)),
        ("a way out".into(), "/files", json!({ "../../../../../../etc/passwd": "0".repeat(64) })),
        ("another place".into(), "/files", json!({ "/dev/zero": "0".repeat(64) })),
    ];
    for part in ["last", "best"] {
        for epoch in [0_u32, u32::MAX] {
            changes.push((
                format!("epoch {epoch}"),
                if part == "last" { "/summary/last/epoch" } else { "/summary/best/epoch" },
                json!(epoch),
            ));
        }
    }
    for number in [1e308, -1e308, -1.0, 0.0, 1e-320] {
        for place in ["/summary/last/test/accuracy", "/summary/best/validation/accuracy", "/summary/last/train/loss"] {
            changes.push((format!("{number:e}"), place, json!(number)));
        }
    }
    let project = Tiny::finished();
    let record = project.find(RUN, "record.json");
    let whole = fs::read(&record).unwrap();
    for (what, place, value) in changes {
        fs::write(&record, &whole).unwrap();
        forge(&record, |body| *body.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value);
        report_of(&project, &format!("{what} at {place}"));
        let verdict = project.pipeline(&["verify-store"]);
        assert!(matches!(verdict.code, Some(0 | 3)), "{what}: {}", verdict.stderr);
    }
    fs::write(&record, &whole).unwrap();
    forge(&record.with_file_name("provenance.json"), |body| body["processor"] = json!(nasty));
    report_of(&project, "a processor with markup");
}

#[test]
fn no_number_in_a_probe_makes_tables_or_report_panic() {
    let project = Tiny::finished();
    for (name, places) in [
        (
            "flatness.json",
            &["/alphas", "/models", "/models/0/curves", "/models/0/curves/0/train", "/level", "/examples"][..],
        ),
        ("calibration.json", &["/models", "/models/0/bins", "/models/0/bins/0", "/level"][..]),
        ("replay.json", &["/models", "/models/0/test", "/models/0/gradients", "/theorem", "/theorem/n", "/level"][..]),
    ] {
        let probe = project.find("data/probes", name);
        let whole = fs::read(&probe).unwrap();
        for place in places {
            for value in [json!([]), json!(null), json!([null, 1e308, -1e308, 0]), json!(9.5), json!([0, 0]), json!({})]
            {
                fs::write(&probe, &whole).unwrap();
                let what = format!("{value} at {place} of {name}");
                forge(&probe, |body| *body.pointer_mut(place).unwrap_or_else(|| panic!("no {place}")) = value);
                report_of(&project, &what);
            }
        }
        fs::write(&probe, &whole).unwrap();
    }
}

#[test]
fn a_manifest_of_the_report_that_names_files_elsewhere_removes_nothing_there() {
    let project = Tiny::finished();
    let precious = project.path("precious");
    fs::write(&precious, "precious").unwrap();
    let digest = "0".repeat(64);
    for name in ["../precious", precious.to_str().unwrap(), "../data/../precious"] {
        forge(&project.path("reports/manifest.json"), |body| {
            body["outputs"][name] = json!(digest);
        });
        let run = project.pipeline(&["stage", "render", "--force"]).exits(1);
        assert!(run.stderr.contains("refusing to write"), "{}", run.stderr);
        assert!(matches!(project.pipeline(&["verify-store", "--repair"]).code, Some(0 | 3)));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        // What is left of the manifest names nothing that a new report would remove.
        let _ = fs::remove_file(project.path("reports/manifest.json"));
        project.run(&[]).exits(0);
    }
}
