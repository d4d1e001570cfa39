//! What training a run ends with.

use std::time::Duration;

use flooding_core::record::{EpochRow, FirstCrossing, Summary};
use flooding_engine::weights::Weights;
use serde::{Deserialize, Serialize};

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A loss is not finite.
    #[error("{0}")]
    Diverged(String),
    /// The specification asks for what cannot be trained.
    #[error("{0}")]
    Unsuitable(String),
    /// Memory is exhausted, or would be.
    #[error("{0}")]
    OutOfMemory(String),
    /// The device refused.
    #[error("{0}")]
    Device(String),
    /// A defect of the program or of the data.
    #[error("panicked: {0}")]
    Panicked(String),
}

/// A failed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Why.
    pub cause: Cause,
    /// The step (from 1) at which it was noticed.
    pub step: u64,
    /// The last finite mini-batch loss before that.
    pub last_finite_loss: Option<f32>,
}

/// What one run leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Trainable parameters of the network.
    pub parameters: u64,
    /// Complete rows only.
    pub history: Vec<EpochRow>,
    /// The results, or why there are none.
    pub result: Result<Summary, Failure>,
    /// When flooding began, where the mean loss is flooded.
    pub first_crossing: Option<FirstCrossing>,
    /// File names (without extension) and weights, where the specification asks for them.
    pub weights: Vec<(&'static str, Weights)>,
    /// Time in training steps: of the whole network, and of the prefix that the run shares with others.
    pub training: Duration,
}

impl Trained {
    /// What a run leaves that ended by a panic, or because its device failed.
    pub fn failed(failure: Failure) -> Self {
        let (history, weights) = (Vec::new(), Vec::new());
        Self { parameters: 0, history, result: Err(failure), first_crossing: None, weights, training: Duration::ZERO }
    }
}
