//! The end of the batch job: nothing is begun that cannot reach a checkpoint before it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::spec::RunSpec;
use flooding_core::task::TaskId;

use crate::TrainError;
use crate::cost::epoch_cost;

/// Time that must be left when a training begins: to read its examples, take a step and write a checkpoint.
const MARGIN: Duration = Duration::from_secs(10);
/// A training stops between two steps, so this part of an epoch's time, at least, is left.
const PART: f64 = 0.1;

/// When the process will be ended, and how fast it works.
pub(super) struct Deadline {
    ends: Option<Instant>,
    /// Seconds for a unit of cost, of the slowest epoch so far.
    pace: Mutex<f64>,
    has_begun: AtomicBool,
}

/// Measures the epochs of one path.
pub(super) struct Pace<'a> {
    deadline: &'a Deadline,
    /// Cost of an epoch.
    cost: f64,
    last: Mutex<Instant>,
}

impl Deadline {
    pub(super) fn new(ends: Option<Instant>) -> Self {
        Self { ends, pace: Mutex::new(0.0), has_begun: AtomicBool::new(false) }
    }

    /// Why a training of this kind is not to be begun; `None` where it may.
    pub(super) fn check(&self, run: &RunSpec) -> Option<TrainError> {
        let left = self.ends?.saturating_duration_since(Instant::now());
        let pace = *self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let part = Duration::try_from_secs_f64(PART * pace * epoch_cost(run)).unwrap_or(Duration::MAX);
        let needed = part.saturating_add(MARGIN);
        (left < needed).then(|| TrainError::TooLittleTime { task: TaskId::of(run).to_string(), left, needed })
    }

    /// Has nothing been begun yet?
    pub(super) fn is_first(&self) -> bool {
        !self.has_begun.load(Ordering::Relaxed)
    }

    /// Measures the epochs of a path that begins now.
    pub(super) fn pace(&self, run: &RunSpec) -> Pace<'_> {
        self.has_begun.store(true, Ordering::Relaxed);
        Pace { deadline: self, cost: epoch_cost(run), last: Mutex::new(Instant::now()) }
    }
}

impl Pace<'_> {
    pub(super) fn epoch_done(&self) {
        let now = Instant::now();
        let took = now - std::mem::replace(&mut *self.last.lock().unwrap_or_else(PoisonError::into_inner), now);
        let mut pace = self.deadline.pace.lock().unwrap_or_else(PoisonError::into_inner);
        *pace = pace.max(took.as_secs_f64() / self.cost.max(f64::MIN_POSITIVE));
    }
}
