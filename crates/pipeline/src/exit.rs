//! How the process ends, and how errors are reported.

use std::io::{self, Write as _};

use flooding_aggregate::stats::StatsError;
use flooding_core::config::ConfigError;
use flooding_core::shown;
use flooding_core::store::{DocumentError, LockError, StoreError};
use flooding_engine::EngineError;

use crate::exchange::ExchangeError;
use crate::published::PublishedError;

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was asked for is there: exit code 0.
    Done,
    /// Everything that could be done was done; something is missing: exit code 3.
    Incomplete,
    /// What was checked is not as it should be: exit code 1.
    Failed,
    /// Stopped by Ctrl-C, everything finished is kept: exit code 130.
    Interrupted,
    /// Stopped by a batch system because the time was up; the same command is to be started again: exit code 75
    /// (`EX_TEMPFAIL` of sysexits.h).
    Again,
}

impl Outcome {
    /// The exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Incomplete => 3,
            Self::Failed => 1,
            Self::Interrupted => 130,
            Self::Again => 75,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration or the command line: exit code 2.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The list of datasets, or a dataset of the user's own: exit code 2.
    #[error(transparent)]
    Manifest(Box<flooding_fetch::ManifestError>),
    /// A device that is not there: exit code 2.
    #[error(transparent)]
    Device(Box<EngineError>),
    /// A value on the command line that only the command can judge: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Numbers on the command line that no test can take: exit code 2.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// Someone else has the store, or it cannot be used: exit code 1.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Reading or writing: exit code 1.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document: exit code 1.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// Standard output: exit code 1, or 0 when the reader went away.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// A stage or a tool: exit code 1.
    #[error(transparent)]
    Stage(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// Wraps a stage's error.
    pub fn stage(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Stage(Box::new(error))
    }

    /// Wraps the manifest's error.
    pub fn manifest(error: flooding_fetch::ManifestError) -> Self {
        Self::Manifest(Box::new(error))
    }

    /// What was to be packed or imported is at fault, or the store.
    pub fn exchange(error: ExchangeError) -> Self {
        if error.is_usage() { Self::Usage(error.to_string()) } else { Self::stage(error) }
    }

    /// What was to be published or checked is at fault, or the store.
    pub fn published(error: PublishedError) -> Self {
        match error {
            PublishedError::Store(error) => Self::Store(error),
            error => Self::Usage(error.to_string()),
        }
    }

    /// Did the reader of our output go away (`pipeline status | head`)? Nobody wants an error then.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Manifest(_) | Self::Device(_) | Self::Usage(_) | Self::Stats(_) => 2,
            _ => 1,
        }
    }
}

/// Prints an error and what caused it on standard error.
pub fn print(error: &Failure) {
    let mut text = format!("error: {error}\n");
    let mut shown = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let message = next.to_string();
        // Many errors already carry their cause in their own words.
        if !shown.contains(&message) {
            text.push_str(&format!("  because: {message}\n"));
            shown.push_str(&message);
        }
        cause = next.source();
    }
    // Names, paths and servers' answers are in it. Where standard error itself is gone there is no one left to tell.
    let text = shown::message(&shown::without_secrets(&text));
    let _ = io::stderr().write_all(text.as_bytes());
}
