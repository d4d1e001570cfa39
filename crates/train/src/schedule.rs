//! Which runs are trained when: groups in order, longest first; the branches of a group side by side on the CPU, one
//! thread each; all levels of a group in one network on CUDA.

mod attempt;
mod claims;
mod deadline;
mod meter;

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::context::{Context, DeviceChoice, GroupSize};
use flooding_core::dataset::{Source, SourceError, Splits};
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::record::Status;
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Claim, Store};
use flooding_core::work::{Decision, MissingResult, Reason, Stage, StageReport};
use flooding_engine::memory::{MemoryBudget, Training, available, even, fitting, indexable};
use flooding_engine::panics::catch;
use flooding_engine::threads::with_threads_inside;

use crate::TrainError;
use crate::branch::{Advance, Branch};
use crate::checkpoint::{self, Checkpoints};
use crate::cost::{cost, epoch_cost};
use crate::queue::{Next, Queue, Task};
use crate::save::{DatasetFingerprint, SaveContext, save};
use crate::trainer::Results;
use attempt::{Attempt, GroupContext};
use deadline::Deadline;
use meter::Meter;

/// The name of a run in messages, such as `spiral-high t00 b0.05`.
pub fn run_id(spec: &RunSpec) -> String {
    format!("{} t{:02} b{}", spec.setting, spec.trial, spec.level)
}

/// The name of levels that are trained together, a part of the group: the run's own, or setting and trial.
fn part_id(levels: &[Level], group: &Group) -> String {
    let trial = format!("{} t{:02}", group.setting(), group.trial());
    match levels {
        [only] => format!("{trial} b{only}"),
        all if all.len() == group.levels().len() => trial,
        [first, .., last] => format!("{trial} b{first}-{last}"),
        [] => trial,
    }
}

/// Trains all these runs; `done` and `skipped` of the report count runs.
pub fn train_all(
    runs: Vec<(RunSpec, Decision)>,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let has_failed = |decision: &Decision| matches!(decision, Decision::Run(Reason::FailedBefore { .. }));
    let failed: HashSet<RunKey> =
        runs.iter().filter(|(_, decision)| has_failed(decision)).map(|(run, _)| run.key()).collect();
    let groups = longest_first(Group::of(runs.into_iter().map(|(run, _)| run)));
    let state = State::new(groups, failed, store, context, source);
    if let (true, 1, 2..) = (context.devices.are_cpu(), state.runs(), context.jobs) {
        alone(context.workers(usize::MAX), &state);
    } else {
        context.on_workers(&context.workers_on_devices(state.runs()), |device| state.work(device));
    }
    state.into_report()
}

/// A single run has all threads to itself: its convolutions spread over them, with the same results.
fn alone(threads: usize, state: &State<'_>) {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| with_threads_inside(true, || state.work(DeviceChoice::Cpu))),
        Err(_) => state.work(DeviceChoice::Cpu),
    }
}

/// The longest groups start first, so that none is left alone at the end; equals keep the plan's order.
fn longest_first(mut groups: Vec<Group>) -> Vec<Group> {
    let cost = |group: &Group| cost(group.common()) * group.levels().len() as f64;
    groups.sort_by(|a, b| cost(b).total_cmp(&cost(a)));
    groups
}

/// All epochs of one run.
fn whole_cost(group: &Group) -> f64 {
    epoch_cost(group.common()) * f64::from(group.common().epochs)
}

/// A group that is to be trained.
struct Trial {
    /// What was to be done when the plan was looked at.
    planned: Group,
    work: Mutex<Work>,
}

/// A group on its way.
#[derive(Default)]
struct Work {
    /// What is done here, once the group is claimed; others may have done the rest.
    group: Option<Arc<Group>>,
    claim: Option<Claim>,
    /// Had another process the group when it was looked at?
    was_elsewhere: bool,
    /// Runs that are not done.
    left: usize,
    /// The trial's examples, drawn when its first run needs them and dropped after its last one.
    splits: Option<(Arc<Splits>, Arc<DatasetFingerprint>)>,
}

struct State<'a> {
    trials: Vec<Trial>,
    /// Runs that had failed before.
    had_failed: HashSet<RunKey>,
    queue: Queue<Branch>,
    deadline: Deadline,
    has_told: AtomicBool,
    store: &'a Store,
    context: &'a Context,
    source: &'a dyn Source,
    report: Mutex<StageReport>,
    /// Missing datasets.
    unavailable: Mutex<BTreeSet<String>>,
    error: Mutex<Option<TrainError>>,
    cancelled: AtomicBool,
    /// The host's memory, which runs side by side share.
    budget: MemoryBudget,
    meter: Meter,
}

/// A panic while a lock was held leaves these plain collections whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> State<'a> {
    fn new(
        groups: Vec<Group>,
        had_failed: HashSet<RunKey>,
        store: &'a Store,
        context: &'a Context,
        source: &'a dyn Source,
    ) -> Self {
        let work = |group: &Group| whole_cost(group) * group.levels().len() as f64;
        Self {
            meter: Meter::new(groups.iter().map(work).sum()),
            had_failed,
            deadline: Deadline::new(context.ends),
            has_told: AtomicBool::new(false),
            // As many as there are workers, and a few more, so that none waits for the next fork.
            queue: Queue::new(groups.len(), context.workers(usize::MAX) + 2),
            trials: groups.into_iter().map(|planned| Trial { planned, work: Mutex::default() }).collect(),
            store,
            context,
            source,
            report: Mutex::default(),
            unavailable: Mutex::default(),
            error: Mutex::default(),
            cancelled: AtomicBool::new(false),
            budget: MemoryBudget::new(available),
        }
    }

    fn runs(&self) -> usize {
        self.trials.iter().map(|trial| trial.planned.levels().len()).sum()
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_raised() || self.cancelled.load(Ordering::Relaxed)
    }

    /// One worker, on its device.
    fn work(&self, device: DeviceChoice) {
        while let Some(next) = self.queue.next(|| self.is_stopped()) {
            let result = match next {
                Next::Group(number) => self.begin(number, device),
                Next::Branch(task) => self.branch(task, device),
            };
            self.queue.done();
            if let Err(error) = result {
                lock(&self.error).get_or_insert(error);
                self.cancelled.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Puts the branches with which a group starts into the queue.
    fn begin(&self, number: usize, device: DeviceChoice) -> Result<(), TrainError> {
        let Some(group) = self.claim(number)? else { return Ok(()) };
        if self.is_too_late(&group)? {
            return Ok(());
        }
        let Some((splits, _)) = self.splits(number)? else {
            *lock(&self.trials[number].work) = Work::default();
            return Ok(());
        };
        let training = Training::new(group.common(), &splits);
        let mut branches: Vec<Branch> = Vec::new();
        match device {
            DeviceChoice::Cuda(ordinal) => {
                let most = self.group_size(&training, group.levels().len(), ordinal);
                branches.extend(even(group.levels(), most).into_iter().map(|part| Branch::stored(part.to_vec())));
            }
            DeviceChoice::Cpu => {
                let largest = checkpoint::largest(training.tensors(), group.levels().len(), group.common().epochs);
                let (held, left) = self.checkpoints(&group).resumable(largest);
                for (levels, epochs) in held {
                    self.meter.skip(epoch_cost(group.common()) * f64::from(epochs) * levels.len() as f64);
                    branches.push(Branch::stored(levels));
                }
                if group.shares_prefixes() {
                    branches.extend((!left.is_empty()).then(|| Branch::new(left)));
                } else {
                    branches.extend(left.into_iter().map(|level| Branch::new(vec![level])));
                }
            }
        }
        for branch in branches {
            let refused = self.queue.offer(number, branch);
            debug_assert!(refused.is_none(), "no branch has a state yet");
        }
        Ok(())
    }

    fn checkpoints(&self, group: &Group) -> Checkpoints {
        let Context { checkpoint_every, force, progress, .. } = self.context;
        Checkpoints::new(self.store, group, *checkpoint_every, *force, progress.clone())
    }

    /// Trains a branch, and what leaves it and finds no other worker.
    fn branch(&self, task: Task<Branch>, device: DeviceChoice) -> Result<(), TrainError> {
        let Task { group: number, branch } = task;
        let group = &*self.group(number);
        let Some((splits, seen)) = self.splits(number)? else { return Ok(()) };
        let training = Training::new(group.common(), &splits);
        let is_stopped = || self.is_stopped();
        let context = GroupContext {
            context: self.context,
            device,
            group,
            splits: &splits,
            training: &training,
            budget: &self.budget,
            is_stopped: &is_stopped,
        };
        let offer = |branch: Branch| self.queue.offer(number, branch);
        let each_epoch = epoch_cost(group.common());
        // The last is trained first: what leaves a path before the path itself.
        let mut waiting = vec![branch];
        while let Some(branch) = waiting.pop() {
            let id = part_id(&branch.levels, group);
            let progress = &self.context.progress;
            progress.item_started(&id, group.common().epochs.into());
            let (start, shared) = (Instant::now(), branch.training);
            let pace = self.deadline.pace(group.common());
            let advanced = |now: Advance| {
                pace.epoch_done();
                progress.item_advanced(&id, now.epochs);
                let (done, left) = self.meter.done(each_epoch, now.members, now.levels);
                progress.work_left(done, left);
            };
            match context.train(branch, self.checkpoints(group), &offer, &advanced) {
                Attempt::Done(results, left) => {
                    self.save((number, &seen, device), &id, results, shared + start.elapsed())?;
                    waiting.extend(left);
                }
                Attempt::Stopped => {
                    progress.item_paused(&id);
                    for branch in waiting {
                        self.leave(number, branch);
                    }
                    return Ok(());
                }
                Attempt::Parked(branches) => {
                    progress.item_paused(&id);
                    waiting.extend(branches);
                }
                Attempt::DeviceLost(results, lost) => {
                    self.save((number, &seen, device), &id, results, shared + start.elapsed())?;
                    return Err(lost.into());
                }
                Attempt::TooMany(levels) => {
                    let most = levels.len().div_ceil(2);
                    let note = format!("out of GPU memory with a group of {}: again with {most}", levels.len());
                    progress.item_paused(&id);
                    progress.warn(&format!("{id}: {note}"));
                    let halves = even(&levels, most).into_iter().rev();
                    waiting.extend(halves.map(|half| Branch::stored(half.to_vec())));
                }
            }
        }
        Ok(())
    }

    /// How many of a group's levels a CUDA device trains together.
    fn group_size(&self, training: &Training, levels: usize, ordinal: usize) -> usize {
        let most = indexable(training, levels).max(1);
        match (self.context.group_size, flooding_engine::device::free_memory(ordinal)) {
            (GroupSize::AtMost(size), _) => most.min(size.get()),
            (GroupSize::Auto, Some(free)) => fitting(training, most, free),
            (GroupSize::Auto, None) => most,
        }
    }

    /// Saves what the levels of one path leave.
    fn save(
        &self,
        (number, seen, device): (usize, &DatasetFingerprint, DeviceChoice),
        id: &str,
        results: Results,
        took: Duration,
    ) -> Result<(), TrainError> {
        let group = self.group(number);
        let device = flooding_engine::device::name(device);
        let context = SaveContext { store: self.store, device: &device };
        let lowest = results.first().map(|(level, _)| group.run(*level));
        // The lowest comes last: as long as one is missing, the checkpoint in its folder holds them all.
        for (i, (level, trained)) in results.into_iter().enumerate().rev() {
            let spec = group.run(level);
            let summary = trained.result.as_ref().ok().cloned();
            let untrained = group.common().epochs as usize - trained.history.len();
            // The last stands for the path, whose name it ends; each run counts.
            let run = run_id(&spec);
            let name = if i == 0 { id } else { &run };
            match save(&context, &spec, seen, trained, took)? {
                Status::Complete => {
                    lock(&self.report).done += 1;
                    let note = summary.map_or(String::new(), |s| format!("test {:.1}%", s.last.test.accuracy * 100.0));
                    self.context.progress.item_finished(name, &note);
                }
                Status::Failed { cause, step, .. } => {
                    let note = format!("failed at step {step}: {cause}");
                    self.meter.skip(epoch_cost(&spec) * untrained as f64);
                    self.context.progress.item_failed(name, &note);
                    lock(&self.report).missing.push(MissingResult { stage: Stage::Train, id: run, why: note });
                    if self.context.fail_fast {
                        self.context.stop.raise_after_failure();
                    }
                }
            }
            self.finished_with(number);
        }
        if let Some(lowest) = lowest {
            checkpoint::remove(self.store, &lowest, &*self.context.progress);
        }
        Ok(())
    }

    /// A group's examples; `None` where its dataset is not available, which the report names.
    #[allow(clippy::type_complexity)] // Two things that always go together.
    fn splits(&self, number: usize) -> Result<Option<(Arc<Splits>, Arc<DatasetFingerprint>)>, TrainError> {
        let Trial { planned, work } = &self.trials[number];
        let spec = planned.common();
        if lock(&self.unavailable).contains(spec.data.name()) {
            return Ok(None);
        }
        let mut work = lock(work);
        if let Some(known) = &work.splits {
            return Ok(Some(known.clone()));
        }
        // Examples that make their reader panic are not available; the other datasets are.
        let splits = catch(|_| false, || self.source.splits(spec)).unwrap_or_else(|panic| {
            let why = format!("reading it panicked: {panic}");
            Err(SourceError::Unavailable { dataset: spec.data.name().to_owned(), why })
        });
        match splits {
            Ok(splits) => {
                let seen = Arc::new(DatasetFingerprint::of(&splits));
                Ok(Some(work.splits.insert((splits, seen)).clone()))
            }
            Err(SourceError::Unavailable { dataset: name, why }) => {
                if lock(&self.unavailable).insert(spec.data.name().to_owned()) {
                    let progress = &self.context.progress;
                    progress.warn(&format!("dataset `{name}` is not available ({why}); its runs are left out"));
                    lock(&self.report).missing.push(MissingResult { stage: Stage::Train, id: name, why });
                }
                Ok(None)
            }
            Err(error @ SourceError::Broken { .. }) => Err(TrainError::Data(error.to_string())),
        }
    }

    /// Drops a trial's examples, and the claim on it, after its last run.
    fn finished_with(&self, number: usize) {
        let mut work = lock(&self.trials[number].work);
        work.left -= 1;
        if work.left == 0 {
            work.splits = None;
            work.claim = None;
        }
    }

    fn into_report(self) -> Result<StageReport, TrainError> {
        for Task { group, branch } in self.queue.take_branches() {
            self.leave(group, branch);
        }
        if let Some(error) = self.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.missing.sort_by(|a, b| a.id.cmp(&b.id));
        report.interrupted = self.context.stop.is_raised();
        Ok(report)
    }
}
