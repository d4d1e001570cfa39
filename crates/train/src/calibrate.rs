//! How long a run takes on this device, and when the levels of a task part, by its first seconds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::context::DeviceChoice;
use flooding_core::dataset::{Source, Splits};
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::memory;
use flooding_core::progress::StopFlag;
use flooding_core::spec::RunSpec;
use flooding_engine::backend::Backend;
use flooding_engine::cpu::release_buffers;
use flooding_engine::device::{self, Work};
use flooding_engine::memory::{Training, cpu};

use crate::branch::{Advance, Branch, Forks, Start, TrainControl};
use crate::trainer::train;

/// What the first seconds of a task tell of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pilot {
    /// What all of one run would take.
    pub takes: Duration,
    /// The levels that left the path of the lowest one, each with the step at which it did.
    pub left: Vec<(Level, u64)>,
    /// Steps taken: the other levels leave later, or never.
    pub steps: u64,
}

/// Trains the levels of one task for about so long (at least a step, at most the whole training), along one path, and
/// keeps nothing; `None` where its examples are not here, memory does not suffice or the device does not work.
pub fn calibrate(runs: &[RunSpec], source: &dyn Source, device: DeviceChoice, limit: Duration) -> Option<Pilot> {
    let splits = source.splits(runs.first()?).ok()?;
    let group = Group::of(runs.iter().cloned()).into_iter().next()?;
    // Levels that share nothing are as long as any one of them.
    let group = if group.shares_prefixes() { group } else { group.at(&group.levels()[..1])? };
    if device == DeviceChoice::Cpu {
        memory::check(cpu(&Training::new(group.common(), &splits))).ok()?;
    }
    let pilot = device::run(device, Beginning { group: &group, splits: &splits, limit });
    // The next network may be of another shape.
    release_buffers();
    pilot.ok()?
}

/// The beginning of a task.
struct Beginning<'a> {
    group: &'a Group,
    splits: &'a Arc<Splits>,
    limit: Duration,
}

/// Who is on the path that is followed, and who has left that of the lowest level.
struct Paths {
    lowest: Level,
    here: Vec<Level>,
    left: Vec<(Level, u64)>,
}

impl Paths {
    fn part(&mut self, branch: &Branch) {
        let Start::State(state) = &branch.start else { return };
        let step = state.state.steps + 1;
        self.here.retain(|level| !branch.levels.contains(level));
        let flooded = if branch.levels.contains(&self.lowest) { &self.here } else { &branch.levels };
        for &level in flooded {
            if !self.left.iter().any(|(known, _)| *known == level) {
                self.left.push((level, step));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work for Beginning<'_> {
    type Output = Option<Pilot>;

    fn on<B: Backend>(self, backend: &B) -> Option<Pilot> {
        let Self { group, splits, limit } = self;
        let stop = StopFlag::default();
        let begun = Instant::now();
        let last = Mutex::new(None);
        let advanced = |now: Advance| {
            *lock(&last) = Some((now.epochs, begun.elapsed()));
            if begun.elapsed() >= limit {
                stop.raise();
            }
        };
        let levels = group.levels().to_vec();
        let paths = Mutex::new(Paths { lowest: levels[0], here: levels.clone(), left: Vec::new() });
        // What leaves the path is noted and dropped.
        let note = |branch: Branch| {
            lock(&paths).part(&branch);
            None
        };
        let control = TrainControl::new(&levels, stop.clone(), Forks::Offer(&note), &advanced);
        // An epoch may be longer than anyone wants to wait: then its first steps count.
        let trained = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                while begun.elapsed() < 3 * limit && !stop.is_raised() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                stop.raise();
            });
            let trained = train(backend, (group, Branch::new(levels.clone())), splits, &control).is_ok();
            stop.raise();
            trained && watch.join().is_ok()
        });
        let epochs = f64::from(group.common().epochs);
        let measured = *lock(&last);
        let seconds = match measured {
            _ if !trained => return None,
            Some((done, took)) => took.as_secs_f64() / done as f64 * epochs,
            None => {
                let batch = f64::from(group.common().batch_size);
                let steps = (splits.train.len() as f64 / batch).ceil();
                let step = begun.elapsed().as_secs_f64() / control.step().max(1) as f64;
                // Evaluation passes forward alone, a third of a step, over the examples of both splits.
                let evaluated = (splits.train.len() + splits.validation.len()) as f64;
                epochs * step * (steps + evaluated / batch / 3.0)
            }
        };
        let left = std::mem::take(&mut lock(&paths).left);
        Some(Pilot { takes: Duration::try_from_secs_f64(seconds).ok()?, left, steps: control.step() })
    }
}
