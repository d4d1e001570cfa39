//! Files that are deleted, cut, changed or exchanged behind the program's back: found, named, and rebuilt with the
//! same bytes. `docs/reliability.md` names these tests.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use support::cli::Tiny;
use support::{assert_same, tiny};

/// Every file whose checksum a document records, and every document: together all that a finished run leaves, but for the lock.
/// The checksums in a damaged document are not used, so the two kinds are damaged one after the other.
fn files_and_documents(project: &Tiny) -> [Vec<PathBuf>; 2] {
    let all = tiny::files(project.0.path()).into_iter().filter(|path| {
        let name = path.file_name().unwrap();
        name != ".lock" && name != "datasets.toml"
    });
    let is_document = |path: &PathBuf| {
        let in_reports = path.starts_with("reports");
        path.extension().is_some_and(|ending| ending == "json") && (!in_reports || path.ends_with("manifest.json"))
    };
    // Documents whose checksum other documents record as well would hide behind them.
    let (documents, others): (Vec<_>, Vec<_>) = all.partition(is_document);
    assert!(documents.len() > 20 && others.len() > 60, "{} and {}", documents.len(), others.len());
    [others, documents]
}

/// Damages all of these files at once; each is named, and the next run makes them again.
fn damage_all(project: &Tiny, files: &[PathBuf], damage: &dyn Fn(&Path)) {
    let before = project.results();
    for path in files {
        damage(&project.path(path.to_str().unwrap()));
    }
    let verdict = project.pipeline(&["verify-store"]).exits(3);
    for path in files {
        let name = path.to_str().unwrap();
        // A file that is gone together with the document that records its checksum cannot be missed by anyone but the plan.
        let missed = verdict.stdout.contains(&format!("{name}: ")) || !project.path(name).exists();
        assert!(missed, "{name} is not named\n{}", verdict.stdout);
    }
    project.run(&[]).exits(0);
    assert_same(&before, &project.results());
    project.pipeline(&["verify-store"]).exits(0);
}

fn damage_everything(damage: impl Fn(&Path)) {
    let project = Tiny::finished();
    for files in files_and_documents(&project) {
        damage_all(&project, &files, &damage);
    }
}

#[test]
fn whatever_is_deleted_is_made_again() {
    let project = Tiny::finished();
    let [others, documents] = files_and_documents(&project);
    let delete = |path: &Path| fs::remove_file(path).unwrap();
    damage_all(&project, &others, &delete);
    // Without documents no checksum is recorded, and the plan alone knows what is missing.
    let before = project.results();
    for path in &documents {
        delete(&project.0.path().join(path));
    }
    project.run(&[]).exits(0);
    assert_same(&before, &project.results());
}

#[test]
fn whatever_is_truncated_is_found_and_made_again() {
    for part in [|_| 0, |bytes| bytes / 2, |bytes| bytes - 1] {
        damage_everything(|path| {
            let file = File::options().write(true).open(path).unwrap();
            let bytes: u64 = file.metadata().unwrap().len();
            file.set_len(part(bytes)).unwrap();
        });
    }
}

#[test]
fn one_flipped_bit_anywhere_is_found_and_made_again() {
    let project = Tiny::finished();
    for files in files_and_documents(&project) {
        // In the middle of the header's kind, of its digest, of the body, and in the last byte.
        for (eighths, bit) in [(0, 5), (0, 0), (1, 1), (4, 5), (7, 3), (8, 6)] {
            damage_all(&project, &files, &|path| {
                let mut bytes = fs::read(path).unwrap();
                let last = bytes.len() - 1;
                let at = if eighths == 0 { 11.min(last) } else { last * eighths / 8 };
                bytes[at] ^= 1 << bit;
                fs::write(path, bytes).unwrap();
            });
        }
    }
}

#[test]
fn whatever_is_replaced_by_nonsense_is_found_and_made_again() {
    damage_everything(|path| fs::write(path, b"\xff\xfe{\"kind\": [[[[").unwrap());
}

#[test]
fn json_without_end_or_bottom_is_found_and_made_again() {
    let project = Tiny::finished();
    let [_, documents] = files_and_documents(&project);
    let deep = format!("{{\"kind\":\"run-record\",\"version\":1,\"sha256\":{}", "[".repeat(1 << 20));
    damage_all(&project, &documents, &|path| fs::write(path, &deep).unwrap());
}

#[test]
fn every_document_of_another_version_is_refused_by_name_and_made_again() {
    let project = Tiny::finished();
    let [_, documents] = files_and_documents(&project);
    damage_all(&project, &documents, &|path| {
        let text = fs::read_to_string(path).unwrap();
        let at = text.find("\"version\":").unwrap_or_else(|| panic!("{}", path.display())) + "\"version\":".len();
        let end = at + text[at..].find(',').unwrap();
        fs::write(path, format!("{}99{}", &text[..at], &text[end..])).unwrap();
    });
    let record = project.find("data/runs/tiles", "record.json");
    let text = fs::read_to_string(&record).unwrap();
    fs::write(&record, text.replacen("\"version\":1,", "\"version\":99,", 1)).unwrap();
    let words = ["run-record of version 99", "which this version does not read"];
    project.pipeline(&["verify-store"]).exits(3).says(&words);
    project.run(&[]).exits(0).says(&["holds run-record of version 99, and this version reads run-record of version 1"]);
}

#[test]
fn verify_store_finds_nothing_in_a_whole_store_and_repair_makes_a_damaged_one_whole() {
    let project = Tiny::finished();
    project.pipeline(&["verify-store"]).exits(0).says(&["0 do not"]);
    let before = project.results();
    let history = project.find("data/runs/tiles", "history.csv");
    fs::write(&history, "epoch\n").unwrap();
    let told = project.pipeline(&["verify-store", "--json"]).exits(3);
    let told: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["damaged"].as_array().unwrap().len(), 1, "{told}");
    project.pipeline(&["verify-store", "--repair"]).exits(3).says(&["history.csv", "the next `pipeline run`"]);
    project.pipeline(&["verify-store"]).exits(0);
    project.run(&[]).exits(0).says(&["1 tasks"]);
    assert_same(&before, &project.results());
}

#[test]
fn repair_has_every_damaged_file_made_again() {
    let project = Tiny::finished();
    let before = project.results();
    for files in files_and_documents(&project) {
        for path in &files {
            fs::write(project.path(path.to_str().unwrap()), b"nonsense").unwrap();
        }
        project.pipeline(&["verify-store", "--repair"]).exits(3);
        project.run(&[]).exits(0);
        assert_same(&before, &project.results());
        project.pipeline(&["verify-store"]).exits(0);
    }
}

#[test]
fn another_runs_record_is_not_taken_for_ones_own() {
    let project = Tiny::finished();
    let before = project.results();
    let one = project.find("data/runs/gaussians-high/t00", "record.json");
    let other = project.find("data/runs/gaussians-high/t01", "record.json");
    fs::copy(&other, &one).unwrap();
    project.pipeline(&["verify-store"]).exits(3).says(&["belongs in"]);
    project.run(&[]).exits(0).says(&["holds another run's record"]);
    assert_same(&before, &project.results());
}

#[test]
fn another_trials_examples_are_not_taken_for_ones_own() {
    let project = Tiny::finished();
    let before = project.results();
    for ending in ["json", "safetensors"] {
        let [one, other] =
            ["t00", "t01"].map(|trial| project.path(&format!("data/synthetic/gaussians-high/{trial}.{ending}")));
        fs::copy(other, one).unwrap();
    }
    project.pipeline(&["verify-store"]).exits(3).says(&["t00.json", "belongs in", "t01.json"]);
    project.run(&[]).exits(0);
    assert_same(&before, &project.results());
}
