//! Small trials: marked as such in records, explanations and reports; and missing data.

mod support;

use serde_json::Value;
use support::cli::Tiny;
use support::{Project, real_data};

const SMALL: [&str; 8] = ["--train-size", "300", "--test-size", "200", "--epochs", "2", "--levels", "0"];

/// The only record below a setting's folder.
fn record(project: &Project, setting: &str) -> Value {
    let trial = project.path("data/runs").join(setting).join("t00");
    let run = std::fs::read_dir(&trial).unwrap().next().unwrap().unwrap().path();
    serde_json::from_str(&std::fs::read_to_string(run.join("record.json")).unwrap()).unwrap()
}

#[test]
fn the_residual_network_learns_from_real_cifar_10_and_its_record_says_that_it_was_a_small_trial() {
    let Some(mirror) = real_data() else { return };
    let project = Project::new();
    // Eight layers in place of forty-four: the same code, in seconds.
    project.edit("pipeline.toml", "blocks = 7", "blocks = 1");
    let place = ["--only", "setting:cifar10", "--offline", "--mirror", mirror.to_str().unwrap()];
    let sizes = ["--train-size", "1500", "--test-size", "500", "--epochs", "3", "--levels", "0"];
    project.pipeline(&[&["stage", "fetch"], &place[..], &sizes].concat()).exits(0);
    project.pipeline(&[&["stage", "train"], &place[..], &sizes].concat()).exits(0);
    assert!(!project.path("data/runs/cifar10-aug").exists(), "`setting:` names one setting of the dataset");

    let record = record(&project, "cifar10");
    let document = &record["body"];
    assert_eq!(document["examples"], serde_json::json!([1200, 300, 500]));
    assert_eq!(document["spec"]["reduced"], serde_json::json!(["epochs", "train_size", "test_size"]));
    let trial = project.path("data/runs/cifar10/t00");
    let run = std::fs::read_dir(&trial).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(run.join("history.csv")).unwrap();
    let rows = flooding_core::record::History::from_csv(&text).unwrap().rows;
    let losses: Vec<f64> = rows.iter().map(|row| row.batch_loss).collect();
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "the loss does not fall: {losses:?}");
    let accuracy = document["summary"]["last"]["test"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.15, "no better than chance: {accuracy}");
}

#[test]
fn a_small_trial_is_explained_with_what_it_leaves_out_and_the_command_that_repeats_it() {
    let Some(mirror) = real_data() else { return };
    let project = Project::new();
    let only = ["--only", "setting:mnist-mlp", "--profile", "full"];
    let place = ["--offline", "--mirror", mirror.to_str().unwrap()];
    project.pipeline(&[&["stage", "fetch"], &only[..], &SMALL, &place].concat()).exits(0);
    project.pipeline(&[&["stage", "train"], &only[..], &SMALL, &place].concat()).exits(0);
    project.pipeline(&[&["stage", "aggregate"], &only[..], &SMALL].concat()).exits(0);
    project.pipeline(&[&["stage", "render"], &only[..], &SMALL].concat()).exits(0);

    let key = record(&project, "mnist-mlp")["body"]["key"].as_str().unwrap().to_owned();
    let repeat = "--profile full --only setting:mnist-mlp --epochs 2 --train-size 300 --test-size 200";
    // Its key, its row and its figure are enough: the options are found.
    let explain = |what: &str| project.pipeline(&["explain", what]).exits(0);
    explain(&key[..8]).says(&[
        "reduced, not the paper's: epochs, train_size, test_size",
        "examples: 240 to learn from, 60 for validation, 200 for the test",
        "--only setting:mnist-mlp --epochs 2 --train-size 300 --test-size 200",
    ]);
    let with_options = project.pipeline(&[&["explain", &key[..8]], &only[..]].concat()).exits(0);
    with_options.says(&[repeat]);
    explain("mnist-mlp:A").says(&[
        "1 trial (the paper: 1), 1 level (the paper's grid: 11)",
        "reduced, not the paper's: epochs, train_size, test_size",
        "--levels 0",
    ]);
    explain("figure-2-mnist-mlp").says(&["1 runs of mnist-mlp", "--levels 0"]);

    let report = project.read("reports/index.html");
    let scale = "Quick run, not the paper’s grid: 1 trial, 1 of the paper’s 11 levels, 2 of the paper’s 500 epochs; \
                 reduced: train size, test size";
    assert!(report.contains(scale), "the report does not say how small the run was");
    assert!(!report.contains("The paper’s grid"));
    for verdict in ["confirmed", "contradicted"] {
        assert!(
            !project.read("reports/tables/claims.csv").contains(&format!(",{verdict},")),
            "{verdict} by a small run"
        );
    }
}

#[test]
fn data_that_cannot_be_had_are_named_with_a_remedy_and_the_exit_code_is_3() {
    let project = Project::new();
    let (svhn, cifar100) = (["train_32x32.mat", "test_32x32.mat"], ["cifar-100-binary.tar.gz"]);
    for (dataset, files) in [("svhn", &svhn[..]), ("cifar100", &cifar100)] {
        let only = ["--only", dataset, "--offline"];
        let fetch = project.pipeline(&[&["stage", "fetch"], &only[..], &SMALL].concat()).exits(3);
        fetch.says(&[
            &format!("warning: fetch: {dataset} is missing: {} could not be fetched: ", files.join(", ")),
            "not tried: offline",
            &format!("fetch: 0 of {} files in", files.len()),
            &format!("; {} failed\n", files.len()),
        ]);
        let train = project.pipeline(&[&["stage", "train"], &only[..], &SMALL].concat()).exits(3);
        let remedy = format!("`pipeline data fetch {dataset}` gets it");
        let train = train.says(&["nothing to do that could be done", files[0], &remedy]);
        assert!(!train.stdout.contains("all 0 tasks are up to date"), "{}", train.stdout);
    }
}

#[test]
fn a_training_alone_first_gets_the_data_that_it_needs_and_only_then() {
    let project = Tiny::new();
    let train = ["stage", "train", "--mirror", "mirror"];
    let dry = project.pipeline(&[&train[..], &["--dry-run"]].concat()).exits(0);
    let dry = dry.says(&["fetch     run  tiles: new", "generate  run  gaussians-high (2 trials): new"]);
    assert!(dry.stdout.contains("train     run  tiles (4 runs): new"), "{}", dry.stdout);
    let run = project.pipeline(&train).exits(0);
    assert!(run.stderr.contains("fetch: 4 of 4 files") && run.stderr.contains("train: "), "{}", run.stderr);
    let again = project.pipeline(&[&train[..], &["--force"]].concat()).exits(0);
    assert!(!again.stderr.contains("fetch") && !again.stderr.contains("generate"), "{}", again.stderr);
}

#[test]
fn a_training_of_more_than_an_hour_says_how_long_it_takes_before_its_first_step() {
    let project = Project::new();
    let train = ["stage", "train", "--only", "setting:cifar10", "--offline", "--jobs", "2"];
    let full = project.pipeline(&[&train[..], &["--profile", "full"]].concat()).exits(3);
    let full = full.says(&["training these 11 runs is going to take about 12 days", "2 at a time", "--epochs"]);
    assert!(full.stderr.find("going to take") < full.stderr.find("train: 11 runs"), "{}", full.stderr);
    let quick = project.pipeline(&train).exits(3);
    assert!(!quick.stderr.contains("going to take"), "{}", quick.stderr);
    quick.says(&["cifar10 (2 runs): new"]);
}
