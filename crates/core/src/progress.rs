//! What the stages say while they work; the command line decides how it looks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A listener to a stage's work. All methods may be called from several threads at once.
pub trait Progress: Send + Sync {
    /// A stage starts `total` tasks, each called `unit` (a run, a file).
    fn stage_started(&self, stage: &str, total: u64, unit: &str);
    /// A task starts and will take `steps` steps (epochs, bytes).
    fn item_started(&self, id: &str, steps: u64);
    /// A task has done this number of steps in total.
    fn item_advanced(&self, id: &str, done: u64);
    /// A task is done; `note` is a short result for the log.
    fn item_finished(&self, id: &str, note: &str);
    /// A task has ended and is not done.
    fn item_failed(&self, id: &str, why: &str) {
        self.item_finished(id, why);
    }
    /// A task stops before its end: it will be resumed, or the user asked to stop.
    fn item_paused(&self, id: &str) {
        let _ = id;
    }
    /// The stage has done so much of its work, and at most so much is left, in one unit (floating-point operations, bytes):
    /// where tasks differ in length, this tells more than their number.
    fn work_left(&self, done: f64, left: f64) {
        let _ = (done, left);
    }
    /// The stage has ended.
    fn stage_finished(&self);
    /// Something that the user should read even after the display is gone.
    fn warn(&self, message: &str);
}

/// Says nothing: for tests and libraries.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage_started(&self, _: &str, _: u64, _: &str) {}
    fn item_started(&self, _: &str, _: u64) {}
    fn item_advanced(&self, _: &str, _: u64) {}
    fn item_finished(&self, _: &str, _: &str) {}
    fn stage_finished(&self) {}
    fn warn(&self, _: &str) {}
}

/// Raised by a signal (or the first failure under `--fail-fast`): whoever works looks at it between steps.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<Raised>);

#[derive(Debug, Default)]
struct Raised {
    asked: AtomicBool,
    failed: AtomicBool,
    restarts: AtomicBool,
    by_time: AtomicBool,
}

impl StopFlag {
    /// Asks everyone to stop at the next step.
    pub fn raise(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
    }

    /// The same, because a batch system ends the process: the same command will be started again.
    pub fn raise_for_restart(&self) {
        self.0.restarts.store(true, Ordering::Relaxed);
    }

    /// The same before the batch system ends the process, because its time is nearly up.
    pub fn raise_by_time(&self) {
        self.0.by_time.store(true, Ordering::Relaxed);
        self.raise_for_restart();
    }

    /// Asks everyone to stop at the next step, because something failed.
    pub fn raise_after_failure(&self) {
        self.0.failed.store(true, Ordering::Relaxed);
    }

    /// Has someone asked to stop?
    pub fn is_raised(&self) -> bool {
        let Raised { asked, failed, restarts, .. } = &*self.0;
        [asked, failed, restarts].iter().any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Has a failure asked, and nobody else?
    pub fn is_after_failure(&self) -> bool {
        let Raised { asked, failed, restarts, .. } = &*self.0;
        failed.load(Ordering::Relaxed) && !asked.load(Ordering::Relaxed) && !restarts.load(Ordering::Relaxed)
    }

    /// Will the same command be started again?
    pub fn is_for_restart(&self) -> bool {
        self.0.restarts.load(Ordering::Relaxed) && !self.0.asked.load(Ordering::Relaxed)
    }

    /// Is the time nearly up, rather than the job cancelled or moved?
    pub fn is_by_time(&self) -> bool {
        self.0.by_time.load(Ordering::Relaxed)
    }
}
