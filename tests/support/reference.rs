//! What an uninterrupted run does and leaves, and whether a killed one loses anything against it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flooding_core::digest::Digest;
use flooding_core::store::Store;
use flooding_core::store::operation::Phase;

use super::tiny;
use super::watched::{Event, Fault, Variant, Watched};

/// Documents that hold times: they are whole or not, but never the same twice.
const OF_THE_MOMENT: [&str; 2] = ["provenance.json", "verified.json"];

/// An uninterrupted run.
pub struct Reference {
    make: fn(&Path),
    arguments: Vec<&'static str>,
    /// Everything that its store did.
    pub events: Vec<Event>,
    /// Digests of all whole versions of each file, by path: some are written more than once.
    versions: BTreeMap<PathBuf, BTreeSet<Digest>>,
    results: BTreeMap<PathBuf, Digest>,
    code: i32,
}

/// What was done with the kill points of one variant.
#[derive(Default)]
pub struct Tally {
    /// Died by signal 9 where they were told to.
    pub kills: AtomicUsize,
    /// Died by signal 9 again while they recovered.
    pub kills_in_recovery: AtomicUsize,
    /// Runs that went on to the end and left what the uninterrupted one left.
    pub recoveries: AtomicUsize,
}

impl Reference {
    /// Of the project that `make` makes, under these arguments, which end with this exit code.
    pub fn of(make: fn(&Path), arguments: &[&'static str], code: i32) -> Self {
        let project = tempfile::tempdir().unwrap();
        make(project.path());
        let watched = Watched::of(project.path());
        let (status, events) = watched.run_with_journal(arguments);
        assert_eq!(status.code(), Some(code), "{}", watched.log());
        let mut versions: BTreeMap<PathBuf, BTreeSet<Digest>> = BTreeMap::new();
        for event in &events {
            if let Some(digest) = &event.digest {
                versions.entry(event.path.clone()).or_default().insert(digest.clone());
            }
        }
        let results = results(project.path());
        assert!(results.contains_key(Path::new("reports/index.html")), "{results:?}");
        Self { make, arguments: arguments.to_vec(), events, versions, results, code }
    }

    /// Every operation in every variant that it has.
    pub fn kill_points(&self) -> Vec<Fault> {
        let variants = |event: &Event| match event.phase {
            Phase::Before => vec![Variant::Before],
            Phase::Begun => vec![Variant::Begun],
            Phase::Written => vec![Variant::Torn, Variant::Unrenamed],
            Phase::After => vec![Variant::After],
        };
        let fault = |event: &Event, variant| Fault { number: event.number, variant, broken_store: false };
        self.events.iter().flat_map(|event| variants(event).into_iter().map(move |v| fault(event, v))).collect()
    }

    /// Checks many kill points on all cores; the tallies are those of [`Variant::ALL`].
    pub fn check_all(&self, points: &[Fault]) -> Result<[Tally; Variant::ALL.len()], String> {
        let tallies: [Tally; Variant::ALL.len()] = Default::default();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..cores() {
                scope.spawn(|| {
                    while let Some(&fault) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let variant = Variant::ALL.iter().position(|variant| *variant == fault.variant).unwrap();
                        if let Err(problem) = self.check_twice(fault, &tallies[variant]) {
                            found.lock().unwrap().push(format!("{fault}: {problem}"));
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap();
        if found.is_empty() { Ok(tallies) } else { Err(found.join("\n")) }
    }

    /// Killed once; whole; continued; the same.
    pub fn check(&self, fault: Fault) -> Result<(), String> {
        self.check_kills(&[fault], &Tally::default())
    }

    /// As [`check`](Self::check), and killed again while it recovers, a few operations after it began.
    fn check_twice(&self, fault: Fault, tally: &Tally) -> Result<(), String> {
        let variants = [Variant::Before, Variant::Torn, Variant::After];
        let again = Fault {
            number: 1 + fault.number.wrapping_mul(7) % 23,
            variant: variants[fault.number as usize % variants.len()],
            broken_store: false,
        };
        self.check_kills(&[fault, again], tally)
    }

    fn check_kills(&self, faults: &[Fault], tally: &Tally) -> Result<(), String> {
        let project = self.new_project();
        let watched = Watched::of(project.path());
        for (attempt, &fault) in faults.iter().enumerate() {
            let status = watched.run_with_fault(&self.arguments, fault);
            let killed = status.signal() == Some(9);
            // A recovery may have nothing left to do at that operation; the first run always has.
            if !killed && (attempt == 0 || status.code() != Some(self.code)) {
                return Err(format!("ended with {status} instead of signal 9\n{}", watched.log()));
            }
            let counter = if attempt == 0 { &tally.kills } else { &tally.kills_in_recovery };
            counter.fetch_add(usize::from(killed), Ordering::Relaxed);
            self.all_whole(project.path())?;
        }
        let status = watched.run(&self.arguments);
        self.finished(project.path(), status)?;
        tally.recoveries.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// A new project, before any run.
    pub fn new_project(&self) -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        (self.make)(project.path());
        project
    }

    /// What the runs are asked to do.
    pub fn arguments(&self) -> &[&'static str] {
        &self.arguments
    }

    /// Did a run that was left alone end as the uninterrupted one did, with the same results?
    pub fn finished(&self, project: &Path, status: ExitStatus) -> Result<(), String> {
        if status.code() != Some(self.code) {
            return Err(format!("the run ended with {status}\n{}", Watched::of(project).log()));
        }
        self.same_results(project)
    }

    /// Whatever has a final name has the digest of something that was written as a whole.
    pub fn all_whole(&self, project: &Path) -> Result<(), String> {
        let store = Store::read_only(project.join("data"), project.join("reports"));
        for path in tiny::files(project) {
            let name = path.file_name().unwrap().to_string_lossy();
            if name.ends_with(".tmp") || name == ".lock" || name == "datasets.toml" || path.starts_with("data/claims") {
                continue;
            }
            let whole = if OF_THE_MOMENT.contains(&&*name) {
                matches!(store.read_any_document(&project.join(&path)), Ok(Some(_)))
            } else {
                let bytes = fs::read(project.join(&path)).unwrap();
                self.versions.get(&path).is_some_and(|versions| versions.contains(&Digest::of(&bytes)))
            };
            if !whole {
                return Err(format!("{} is not whole", path.display()));
            }
        }
        Ok(())
    }

    fn same_results(&self, project: &Path) -> Result<(), String> {
        let found = results(project);
        for path in self.results.keys().chain(found.keys()) {
            if self.results.get(path) != found.get(path) {
                return Err(format!("{} differs from the uninterrupted run's", path.display()));
            }
        }
        match tiny::files(project).iter().find(|path| path.to_string_lossy().ends_with(".tmp")) {
            Some(left) => Err(format!("{} is left over", left.display())),
            None => Ok(()),
        }
    }
}

/// How many projects are worked on side by side.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The digest of every result; who made it when is not one.
fn results(project: &Path) -> BTreeMap<PathBuf, Digest> {
    let of_interest = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_ours_alone = name == ".lock" || path.starts_with("data/claims");
        !OF_THE_MOMENT.contains(&&*name) && !is_ours_alone && !name.ends_with(".tmp")
    };
    let digest = |path: PathBuf| {
        let bytes = fs::read(project.join(&path)).unwrap();
        (path, Digest::of(&bytes))
    };
    tiny::files(project).into_iter().filter(of_interest).map(digest).collect()
}
