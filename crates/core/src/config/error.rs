//! What can be wrong with a configuration: each names the file, the line, the key, the value and the remedy.

use std::io;
use std::path::PathBuf;

/// Why a configuration or a command line cannot become a plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("cannot read {path}: {source}. A project is a folder with pipeline.toml and data/datasets.toml: change to it, name its file with --config FILE, or start one here with `pipeline init`", path = path.display())]
    Absent {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source} (choose another file with --config FILE)", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not TOML, an unknown or missing key, or a value of the wrong type; the parser's message shows line and key.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value that is well formed and makes no sense.
    #[error(transparent)]
    Invalid(Box<InvalidValue>),
    /// A profile that does not exist.
    #[error("there is no profile `{name}`; the profiles are: {known}")]
    UnknownProfile {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// `--only` matched nothing.
    #[error(transparent)]
    NothingMatches(Box<NothingMatches>),
    /// A command-line value out of its range.
    #[error("{option} {value}: {problem}")]
    Option {
        /// The option, with its dashes.
        option: &'static str,
        /// As given.
        value: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// A value that is well formed and makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}:{line}: {key} = {value}: {problem}; {remedy}", path = path.display())]
pub struct InvalidValue {
    /// The file.
    pub path: PathBuf,
    /// Line of the key, from 1.
    pub line: usize,
    /// Dotted path of the key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// A pattern of `--only` that matched nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("--only `{pattern}` matches nothing; the datasets are: {datasets}; the settings are: {settings}")]
pub struct NothingMatches {
    /// As asked for.
    pub pattern: String,
    /// Datasets that would match.
    pub datasets: String,
    /// Settings that would match; those of other readings by an example.
    pub settings: String,
}
