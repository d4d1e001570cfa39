//! The statistics, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use flooding_aggregate::stats::Kind;

const COMPARE_EXAMPLES: &str = "\
Examples:
  pipeline stats compare --a 87.6,88.1,86.9 --b 82.4,83.0,80.2
  pipeline stats compare --a 87.6,88.1,86.9 --b 82.4,83.0,80.2 --paper-a 87.64,1.60,10 --paper-b 82.38,1.80,10 --margin 1

Intervals are 95% intervals. Numbers that differ by at most four units in the last place of the largest value are equal.";

/// The statistics, as typed.
#[derive(Clone, Debug, Subcommand)]
pub enum StatsCommand {
    /// A two-sided t-test of two lists of numbers
    Ttest(TTestArgs),
    /// Compare paired results, and their difference with a published one: tests, intervals, equivalence, replication
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
}

/// Two samples and a test.
#[derive(Args, Clone, Debug)]
pub struct TTestArgs {
    /// Numbers separated by commas; with --csv the name of a column
    #[arg(long, allow_hyphen_values = true)]
    pub a: String,
    /// Numbers separated by commas; with --csv the name of a column
    #[arg(long, allow_hyphen_values = true)]
    pub b: String,
    /// student, welch, or paired
    #[arg(long, default_value = "student", value_parser = <Kind as std::str::FromStr>::from_str)]
    pub kind: Kind,
    /// Take the columns named by --a and --b from this file
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Paired results, the published ones, and a margin.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// Results with the treatment, one a trial, separated by commas
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub a: String,
    /// Results without it, of the same trials in the same order
    #[arg(long, value_name = "LIST", allow_hyphen_values = true)]
    pub b: String,
    /// The published mean, sample standard deviation and number of trials of a
    #[arg(long, value_name = "MEAN,STD,N", allow_hyphen_values = true, requires = "paper_b")]
    pub paper_a: Option<String>,
    /// The same of b
    #[arg(long, value_name = "MEAN,STD,N", allow_hyphen_values = true, requires = "paper_a")]
    pub paper_b: Option<String>,
    /// The largest difference that does not matter, for the tests of equivalence
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub margin: Option<String>,
    /// Print the result as JSON, with all digits
    #[arg(long)]
    pub json: bool,
}
