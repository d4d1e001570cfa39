//! What can stop the whole stage. What goes wrong in one run is a missing result, not an error.

use std::time::Duration;

use flooding_core::store::{DocumentError, StoreError};
use flooding_engine::EngineError;

/// Why the training stage cannot work at all.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document could not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A dataset is there and cannot be used.
    #[error("cannot train on damaged data: {0} (remove the files it names; the next run gets or draws them again)")]
    Data(String),
    /// The end of the job comes before the first checkpoint.
    #[error(
        "{task} is not started: the job ends in {} s, and its first checkpoint takes about {} s to reach; ask for more \
         time",
        left.as_secs(), needed.as_secs()
    )]
    TooLittleTime {
        /// The task that was next.
        task: String,
        /// Until the end of the job.
        left: Duration,
        /// Until the first checkpoint.
        needed: Duration,
    },
    /// The device cannot be used.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
