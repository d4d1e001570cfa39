//! Everything that can go wrong with the check of Theorem 1.

use flooding_core::store::{DocumentError, StoreError};
use flooding_tables::TableError;

/// Why the check could not be made or stored.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store could not read or write a file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document could not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A table could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A parameter out of its range.
    #[error("{key} = {value}: out of range; {remedy}")]
    Parameter {
        /// Its name.
        key: &'static str,
        /// Its value.
        value: f64,
        /// What is possible.
        remedy: &'static str,
    },
    /// The operating system refused worker threads.
    #[error("cannot start {jobs} worker threads: {source}; use a smaller --jobs")]
    Threads {
        /// How many were wanted.
        jobs: usize,
        /// What was said.
        source: rayon::ThreadPoolBuildError,
    },
    /// The stop flag was raised.
    #[error("interrupted")]
    Interrupted,
}

/// A pool of this many worker threads (at least one).
pub(crate) fn threads(jobs: usize) -> Result<rayon::ThreadPool, VerifyError> {
    let jobs = jobs.max(1);
    rayon::ThreadPoolBuilder::new().num_threads(jobs).build().map_err(|source| VerifyError::Threads { jobs, source })
}
