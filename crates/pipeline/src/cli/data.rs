//! `pipeline data`, as typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Look after the image datasets.
#[derive(Clone, Debug, Subcommand)]
pub enum DataCommand {
    /// List the datasets and what is here of them
    Ls(DataArgs),
    /// Download datasets and check them
    Fetch {
        /// Which ones.
        #[arg(required = true)]
        names: Vec<String>,
        /// A folder of original files, or a URL, to try before the published addresses
        #[arg(long, value_name = "DIR_OR_URL", env = "PIPELINE_MIRROR", hide_env_values = true)]
        mirror: Option<OsString>,
        /// Use no network
        #[arg(long)]
        offline: bool,
        /// Fetch again what is already here
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Read all files again and compare them with their published digests; exit code 3 if any is missing or damaged
    Verify {
        /// Which datasets [default: all]
        names: Vec<String>,
        /// Look at this folder of originals instead of data/raw
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Draw a contact sheet: images with their labels
    Show {
        /// Which dataset.
        name: String,
        /// Only this class, by name or number
        #[arg(long)]
        class: Option<String>,
        /// How many images
        #[arg(long, short, default_value_t = 64)]
        n: usize,
        /// Test images instead of training images
        #[arg(long)]
        test: bool,
        /// The PNG file to write
        #[arg(long, short, value_name = "FILE")]
        output: PathBuf,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Write a dataset for other programs
    Export {
        /// Which dataset.
        name: String,
        /// As what
        #[arg(long, value_enum)]
        format: DataFormat,
        /// The folder to write to
        folder: PathBuf,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Print a data-set card: counts, digests, licence, citation
    Card {
        /// Which dataset.
        name: String,
        /// Croissant JSON-LD instead of Markdown
        #[arg(long)]
        croissant: bool,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Check a dataset of your own, described by a [dataset.NAME] block: decode all of it, count what is used, name what is
    /// not
    #[command(alias = "add")]
    Check {
        /// The name of its block.
        name: String,
        #[command(flatten)]
        args: DataArgs,
    },
    /// Remove broken-off downloads and files that no dataset needs
    Prune {
        /// Only say what would be removed
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        args: DataArgs,
    },
}

/// Where the datasets are described and kept.
#[derive(Args, Clone, Debug)]
pub struct DataArgs {
    /// The configuration; data/ lies beside it
    #[arg(long, value_name = "FILE", default_value = "pipeline.toml")]
    pub config: PathBuf,
    /// Where data are kept [default: data, beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long)]
    pub json: bool,
}

/// What to export as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DataFormat {
    /// `train.parquet` and `test.parquet`, images as PNG
    Parquet,
    /// NumPy arrays
    Npz,
    /// A PNG file an image, a folder a class
    Png,
}
