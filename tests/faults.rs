//! What a user sees when something goes wrong, and that the same command resumes afterwards. `docs/reliability.md` names
//! these tests.

// A skipped test says so.
#![allow(clippy::print_stderr)]
#![cfg(unix)]

mod support;

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::cli::{Tiny, results_in};
use support::{Run, assert_same, tiny};
use tempfile::TempDir;

// ---------------------------------------------------------------------------------------------------------------------
// Disks and folders

/// A separate small disk; `None` (and a word about it) where this user may not mount one.
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
fn a_full_disk_is_reported_with_its_remedy_and_more_space_is_enough_to_resume() {
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

fn interrupted_by(signal: Signal, code: i32) {
    let project = slow();
    let mut child = start_training(&project);
    kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(code));
    let log = fs::read_to_string(project.path("log")).unwrap();
    assert!(log.contains("everything finished is kept") && log.contains("stage train --jobs 1"), "{log}");
    let said = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    assert!(said.starts_with("stopped before a task was finished"), "{said}");
    project.pipeline(&["verify-store"]).exits(0);
    project.edit("epochs = 200000", "epochs = 3");
    project.run(&[]).exits(0);
    // The interrupted training, which no plan asks for any more, has left its checkpoints.
    let mut results = project.results();
    results.retain(|path, _| !path.ends_with("checkpoint.safetensors"));
    assert_same(&Tiny::finished().results(), &results);
}

#[test]
fn ctrl_c_stops_cleanly_and_the_same_command_resumes() {
    interrupted_by(Signal::SIGINT, 130);
}

#[test]
fn a_batch_systems_signals_stop_cleanly_and_ask_for_the_same_command_again() {
    interrupted_by(Signal::SIGTERM, 75);
    interrupted_by(Signal::SIGUSR1, 75);
}

#[test]
fn a_lost_terminals_sighup_stops_cleanly_and_the_same_command_resumes() {
    interrupted_by(Signal::SIGHUP, 130);
}

#[test]
fn a_repair_waits_for_nobody_and_names_who_works_there_and_a_dead_ones_lock_does_not_stick() {
    let project = slow();
    let mut child = start_training(&project);
    let holder = format!("process {}", child.id());
    project.pipeline(&["verify-store", "--repair"]).exits(1).says(&["another pipeline works on", &holder]);
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
    // Both levels shared the path that failed.
    assert_eq!(records, 2);
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory

/// The tiny project with a second setting, whose network no machine holds.
fn with_an_absurd_network() -> Tiny {
    let project = Tiny::new();
    project.edit("[reading.paper]", "[model.absurd]\nkind = \"mlp\"\nhidden = [40000, 40000]\n\n[reading.paper]");
    project.edit(
        "[setting.tiles]",
        "[setting.absurd]\nprotocol = \"fetched\"\ntable = \"table3\"\nrow = [\"Tiles\", \"Absurd\"]\n\
         dataset = \"tiles\"\nmodel = \"absurd\"\n\n[setting.tiles]",
    );
    project
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_that_needs_more_memory_than_there_is_fails_with_its_cause_and_the_others_go_on() {
    let project = with_an_absurd_network();
    let limited = |more: &[&str]| {
        let program = [env!("CARGO_BIN_EXE_pipeline")].into_iter().chain(tiny::RUN).chain(more.iter().copied());
        let mut shell = Command::new("sh");
        shell.current_dir(project.0.path()).env_remove("PIPELINE_MIRROR").stdin(Stdio::null());
        shell.args(["-c", "ulimit -v 2000000; exec \"$@\"", "sh"]).args(program);
        Run::of(&shell.output().expect("a shell starts"))
    };
    let words = ["absurd t00 b0", "out of memory: it needs about", "is available; lower batch_size"];
    limited(&[]).exits(3).says(&words);
    let report = fs::read_to_string(project.path("reports/index.html")).unwrap();
    assert!(report.contains("absurd") && report.contains("out of memory"), "the report names what is missing");
    for setting in ["gaussians-high", "tiles"] {
        assert!(project.find(&format!("data/runs/{setting}"), "record.json").exists(), "{setting}");
    }
    // What failed is tried again by the same command, and only that.
    limited(&["--dry-run"]).exits(0).says(&["run  absurd (4 runs): failed before: out of memory"]);
    limited(&[]).exits(3).says(&words);
}
