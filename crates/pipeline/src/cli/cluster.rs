//! `pipeline tasks`, `forecast` and `submit`, as typed.

use clap::{Args, Subcommand};
use flooding_core::context::Devices;

use super::{PartArgs, PlanArgs};

/// Which tasks are listed.
#[derive(Args, Clone, Debug)]
pub struct TasksArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    #[command(flatten)]
    pub part: PartArgs,
    /// Where they will be trained: cpu, cuda, cuda:N, or several GPUs such as cuda:0,cuda:1
    #[arg(long, default_value = "cpu", value_name = "DEVICE,...")]
    pub device: Devices,
}

/// What is forecast.
#[derive(Args, Clone, Debug)]
pub struct ForecastArgs {
    #[command(flatten)]
    pub tasks: TasksArgs,
    /// Runs side by side on each machine [default: the number of cores here]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Machines like this one
    #[arg(long, value_name = "M", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub machines: u16,
}

/// Where the work is submitted to.
#[derive(Clone, Debug, Subcommand)]
pub enum SubmitCommand {
    /// Slurm: prepare, an array that trains, and the report behind it
    Slurm(SlurmArgs),
    /// HyperQueue: print the job file, and submit it where `hq` is at hand
    Hyperqueue(HyperqueueArgs),
}

/// How the work is submitted to Slurm.
#[derive(Args, Clone, Debug)]
pub struct SlurmArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Where to train: cpu, or the GPUs of each job, counted from 0 as Slurm gives them: cuda, or cuda:0,cuda:1
    #[arg(long, default_value = "cpu", value_name = "DEVICE,...")]
    pub device: Devices,
    /// Runs side by side in each job, and CPUs that it asks for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
    /// Partition [default: the cluster's]
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    /// Account to charge [default: the cluster's]
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// GPUs of each training job [default: as many as --device names]
    #[arg(long, value_name = "N")]
    pub gpus: Option<usize>,
    /// Time limit of each job, as Slurm writes it
    #[arg(long, value_name = "TIME", default_value = "2:00:00")]
    pub time: String,
    /// Training jobs at a time at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub max_running: Option<u16>,
    /// Print the scripts and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How the work is submitted to HyperQueue.
#[derive(Args, Clone, Debug)]
pub struct HyperqueueArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Where to train: cpu, or the GPUs of each task: cuda, or cuda:0,cuda:1
    #[arg(long, default_value = "cpu", value_name = "DEVICE,...")]
    pub device: Devices,
    /// Runs side by side in each task, and CPUs that it asks for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: u16,
    /// Print the job file and submit nothing
    #[arg(long)]
    pub dry_run: bool,
}
