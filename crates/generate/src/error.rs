//! Everything that can go wrong with a synthetic dataset.

use std::path::PathBuf;

use flooding_core::store::{DocumentError, StoreError};

/// Why a synthetic dataset could not be drawn, stored or read; names the file.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The store could not read or write a file.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The document beside the examples cannot be used.
    #[error("{0}; `pipeline stage generate` draws it again")]
    Document(#[from] DocumentError),
    /// The examples are missing, or not the ones that were written.
    #[error("{path}: {why}; `pipeline stage generate` draws it again", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The examples were drawn under another specification.
    #[error(
        "{path}: drawn with {key} = {from}, wanted is {to}; `pipeline stage generate` draws it again",
        path = path.display()
    )]
    Stale {
        /// The document.
        path: PathBuf,
        /// The first key that differs.
        key: String,
        /// Its value in the document.
        from: String,
        /// Its value in the run's specification.
        to: String,
    },
    /// The examples could not be encoded.
    #[error("{path}: cannot encode the examples: {source}", path = path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The encoder's word.
        source: safetensors::SafeTensorError,
    },
    /// The operating system refused worker threads.
    #[error("cannot start {jobs} worker threads: {source}; use a smaller --jobs")]
    Threads {
        /// How many were wanted.
        jobs: usize,
        /// What was said.
        source: rayon::ThreadPoolBuildError,
    },
}
