//! `pipeline submit`: the work of a plan as jobs of a batch system. The scheduling is the batch system's.

mod folder;
mod hyperqueue;
mod packing;
mod scripts;
mod slurm;
mod slurm_jobs;

use flooding_core::context::Devices;

pub use hyperqueue::submit as hyperqueue;
pub use slurm::submit as slurm;
pub use slurm_jobs::SlurmJobs;

/// GPUs that a job asks for: one a device.
fn gpus(devices: &Devices) -> Option<usize> {
    (!devices.are_cpu()).then_some(devices.all().len())
}
