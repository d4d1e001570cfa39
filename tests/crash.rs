//! The process is killed at every single operation of the store, in every way that matters, and again during recovery:
//! whatever lies under a final name is whole, and the same command ends with the same bytes.
//!
//! The process that is killed is this test binary itself ([`the_watched_program`]): it runs the whole program, with an
//! observer in its store that raises SIGKILL. So the program that people use contains nothing of this.

// The harness prints its table and its seed.
#![allow(clippy::print_stdout)]
#![cfg(unix)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flooding_core::digest::Digest;
use flooding_core::store::Store;
use flooding_core::store::operation::{OperationKind, Phase};
use support::{tiny, watched};
use watched::{Event, Fault, Variant, Watched};

/// Documents that hold times: they are whole or not, but never the same twice.
const OF_THE_MOMENT: [&str; 2] = ["provenance.json", "verified.json"];

/// Not a test but the process that the tests kill: the whole program over a watched store.
#[test]
fn the_watched_program() {
    watched::run_if_asked();
}

#[test]
fn killed_at_a_sample_of_operations_it_loses_nothing() {
    let reference = Reference::make();
    let points = reference.kill_points();
    // A prime stride visits every kind of operation and variant in turn.
    let sample: Vec<Fault> = points.iter().copied().step_by(29).collect();
    assert!(sample.len() >= 8, "{} kill points", points.len());
    reference.check_all(&sample).unwrap_or_else(|found| panic!("{found}"));
}

/// Takes minutes: `make crash-test`.
#[test]
#[ignore = "takes minutes; run by `make crash-test`"]
fn killed_at_every_operation_in_every_variant_it_loses_nothing() {
    let reference = Reference::make();
    let points = reference.kill_points();
    assert!(points.len() >= 200, "{} kill points", points.len());
    let started = Instant::now();
    let tally = reference.check_all(&points).unwrap_or_else(|found| panic!("{found}"));
    println!("{}", reference.table(&points, &tally, started));
}

/// The negative control: a store that puts a file under its final name before it is written must be found out.
#[test]
fn a_store_that_renames_before_it_writes_is_found_out() {
    let reference = Reference::make();
    let torn_record = reference.events.iter().find(|event| {
        event.kind == OperationKind::Write && event.phase == Phase::Written && event.path.ends_with("record.json")
    });
    let number = torn_record.expect("a record is written").number;
    for variant in [Variant::Begun, Variant::Torn] {
        let fault = Fault { number, variant, broken_store: true };
        let found = reference.check(fault).expect_err("the broken store goes unnoticed");
        assert!(found.contains("record.json") && found.contains("is not whole"), "{found}");
    }
}

/// Killed after a random delay, over and over, two processes' worth of threads each: `make crash-test` does a thousand.
/// `KILLS` and `SEED` choose how many and which.
#[test]
#[ignore = "takes many minutes; run by `make crash-test`"]
fn killed_at_random_moments_it_loses_nothing() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (kills, seed) = (number("KILLS", 1000), number("SEED", now));
    println!("SEED={seed} KILLS={kills}");
    let smoke = ["run", "--profile", "smoke", "--offline", "--jobs", "2", "--checkpoint-every", "0"];
    let reference = Reference::of(support::copy_configuration, &smoke, 3);
    let started = Instant::now();
    let tally = Tally::default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for core in 0..cores {
            let (reference, tally) = (&reference, &tally);
            scope.spawn(move || reference.kill_at_random(seed.wrapping_add(core as u64), kills as usize, tally));
        }
    });
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    println!(
        "{} kills, {} finished runs compared, 0 lost, 0 damaged, {:.0} s",
        count(&tally.kills),
        count(&tally.recoveries),
        started.elapsed().as_secs_f64()
    );
    assert!(count(&tally.kills) >= kills as usize && count(&tally.recoveries) > 0);
}

/// What an uninterrupted run does and leaves.
struct Reference {
    make: fn(&Path),
    arguments: Vec<&'static str>,
    project: tempfile::TempDir,
    events: Vec<Event>,
    /// Digests of all whole versions of each file, by path: some are written more than once.
    versions: BTreeMap<PathBuf, BTreeSet<Digest>>,
    results: BTreeMap<PathBuf, Digest>,
    code: i32,
}

/// How often something was done.
#[derive(Default)]
struct Tally {
    kills: AtomicUsize,
    kills_in_recovery: AtomicUsize,
    recoveries: AtomicUsize,
}

impl Reference {
    fn make() -> Self {
        Self::of(tiny::make, &tiny::RUN, 0)
    }

    /// Of the project that `make` makes, under these arguments, which end with this exit code.
    fn of(make: fn(&Path), arguments: &[&'static str], code: i32) -> Self {
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
        Self { make, arguments: arguments.to_vec(), project, events, versions, results, code }
    }

    /// Every operation in every variant that it has.
    fn kill_points(&self) -> Vec<Fault> {
        let variants = |event: &Event| match event.phase {
            Phase::Before => vec![Variant::Before],
            Phase::Begun => vec![Variant::Begun],
            Phase::Written => vec![Variant::Torn, Variant::Unrenamed],
            Phase::After => vec![Variant::After],
        };
        let fault = |event: &Event, variant| Fault { number: event.number, variant, broken_store: false };
        self.events.iter().flat_map(|event| variants(event).into_iter().map(move |v| fault(event, v))).collect()
    }

    /// Checks many kill points on all cores.
    fn check_all(&self, points: &[Fault]) -> Result<Tally, String> {
        let tally = Tally::default();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        std::thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(|| {
                    while let Some(&fault) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match self.check_twice(fault, &tally) {
                            Ok(()) => {}
                            Err(problem) => found.lock().unwrap().push(format!("{fault}: {problem}")),
                        }
                    }
                });
            }
        });
        let found = found.into_inner().unwrap();
        if found.is_empty() { Ok(tally) } else { Err(found.join("\n")) }
    }

    /// Killed once; whole; continued; the same.
    fn check(&self, fault: Fault) -> Result<(), String> {
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
        if status.code() != Some(self.code) {
            return Err(format!("the next run ended with {status}\n{}", watched.log()));
        }
        tally.recoveries.fetch_add(1, Ordering::Relaxed);
        self.same_results(project.path())
    }

    fn new_project(&self) -> tempfile::TempDir {
        let project = tempfile::tempdir().unwrap();
        (self.make)(project.path());
        project
    }

    /// One thread's share of the random kills.
    fn kill_at_random(&self, seed: u64, kills: usize, tally: &Tally) {
        let mut random = seed | 1;
        let mut project = self.new_project();
        while tally.kills.load(Ordering::Relaxed) < kills {
            // Marsaglia's xorshift64.
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let delay = Duration::from_micros(random % 2_000_000);
            let status = Watched::of(project.path()).run_and_kill(&self.arguments, delay);
            if status.signal() == Some(9) {
                tally.kills.fetch_add(1, Ordering::Relaxed);
                self.all_whole(project.path()).unwrap_or_else(|found| panic!("{found}"));
            } else {
                assert_eq!(status.code(), Some(self.code), "{}", Watched::of(project.path()).log());
                self.same_results(project.path()).unwrap_or_else(|found| panic!("{found}"));
                tally.recoveries.fetch_add(1, Ordering::Relaxed);
                project = self.new_project();
            }
        }
    }

    /// Whatever has a final name has the digest of something that was written as a whole.
    fn all_whole(&self, project: &Path) -> Result<(), String> {
        let store = Store::read_only(project.join("data"), project.join("reports"));
        for path in tiny::files(project) {
            let name = path.file_name().unwrap().to_string_lossy();
            if name.ends_with(".tmp") || name == ".lock" || name == "datasets.toml" {
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

    fn table(&self, points: &[Fault], tally: &Tally, started: Instant) -> String {
        let operations: BTreeSet<u64> = points.iter().map(|fault| fault.number).collect();
        let mut lines = vec!["| variant | kill points |".to_owned(), "|---|---|".to_owned()];
        for variant in Variant::ALL {
            let count = points.iter().filter(|fault| fault.variant == variant).count();
            lines.push(format!("| {variant:?} | {count} |"));
        }
        lines.push(format!("operations: {}", operations.len()));
        lines.push(format!("died by signal 9: {}", tally.kills.load(Ordering::Relaxed)));
        lines.push(format!("again during recovery: {}", tally.kills_in_recovery.load(Ordering::Relaxed)));
        lines.push(format!("recoveries: {}", tally.recoveries.load(Ordering::Relaxed)));
        lines.push("mismatches: 0".to_owned());
        lines.push(format!("seconds: {:.0}", started.elapsed().as_secs_f64()));
        lines.push(format!("reference: {}", self.project.path().display()));
        lines.join("\n")
    }
}

/// The digest of every result; who made it when is not one.
fn results(project: &Path) -> BTreeMap<PathBuf, Digest> {
    let of_interest = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        !OF_THE_MOMENT.contains(&&*name) && name != ".lock" && !name.ends_with(".tmp")
    };
    let digest = |path: PathBuf| {
        let bytes = fs::read(project.join(&path)).unwrap();
        (path, Digest::of(&bytes))
    };
    tiny::files(project).into_iter().filter(of_interest).map(digest).collect()
}
