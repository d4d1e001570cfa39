//! `pipeline submit`: the work of a plan as jobs of a batch system. The scheduling is the batch system's.

mod hyperqueue;
mod packing;
mod scripts;
mod slurm;
mod slurm_jobs;

pub use hyperqueue::submit as hyperqueue;
pub use slurm::submit as slurm;
pub use slurm_jobs::SlurmJobs;
