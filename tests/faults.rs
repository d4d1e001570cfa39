//! What a user sees when something goes wrong, and that the same command goes on afterwards. `docs/reliability.md` names
//! these tests.

// A skipped test says so.
#![allow(clippy::print_stderr)]
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Run, assert_same, tiny};
use tempfile::TempDir;

/// A tiny project, and the binary over it.
struct Tiny(TempDir);

impl Tiny {
    fn new() -> Self {
        Self(tiny::project())
    }

    /// One whose runs are done.
    fn finished() -> Self {
        let project = Self::new();
        project.run(&[]).exits(0);
        project
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("pipeline.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        fs::write(self.path("pipeline.toml"), text.replacen(from, to, 1)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
        command.current_dir(self.0.path()).args(arguments).env_remove("PIPELINE_MIRROR").stdin(Stdio::null());
        command
    }

    fn pipeline(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().expect("the binary starts"))
    }

    fn run(&self, more: &[&str]) -> Run {
        self.pipeline(&[&tiny::RUN, more].concat())
    }

    /// Everything that must be the same however one got there.
    fn results(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        results_in(self.0.path())
    }

    /// The first file of this name below `folder`.
    fn find(&self, folder: &str, name: &str) -> PathBuf {
        let files = tiny::files(self.0.path()).into_iter();
        let mut matching = files.filter(|path| path.starts_with(folder) && path.ends_with(name));
        self.0.path().join(matching.next().unwrap_or_else(|| panic!("no {name} in {folder}")))
    }
}

fn results_in(project: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_result = |path: &PathBuf| {
        !["provenance.json", "verified.json", ".lock"].iter().any(|name| path.file_name().unwrap() == *name)
    };
    let files = tiny::files(project).into_iter().filter(is_result);
    files.map(|path| (path.clone(), fs::read(project.join(path)).unwrap())).collect()
}

// ---------------------------------------------------------------------------------------------------------------------
// Disks and folders

/// A small disk of its own; `None` (and a word about it) where this user may not mount one.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(options: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        if disk.mount_with(options) {
            return Some(disk);
        }
        eprintln!("skipped: this user may not mount a file system");
        None
    }

    fn mount_with(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.0.path()).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success())
    }

    fn text(&self) -> &str {
        self.0.path().to_str().unwrap()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_with_its_remedy_and_more_space_is_enough_to_go_on() {
    let Some(disk) = SmallDisk::mount("size=100k") else { return };
    let project = Tiny::new();
    let data = format!("{}/data", disk.text());
    project.run(&["--data", &data]).exits(1).says(&["No space left", "free some space and run the same command again"]);
    let whole = |path: &Path| path.extension().is_none_or(|extension| extension != "tmp");
    assert!(tiny::files(disk.0.path()).iter().all(|path| whole(path)), "temporary files are left over");
    assert!(disk.mount_with("remount,size=100m"));
    project.run(&["--data", &data]).exits(0);
    let expected = Tiny::finished().results();
    for (path, bytes) in results_in(disk.0.path()) {
        assert!(bytes == expected[&path], "{} differs", path.display());
    }
}

#[test]
fn a_read_only_disk_is_found_before_any_work() {
    let Some(disk) = SmallDisk::mount("ro") else { return };
    let project = Tiny::new();
    let data = format!("{}/data", disk.text());
    project.run(&["--data", &data]).exits(1).says(&["Read-only file system", "--data DIR"]);
    assert!(!project.path("reports/index.html").exists());
}

#[test]
fn a_folder_without_permission_is_found_before_any_work() {
    let project = Tiny::new();
    fs::create_dir(project.path("data/runs")).unwrap();
    let everywhere = fs::Permissions::from_mode(0o755);
    fs::set_permissions(project.0.path(), everywhere).unwrap();
    fs::set_permissions(project.path("data"), fs::Permissions::from_mode(0o555)).unwrap();
    let run = if File::create(project.path("data/probe")).is_ok() {
        // The superuser may write everywhere; somebody else may not.
        fs::remove_file(project.path("data/probe")).unwrap();
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_pipeline")])
            .args(tiny::RUN)
            .current_dir(project.0.path());
        match command.output() {
            Ok(output) if !String::from_utf8_lossy(&output.stderr).contains("setpriv:") => Run::of(&output),
            _ => {
                eprintln!("skipped: cannot become another user");
                return;
            }
        }
    } else {
        project.run(&[])
    };
    run.exits(1).says(&["Permission denied", "--data DIR"]);
}

#[test]
fn a_link_inside_the_data_folder_is_refused_and_nothing_is_written_behind_it() {
    let project = Tiny::new();
    fs::create_dir(project.path("elsewhere")).unwrap();
    symlink(project.path("elsewhere"), project.path("data/runs")).unwrap();
    project.run(&[]).exits(1).says(&["data/runs", "symbolic link", "elsewhere"]);
    assert_eq!(fs::read_dir(project.path("elsewhere")).unwrap().count(), 0);
    fs::remove_file(project.path("data/runs")).unwrap();
    project.run(&[]).exits(0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Damage

/// One file of every kind that a run leaves.
fn one_of_each_kind(project: &Tiny) -> Vec<PathBuf> {
    let kinds = [
        ("data/raw", "train-images"),
        ("data/synthetic", "t00.json"),
        ("data/synthetic", "t01.safetensors"),
        ("data/runs/tiles/t00", "record.json"),
        ("data/runs/gaussians-high/t01", "history.csv"),
        ("data/runs/gaussians-high/t00", "weights-best.safetensors"),
        ("data/theorem", "checks.json"),
        ("data/tables", "runs.csv"),
        ("data/tables", "accuracy.parquet"),
        ("data/tables", "levels.json"),
        ("reports", "index.html"),
    ];
    kinds.iter().map(|(folder, name)| project.find(folder, name)).collect()
}

fn damage_everything(damage: impl Fn(&Path)) {
    let project = Tiny::finished();
    let before = project.results();
    let damaged = one_of_each_kind(&project);
    for path in &damaged {
        damage(path);
    }
    let verdict = project.pipeline(&["verify-store"]).exits(3);
    for path in &damaged {
        let name = path.strip_prefix(project.0.path()).unwrap().to_str().unwrap();
        // A file that is gone together with what vouched for it cannot be missed by anyone but the plan.
        let missed = verdict.stdout.contains(name) || !path.exists();
        assert!(missed, "{name} is not named\n{}", verdict.stdout);
    }
    project.run(&[]).exits(0);
    assert_same(&before, &project.results());
    project.pipeline(&["verify-store"]).exits(0);
}

#[test]
fn whatever_is_deleted_is_made_again() {
    damage_everything(|path| fs::remove_file(path).unwrap());
}

#[test]
fn whatever_is_truncated_is_found_and_made_again() {
    damage_everything(|path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    });
}

#[test]
fn one_flipped_bit_anywhere_is_found_and_made_again() {
    damage_everything(|path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn whatever_is_replaced_by_nonsense_is_found_and_made_again() {
    damage_everything(|path| fs::write(path, b"\xff\xfe{\"kind\": [[[[").unwrap());
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
    project.run(&[]).exits(0).says(&["1 pieces of work"]);
    assert_same(&before, &project.results());
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

// ---------------------------------------------------------------------------------------------------------------------
// Clocks, locks and signals

#[test]
fn a_clock_that_jumps_makes_nothing_stale_and_nothing_fresh() {
    let project = Tiny::finished();
    let before = project.results();
    let day = Duration::from_secs(86_400);
    let times = [SystemTime::UNIX_EPOCH + day, SystemTime::UNIX_EPOCH + 47_000 * day];
    for (path, time) in tiny::files(project.0.path()).iter().zip(times.into_iter().cycle()) {
        let file = File::options().write(true).open(project.0.path().join(path)).unwrap();
        file.set_times(FileTimes::new().set_modified(time).set_accessed(time)).unwrap();
    }
    project.run(&[]).exits(0).says(&["nothing to do"]);
    assert_same(&before, &project.results());
}

/// A project whose training takes long enough to be disturbed.
fn slow() -> Tiny {
    let project = Tiny::new();
    project.edit("epochs = 3", "epochs = 200000");
    project
}

fn start_training(project: &Tiny) -> Child {
    project.pipeline(&["stage", "generate"]).exits(0);
    let mut child = project
        .command(&["stage", "train", "--jobs", "1", "--only", "gaussians-high"])
        .stdout(Stdio::piped())
        .stderr(File::create(project.path("log")).unwrap())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(project.path("log")).unwrap().contains("train: ") {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "training never started");
        thread::sleep(Duration::from_millis(5));
    }
    child
}

fn interrupted_by(signal: Signal) {
    let project = slow();
    let mut child = start_training(&project);
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let log = fs::read_to_string(project.path("log")).unwrap();
    assert!(log.contains("everything finished is kept") && log.contains("stage train --jobs 1"), "{log}");
    project.pipeline(&["verify-store"]).exits(0);
    project.edit("epochs = 200000", "epochs = 3");
    project.run(&[]).exits(0);
    assert_same(&Tiny::finished().results(), &project.results());
}

#[test]
fn ctrl_c_stops_cleanly_and_the_same_command_goes_on() {
    interrupted_by(Signal::SIGINT);
}

#[test]
fn a_batch_systems_sigterm_stops_cleanly_and_the_same_command_goes_on() {
    interrupted_by(Signal::SIGTERM);
}

#[test]
fn a_lost_terminals_sighup_stops_cleanly_and_the_same_command_goes_on() {
    interrupted_by(Signal::SIGHUP);
}

#[test]
fn a_living_holder_of_the_folder_is_named_and_a_dead_ones_lock_does_not_stick() {
    let project = slow();
    let mut child = start_training(&project);
    let holder = format!("process {}", child.id());
    project.run(&[]).exits(1).says(&["another pipeline works on", &holder]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::read_to_string(project.path("data/.lock")).unwrap().contains(&holder));
    project.edit("epochs = 200000", "epochs = 3");
    project.run(&[]).exits(0);
}

// ---------------------------------------------------------------------------------------------------------------------
// Runs that fail

/// The drawn setting diverges at its first steps; the fetched one does not.
fn diverging() -> Tiny {
    let project = Tiny::new();
    project.edit("mean = 1.0", "mean = 1000000.0");
    project.edit(r#"optimiser = { kind = "adam", lr = 0.001 }"#, r#"optimiser = { kind = "sgd", lr = 1000.0 }"#);
    project
}

#[test]
fn a_diverging_run_is_recorded_with_its_step_and_the_others_go_on() {
    let project = diverging();
    let run = project.run(&[]).exits(3).says(&["gaussians-high t00 b0.00", "failed at step"]);
    assert!(run.stderr.contains("loss"), "{}", run.stderr);
    let record = fs::read_to_string(project.find("data/runs/gaussians-high", "record.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(record["body"]["status"]["status"], "failed", "{record}");
    assert!(record["body"]["status"]["step"].as_u64().unwrap() >= 1);
    assert!(record["body"]["status"]["last_finite_loss"].is_number() || record["body"]["status"]["step"] == 1);
    let other = fs::read_to_string(project.find("data/runs/tiles", "record.json")).unwrap();
    assert!(other.contains(r#""status":"complete""#), "{other}");
    let report = fs::read_to_string(project.path("reports/index.html")).unwrap();
    assert!(report.contains("failed: the "), "the report hides the failure");
}

#[test]
fn fail_fast_stops_at_the_first_run_that_fails() {
    let project = diverging();
    let run = project.run(&["--fail-fast", "--only", "gaussians-high"]).exits(3);
    assert!(run.stderr.contains("stopped by --fail-fast during train"), "{}", run.stderr);
    let records = tiny::files(project.0.path()).into_iter().filter(|path| path.ends_with("record.json")).count();
    assert_eq!(records, 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Abuse

#[test]
fn a_name_that_leads_out_of_the_project_is_refused_before_any_work() {
    for (from, to) in [
        ("[setting.tiles]", r#"[setting."../../x"]"#),
        ("[setting.tiles]", r#"[setting."a/b"]"#),
        ("[setting.tiles]", r#"[setting.".hidden"]"#),
        ("[setting.tiles]", r#"[setting."-rf"]"#),
    ] {
        let project = Tiny::new();
        project.edit(from, to);
        project.run(&[]).exits(2).says(&["pipeline.toml:", "folder"]);
        assert!(!project.path("data/runs").exists());
    }
    let project = Tiny::new();
    let manifest = project.path("data/datasets.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replacen("name = \"train-images\"", "name = \"../../../train-images\"", 1)).unwrap();
    project.run(&[]).exits(2).says(&["datasets.toml", "train-images"]);
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
fn absurd_sizes_are_refused_before_any_work() {
    for (from, to, key) in [
        ("hidden = [8]", "hidden = [4294967295]", "hidden"),
        ("hidden = [8]", "hidden = [99999999999999]", "99999999999999"),
        ("epochs = 3", "epochs = 4294967295", "epochs"),
        ("trials = 2", "trials = 4294967295", "trials"),
        ("train = 20", "train = 4294967295", "train"),
        ("levels = [0.0, 0.1]", "levels = { from = 0.0, to = 10.0, step = 0.000000001 }", "levels"),
        ("sample_sizes = [1, 10]", "sample_sizes = [0]", "sample_sizes"),
    ] {
        let project = Tiny::new();
        project.edit(from, to);
        project.run(&["--dry-run"]).exits(2).says(&["pipeline.toml", key]);
    }
}
