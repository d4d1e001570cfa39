//! How a stage is to work: everything that must not change its numbers.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::progress::{Progress, Silent, StopFlag};

/// Where the networks live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The processor; one thread a run.
    #[default]
    Cpu,
    /// The CUDA device of this ordinal.
    Cuda(usize),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.pad("cpu"),
            Self::Cuda(ordinal) => f.pad(&format!("cuda:{ordinal}")),
        }
    }
}

/// How many runs of one trial a device trains together at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GroupSize {
    /// As many as its free memory allows, fewer when that turns out to be too many.
    #[default]
    Auto,
    /// No more than this.
    AtMost(NonZeroUsize),
}

/// How a stage is to work: parallelism, device, network use, and whom to tell.
#[derive(Clone)]
pub struct Context {
    /// Runs side by side.
    pub jobs: usize,
    /// Where the networks live.
    pub device: DeviceChoice,
    /// How many runs a CUDA device trains together.
    pub group_size: GroupSize,
    /// Do everything again, even what is up to date.
    pub force: bool,
    /// Touch no network.
    pub offline: bool,
    /// A folder or URL to try before the published addresses.
    pub mirror: Option<String>,
    /// Time between two checkpoints of one training; shorter trainings leave none. Zero is one an epoch.
    pub checkpoint_every: Duration,
    /// Raise the stop flag at the first failure.
    pub fail_fast: bool,
    /// When this process will be ended from outside, by a scheduler's time limit; `None` where it is not known.
    pub ends: Option<Instant>,
    /// Raised by a signal.
    pub stop: StopFlag,
    /// Whom to tell.
    pub progress: Arc<dyn Progress>,
}

impl Context {
    /// Threads for so many tasks: [`jobs`](Self::jobs), and no more than there is work, nor than four a processor,
    /// which only wait for each other.
    pub fn workers(&self, pieces: usize) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.min(pieces).clamp(1, 4 * processors)
    }

    /// Runs `work` on so many threads at once, or on as many of them as the system can start; returns when all have ended.
    pub fn on_threads(&self, threads: usize, work: impl Fn() + Sync) {
        std::thread::scope(|scope| {
            for started in 1..threads {
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, &work) {
                    self.progress.warn(&format!(
                        "only {started} of {threads} threads could be started ({error}): the work continues with these; \
                         lower --jobs"
                    ));
                    break;
                }
            }
            work();
        });
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            jobs: 1,
            device: DeviceChoice::Cpu,
            group_size: GroupSize::Auto,
            force: false,
            offline: false,
            mirror: None,
            checkpoint_every: Duration::from_mins(1),
            fail_fast: false,
            ends: None,
            stop: StopFlag::default(),
            progress: Arc::new(Silent),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn threads_are_no_more_than_the_work_nor_than_four_a_processor() {
        let jobs = |jobs| Context { jobs, ..Context::default() };
        assert_eq!(jobs(65_535).workers(3), 3);
        assert_eq!((jobs(0).workers(9), jobs(5).workers(0)), (1, 1));
        let most = jobs(65_535).workers(usize::MAX);
        assert!((4..65_535).contains(&most), "{most}");
    }

    #[test]
    fn every_thread_works_and_the_caller_is_one_of_them() {
        let count = AtomicUsize::new(0);
        Context::default().on_threads(4, || _ = count.fetch_add(1, Ordering::Relaxed));
        assert_eq!(count.into_inner(), 4);
    }
}
