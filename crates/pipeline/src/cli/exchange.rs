//! `pipeline pack` and `pipeline import`, as typed.

use std::path::PathBuf;

use clap::Args;

use super::{PlaceArgs, PlanArgs};
use crate::exchange::Preference;

/// What is packed.
#[derive(Args, Clone, Debug)]
pub struct PackArgs {
    /// The tar file to write; compressed where its name ends in .gz or .tgz
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Pack the kept weights too, which are many times larger than everything else
    #[arg(long)]
    pub weights: bool,
    /// Pack the checkpoints of unfinished runs too, to resume them on another machine
    #[arg(long)]
    pub checkpoints: bool,
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What is imported.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Tar files that `pipeline pack` wrote, projects, data folders, or published reports
    #[arg(required = true, value_name = "DIR_OR_TAR")]
    pub sources: Vec<PathBuf>,
    /// Where the same run has different results here and there: which to keep [default: import nothing]
    #[arg(long, value_enum)]
    pub prefer: Option<Preference>,
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Print results as JSON
    #[arg(long)]
    pub json: bool,
}
