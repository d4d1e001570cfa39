//! Which runs are trained when: side by side on the CPU, one thread each, longest first; whole groups on CUDA.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use flooding_core::context::{Context, DeviceChoice, GroupSize};
use flooding_core::dataset::{Source, SourceError, Splits};
use flooding_core::record::Status;
use flooding_core::spec::{InitialWeights, RunSpec};
use flooding_core::store::Store;
use flooding_core::task::TaskId;
use flooding_core::work::{Decision, Gap, Stage, StageReport};

use flooding_engine::allocation::{in_words, is_out_of_memory};
use flooding_engine::backend::Backend;
use flooding_engine::cpu::release_buffers;
use flooding_engine::device::{self, Work};
use flooding_engine::memory::{NoPlace, Room, Training, available, cpu, even, fitting, indexable};
use flooding_engine::panics::catch;
use flooding_engine::threads::with_threads_inside;

use crate::TrainError;
use crate::checkpoint::{self, Checkpoints};
use crate::group::{Failure, Trained, Watch, train};
use crate::queue::{Queue, Split};
use crate::save::{Seen, Shared, save};

/// The name of a run in messages, such as `spiral-high t00 b0.05`.
pub fn run_id(spec: &RunSpec) -> String {
    format!("{} t{:02} b{}", spec.setting, spec.trial, spec.level)
}

/// The name of runs that are trained together, a part of the whole group: the run's own, or setting and trial.
fn part_id(part: &[RunSpec], whole: &[RunSpec]) -> String {
    let first = &part[0];
    if part.len() == 1 {
        run_id(first)
    } else if part.len() == whole.len() {
        format!("{} t{:02}", first.setting, first.trial)
    } else {
        format!("{} t{:02} b{}-{}", first.setting, first.trial, first.level, part[part.len() - 1].level)
    }
}

const NOT_INDEXABLE: &str = "a tensor of this network has more than 2^31 numbers, which CUDA kernels cannot count: lower \
                             batch_size, or use --device cpu";

/// What to do when the device's memory is not enough for so many runs.
fn out_of_device_memory(members: usize, training: &Training) -> String {
    if members > 1 {
        format!("out of GPU memory with a group of {members}: repeat with --group-size {}", members.div_ceil(2))
    } else {
        let needed = in_words(flooding_engine::memory::device(training, 1));
        format!(
            "out of GPU memory with a single run, which needs about {needed}: lower batch_size, or use --device cpu"
        )
    }
}

/// Trains all these runs; `done` and `skipped` of the report count runs.
pub fn train_all(
    runs: Vec<(RunSpec, Decision)>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let total = runs.len();
    let (threads, split): (usize, Split) = match context.device {
        DeviceChoice::Cpu => (context.jobs.clamp(1, total.max(1)), one_by_one),
        DeviceChoice::Cuda(_) => (1, all_together),
    };
    let state = State::new(Queue::new(runs, store, context, split), store, context, source);
    if let (DeviceChoice::Cpu, 1, 2..) = (context.device, total, context.jobs) {
        alone(context.jobs, &state);
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| state.work());
            }
        });
    }
    state.into_report()
}

/// A single run has all threads to itself: its convolutions spread over them, with the same results.
fn alone(threads: usize, state: &State<'_>) {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| with_threads_inside(true, || state.work())),
        Err(_) => state.work(),
    }
}

fn one_by_one(runs: Vec<RunSpec>) -> Vec<Vec<RunSpec>> {
    runs.into_iter().map(|run| vec![run]).collect()
}

/// Together where they start from the same weights.
fn all_together(runs: Vec<RunSpec>) -> Vec<Vec<RunSpec>> {
    let (alone, together): (Vec<_>, Vec<_>) =
        runs.into_iter().partition(|run| run.initial_weights == InitialWeights::PerLevel);
    let together = (!together.is_empty()).then_some(together);
    together.into_iter().chain(one_by_one(alone)).collect()
}

/// A trial's examples, drawn when its first run needs them and dropped after its last one.
type Trial = Arc<Mutex<Option<(Arc<Splits>, Arc<Seen>)>>>;

struct State<'a> {
    queue: Queue<'a>,
    store: &'a Store,
    context: &'a Context,
    source: &'a dyn Source,
    trials: Mutex<HashMap<TaskId, Trial>>,
    report: Mutex<StageReport>,
    /// Data sets that could not be had.
    unavailable: Mutex<BTreeSet<String>>,
    error: Mutex<Option<TrainError>>,
    cancelled: AtomicBool,
    /// The host's memory, which runs side by side share.
    room: Room,
}

/// How training runs together ended.
enum Attempt {
    /// With results or failures, one a run.
    Done(Vec<Trained>),
    /// The user asked to stop.
    Stopped,
    /// The device has too little memory for so many at once.
    TooMany,
}

/// A panic while a lock was held leaves these plain collections whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> State<'a> {
    fn new(queue: Queue<'a>, store: &'a Store, context: &'a Context, source: &'a dyn Source) -> Self {
        Self {
            queue,
            store,
            context,
            source,
            trials: Mutex::default(),
            report: Mutex::default(),
            unavailable: Mutex::default(),
            error: Mutex::default(),
            cancelled: AtomicBool::new(false),
            room: Room::new(available),
        }
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_raised() || self.cancelled.load(Ordering::Relaxed)
    }

    /// One thread's life.
    fn work(&self) {
        let fail = |error| {
            lock(&self.error).get_or_insert(error);
            self.cancelled.store(true, Ordering::Relaxed);
        };
        loop {
            let unit = match self.queue.next(|| self.is_stopped()) {
                Ok(Some(unit)) => unit,
                Ok(None) => return,
                Err(error) => return fail(error),
            };
            let start = Instant::now();
            if let Err(error) = self.unit(&unit.runs) {
                fail(error);
            }
            self.queue.finished(&unit, start.elapsed());
            if !self.queue.is_open(&unit.task) {
                lock(&self.trials).remove(&unit.task);
            }
        }
    }

    fn unit(&self, runs: &[RunSpec]) -> Result<(), TrainError> {
        let spec = &runs[0];
        let dataset = spec.data.name();
        if lock(&self.unavailable).contains(dataset) {
            return Ok(());
        }
        let (splits, seen) = match self.splits(spec) {
            Ok(found) => found,
            Err(SourceError::Unavailable { dataset: name, why }) => {
                if lock(&self.unavailable).insert(dataset.to_owned()) {
                    self.context
                        .progress
                        .warn(&format!("data set `{name}` is not available ({why}); its runs are left out"));
                    lock(&self.report).gaps.push(Gap { stage: Stage::Train, id: name, why });
                }
                return Ok(());
            }
            Err(error @ SourceError::Broken { .. }) => return Err(TrainError::Data(error.to_string())),
        };
        let training = Training::new(spec, &splits);
        let most = match self.context.device {
            DeviceChoice::Cpu => runs.len(),
            DeviceChoice::Cuda(ordinal) => self.group_size(&training, runs, ordinal),
        };
        let mut parts = VecDeque::from(even(runs, most));
        while let Some(part) = parts.pop_front() {
            let id = part_id(part, runs);
            self.context.progress.item_started(&id, spec.epochs.into());
            let start = Instant::now();
            match self.train(part, &splits, &training, &id) {
                Attempt::Done(trained) => {
                    let note = self.save(part, &seen, trained, start.elapsed())?;
                    self.context.progress.item_finished(&id, &note);
                }
                Attempt::Stopped => {
                    self.context.progress.item_finished(&id, "interrupted");
                    return Ok(());
                }
                Attempt::TooMany => {
                    let most = part.len().div_ceil(2);
                    let note = format!("out of GPU memory with a group of {}: again with {most}", part.len());
                    self.context.progress.item_finished(&id, &note);
                    self.context.progress.warn(&format!("{id}: {note}"));
                    for half in even(part, most).into_iter().rev() {
                        parts.push_front(half);
                    }
                }
            }
        }
        Ok(())
    }

    /// How many of the runs a CUDA device trains together.
    fn group_size(&self, training: &Training, runs: &[RunSpec], ordinal: usize) -> usize {
        let most = indexable(training, runs.len()).max(1);
        match (self.context.group_size, device::free_memory(ordinal)) {
            (GroupSize::AtMost(size), _) => most.min(size.get()),
            (GroupSize::Auto, Some(free)) => fitting(training, most, free),
            (GroupSize::Auto, None) => most,
        }
    }

    /// Saves what runs that were trained together leave; returns a note on them.
    fn save(
        &self,
        runs: &[RunSpec],
        seen: &Seen,
        trained: Vec<Trained>,
        took: std::time::Duration,
    ) -> Result<String, TrainError> {
        let device = self.device_name();
        let shared = Shared { store: self.store, device: &device };
        let mut note = String::new();
        for (spec, trained) in runs.iter().zip(trained) {
            let summary = trained.result.as_ref().ok().cloned();
            match save(&shared, spec, seen, trained, took)? {
                Status::Complete => {
                    lock(&self.report).done += 1;
                    note = summary.map_or(note, |s| format!("test {:.1}%", s.last.test.accuracy * 100.0));
                }
                Status::Failed { cause, step, .. } => {
                    note = format!("failed at step {step}: {cause}");
                    lock(&self.report).gaps.push(Gap { stage: Stage::Train, id: run_id(spec), why: note.clone() });
                    if self.context.fail_fast {
                        self.context.stop.raise_after_failure();
                    }
                }
            }
        }
        checkpoint::remove(self.store, &runs[0], &*self.context.progress);
        Ok(note)
    }

    /// Trains, and turns a panic or a device's error into a failure of these runs.
    fn train(&self, runs: &[RunSpec], splits: &Arc<Splits>, training: &Training, id: &str) -> Attempt {
        let Context { checkpoint_every, force, progress, .. } = self.context;
        let checkpoints = Checkpoints::new(self.store, runs, *checkpoint_every, *force, progress.clone());
        let watch = Watch { stop: self.context.stop.clone(), checkpoints: Some(checkpoints), ..Watch::default() };
        let advanced = |epochs| self.context.progress.item_advanced(id, epochs);
        let on_device = || {
            let together = Together { runs, splits, watch: &watch, advanced: &advanced };
            device::run(self.context.device, together).map_err(|problem| problem.to_string())?
        };
        let result = catch(is_out_of_memory, || match self.context.device {
            DeviceChoice::Cpu => match self.room.enter(cpu(training), || self.is_stopped()) {
                Ok(_place) => on_device(),
                Err(NoPlace::Stopped) => Ok(None),
                Err(too_large) => Err(too_large.to_string()),
            },
            DeviceChoice::Cuda(_) if indexable(training, runs.len()) < runs.len() => Err(NOT_INDEXABLE.to_owned()),
            DeviceChoice::Cuda(_) => on_device(),
        });
        if let DeviceChoice::Cpu = self.context.device {
            // However it ended: the next run may be of another shape, and another thread's.
            release_buffers();
        }
        let cause = match result {
            Ok(Ok(Some(trained))) => return Attempt::Done(trained),
            Ok(Ok(None)) => return Attempt::Stopped,
            Ok(Err(cause)) => cause,
            Err(panic) if is_out_of_memory(&panic) => panic,
            Err(panic) => format!("panicked: {panic}"),
        };
        let cause = match self.context.device {
            DeviceChoice::Cuda(_) if is_out_of_memory(&cause) => {
                if runs.len() > 1 && self.context.group_size == GroupSize::Auto {
                    return Attempt::TooMany;
                }
                out_of_device_memory(runs.len(), training)
            }
            _ => cause,
        };
        let failure =
            Failure { cause, step: watch.step.load(Ordering::Relaxed), last_finite_loss: watch.last_finite_loss() };
        Attempt::Done(runs.iter().map(|_| Trained::failed(failure.clone())).collect())
    }

    fn device_name(&self) -> String {
        match self.context.device {
            DeviceChoice::Cpu => "cpu".to_owned(),
            DeviceChoice::Cuda(ordinal) => format!("cuda:{ordinal}"),
        }
    }

    fn splits(&self, spec: &RunSpec) -> Result<(Arc<Splits>, Arc<Seen>), SourceError> {
        let trial = Arc::clone(lock(&self.trials).entry(TaskId::of(spec)).or_default());
        let mut trial = lock(&trial);
        if let Some(known) = &*trial {
            return Ok(known.clone());
        }
        // Examples that make their reader panic are not to be had; the other data sets are.
        let splits = catch(|_| false, || self.source.splits(spec)).unwrap_or_else(|panic| {
            let why = format!("reading it panicked: {panic}");
            Err(SourceError::Unavailable { dataset: spec.data.name().to_owned(), why })
        })?;
        let seen = Arc::new(Seen::of(&splits));
        Ok(trial.insert((splits, seen)).clone())
    }

    fn into_report(self) -> Result<StageReport, TrainError> {
        if let Some(error) = self.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        let by_others = self.queue.into_others();
        report.skipped += by_others.done;
        report.gaps.extend(by_others.gaps);
        report.gaps.sort_by(|a, b| a.id.cmp(&b.id));
        report.interrupted = self.context.stop.is_raised();
        Ok(report)
    }
}

/// Runs to be trained together, on any device.
struct Together<'a> {
    runs: &'a [RunSpec],
    splits: &'a Arc<Splits>,
    watch: &'a Watch,
    advanced: &'a dyn Fn(u64),
}

impl Work for Together<'_> {
    type Output = Result<Option<Vec<Trained>>, String>;

    fn on<B: Backend>(self, backend: &B) -> Self::Output {
        train(backend, self.runs, self.splits, self.watch, self.advanced)
            .map_err(|error| format!("the device failed: {error:?}"))
    }
}
