//! What training a trial's compared runs again measured on the way.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::judged::TheoremAtModel;
use crate::level::Level;
use crate::probes::ProbedModel;
use crate::record::GradientNorms;
use crate::spec::RunKey;
use crate::store::Document;

/// Test curves and gradients of a trial's compared runs, trained again with the same results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// Digest of what it was made from: the probe's definition and the records of its runs.
    pub made_from: Digest,
    /// The setting's id.
    pub setting: String,
    /// Seed index.
    pub trial: u32,
    /// The level of the run with flooding.
    pub level: Level,
    /// Test examples that each point of the test curves is the mean over, the same throughout.
    pub test_points: u32,
    /// With flooding, then without.
    pub models: Vec<ReplayedRun>,
    /// Theorem 1 at the end of training with flooding.
    pub theorem: TheoremAtModel,
}

impl Document for Replay {
    const KIND: &'static str = "replay";
    const VERSION: u32 = 1;
}

/// One run, measured on the way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayedRun {
    /// With or without flooding.
    pub model: ProbedModel,
    /// The run of the grid that it repeats.
    pub run: RunKey,
    /// Epoch (from 1), test loss, test accuracy (from 0 to 1), at every epoch.
    pub test: Vec<(u32, f64, f64)>,
    /// Gradient norms at some epochs.
    pub gradients: Vec<(u32, GradientNorms)>,
}
