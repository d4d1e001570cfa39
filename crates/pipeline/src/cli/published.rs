//! `pipeline publish` and `pipeline compare`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::PlanArgs;

/// What is published.
#[derive(Args, Clone, Debug)]
pub struct PublishArgs {
    /// The folder to write, new or one that an earlier `publish` wrote
    pub folder: PathBuf,
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What is compared.
#[derive(Args, Clone, Debug)]
pub struct CompareReportsArgs {
    /// A published report; or two of: published reports, reports, data folders, projects
    #[arg(required = true, num_args = 1..=2, value_name = "FOLDER")]
    pub folders: Vec<PathBuf>,
    /// Train this number of runs of a published report again, drawn at random
    #[arg(long, value_name = "N")]
    pub sample: Option<usize>,
    /// Seed of the draw
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Runs side by side, one thread each [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Where the original files of image datasets are kept [default: data, in the working folder]
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Print results as JSON
    #[arg(long)]
    pub json: bool,
}
