//! A process that runs the whole program over a watched store, writes down what its store does, and dies where it is
//! told to. It is the test binary itself, started again.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flooding_core::digest::Digest;
use flooding_core::store::operation::{self, Operation, OperationKind, Phase};

/// The program's arguments, separated by spaces.
const ARGUMENTS: &str = "WATCHED_ARGUMENTS";
/// Where it dies: `NUMBER:VARIANT:STORE`, such as `17:Torn:sound`; see [`Fault`].
const FAULT: &str = "WATCHED_FAULT";
/// A file to which it writes what its store does, a line a phase of an operation.
const JOURNAL: &str = "WATCHED_JOURNAL";

/// Where and how the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which operation of the store, counted from 1.
    pub number: u64,
    /// How far it is.
    pub variant: Variant,
    /// Put files under their final names before they are written: the harness must find that out.
    pub broken_store: bool,
}

/// How far the operation is when the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Nothing is done.
    Before,
    /// The temporary file is there and empty.
    Begun,
    /// The temporary file is half there.
    Torn,
    /// The temporary file is whole.
    Unrenamed,
    /// All is done.
    After,
}

impl Variant {
    pub const ALL: [Self; 5] = [Self::Before, Self::Begun, Self::Torn, Self::Unrenamed, Self::After];

    const fn phase(self) -> Phase {
        match self {
            Self::Before => Phase::Before,
            Self::Begun => Phase::Begun,
            Self::Torn | Self::Unrenamed => Phase::Written,
            Self::After => Phase::After,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = if self.broken_store { "broken" } else { "sound" };
        write!(f, "{}:{:?}:{store}", self.number, self.variant)
    }
}

impl Fault {
    fn parse(text: &str) -> Self {
        let form = "NUMBER:Before|Begun|Torn|Unrenamed|After:sound|broken";
        let mut parts = text.split(':');
        let number = parts.next().and_then(|number| number.parse().ok()).expect(form);
        let name = parts.next().expect(form);
        let variant = Variant::ALL.into_iter().find(|variant| format!("{variant:?}") == name).expect(form);
        Self { number, variant, broken_store: parts.next() == Some("broken") }
    }
}

/// Something that the store did, as the journal has it.
#[derive(Clone, Debug)]
pub struct Event {
    pub number: u64,
    pub kind: OperationKind,
    pub phase: Phase,
    /// Relative to the project.
    pub path: PathBuf,
    /// Of the whole file, after it got its final name.
    pub digest: Option<Digest>,
}

/// The program over one project.
pub struct Watched<'a> {
    project: &'a Path,
}

impl<'a> Watched<'a> {
    pub fn of(project: &'a Path) -> Self {
        Self { project }
    }

    /// Runs to the end.
    pub fn run(&self, arguments: &[&str]) -> ExitStatus {
        self.start(arguments, None, None)
    }

    /// Runs until it dies.
    pub fn run_with_fault(&self, arguments: &[&str], fault: Fault) -> ExitStatus {
        self.start(arguments, Some(fault), None)
    }

    /// Runs to the end and tells what the store did.
    pub fn run_with_journal(&self, arguments: &[&str]) -> (ExitStatus, Vec<Event>) {
        let journal = self.project.join("journal");
        let status = self.start(arguments, None, Some(&journal));
        let text = fs::read_to_string(&journal).expect("a journal was written");
        (status, text.lines().map(parse_event).collect())
    }

    /// What the last process said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.project.join("log")).unwrap_or_default()
    }

    /// Runs until it ends by itself, or for so long.
    pub fn run_and_kill(&self, arguments: &[&str], delay: Duration) -> ExitStatus {
        let mut child = self.command(arguments).spawn().expect("the test binary starts again");
        let deadline = Instant::now() + delay;
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                child.kill().unwrap();
                return child.wait().unwrap();
            }
            std::thread::sleep(left.min(Duration::from_millis(10)));
        }
    }

    fn start(&self, arguments: &[&str], fault: Option<Fault>, journal: Option<&Path>) -> ExitStatus {
        let mut command = self.command(arguments);
        if let Some(fault) = fault {
            command.env(FAULT, fault.to_string());
        }
        if let Some(journal) = journal {
            command.env(JOURNAL, journal);
        }
        command.status().expect("the test binary starts again")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let log = fs::File::create(self.project.join("log")).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "the_watched_program", "--nocapture"])
            .current_dir(self.project)
            .env_remove("PIPELINE_MIRROR")
            .env(ARGUMENTS, arguments.join(" "))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        command
    }
}

fn parse_event(line: &str) -> Event {
    let fields: Vec<&str> = line.split('\t').collect();
    let kinds = [
        OperationKind::Write,
        OperationKind::Append,
        OperationKind::Publish,
        OperationKind::Remove,
        OperationKind::Lock,
    ];
    let phases = [Phase::Before, Phase::Begun, Phase::Written, Phase::After];
    Event {
        number: fields[0].parse().unwrap(),
        kind: kinds.into_iter().find(|kind| format!("{kind:?}") == fields[1]).unwrap(),
        phase: phases.into_iter().find(|phase| format!("{phase:?}") == fields[2]).unwrap(),
        path: PathBuf::from(fields[3]),
        digest: (!fields[4].is_empty()).then(|| Digest::try_from(fields[4].to_owned()).unwrap()),
    }
}

/// In the process that was started for it: runs the program and ends. In the test process: returns.
pub fn run_if_asked() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let fault = std::env::var(FAULT).ok().map(|text| Fault::parse(&text));
    let journal = std::env::var_os(JOURNAL)
        .map(|path| Mutex::new(OpenOptions::new().create(true).append(true).open(path).expect("a journal")));
    let watching = operation::observe(move |operation| {
        if let Some(journal) = &journal {
            note(operation, &mut journal.lock().unwrap());
        }
        if let Some(fault) = fault {
            disturb(operation, fault);
        }
    });
    assert!(watching, "one process, one observer");
    let arguments = std::iter::once("pipeline").chain(arguments.split_whitespace()).map(Into::into);
    let code = flooding_pipeline::run(arguments.collect::<Vec<_>>());
    std::process::exit(code.into());
}

fn note(operation: &Operation<'_>, journal: &mut fs::File) {
    let Operation { number, kind, phase, path, .. } = *operation;
    let publishes = matches!(kind, OperationKind::Write | OperationKind::Publish) && phase == Phase::After;
    let digest = if publishes { Digest::of(&fs::read(path).unwrap()).to_string() } else { String::new() };
    writeln!(journal, "{number}\t{kind:?}\t{phase:?}\t{}\t{digest}", path.display()).unwrap();
}

fn disturb(operation: &Operation<'_>, fault: Fault) {
    let Operation { number, kind, phase, path, temporary } = *operation;
    let hit = number == fault.number && phase == fault.variant.phase();
    let breaks = fault.broken_store && kind == OperationKind::Write && !path.ends_with("writable");
    if let (true, Phase::Begun, Some(temporary)) = (breaks, phase, temporary) {
        fs::rename(temporary, path).unwrap();
    }
    if hit {
        let written = if breaks { Some(path) } else { temporary };
        if let (Variant::Torn, Some(written)) = (fault.variant, written) {
            let file = OpenOptions::new().write(true).open(written).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
        }
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    // The rest of the operation expects to find its temporary file.
    if let (true, Phase::Written, Some(temporary)) = (breaks, phase, temporary) {
        fs::rename(path, temporary).unwrap();
    }
}
