//! Configurations and folders that nobody means well with: refused before any work, with the file, the key, the value and
//! the remedy; no panic, no endless wait, and nothing written outside the project's folders. `docs/reliability.md`
//! names these tests.

#![cfg(unix)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::cli::Tiny;
use support::{assert_same, tiny};

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

// ---------------------------------------------------------------------------------------------------------------------
// Names and text

#[test]
fn a_name_that_leads_out_of_the_project_is_refused_before_any_work() {
    let names = [
        "../../x", "a/b", "/etc/x", ".hidden", "-rf", "", "a b", "a:b", "a\\\\b", "NUL.txt", "\\u202ex", "\\n",
        "\\u0000",
    ];
    let long = "x".repeat(65);
    for name in names.into_iter().chain([&*long]) {
        for (block, key) in [("[setting.tiles]", "setting"), ("[model.tiny]", "model"), ("[profile.quick]", "profile")]
        {
            let project = Tiny::new();
            project.edit(block, &format!("[{key}.\"{name}\"]"));
            if key == "profile" {
                project.edit("[[profile.quick.grid]]", &format!("[[profile.\"{name}\".grid]]"));
            }
            project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml:", "folder", "letters, digits"]);
        }
    }
    let project = Tiny::new();
    let manifest = project.path("data/datasets.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    for name in ["../../../train-images", "/train-images", "a/train-images", ".train-images", "\\u0000train-images"] {
        fs::write(&manifest, text.replacen("name = \"train-images\"", &format!("name = \"{name}\""), 1)).unwrap();
        project.run(&[]).exits(2).says(&["datasets.toml:", "train-images", "plain file name"]);
    }
    assert!(!project.path("data/runs").exists());
}

#[test]
fn two_settings_whose_folders_are_one_on_some_disks_are_refused() {
    let project = Tiny::new();
    let other = "[setting.TILES]\nprotocol = \"fetched\"\nrow = [\"a\", \"b\"]\ndataset = \"tiles\"\nmodel = \"tiny\"\n\n[setting.tiles]";
    project.edit("[setting.tiles]", other);
    project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml:", "same folder", "rename one of them"]);
}

#[test]
fn html_and_latex_in_names_come_out_as_text() {
    let project = Tiny::new();
    project.edit(
        r#"row = ["Tiles", "MLP"]"#,
        r#"row = ["<script>alert(1)</script>", '\input{/etc/passwd} & 50% of $x_1$ #2 ~ ^']"#,
    );
    project.edit(r#"summary = "Everything"#, r#"summary = "<img src=x onerror=alert(2)> Everything"#);
    project.run(&[]).exits(0);
    for path in tiny::files(project.0.path()) {
        let text = fs::read(project.0.path().join(&path)).unwrap();
        let text = String::from_utf8_lossy(&text);
        let has = |word: &str| text.contains(word);
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("html" | "svg") => assert!(!has("<script>alert(1)") && !has("<img src=x"), "{}", path.display()),
            Some("tex") => assert!(!has(r"\input{/etc"), "{}", path.display()),
            _ => {}
        }
    }
}

#[test]
fn text_that_would_break_a_page_or_turn_its_lines_is_refused() {
    for text in ["a\\u0000b", "a\\nb", "\\u001b[31mred", "\\u202egnirts", "\\u2066x", &"x".repeat(1001)] {
        for (from, to) in [
            (r#"row = ["Tiles", "MLP"]"#, format!(r#"row = ["Tiles", "{text}"]"#)),
            (r#"summary = "Tiny.""#, format!(r#"summary = "{text}""#)),
        ] {
            let project = Tiny::new();
            project.edit(from, &to);
            let run = project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml:", "characters"]);
            let moves = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!run.stderr.contains(moves), "the message itself holds it: {:?}", run.stderr);
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Numbers and sizes

#[test]
fn absurd_sizes_are_refused_before_any_work() {
    let part = "settings = [\"*\"]";
    for (from, to, key) in [
        ("hidden = [8]", "hidden = [4294967295]", "hidden"),
        ("hidden = [8]", "hidden = [100000, 100000]", "hidden"),
        ("hidden = [8]", "hidden = [99999999999999]", "99999999999999"),
        ("dimension = 10", "dimension = 4294967295", "distribution"),
        ("epochs = 3", "epochs = 4294967295", "epochs"),
        ("trials = 2", "trials = 4294967295", "trials"),
        ("train = 20", "train = 4294967295", "train"),
        ("batch_size = 5", "batch_size = 4294967295", "batch_size"),
        (part, "settings = [\"*\"]\ntrials = 1000000000", "trials"),
        (part, "settings = [\"*\"]\nepochs = 4294967295", "epochs"),
        (part, "settings = [\"*\"]\ntest_size = 4294967295", "test_size"),
        ("levels = [0.0, 0.65]", "levels = { from = 0.0, to = 10.0, step = 1e-12 }", "levels"),
        ("levels = [0.0, 0.65]", "levels = [nan]", "levels"),
        ("levels = [0.0, 0.65]", "levels = [inf]", "levels"),
        ("levels = [0.0, 0.65]", "levels = [-0.1]", "levels"),
        ("levels = [0.0, 0.65]", "levels = []", "levels"),
        ("sample_sizes = [1, 10]", "sample_sizes = [0]", "sample_sizes"),
        ("sample_sizes = [1, 10]", "sample_sizes = [4294967295]", "sample_sizes"),
        ("repetitions = 100", "repetitions = 9223372036854775807", "repetitions"),
        ("mean = 1.0", "mean = nan", "distribution"),
        ("mean = 1.0", "mean = 1e300", "distribution"),
        ("lr = 0.001", "lr = inf", "optimiser"),
        ("label_noise = 0.1", "label_noise = nan", "label_noise"),
        ("validation_fraction = 0.2", "validation_fraction = 1.0", "validation_fraction"),
        ("theta = 0.5", "theta = -1.0", "theta"),
        ("master_seed = 7", "master_seed = -7", "master_seed"),
        ("trials = 2", "trials = -2", "trials"),
        ("trials = 2", "trials = 2.5", "trials"),
    ] {
        let project = Tiny::new();
        project.edit(from, to);
        let run = project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml", key]);
        assert!(run.stderr.len() < 2000, "{to}: {}", run.stderr);
    }
}

#[test]
fn a_plan_of_absurdly_many_runs_is_refused_before_they_are_listed() {
    let project = Tiny::new();
    project.edit("trials = 2", "trials = 10000");
    project.edit("levels = [0.0, 0.65]", "levels = { from = 0.0, to = 10.0, step = 0.001 }");
    project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml:", "100010004 runs", "fewer trials"]);
}

#[test]
fn absurd_sizes_on_the_command_line_are_refused_with_their_limit() {
    let project = Tiny::new();
    for (option, value) in [("--trials", "4294967295"), ("--epochs", "4294967295"), ("--test-size", "4294967295")] {
        project.run(&["--dry-run", option, value]).exits(2).says(&[option, value, "use at most"]);
    }
    project.run(&["--dry-run", "--levels", "nan"]).exits(2).says(&["--levels", "NaN"]);
}

#[test]
fn toml_without_bottom_is_refused_in_a_few_lines() {
    let project = Tiny::new();
    let deep = [
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
    ];
    for text in deep {
        for file in ["pipeline.toml", "data/datasets.toml"] {
            let project = Tiny::new();
            fs::write(project.path(file), &text).unwrap();
            let run = project.run(&[]).exits(2).says(&[file]);
            assert!(run.stderr.len() < 2000, "{} bytes of message", run.stderr.len());
        }
    }
    project.run(&["--dry-run"]).exits(0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Things that are not files

#[test]
fn what_is_not_a_readable_file_is_refused_as_a_configuration_and_never_waited_for() {
    let project = Tiny::new();
    pipe(&project.path("pipe"));
    symlink("nowhere", project.path("dangling")).unwrap();
    fs::write(project.path("binary"), b"\xff\xfe\x00").unwrap();
    File::create(project.path("huge")).unwrap().set_len(1 << 40).unwrap();
    for (config, words) in [
        ("pipe", "a pipe or a device"),
        ("/dev/zero", "a pipe or a device"),
        ("data", "a folder"),
        ("dangling", "No such file"),
        ("binary", "UTF-8"),
        ("huge", "more than"),
    ] {
        project.run(&["--config", config]).exits(2).says(&[config, words, "--config FILE"]);
    }
    fs::remove_file(project.path("data/datasets.toml")).unwrap();
    pipe(&project.path("data/datasets.toml"));
    project.run(&[]).exits(2).says(&["datasets.toml", "a pipe or a device"]);
}

#[test]
fn a_users_own_data_that_are_not_files_are_missing_results_of_what_needs_them_and_never_waited_for() {
    let project = Tiny::new();
    pipe(&project.path("pipe"));
    for path in ["pipe", "/dev/zero", "data", "nowhere", "../../../../../etc"] {
        let own = format!(
            "[setting.own]\nprotocol = \"fetched\"\nrow = [\"Own\", \"MLP\"]\ndataset = \"own\"\nmodel = \"tiny\"\n\n\
             [dataset.own]\nformat = \"idx\"\ntrain_images = \"{path}\"\ntrain_labels = \"{path}\"\n\
             test_images = \"{path}\"\ntest_labels = \"{path}\"\n\n[theorem]"
        );
        project.edit("[theorem]", &own);
        let words = ["[dataset.own]", "train_images", path, "check the path"];
        project.pipeline(&["data", "check", "own"]).exits(1).says(&words);
        project.run(&["--dry-run"]).exits(0).says(&words);
        project.run(&["--only", "own"]).exits(3).says(&words);
        project.run(&["--only", "gaussians-high"]).exits(0);
        project.pipeline(&["data", "card", "tiles"]).exits(0);
        project.edit(&own, "[theorem]");
    }
}

#[test]
fn pipes_in_the_data_folder_are_never_waited_for() {
    let project = Tiny::finished();
    let before = project.results();
    pipe(&project.path("data/runs/.record.json.1-0.tmp"));
    project.run(&[]).exits(0).says(&["nothing to do"]);
    fs::remove_file(project.path("data/runs/.record.json.1-0.tmp")).unwrap();
    for (folder, name) in [
        ("data/runs/tiles/t00", "record.json"),
        ("data/runs/gaussians-high/t00", "history.csv"),
        ("data/synthetic", "t00.safetensors"),
        ("data/tables", "runs.csv"),
        ("reports", "index.html"),
    ] {
        let path = project.find(folder, name);
        fs::remove_file(&path).unwrap();
        pipe(&path);
        project.pipeline(&["verify-store"]).exits(3).says(&[name, "not a file"]);
        project.run(&[]).exits(1).says(&[name, "it is not a file", "remove it and run the same command again"]);
        fs::remove_file(&path).unwrap();
        project.run(&[]).exits(0);
    }
    assert_same(&before, &project.results());
}

// ---------------------------------------------------------------------------------------------------------------------
// Links

#[test]
fn a_link_inside_the_data_folder_is_refused_and_nothing_is_written_behind_it() {
    for folder in ["data/raw", "data/synthetic", "data/runs", "data/theorem", "data/tables", "reports/figures"] {
        let project = Tiny::new();
        fs::create_dir(project.path("elsewhere")).unwrap();
        fs::create_dir_all(project.path("reports")).unwrap();
        symlink(project.path("elsewhere"), project.path(folder)).unwrap();
        project.run(&[]).exits(1).says(&[folder, "symbolic link", "elsewhere", "remove the link"]);
        assert_eq!(fs::read_dir(project.path("elsewhere")).unwrap().count(), 0);
        fs::remove_file(project.path(folder)).unwrap();
        project.run(&[]).exits(0);
    }
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_stays_as_it_is() {
    let project = Tiny::finished();
    let before = project.results();
    let precious = project.path("precious");
    fs::write(&precious, "precious").unwrap();
    let places = [
        ("data/runs/tiles/t00", "record.json"),
        ("data/runs/gaussians-high/t00", "history.csv"),
        ("data/synthetic", "t01.safetensors"),
        ("data/raw", "train-labels"),
        ("data/tables", "manifest.json"),
        ("reports", "index.html"),
    ];
    for target in [precious.as_path(), Path::new("nowhere")] {
        for (folder, name) in places {
            let path = project.find(folder, name);
            fs::remove_file(&path).unwrap();
            symlink(target, &path).unwrap();
        }
        project.run(&[]).exits(0);
        assert_same(&before, &project.results());
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    }
    assert!(!project.path("nowhere").exists());
}

#[test]
fn a_link_that_leads_round_in_circles_is_named_and_not_followed() {
    let project = Tiny::finished();
    for name in ["data/runs/round", "data/runs/about"] {
        symlink(project.path("data"), project.path(name)).unwrap();
    }
    project.pipeline(&["verify-store"]).exits(3).says(&["data/runs/round", "data/runs/about", "a symbolic link"]);
    project.run(&[]).exits(0).says(&["nothing to do"]);
}
