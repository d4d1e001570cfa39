//! How a stage is to work: everything that must not change its numbers.

mod devices;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use devices::{DeviceChoice, Devices};

use crate::progress::{Progress, Silent, StopFlag};

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
    pub devices: Devices,
    /// How many runs a CUDA device trains together.
    pub group_size: GroupSize,
    /// Do everything again, even what is up to date.
    pub force: bool,
    /// Touch no network.
    pub offline: bool,
    /// A folder or URL to try before the published addresses.
    pub mirror: Option<OsString>,
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
    /// Threads for this number of tasks: [`jobs`](Self::jobs), and no more than there is work, nor than four a processor,
    /// which only wait for each other.
    pub fn workers(&self, pieces: usize) -> usize {
        let processors = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.jobs.min(pieces).clamp(1, 4 * processors)
    }

    /// The device of each worker: every GPU has one worker, and the processor as many as [`workers`](Self::workers) says.
    pub fn workers_on_devices(&self, pieces: usize) -> Vec<DeviceChoice> {
        if self.devices.are_cpu() {
            return vec![DeviceChoice::Cpu; self.workers(pieces)];
        }
        self.devices.all().iter().copied().take(pieces.max(1)).collect()
    }

    /// Runs `work` on this number of threads at once, or on as many of them as the system can start; returns when all
    /// have ended.
    pub fn on_threads(&self, threads: usize, work: impl Fn() + Sync) {
        self.on_workers(&vec![(); threads.max(1)], |()| work());
    }

    /// Runs `work` on a thread for each of these workers, with what is the worker's own; returns when all have ended. The
    /// first is the caller's thread, and the only one that is certain to be there.
    pub fn on_workers<T: Copy + Send + Sync>(&self, workers: &[T], work: impl Fn(T) + Sync) {
        let Some((&first, others)) = workers.split_first() else { return };
        std::thread::scope(|scope| {
            let work = &work;
            for (started, &own) in others.iter().enumerate() {
                if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, move || work(own)) {
                    let (started, threads) = (started + 1, workers.len());
                    self.progress.warn(&format!(
                        "only {started} of {threads} threads could be started ({error}): the work continues with these; \
                         lower --jobs"
                    ));
                    break;
                }
            }
            work(first);
        });
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            jobs: 1,
            devices: Devices::default(),
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

    #[test]
    fn every_gpu_has_one_worker_and_no_more_of_them_work_than_there_is_work() {
        let on = |devices: &str| Context { jobs: 2, devices: devices.parse().unwrap(), ..Context::default() };
        let two = [DeviceChoice::Cuda(1), DeviceChoice::Cuda(0)];
        assert_eq!(on("cuda:1,cuda:0").workers_on_devices(9), two);
        assert_eq!(on("cuda:1,cuda:0").workers_on_devices(1), two[..1]);
        assert_eq!(on("cpu").workers_on_devices(9), [DeviceChoice::Cpu; 2]);
    }

    #[test]
    fn workers_with_something_of_their_own_share_one_queue_and_each_is_started_once() {
        let (queue, seen) = (AtomicUsize::new(0), std::sync::Mutex::new(Vec::new()));
        let everyone = std::sync::Barrier::new(3);
        Context::default().on_workers(&["a", "b", "c"], |own| {
            everyone.wait();
            while queue.fetch_add(1, Ordering::Relaxed) < 30 {
                std::thread::yield_now();
            }
            seen.lock().unwrap().push(own);
        });
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, ["a", "b", "c"]);
    }
}
