//! Datasets of one's own and published ones, through the built program.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use support::Run;
use support::cli::Tiny;

/// A dataset `own` of four IDX files called after their keys, and a setting that learns it.
const OWN: &str = r#"[setting.own]
protocol = "fetched"
row = ["Own", "MLP"]
dataset = "own"
model = "tiny"

[dataset.own]
format = "idx"
train_images = "train_images"
train_labels = "train_labels"
test_images = "test_images"
test_labels = "test_labels"
classes = ["plain", "bell"]

[theorem]"#;

fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(bytes);
    file
}

fn with_own() -> Tiny {
    let project = Tiny::new();
    project.edit("[theorem]", OWN);
    for (set, n) in [("train", 20_u32), ("test", 10)] {
        let pixels: Vec<u8> = (0..n * 4).map(|i| (i * 7 + set.len() as u32) as u8).collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 2) as u8).collect();
        fs::write(project.path(&format!("{set}_images")), idx(&[n, 2, 2], &pixels)).unwrap();
        fs::write(project.path(&format!("{set}_labels")), idx(&[n], &labels)).unwrap();
    }
    project
}

#[test]
fn a_dataset_of_ones_own_is_checked_verified_and_trained_and_its_names_move_no_cursor() {
    let project = with_own();
    let check = project.pipeline(&["data", "check", "own"]).exits(0);
    check.says(&["20 images to train and 10 to test", "plain", "bell"]);
    let hostile = with_own();
    hostile.edit(r#""bell""#, r#""\u001b[2Jbell\u0007""#);
    let check = hostile.pipeline(&["data", "check", "own"]).exits(0).says(&["\\u{1b}[2Jbell\\u{7}"]);
    assert!(!check.stdout.contains(['\u{1b}', '\u{7}']), "{:?}", check.stdout);
    hostile.run(&["--only", "own"]).exits(2).says(&["\\u{1b}[2Jbell\\u{7}", "control characters"]);
    project.pipeline(&["data", "verify", "own"]).exits(0).says(&["own", "4 files", "SHA-256"]);
    project.pipeline(&["data", "card", "own"]).exits(2).says(&["is your own", "pipeline data check"]);
    project.run(&["--only", "own"]).exits(0);
    fs::remove_file(project.path("test_labels")).unwrap();
    project.pipeline(&["data", "verify", "own"]).exits(3).says(&["test_labels", "check the path"]);
}

#[test]
fn a_compressed_file_that_would_not_fit_into_the_memory_is_refused() {
    let project = with_own();
    let mut bomb = GzEncoder::new(File::create(project.path("train_images")).unwrap(), Compression::fast());
    bomb.write_all(&idx(&[600_000, 32, 32], &[])).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..600 {
        bomb.write_all(&zeros).unwrap();
    }
    bomb.finish().unwrap();
    let size = fs::metadata(project.path("train_images")).unwrap().len();
    assert!(size < 8 << 20, "{size} bytes");
    let program = env!("CARGO_BIN_EXE_pipeline");
    let limited = format!("ulimit -v 600000; exec '{program}' data check own");
    let output = Command::new("sh").args(["-c", &limited]).current_dir(project.0.path()).output().unwrap();
    Run::of(&output).exits(1).says(&["train_images", "614400000 bytes of memory", "are available"]);
}

#[test]
fn a_link_out_of_the_store_is_not_written_through_by_a_dry_run() {
    let project = Tiny::new();
    fs::create_dir(project.path("elsewhere")).unwrap();
    fs::create_dir_all(project.path("data/raw")).unwrap();
    symlink(project.path("elsewhere"), project.path("data/raw/tiles")).unwrap();
    project.pipeline(&["data", "prune", "--dry-run"]).exits(1).says(&["a symbolic link", "elsewhere"]);
    assert_eq!(fs::read_dir(project.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn a_mirrors_password_is_in_no_help_message_or_json() {
    let project = Tiny::new();
    fs::remove_dir_all(project.path("mirror")).ok();
    for arguments in [
        &["data", "fetch", "--help"][..],
        &["run", "--help"],
        &["data", "fetch", "tiles", "--offline", "--json"],
        &["stage", "fetch", "--offline", "--json"],
    ] {
        let mut command = project.command(arguments);
        command.env("PIPELINE_MIRROR", "https://me:hunter2@nowhere.invalid/x?token=hunter2");
        let run = Run::of(&command.output().unwrap());
        assert!(!format!("{}{}", run.stdout, run.stderr).contains("hunter2"), "{arguments:?}: {}", run.stderr);
    }
}

#[test]
fn a_full_or_missing_place_for_a_sheet_leaves_nothing_behind() {
    let project = with_own();
    project.edit(r#""bell""#, r#""\u001b[2Jbell\u0007""#);
    let before = fs::read_dir(project.0.path()).unwrap().count();
    project.pipeline(&["data", "show", "own", "-o", "nowhere/sheet.png"]).exits(2).says(&["nowhere/sheet.png"]);
    project.pipeline(&["data", "show", "own", "-o", "data"]).exits(2);
    assert_eq!(fs::read_dir(project.0.path()).unwrap().count(), before);
    project.pipeline(&["data", "show", "own", "-o", "sheet.png"]).exits(0).says(&["sheet.png", "#1 is \\u{1b}[2Jbell"]);
    project.pipeline(&["data", "show", "own", "-o", "sheet.png"]).exits(0);
    assert_eq!(fs::read_dir(project.0.path()).unwrap().count(), before + 1);
}

#[test]
fn a_file_of_another_kind_is_not_replaced_by_a_sheet() {
    let project = with_own();
    let before = fs::read(project.path("pipeline.toml")).unwrap();
    let words = ["pipeline.toml", "a file is there that is not a PNG image", "choose another name"];
    project.pipeline(&["data", "show", "own", "-o", "pipeline.toml"]).exits(2).says(&words);
    assert!(fs::read(project.path("pipeline.toml")).unwrap() == before);
    fs::write(project.path("empty.png"), "").unwrap();
    project.pipeline(&["data", "show", "own", "-o", "empty.png"]).exits(0);
}
