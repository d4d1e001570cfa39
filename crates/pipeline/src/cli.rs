//! The command line, in one place: help, completion and parsing all come from here.

mod cluster;
mod data;
mod exchange;
mod place;
mod published;
mod stats;

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use flooding_core::context::{DeviceChoice, Devices, GroupSize};
use flooding_core::task::TaskId;
use flooding_core::work::Stage;

use crate::tasks::Shard;

pub use cluster::{ForecastArgs, HyperqueueArgs, SlurmArgs, SubmitCommand, TasksArgs};

pub use data::{DataArgs, DataCommand, DataFormat};
pub use exchange::{ImportArgs, PackArgs};
pub use place::PlaceArgs;
pub use published::{CompareReportsArgs, PublishArgs};
pub use stats::{CompareArgs, StatsCommand, TTestArgs};

const EXAMPLES: &str = "\
Examples:
  pipeline run                                   the quick profile, from data to report
  pipeline run --profile full --device cuda      the paper's whole grid on a GPU
  pipeline run --dry-run                         what would run, what would not, and why
  pipeline stage train --only cifar10            one stage, one dataset: a small part, a quarter of an hour on two cores
  pipeline stage train --only setting:cifar10 --train-size 5000 --epochs 12 --levels 0    one setting, another size
  pipeline stage train --only 'spiral-*' --jobs 2
  pipeline stage train --only spiral-high --probe flatness
  pipeline status                                what is there and what is missing

Exit codes:
  0  done
  1  failed
  2  usage or configuration
  3  incomplete: something is missing; the report names it
  75  the time was up (SIGTERM, SIGUSR1, the end of the batch job): checkpoints are left, start the same command again
  130  interrupted; the same command resumes";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  pipeline explain 3fa9c1                  a run, planned or stored, by the first digits of its key
  pipeline explain spiral-high             a setting
  pipeline explain spiral-high:A           a row of Table 2 (A); :B for early stopping
  pipeline explain figure-2-spiral-high    a figure, by its id in the report
  pipeline explain level-grows-with-noise  a claim, by its id in data/tables/claims.csv";

const SUBMIT_EXAMPLES: &str = "\
Examples:
  pipeline submit slurm --profile full --dry-run                       the scripts, nothing is submitted
  pipeline submit slurm --profile full --partition cpu --jobs 8 --max-running 50
  pipeline submit slurm --profile full --only cifar10 --device cuda --time 12:00:00
  pipeline submit hyperqueue --profile full > job.toml                 for `hq job submit-file job.toml`";

const PACK_EXAMPLES: &str = "\
Examples:
  pipeline pack --profile full -o results.tar.gz    on the machine that trained
  pipeline import results.tar.gz                    on the machine that makes the report
  pipeline import ../other-checkout                 another project folder
  pipeline import a.tar b.tar --prefer mine         keep what is here where results differ
  pipeline import docs/paper-report                 a published report: train the rest, its settings count as published";

const PUBLISH_EXAMPLES: &str = "\
Examples:
  pipeline publish docs/paper-report --profile table2
  pipeline compare docs/paper-report                 does every cell follow from the runs beside it?
  pipeline compare docs/paper-report --sample 20     train 20 of its runs again on this machine
  pipeline compare docs/paper-report reports         which cells, verdicts and selected levels differ

Exit codes of compare:
  0  everything agrees (runs to the bit, or to rounding)
  3  something differs; it is named";

/// Re-derives the tables and figures of "Do We Need Zero Training Loss After Achieving Zero Training Error?"
/// (Ishida et al., ICML 2020) and checks its Theorem 1.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder of the project; created if it is missing
    #[arg(default_value = ".", value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Write the templates of the report too: those in the project replace the built-in ones
    #[arg(long)]
    pub templates: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a project: write pipeline.toml and data/datasets.toml
    Init(InitArgs),
    /// Run all stages: fetch, generate, train, verify, aggregate, render
    #[command(after_help = EXAMPLES)]
    Run(RunArgs),
    /// Run one stage
    #[command(after_help = EXAMPLES)]
    Stage {
        /// Which one.
        stage: StageName,
        /// With `train`: make these probes alone, by training the compared runs again
        #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_enum)]
        probe: Vec<ProbeName>,
        #[command(flatten)]
        args: RunArgs,
    },
    /// Say what is there and what is missing
    Status(PlanArgs),
    /// Look after the image datasets
    Data {
        /// What to do with them.
        #[command(subcommand)]
        command: DataCommand,
    },
    /// Say where a number of the report comes from, and the command that repeats it
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain {
        /// A run's key (or its first digits), a setting, a table row, a figure, or a claim
        what: String,
        #[command(flatten)]
        args: PlanArgs,
    },
    /// Theorem 1 for one loss distribution, sample size and flood level
    Theorem(TheoremArgs),
    /// The statistics that the tables use, on any numbers
    Stats {
        /// Which one.
        #[command(subcommand)]
        command: StatsCommand,
    },
    /// List the tasks that are left to train: a setting's trial each, with what it takes and its command
    Tasks(TasksArgs),
    /// Say what is left to train and what it takes: hours, memory, disk
    Forecast(ForecastArgs),
    /// Submit what is left to a batch system
    #[command(after_help = SUBMIT_EXAMPLES)]
    Submit {
        /// Which one.
        #[command(subcommand)]
        to: SubmitCommand,
    },
    /// Write the finished runs, with their drawn trials and probes, to a tar file
    #[command(after_help = PACK_EXAMPLES)]
    Pack(PackArgs),
    /// Take results that were made elsewhere into data/
    #[command(after_help = PACK_EXAMPLES)]
    Import(ImportArgs),
    /// Write the report with the runs behind it to a folder that anyone can check
    #[command(after_help = PUBLISH_EXAMPLES)]
    Publish(PublishArgs),
    /// Check a published report by training some of its runs again, or compare two reports cell by cell
    #[command(after_help = PUBLISH_EXAMPLES)]
    Compare(CompareReportsArgs),
    /// Compare everything that is kept with its digests
    VerifyStore(VerifyStoreArgs),
    /// Check a device's arithmetic against the CPU and PyTorch's golden values, and time it
    Selftest {
        /// Which device: cpu, cuda, or cuda:N
        #[arg(long, default_value = "cpu")]
        device: DeviceChoice,
        /// Also write the results to this file
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Time the paper's networks instead of small ones
        #[arg(long)]
        full: bool,
        /// A program that takes the same steps, to be timed beside ours; scripts/gpu-check.sh has one for PyTorch
        #[arg(long, value_name = "COMMAND")]
        peer: Option<String>,
    },
    /// Print the JSON Schema of pipeline.toml
    Schema,
    /// Print completions for a shell
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// The stages, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StageName {
    /// Download and check the image datasets
    Fetch,
    /// Draw the synthetic datasets
    Generate,
    /// Train every run
    Train,
    /// Check Theorem 1
    Verify,
    /// Turn records into tables
    Aggregate,
    /// Turn tables into the report
    Render,
}

impl From<StageName> for Stage {
    fn from(name: StageName) -> Self {
        match name {
            StageName::Fetch => Self::Fetch,
            StageName::Generate => Self::Generate,
            StageName::Train => Self::Train,
            StageName::Verify => Self::Verify,
            StageName::Aggregate => Self::Aggregate,
            StageName::Render => Self::Render,
        }
    }
}

/// The probes of trained runs, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeName {
    /// Losses along random directions in weight space
    Flatness,
    /// Confidence against accuracy on the test set
    Calibration,
    /// Test curves and gradients of every epoch, and Theorem 1 at the end
    Replay,
}

impl From<ProbeName> for flooding_train::probes::Kind {
    fn from(name: ProbeName) -> Self {
        match name {
            ProbeName::Flatness => Self::Flatness,
            ProbeName::Calibration => Self::Calibration,
            ProbeName::Replay => Self::Replay,
        }
    }
}

/// What is planned, and where.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    #[command(flatten)]
    pub place: PlaceArgs,
    /// How much of the grid: smoke, quick, full, or a profile of your own
    #[arg(long, default_value = "quick")]
    pub profile: String,
    /// Only these: dataset names, setting ids, or globs; what the profile has no part for runs at full size. A dataset
    /// stands for all of its settings, and `setting:cifar10` for the setting of that id alone
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Epochs, instead of the profile's; marks the runs as reduced
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub epochs: Option<u32>,
    /// Original training images to use, instead of the profile's: of 5000, a fifth is held out for validation and 4000
    /// are learned from (with augmentation 15% and 4250); marks the runs as reduced. Not for settings that draw their
    /// examples
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub train_size: Option<u32>,
    /// Test examples to use, instead of the profile's; marks the runs as reduced
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub test_size: Option<u32>,
    /// Flood levels separated by commas, instead of the profile's
    #[arg(long, value_name = "B,...", value_delimiter = ',', value_parser = number, allow_negative_numbers = true)]
    pub levels: Option<Vec<f64>>,
    /// Seeds, instead of the profile's
    #[arg(long, value_name = "N", value_parser = whole::<u32>, allow_negative_numbers = true)]
    pub trials: Option<u32>,
    /// Print results as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is compared with its digests.
#[derive(Args, Clone, Debug)]
pub struct VerifyStoreArgs {
    /// Remove what is damaged, so that the next run makes it again
    #[arg(long)]
    pub repair: bool,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print results as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which part of the training is done.
#[derive(Args, Clone, Debug, Default)]
pub struct PartArgs {
    /// Only these tasks: a setting's trial, such as spiral-high/t03 (`pipeline tasks` lists them)
    #[arg(long, value_name = "TASK", value_delimiter = ',')]
    pub task: Vec<TaskId>,
    /// Only the I-th of N parts of about equal cost, such as 1/3; always the same part, whatever is done already
    #[arg(long, value_name = "I/N")]
    pub shard: Option<Shard>,
}

/// How stages work.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line, independent of the others")]
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    pub plan: PlanArgs,
    /// With `stage train`: only the runs of the plan whose keys start with these digits
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    pub key: Vec<String>,
    /// Where to train: cpu, cuda, cuda:N, or several GPUs such as cuda:0,cuda:1, with a worker each [default: cpu]
    #[arg(long, value_name = "DEVICE,...")]
    pub device: Option<Devices>,
    /// Runs of one trial that a CUDA device trains together at most: a number, or auto, by its free memory [default: auto]
    #[arg(long, value_name = "N", value_parser = group_size)]
    pub group_size: Option<GroupSize>,
    /// Runs side by side, one thread each [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// A folder of original files, or a URL, to try before the published addresses
    #[arg(long, value_name = "DIR_OR_URL", env = "PIPELINE_MIRROR", hide_env_values = true)]
    pub mirror: Option<OsString>,
    /// Use no network
    #[arg(long)]
    pub offline: bool,
    /// Do everything again, even what is up to date
    #[arg(long)]
    pub force: bool,
    /// Seconds between two checkpoints of one training, so that no more is lost when it is killed; 0 is one an epoch
    /// [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = whole::<u64>, allow_negative_numbers = true)]
    pub checkpoint_every: Option<u64>,
    #[command(flatten)]
    pub part: PartArgs,
    /// A shell command to run before leaving with exit code 75 because the time is up, such as `scontrol requeue
    /// $SLURM_JOB_ID`
    #[arg(long, value_name = "COMMAND")]
    pub on_again: Option<String>,
    /// Stop at the first run that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Say what would run and why, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| "expected a whole number such as 12".to_owned())
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| "expected numbers with a comma between them, such as 0,0.05".to_owned())
}

fn group_size(text: &str) -> Result<GroupSize, String> {
    if text == "auto" {
        return Ok(GroupSize::Auto);
    }
    text.parse().map(GroupSize::AtMost).map_err(|_| "expected a number from 1, or auto".to_owned())
}

/// Theorem 1 for one cell.
#[derive(Args, Clone, Debug)]
pub struct TheoremArgs {
    /// The distribution of one example's loss
    #[arg(long, value_enum)]
    pub scenario: ScenarioName,
    /// Probability of a loss of 1 (bernoulli), or of 1 + c (shifted-bernoulli)
    #[arg(long)]
    pub p: Option<f64>,
    /// The least loss (shifted-bernoulli), or the loss (constant)
    #[arg(long)]
    pub c: Option<f64>,
    /// Mean (exponential)
    #[arg(long)]
    pub theta: Option<f64>,
    /// Mean (gaussian)
    #[arg(long, allow_negative_numbers = true)]
    pub mu: Option<f64>,
    /// Standard deviation (gaussian)
    #[arg(long)]
    pub s: Option<f64>,
    /// Slope of g (cross-entropy)
    #[arg(long, allow_negative_numbers = true)]
    pub alpha: Option<f64>,
    /// Probability that a label is flipped (cross-entropy)
    #[arg(long)]
    pub eps: Option<f64>,
    /// Every coordinate of the second mean (cross-entropy)
    #[arg(long, allow_negative_numbers = true)]
    pub m: Option<f64>,
    /// Coordinates (cross-entropy)
    #[arg(long)]
    pub d: Option<u32>,
    /// Losses that an empirical risk averages
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub n: u32,
    /// Flood level
    #[arg(long, allow_negative_numbers = true)]
    pub b: f64,
    /// Also estimate by this number of Monte Carlo repetitions (`1e6` is fine)
    #[arg(long, value_parser = count)]
    pub draws: Option<u64>,
    /// Seed of the Monte Carlo streams
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The loss distributions, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScenarioName {
    /// 1 with probability p, else 0
    Bernoulli,
    /// c plus bernoulli
    ShiftedBernoulli,
    /// Always c
    Constant,
    /// Exponential with mean theta
    Exponential,
    /// Normal with mean mu and standard deviation s
    Gaussian,
    /// Softmax cross-entropy of a fixed linear g on two Gaussians
    CrossEntropy,
}

/// A count written as a whole number or like `1e6`.
fn count(text: &str) -> Result<u64, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a number"))?;
    if (2.0..=1e12).contains(&value) && value.fract() == 0.0 {
        Ok(value as u64)
    } else {
        Err("expected a whole number from 2 to 1e12".to_owned())
    }
}
