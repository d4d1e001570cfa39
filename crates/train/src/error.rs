//! What can stop the whole stage. What goes wrong in one run is a gap, not an error.

use flooding_core::store::{DocumentError, StoreError};

/// Why the training stage cannot work at all.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The store could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document could not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A data set is there and cannot be used.
    #[error("cannot train on damaged data: {0} (remove it, or repeat with --force, to make it anew)")]
    Data(String),
    /// The program that a self-test is to be timed beside.
    #[error("cannot time another program's steps: {0} (check the command of --peer, or leave it out)")]
    Peer(String),
    /// The device cannot be used.
    #[error("cannot use the CUDA device {ordinal}: {why}")]
    Cuda {
        /// Which one.
        ordinal: usize,
        /// What is wrong and what to do.
        why: String,
    },
}
