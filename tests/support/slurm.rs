//! A Slurm of this machine alone, started by `scripts/one-machine-slurm.sh`, and what a test asks of it.
//!
//! Every wait looks at a state until a generous deadline, so that a loaded machine makes a test slow and not wrong.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::{Project, Run};

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(240);

/// A script of this project.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name)
}

/// Says that a test is skipped, or fails where it must not be.
pub fn missing(what: &str) {
    assert!(std::env::var_os("PIPELINE_REQUIRE_CLUSTERS").is_none(), "missing: {what}");
    eprintln!("skipped: {what} is missing");
}

/// Waits until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The process that trains this task, by its claim.
pub fn trainer(project: &Project, task: &str) -> Option<Pid> {
    let text = fs::read_to_string(project.path(&format!("data/claims/{task}"))).ok()?;
    text.strip_prefix("process ")?.split(' ').next()?.parse().ok().map(Pid::from_raw)
}

/// Sends `signal` to the first process that trains this task, when it has worked on it for a tenth of a second of
/// processor time: on a fast machine and on a loaded one, that is in the middle of the training.
#[track_caller]
pub fn in_its_middle(project: &Project, task: &str, signal: Signal) -> Pid {
    let deadline = Instant::now() + PATIENCE;
    let mut begun = None;
    loop {
        if let Some(pid) = trainer(project, task) {
            let now = ticks(pid).unwrap_or_else(|| panic!("{task} was over before it could be disturbed"));
            if now >= *begun.get_or_insert(now) + 10 {
                kill(pid, signal).unwrap_or_else(|error| panic!("{task} was over before it was disturbed: {error}"));
                return pid;
            }
        } else {
            assert!(begun.is_none(), "{task} was over before it could be disturbed");
        }
        assert!(Instant::now() < deadline, "nobody ever trained {task}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Processor time that a process has used, in ticks of 10 ms.
fn ticks(pid: Pid) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(2);
    Some(fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum())
}

/// Is this process held by a signal? Slurm wakes it with the next signal that it sends.
pub fn is_held(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.strip_prefix("State:").is_some_and(|state| state.trim().starts_with('T')))
}

/// Each has the machine to itself.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The daemons, which end with this, with a failed test, and with a killed one.
pub struct Slurm {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Slurm {
    /// Starts the daemons on their own ports; `None` (and a word about it) where that is not asked for or cannot be.
    pub fn start() -> Option<Self> {
        if std::env::var_os("PIPELINE_TEST_SLURM").is_none() {
            eprintln!("skipped: PIPELINE_TEST_SLURM is not set; it asks for a one-machine Slurm");
            return None;
        }
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        // Both are held until both are known, so that they differ.
        let free = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
        let ports = free.map(|port| port.local_addr().unwrap().port());
        let started = Command::new(script("one-machine-slurm.sh"))
            .arg("start")
            .arg(folder.path())
            .env("SLURM_PORTS", format!("{} {}", ports[0], ports[1]))
            .env("SLURM_OWNER", std::process::id().to_string())
            .output();
        let problem = match started {
            Ok(output) if output.status.success() => return Some(Self { folder, _alone: alone }),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        missing(&format!("a one-machine Slurm ({problem})"));
        None
    }

    fn conf(&self) -> PathBuf {
        self.folder.path().join("slurm.conf")
    }

    /// The pipeline, which finds this Slurm.
    pub fn pipeline(&self, project: &Project, arguments: &[&str]) -> Run {
        Run::of(&project.command(arguments).env("SLURM_CONF", self.conf()).output().unwrap())
    }

    /// A Slurm command's output; `None` where it failed or took too long, as all of them may on a loaded machine.
    fn ask(&self, program: &str, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("timeout");
        command.args(["30", program]).args(arguments).env("SLURM_CONF", self.conf());
        let output = command.output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Has Slurm do something.
    pub fn tell(&self, program: &str, arguments: &[&str]) {
        wait_until(&format!("{program} {arguments:?}"), || self.ask(program, arguments).is_some());
    }

    /// The state of a job or of an element of an array, as far as Slurm answers.
    fn state(&self, job: &str) -> Option<String> {
        let arguments = ["--noheader", "--array", "--states=all", "--format=%i %T", "--jobs", job];
        let text = self.ask("squeue", &arguments)?;
        let mut lines = text.lines().filter_map(|line| line.trim().split_once(' '));
        lines.find(|(id, _)| *id == job).map(|(_, state)| state.to_owned())
    }

    /// Waits until the job is in this state.
    #[track_caller]
    pub fn wait_for(&self, job: &str, state: &str) {
        let mut last = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            last = self.state(job).or(last);
            if last.as_deref() == Some(state) {
                return;
            }
            let all = || self.ask("squeue", &["--array", "--states=all"]).unwrap_or_default();
            assert!(Instant::now() < deadline, "{job} is {last:?} and never {state}:\n{}", all());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        let _ = Command::new(script("one-machine-slurm.sh")).arg("stop").arg(self.folder.path()).status();
    }
}
