//! What can be wrong with a configuration: each names the file, the line, the key, the value and the remedy.

use std::io;
use std::path::PathBuf;

/// Why a configuration or a command line cannot become a plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
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
    #[error("{path}:{line}: {key} = {value}: {problem}; {remedy}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line of the key, from 1.
        line: usize,
        /// Dotted path of the key.
        key: String,
        /// Its value.
        value: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A profile that does not exist.
    #[error("there is no profile `{name}`; the profiles are: {known}")]
    UnknownProfile {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// `--only` matched nothing.
    #[error(
        "--only {pattern} matches nothing in profile `{profile}`; it knows the data sets {datasets} and the settings {settings}"
    )]
    NothingMatches {
        /// As asked for.
        pattern: String,
        /// Where it was looked for.
        profile: String,
        /// Data sets that would match.
        datasets: String,
        /// Settings that would match.
        settings: String,
    },
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
