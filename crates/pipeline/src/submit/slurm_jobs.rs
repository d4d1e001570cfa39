//! What was submitted to Slurm, for `pipeline status`.

use std::path::PathBuf;

use flooding_core::store::{Document, Store};
use flooding_core::task::TaskId;
use serde::{Deserialize, Serialize};

/// The jobs of the last submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlurmJobs {
    /// Fetches and draws the datasets.
    pub prepare: String,
    /// Train, an array each.
    pub train: Vec<TrainJob>,
    /// Makes the tables and the report.
    pub finish: String,
}

/// An array that trains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainJob {
    /// The array's job id.
    pub id: String,
    /// The tasks of each element.
    pub elements: Vec<Vec<TaskId>>,
}

impl Document for SlurmJobs {
    const KIND: &'static str = "slurm-jobs";
    const VERSION: u32 = 1;
}

impl SlurmJobs {
    /// `data/cluster/slurm.json`.
    pub fn path(store: &Store) -> PathBuf {
        store.layout().cluster().join("slurm.json")
    }
}
