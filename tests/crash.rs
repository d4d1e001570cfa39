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
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flooding_core::store::operation::{OperationKind, Phase};
use flooding_core::work::Stage;
use support::reference::{Reference, Tally, cores};
use support::watched::{self, Fault, Variant, Watched};
use support::{copy_configuration, tiny};

/// The tiny project's whole run, with a checkpoint after every epoch.
const RUN: [&str; 8] = ["run", "--offline", "--mirror", "mirror", "--jobs", "1", "--checkpoint-every", "0"];

fn tiny_reference() -> Reference {
    Reference::of(tiny::make, &RUN, 0)
}

/// Not a test but the process that the tests kill: the whole program over a watched store.
#[test]
fn the_watched_program() {
    watched::run_if_asked();
}

#[test]
fn killed_at_a_sample_of_operations_it_loses_nothing() {
    let reference = tiny_reference();
    let points = reference.kill_points();
    // A prime stride visits every kind of operation and variant in turn.
    let sample: Vec<Fault> = points.iter().copied().step_by(41).collect();
    assert!(sample.len() >= 8, "{} kill points", points.len());
    if let Err(found) = reference.check_all(&sample) {
        panic!("{found}");
    }
}

/// The kill points above include those before, at and after the moment when a flooded level leaves the plain path.
#[test]
fn in_the_tiny_project_a_level_leaves_the_plain_path_amid_an_epoch() {
    let project = tempfile::tempdir().unwrap();
    tiny::make(project.path());
    let (status, events) = Watched::of(project.path()).run_with_journal(&RUN);
    assert!(status.success());
    // Nobody writes a checkpoint into the folder of a flooded run while it shares the path of the plain one.
    let forks = events.iter().filter(|event| {
        let path = event.path.to_string_lossy();
        event.phase == Phase::After && path.contains("/b0.65-") && path.ends_with("checkpoint.safetensors")
    });
    assert!(forks.count() >= 4, "{} events", events.len());
}

/// Takes minutes: `make crash-test`.
#[test]
#[ignore = "takes minutes; run by `make crash-test`"]
fn killed_at_every_operation_in_every_variant_it_loses_nothing() {
    let reference = tiny_reference();
    let points = reference.kill_points();
    assert!(points.len() >= 200, "{} kill points", points.len());
    let started = Instant::now();
    let tallies = reference.check_all(&points).unwrap_or_else(|found| panic!("{found}"));
    println!("{}", table(&points, &tallies, started.elapsed()));
}

/// The negative control: a store that puts a file under its final name before it is written must be detected.
#[test]
fn a_store_that_renames_before_it_writes_is_detected() {
    let reference = tiny_reference();
    let torn_record = reference.events.iter().find(|event| {
        event.kind == OperationKind::Write && event.phase == Phase::Written && event.path.ends_with("record.json")
    });
    let number = torn_record.expect("a record is written").number;
    for variant in [Variant::Begun, Variant::Torn] {
        let fault = Fault { number, variant, broken_store: true };
        let found = reference.check(fault).expect_err("the broken store goes unnoticed");
        println!("{fault}: {found}");
        assert!(found.contains("record.json") && found.contains("is not whole"), "{found}");
    }
}

/// Killed after a random delay, over and over, on all cores: `make crash-test` does it a thousand times. `KILLS` and
/// `SEED` choose how many and which.
#[test]
#[ignore = "takes many minutes; run by `make crash-test`"]
fn killed_at_random_moments_it_loses_nothing() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().expect("a number"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let (kills, seed) = (number("KILLS", 1000), number("SEED", now));
    println!("SEED={seed} KILLS={kills}");
    let smoke = ["run", "--profile", "smoke", "--offline", "--jobs", "2", "--checkpoint-every", "0"];
    let reference = Reference::of(smoke_without_probes, &smoke, 3);
    let started = Instant::now();
    let random = Random { reference: &reference, left: AtomicUsize::new(kills as usize), done: Mutex::default() };
    std::thread::scope(|scope| {
        for core in 0..cores() as u64 {
            let random = &random;
            // Far apart, so that no two threads draw the same delays.
            scope.spawn(move || random.kill_over_and_over(seed.wrapping_add(core << 32)));
        }
    });
    let done = random.done.into_inner().unwrap();
    let longest = done.longest.iter().map(|delay| format!("{:.1} s", delay.as_secs_f64())).collect::<Vec<_>>();
    println!("delays up to: {}", longest.join(", "));
    for (stage, kills) in &done.kills {
        println!("killed during {stage}: {kills}");
    }
    let killed: usize = done.kills.values().sum();
    let (finished, seconds) = (done.finished, started.elapsed().as_secs_f64());
    println!("{killed} kills, {finished} finished runs compared, 0 lost, 0 damaged, {seconds:.0} s");
    assert!(killed == kills as usize && finished > 0);
}

/// Probes would take nine tenths of the time, and so of the kills. The tiny project has them.
fn smoke_without_probes(folder: &Path) {
    copy_configuration(folder);
    let text = fs::read_to_string(folder.join("pipeline.toml")).unwrap();
    assert!(text.contains("weights = true, ") && text.contains("\nprobes = 10\n"));
    let text = text.replace("weights = true, ", "").replace("\nprobes = 10\n", "\n").replace("\nprobes = 1\n", "\n");
    fs::write(folder.join("pipeline.toml"), text).unwrap();
}

/// Threads that kill at random, each its own project.
struct Random<'a> {
    reference: &'a Reference,
    left: AtomicUsize,
    done: Mutex<Done>,
}

/// What they did.
#[derive(Default)]
struct Done {
    /// By what the killed process was doing.
    kills: BTreeMap<&'static str, usize>,
    finished: usize,
    longest: Vec<Duration>,
}

impl Done {
    fn note_kill(&mut self, stage: &'static str) {
        *self.kills.entry(stage).or_default() += 1;
        let kills: usize = self.kills.values().sum();
        if kills.is_multiple_of(100) {
            println!("{kills} kills, nothing lost so far; {} finished runs compared", self.finished);
        }
    }
}

impl Random<'_> {
    /// Each project is killed until a run comes through; then it is compared, and the next project begins.
    fn kill_over_and_over(&self, mut random: u64) {
        let mut project = self.reference.new_project();
        // Delays up to the time of a whole run, on this machine and beside the other threads, reach every stage.
        let started = Instant::now();
        let status = Watched::of(project.path()).run(self.reference.arguments());
        let longest = started.elapsed();
        self.done.lock().unwrap().longest.push(longest);
        self.finished(&mut project, status);
        while self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            loop {
                let delay = longest.mul_f64(fraction(&mut random));
                let watched = Watched::of(project.path());
                let status = watched.run_and_kill(self.reference.arguments(), delay);
                if status.signal() == Some(9) {
                    self.reference.all_whole(project.path()).unwrap_or_else(|found| panic!("{found}"));
                    self.done.lock().unwrap().note_kill(last_stage(&watched.log()));
                    break;
                }
                self.finished(&mut project, status);
            }
        }
        let status = Watched::of(project.path()).run(self.reference.arguments());
        self.finished(&mut project, status);
    }

    fn finished(&self, project: &mut tempfile::TempDir, status: std::process::ExitStatus) {
        self.reference.finished(project.path(), status).unwrap_or_else(|found| panic!("{found}"));
        self.done.lock().unwrap().finished += 1;
        *project = self.reference.new_project();
    }
}

/// A number from 0 to 1: splitmix64 (Steele, Lea and Flood 2014).
fn fraction(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The last stage that a log speaks of.
fn last_stage(log: &str) -> &'static str {
    let of = |line: &str| Stage::ALL.iter().map(|stage| stage.name()).find(|name| line.starts_with(name));
    log.lines().rev().find_map(of).unwrap_or("start")
}

fn table(points: &[Fault], tallies: &[Tally], took: Duration) -> String {
    let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    let operations = |points: &mut dyn Iterator<Item = &Fault>| points.map(|f| f.number).collect::<BTreeSet<_>>().len();
    let mut lines = vec![
        "| variant | kill points | died by signal 9 | killed again in recovery | recoveries | mismatches |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    let mut total = [0; 4];
    for (variant, tally) in Variant::ALL.into_iter().zip(tallies) {
        let of_variant = points.iter().filter(|fault| fault.variant == variant).count();
        let row = [of_variant, count(&tally.kills), count(&tally.kills_in_recovery), count(&tally.recoveries)];
        let cells = row.map(|number| number.to_string()).join(" | ");
        lines.push(format!("| {variant:?} | {cells} | 0 |"));
        total = std::array::from_fn(|at| total[at] + row[at]);
    }
    lines.push(format!("| all | {} | 0 |", total.map(|number| number.to_string()).join(" | ")));
    lines.push(format!("{} operations, {:.0} s", operations(&mut points.iter()), took.as_secs_f64()));
    lines.join("\n")
}
