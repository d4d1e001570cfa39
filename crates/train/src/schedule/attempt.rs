//! Training one branch on the chosen device, whatever happens meanwhile.

use std::sync::Arc;

use flooding_core::context::{Context, DeviceChoice, GroupSize};
use flooding_core::dataset::Splits;
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_engine::EngineError;
use flooding_engine::allocation::{in_words, is_out_of_memory};
use flooding_engine::backend::Backend;
use flooding_engine::cpu::release_buffers;
use flooding_engine::device::{self, Work};
use flooding_engine::memory::{MemoryBudget, NoReservation, Training, cpu, indexable};
use flooding_engine::panics::catch;

use crate::branch::{Advance, Branch, Ended, Forks, TrainControl};
use crate::checkpoint::Checkpoints;
use crate::outcome::{Cause, Failure, Trained};
use crate::trainer::{Results, train};

const NOT_INDEXABLE: &str = "a tensor of this network has more than 2^31 elements, which CUDA kernels cannot count: \
                             lower batch_size, or use --device cpu";

/// Where a branch is trained.
pub(super) struct GroupContext<'a> {
    pub(super) context: &'a Context,
    pub(super) device: DeviceChoice,
    pub(super) group: &'a Group,
    pub(super) splits: &'a Arc<Splits>,
    pub(super) training: &'a Training,
    /// The host's memory, which trainings side by side share.
    pub(super) budget: &'a MemoryBudget,
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

/// How it ended.
pub(super) enum Attempt {
    /// With results or failures of these levels; branches that had left the path before it failed are still to be
    /// trained.
    Done(Results, Vec<Branch>),
    /// The user asked to stop.
    Stopped,
    /// The branches are to be trained first, then the path itself, which is the first of these.
    Parked(Vec<Branch>),
    /// The device has too little memory for this number of levels at once.
    TooMany(Vec<Level>),
    /// The device failed, and this process cannot use it any more; these levels failed with it.
    DeviceLost(Results, EngineError),
}

impl GroupContext<'_> {
    /// Trains the branch; forks are offered to `offer`.
    pub(super) fn train(
        &self,
        branch: Branch,
        checkpoints: Checkpoints,
        offer: &dyn Fn(Branch) -> Option<Branch>,
        advanced: &dyn Fn(Advance),
    ) -> Attempt {
        let device = self.device;
        let levels = branch.levels.clone();
        let forks = match device {
            DeviceChoice::Cpu => Forks::Offer(offer),
            DeviceChoice::Cuda(_) => Forks::Grow,
        };
        let mut control = TrainControl::new(&levels, self.context.stop.clone(), forks, advanced);
        control.checkpoints = Some(checkpoints);
        let on_device = || {
            let work = OnDevice { group: self.group, branch, splits: self.splits, control: &control };
            device::run(device, work).map_err(|problem| Cause::Device(problem.to_string()))?
        };
        let result = catch(is_out_of_memory, || match device {
            DeviceChoice::Cpu => match self.budget.reserve(cpu(self.training), self.is_stopped) {
                Ok(_reservation) => on_device(),
                Err(NoReservation::Stopped) => Ok(Ended::Stopped),
                Err(too_large) => Err(Cause::OutOfMemory(too_large.to_string())),
            },
            DeviceChoice::Cuda(_) if indexable(self.training, levels.len()) < levels.len() => {
                Err(Cause::Unsuitable(NOT_INDEXABLE.to_owned()))
            }
            DeviceChoice::Cuda(_) => on_device(),
        });
        if device == DeviceChoice::Cpu {
            // However it ended: the next network may be of another shape, and another thread's.
            release_buffers();
        }
        let cause = match result {
            Ok(Ok(Ended::Done(results))) => return Attempt::Done(results, control.take_waiting()),
            Ok(Ok(Ended::Stopped)) => return Attempt::Stopped,
            Ok(Ok(Ended::Parked(branches))) => return Attempt::Parked(branches),
            Ok(Err(cause)) => cause,
            Err(panic) if is_out_of_memory(&panic) => Cause::OutOfMemory(panic),
            Err(panic) => Cause::Panicked(panic),
        };
        let cause = match (device, cause) {
            (DeviceChoice::Cuda(_), Cause::OutOfMemory(_)) => {
                if levels.len() > 1 && self.context.group_size == GroupSize::Auto {
                    return Attempt::TooMany(levels);
                }
                Cause::OutOfMemory(out_of_device_memory(levels.len(), self.training))
            }
            (_, cause) => cause,
        };
        let failure = Failure { cause, step: control.step(), last_finite_loss: control.last_finite_loss() };
        let failed = control.levels().into_iter().map(|level| (level, Trained::failed(failure.clone()))).collect();
        match device::lost(device) {
            Some(lost) => Attempt::DeviceLost(failed, lost),
            None => Attempt::Done(failed, control.take_waiting()),
        }
    }
}

/// What to do when the device's memory is not enough for this number of runs.
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

/// A branch to be trained on any device.
struct OnDevice<'a> {
    group: &'a Group,
    branch: Branch,
    splits: &'a Arc<Splits>,
    control: &'a TrainControl<'a>,
}

impl Work for OnDevice<'_> {
    type Output = Result<Ended<Results>, Cause>;

    fn on<B: Backend>(self, backend: &B) -> Self::Output {
        train(backend, (self.group, self.branch), self.splits, self.control).map_err(|error| {
            let why = format!("the device failed: {error:?}");
            if is_out_of_memory(&why) { Cause::OutOfMemory(why) } else { Cause::Device(why) }
        })
    }
}
