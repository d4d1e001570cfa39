//! What the command line says and how it ends, before any work starts.

mod support;

use std::fs;

use support::Project;
use support::cli::Tiny;

#[test]
fn help_shows_examples_and_exit_codes() {
    Project::new().pipeline(&["run", "-h"]).exits(0).says(&[
        "--profile",
        "--mirror",
        "--dry-run",
        "Examples:",
        "Exit codes:",
        "130",
    ]);
}

#[test]
fn an_unknown_profile_is_refused_before_any_work_with_the_known_ones() {
    let project = Project::new();
    project.pipeline(&["run", "--profile", "quik"]).exits(2).says(&["quik", "smoke", "quick", "full"]);
    assert!(!project.path("data/runs").exists() && !project.path("reports").exists());
}

#[test]
fn only_that_matches_nothing_lists_the_datasets_and_settings() {
    Project::new().pipeline(&["stage", "train", "--only", "cifar11"]).exits(2).says(&[
        "cifar11",
        "gaussians",
        "mnist",
        "spiral-high",
        "gaussians-low-demo",
    ]);
}

#[test]
fn lists_of_devices_that_cannot_work_together_are_refused_by_name() {
    let project = Project::new();
    for (devices, why) in [
        ("cuda:0,cuda:0", "cuda:0 is named twice"),
        ("cpu,cuda:0", "cpu and cuda:0 do not train in one process"),
        ("cuda:x", "`cuda:x` is no device: expected cpu, cuda, or cuda:N"),
        ("cuda:0,", "`` is no device"),
    ] {
        for command in [&["run"][..], &["tasks"], &["forecast"], &["submit", "slurm"], &["submit", "hyperqueue"]] {
            project.pipeline(&[command, &["--device", devices]].concat()).exits(2).says(&[why, "--device"]);
        }
    }
    let submit = ["submit", "slurm", "--profile", "smoke", "--dry-run", "--device", "cuda:0,cuda:1"];
    project.pipeline(&submit).exits(0).says(&["#SBATCH --gpus=2", "--device cuda:0,cuda:1"]);
    assert!(!project.path("data/runs").exists() && !project.path("reports").exists());
}

#[test]
fn a_part_larger_than_its_dataset_is_refused_with_what_there_is() {
    let project = Project::new();
    let train = ["stage", "train", "--only", "mnist-mlp", "--offline"];
    for (option, size, words) in [("--train-size", "70000", "60000 training"), ("--test-size", "10001", "10000 test")] {
        project.pipeline(&[&train[..], &[option, size]].concat()).exits(2).says(&[option, size, "mnist", words]);
    }
    project.pipeline(&[&train[..], &["--train-size", "50"]].concat()).exits(3);
    let train = ["stage", "train", "--only", "spiral-high", "--train-size", "50"];
    project.pipeline(&train).exits(2).says(&["--train-size 50", "spiral-high", "draws its 200"]);
}

#[test]
fn a_number_that_is_none_or_out_of_range_is_refused_with_what_is_expected() {
    let project = Project::new();
    for (option, value, words) in [
        ("--levels", "-0.1", "from 0 to 10"),
        ("--levels", "0,x", "numbers with a comma between them"),
        ("--levels", "0;0.1", "numbers with a comma between them"),
        ("--epochs", "-1", "a whole number"),
        ("--trials", "1.5", "a whole number"),
        ("--checkpoint-every", "soon", "a whole number"),
    ] {
        project.pipeline(&["stage", "train", option, value]).exits(2).says(&[option, words]);
    }
    // Blanks behind commas are what people type.
    project.pipeline(&["stage", "train", "--dry-run", "--only", "gaussians-low", "--levels", "0, 0.1"]).exits(0);
}

#[test]
fn levels_that_are_no_list_and_no_range_are_refused_as_they_are_written() {
    for (levels, words) in [
        ("{ from = 0.5, to = 0, step = 0.1 }", "{ from = 0.5, to = 0, step = 0.1 }: not a grid"),
        ("{ from = 0, to = 0.5, steps = 5 }", "expected a list of flood levels, or { from"),
        ("0.1", "expected a list of flood levels, or { from"),
    ] {
        let project = Project::new();
        project.edit("pipeline.toml", "levels = [0.0, 0.1]", &format!("levels = {levels}"));
        project.pipeline(&["run"]).exits(2).says(&["pipeline.toml", words]);
    }
}

#[test]
fn a_dry_run_says_which_levels_share_their_steps_and_how_many_of_them_did() {
    let project = Tiny::finished();
    let more = ["stage", "train", "--dry-run", "--levels", "0,0.1,0.65,0.9"];
    project.pipeline(&more).exits(0).says(&[
        "the levels of a trial share each step until a mini-batch loss lies between them (in 2 stored runs with b > 0,",
        "of the steps are those of b = 0): gaussians-high (2 levels)",
    ]);
    let fresh = Project::new();
    let dry = ["stage", "train", "--dry-run", "--profile", "full", "--only"];
    let sharing = "share each step until a mini-batch loss lies between them (how many that saves shows";
    fresh.pipeline(&[&dry[..], &["setting:spiral-high"]].concat()).exits(0).says(&[sharing, "spiral-high (51 levels)"]);
    let apart = "every level is trained by itself, because the objective floods single examples: iflood-spiral";
    fresh.pipeline(&[&dry[..], &["setting:iflood-spiral"]].concat()).exits(0).says(&[apart]);
}

#[test]
fn an_option_that_the_stage_does_not_use_is_refused_by_name() {
    let project = Project::new();
    for (stage, option, goes_with) in [
        ("render", ["--device", "cpu"], "`stage train`"),
        ("verify", ["--group-size", "4"], "`stage train`"),
        ("generate", ["--checkpoint-every", "5"], "`stage train`"),
        ("aggregate", ["--jobs", "2"], "`stage generate`, `stage train` and `stage verify`"),
        ("fetch", ["--jobs", "2"], "`stage generate`, `stage train` and `stage verify`"),
        ("verify", ["--mirror", "/mirror"], "`stage fetch` and `stage train`"),
    ] {
        let expected = format!("{} goes with {goes_with}", option[0]);
        project.pipeline(&[&["stage", stage], &option[..]].concat()).exits(2).says(&[&expected]);
    }
    project.pipeline(&["stage", "fetch", "--fail-fast"]).exits(2).says(&["--fail-fast goes with `stage train`"]);
    assert!(!project.path("data/runs").exists() && !project.path("reports").exists());
    // A variable is set for a whole shell.
    let output = project.command(&["stage", "verify", "--dry-run"]).env("PIPELINE_MIRROR", "/mirror").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn malformed_toml_is_refused_with_file_and_line() {
    let project = Project::new();
    project.edit("pipeline.toml", "[model.resnet18]", "[model.resnet18");
    project.pipeline(&["run"]).exits(2).says(&["pipeline.toml", "line"]);
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let project = Project::new();
    project.edit("pipeline.toml", "master_seed =", "master_sed = 1\nmaster_seed =");
    project.pipeline(&["status"]).exits(2).says(&["pipeline.toml", "master_sed", "unknown field"]);
}

#[test]
fn a_level_out_of_range_names_its_line_and_the_remedy() {
    let project = Project::new();
    project.edit("pipeline.toml", "levels = [0.0, 0.1]", "levels = [0.0, 11.0]");
    project.pipeline(&["run"]).exits(2).says(&["pipeline.toml:", "profile.smoke.grid.0.levels", "11", "from 0 to 10"]);
}

#[test]
fn a_missing_configuration_says_how_to_name_another() {
    Project::new().pipeline(&["run", "--config", "nowhere.toml"]).exits(2).says(&["nowhere.toml", "--config FILE"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_found_before_any_work() {
    let project = Project::new();
    fs::write(project.path("blocked"), "a file where a folder should be").unwrap();
    project
        .pipeline(&["run", "--profile", "smoke", "--offline", "--reports", "blocked/reports"])
        .exits(1)
        .says(&["blocked/reports", "cannot create"]);
    assert!(!project.path("data/runs").exists());
}

#[test]
fn a_build_without_cuda_says_so_in_a_sentence() {
    if cfg!(feature = "cuda") {
        return;
    }
    Project::new().pipeline(&["run", "--device", "cuda"]).exits(2).says(&["no CUDA support", "--device cpu"]);
    Project::new().pipeline(&["run", "--device", "gpu"]).exits(2).says(&["cpu, cuda, or cuda:N"]);
}

#[test]
fn a_dry_run_says_for_each_setting_what_and_why_and_writes_nothing() {
    let project = Project::new();
    project.pipeline(&["run", "--profile", "smoke", "--offline", "--dry-run"]).exits(0).says(&[
        "train     run  gaussians-high (4 runs): new",
        "train     run  gaussians-high flatness (2 trials): ",
        "train     skip mnist-mlp (2 runs): not available: its dataset `mnist` is missing",
        "generate  run  spiral-high (2 trials): new",
        "would run",
    ]);
    assert!(!project.path("data/runs").exists() && !project.path("reports").exists());
}

#[test]
fn a_dry_run_prints_json_for_programs() {
    let run = Project::new().pipeline(&["run", "--profile", "smoke", "--offline", "--dry-run", "--json"]).exits(0);
    let items: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let trained = items.as_array().unwrap().iter().filter(|item| item["stage"] == "train");
    let trained = trained.filter(|item| item["id"].as_str().unwrap().contains(" b0.")).count();
    assert_eq!(trained, 2 * 2 * 2 + 2);
}

#[test]
fn completions_are_printed_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let run = Project::new().pipeline(&["completions", shell]).exits(0);
        assert!(run.stdout.contains("profile"), "{shell}");
    }
}

#[test]
fn the_tracked_schema_is_the_one_that_the_types_make() {
    let tracked = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pipeline.schema.json");
    let run = Project::new().pipeline(&["schema"]).exits(0);
    assert_eq!(fs::read_to_string(tracked).unwrap(), run.stdout, "run `make schema`");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    use std::process::{Command, Stdio};
    let project = Project::new();
    let mut pipeline = project.command(&["schema"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let reader = Command::new("true").stdin(pipeline.stdout.take().unwrap()).status().unwrap();
    assert!(reader.success());
    assert!(pipeline.wait().unwrap().success());
}

#[test]
fn two_lists_are_compared_with_each_other_and_with_published_summaries() {
    let project = Project::new();
    let lists = ["stats", "compare", "--a", "87.6,88.1,86.9", "--b", "82.4,83.0,80.2"];
    let with = |more: &[&'static str]| lists.iter().copied().chain(more.iter().copied()).collect::<Vec<_>>();
    let paper = ["--paper-a", "87.64,1.60,10", "--paper-b", "82.38,1.80,10", "--margin", "1"];
    project.pipeline(&with(&paper)).exits(0).says(&["5.66667", "3.44016 to 7.89317", "same direction", "published"]);
    let all: serde_json::Value =
        serde_json::from_str(&project.pipeline(&[&with(&paper)[..], &["--json"]].concat()).exits(0).stdout).unwrap();
    let keys = all.as_object().unwrap();
    assert_eq!(keys.len(), 32, "{keys:?}");
    assert!(keys.values().all(|value| !value.is_null()), "{keys:?}");
    // Without the paper the same keys are there, and null.
    let alone: serde_json::Value = serde_json::from_str(&project.pipeline(&with(&["--json"])).exits(0).stdout).unwrap();
    assert!(alone.as_object().unwrap().keys().eq(keys.keys()));
    assert!(alone["p_orig"].is_null() && alone["equivalent_p"].is_null() && alone["n"] == 3);
}

#[test]
fn comparisons_of_what_cannot_be_compared_are_refused_with_a_sentence() {
    let project = Project::new();
    for (arguments, named) in [
        (&["--a", "1,2", "--b", "1"][..], "2 and 1 values"),
        (&["--a", "1", "--b", "1"], "at least 2"),
        (&["--a", "", "--b", "1"], "--a is empty"),
        (&["--a", "1,two", "--b", "1,2"], "`two`"),
        (&["--a", "1,1e999", "--b", "1,2"], "finite"),
        (&["--a", "-1e308,0", "--b", "1e308,0"], "range"),
        (&["--a", "1,2", "--b", "1,3", "--margin", "-1"], "margin"),
        (&["--a", "1,2", "--b", "1,3", "--paper-a", "1,1,3"], "--paper-b"),
        (&["--a", "1,2", "--b", "1,3", "--paper-a", "1,1", "--paper-b", "1,1,3"], "MEAN,STD,N"),
        (&["--a", "1,2", "--b", "1,3", "--paper-a", "1,1,2.5", "--paper-b", "1,1,3"], "N = 2.5"),
        (&["--a", "1,2", "--b", "1,3", "--paper-a", "1,-1,3", "--paper-b", "1,1,3"], "standard deviation -1"),
    ] {
        project.pipeline(&[&["stats", "compare"], arguments].concat()).exits(2).says(&[named]);
    }
}
