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
    /// When this process will be ended from outside, by a scheduler's time limit; `None` where nobody says.
    pub ends: Option<Instant>,
    /// Raised by a signal.
    pub stop: StopFlag,
    /// Whom to tell.
    pub progress: Arc<dyn Progress>,
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
