//! Tasks, claimed one after another as threads ask for more, so that processes on one folder do different ones.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::context::Context;
use flooding_core::plan::Group;
use flooding_core::spec::RunSpec;
use flooding_core::store::{Claim, Claimed, Store};
use flooding_core::task::TaskId;
use flooding_core::work::{Decision, Gap, Reason, Stage};

use crate::TrainError;
use crate::cost::cost;
use crate::decide::decide_group;
use crate::schedule::run_id;

/// How often a process with nothing else to do looks again at tasks that others have.
const LOOK: Duration = Duration::from_millis(300);
/// Time that must be left before the end of the job besides what a checkpoint takes to reach.
const MARGIN: Duration = Duration::from_secs(5);

/// Divides the runs of a task among threads.
pub type Split = fn(Vec<RunSpec>) -> Vec<Vec<RunSpec>>;

/// Runs that are handed to one thread, all of one task.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Their task.
    pub task: TaskId,
    /// The runs; never empty.
    pub runs: Vec<RunSpec>,
}

/// What other processes did of the runs that were to be done here.
#[derive(Debug, Default)]
pub struct ByOthers {
    /// Runs completed.
    pub done: u64,
    /// Runs that failed.
    pub gaps: Vec<Gap>,
}

/// The tasks that are left.
pub struct Queue<'a> {
    store: &'a Store,
    context: &'a Context,
    split: Split,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Not looked at yet, the longest first.
    ahead: VecDeque<Task>,
    /// Others had them when they were looked at last.
    elsewhere: VecDeque<Task>,
    ready: VecDeque<Unit>,
    /// Claimed, with units that are ready or under way.
    open: HashMap<TaskId, Open>,
    by_others: ByOthers,
    handed_out: u64,
    has_told: bool,
    pace: Pace,
}

/// A task and its runs that were to be trained when the plan was looked at, each with whether it had failed before.
struct Task {
    id: TaskId,
    runs: Vec<(RunSpec, bool)>,
}

struct Open {
    _claim: Claim,
    left: usize,
}

/// Seconds of a thread for a unit of cost, from what was trained here.
#[derive(Default)]
struct Pace {
    seconds: f64,
    cost: f64,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic while the lock was held leaves these plain collections whole.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Queue<'a> {
    /// The tasks of these runs, those with the longest run first.
    pub fn new(runs: Vec<(RunSpec, Decision)>, store: &'a Store, context: &'a Context, split: Split) -> Self {
        let mut tasks: Vec<Task> = Vec::new();
        for (run, decision) in runs {
            let id = TaskId::of(&run);
            let has_failed = matches!(decision, Decision::Run(Reason::FailedBefore { .. }));
            match tasks.last_mut().filter(|task| task.id == id) {
                Some(task) => task.runs.push((run, has_failed)),
                None => tasks.push(Task { id, runs: vec![(run, has_failed)] }),
            }
        }
        let longest = |task: &Task| task.runs.iter().map(|(run, _)| cost(run)).fold(0.0, f64::max);
        tasks.sort_by(|a, b| longest(b).total_cmp(&longest(a)));
        let state = Mutex::new(State { ahead: tasks.into(), ..State::default() });
        Self { store, context, split, state, changed: Condvar::new() }
    }

    /// The next runs to train; waits while other processes have the last ones. `None` when there is nothing left, when
    /// asked to stop, or when nothing can reach a checkpoint before the end of the job.
    pub fn next(&self, is_stopped: impl Fn() -> bool) -> Result<Option<Unit>, TrainError> {
        let mut state = lock(&self.state);
        while !is_stopped() {
            if let Some(unit) = state.ready.pop_front() {
                if let Some(problem) = self.too_late_for(&unit, &state) {
                    state.ready.push_front(unit);
                    self.context.stop.raise_by_time(self.until_end());
                    return if state.handed_out == 0 { Err(problem) } else { Ok(None) };
                }
                state.handed_out += 1;
                return Ok(Some(unit));
            }
            if let Some(task) = state.ahead.pop_front() {
                self.claim(task, &mut state, false)?;
                continue;
            }
            for _ in 0..state.elsewhere.len() {
                if let Some(task) = state.elsewhere.pop_front() {
                    self.claim(task, &mut state, true)?;
                }
            }
            if !state.ready.is_empty() {
                continue;
            }
            if state.elsewhere.is_empty() {
                return Ok(None);
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(None)
    }

    /// Claims a task and makes its units ready; leaves it for later where another process has it.
    fn claim(&self, task: Task, state: &mut State, was_elsewhere: bool) -> Result<(), TrainError> {
        let claim = match self.store.try_claim(&task.id.to_string())? {
            Claimed::Ours(claim) => claim,
            Claimed::Theirs(holder) => {
                if was_elsewhere && !std::mem::replace(&mut state.has_told, true) {
                    self.context.progress.warn(&format!("waiting for {}, which {holder} trains", task.id));
                }
                state.elsewhere.push_back(task);
                return Ok(());
            }
        };
        let runs = self.left_of(task.runs, state, was_elsewhere)?;
        if runs.is_empty() {
            return Ok(());
        }
        let mut units = (self.split)(runs);
        // The longest first, so that none is left alone at the end; equals keep the plan's order.
        units.sort_by(|a, b| unit_cost(b).total_cmp(&unit_cost(a)));
        state.open.insert(task.id.clone(), Open { _claim: claim, left: units.len() });
        state.ready.extend(units.into_iter().map(|runs| Unit { task: task.id.clone(), runs }));
        self.changed.notify_all();
        Ok(())
    }

    /// What is left of a task now that it is ours: others may have done it since the plan was looked at.
    fn left_of(
        &self,
        runs: Vec<(RunSpec, bool)>,
        state: &mut State,
        was_elsewhere: bool,
    ) -> Result<Vec<RunSpec>, TrainError> {
        let had_failed: Vec<bool> = runs.iter().map(|(_, had_failed)| *had_failed).collect();
        let group = Group { runs: runs.into_iter().map(|(run, _)| run).collect() };
        if self.context.force {
            return Ok(group.runs);
        }
        let mut left = Vec::new();
        for ((run, decision), had_failed) in decide_group(group, self.store, false)?.into_iter().zip(had_failed) {
            match decision {
                Decision::Skip(_) => state.by_others.done += 1,
                // Another process tried it just now: it would fail here too.
                Decision::Run(Reason::FailedBefore { cause }) if was_elsewhere || !had_failed => {
                    state.by_others.gaps.push(Gap { stage: Stage::Train, id: run_id(&run), why: cause });
                }
                Decision::Run(_) => left.push(run),
            }
        }
        Ok(left)
    }

    /// A thread has done with these runs, which took so long.
    pub fn finished(&self, unit: &Unit, took: Duration) {
        let mut state = lock(&self.state);
        state.pace.seconds += took.as_secs_f64();
        state.pace.cost += unit_cost(&unit.runs);
        if let Some(open) = state.open.get_mut(&unit.task) {
            open.left -= 1;
            if open.left == 0 {
                state.open.remove(&unit.task);
            }
        }
    }

    /// Have all units of this task been done?
    pub fn is_open(&self, task: &TaskId) -> bool {
        lock(&self.state).open.contains_key(task)
    }

    /// What other processes did.
    pub fn into_others(self) -> ByOthers {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).by_others
    }

    /// Why these runs cannot reach a checkpoint before the end of the job; `None` where they can, as far as is known.
    fn too_late_for(&self, unit: &Unit, state: &State) -> Option<TrainError> {
        let left = self.context.ends?.saturating_duration_since(Instant::now());
        let first = &unit.runs[0];
        let epochs = f64::from(first.epochs.max(1));
        let pace = if state.pace.cost > 0.0 { state.pace.seconds / state.pace.cost } else { 0.0 };
        let epoch = Duration::try_from_secs_f64(1.5 * pace * unit_cost(&unit.runs) / epochs).unwrap_or(Duration::MAX);
        let needed = epoch.saturating_add(MARGIN);
        (left < needed).then(|| TrainError::TooLittleTime { task: unit.task.to_string(), left, needed })
    }

    fn until_end(&self) -> Duration {
        let left = self.context.ends.map(|ends| ends.saturating_duration_since(Instant::now() + MARGIN));
        left.unwrap_or_default()
    }
}

fn unit_cost(runs: &[RunSpec]) -> f64 {
    runs.iter().map(cost).sum()
}
