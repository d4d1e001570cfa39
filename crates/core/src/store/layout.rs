//! Where everything lies on disk.

use std::path::{Path, PathBuf};

use crate::spec::{RunKey, RunSpec};

/// The project's folders and the names within them.
#[derive(Clone, Debug)]
pub struct Layout {
    data: PathBuf,
    reports: PathBuf,
}

impl Layout {
    pub(super) fn new(data: PathBuf, reports: PathBuf) -> Self {
        Self { data, reports }
    }

    /// `data/`.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// `reports/`.
    pub fn reports(&self) -> &Path {
        &self.reports
    }

    /// The folders that this project makes in `data/`; what else lies there is the user's.
    pub fn own_folders(&self) -> [PathBuf; 7] {
        ["raw", "synthetic", "runs", "probes", "published", "theorem", "tables"].map(|name| self.data.join(name))
    }

    /// `data/.lock`.
    pub fn lock(&self) -> PathBuf {
        self.data.join(".lock")
    }

    /// `data/claims/`: what living processes work on.
    pub fn claims(&self) -> PathBuf {
        self.data.join("claims")
    }

    /// `data/claims/NAME`: the claim on one task.
    pub fn claim(&self, name: &str) -> PathBuf {
        self.claims().join(name)
    }

    /// `data/cluster/`: the scripts and logs of batch systems.
    pub fn cluster(&self) -> PathBuf {
        self.data.join("cluster")
    }

    /// `data/raw/DATASET/`: the original files of a dataset.
    pub fn raw(&self, dataset: &str) -> PathBuf {
        self.data.join("raw").join(dataset)
    }

    /// `data/synthetic/SETTING/`: the drawn examples of a synthetic setting, a file a trial.
    pub fn synthetic(&self, setting: &str) -> PathBuf {
        self.data.join("synthetic").join(setting)
    }

    /// `data/runs/`.
    pub fn runs(&self) -> PathBuf {
        self.data.join("runs")
    }

    /// `data/runs/SETTING/tTRIAL/`: all runs of one group (and older ones under other specifications).
    pub fn group(&self, setting: &str, trial: u32) -> PathBuf {
        self.runs().join(setting).join(format!("t{trial:02}"))
    }

    /// `data/runs/SETTING/tTRIAL/bLEVEL-KEY/`: everything that one run leaves.
    pub fn run(&self, spec: &RunSpec) -> PathBuf {
        self.keyed_run(spec, &spec.key())
    }

    /// The same, for who knows the key already.
    pub fn keyed_run(&self, spec: &RunSpec, key: &RunKey) -> PathBuf {
        self.group(&spec.setting, spec.trial).join(format!("b{}-{}", spec.level, key.short()))
    }

    /// The record's name inside a run's folder; it is written last, so a run with a record is whole.
    pub const RECORD: &'static str = "record.json";
    /// The history's name inside a run's folder.
    pub const HISTORY: &'static str = "history.csv";
    /// The provenance's name inside a run's folder.
    pub const PROVENANCE: &'static str = "provenance.json";

    /// `data/probes/SETTING/tTRIAL/`: what the probes found in one trial's stored weights.
    pub fn probes(&self, setting: &str, trial: u32) -> PathBuf {
        self.data.join("probes").join(setting).join(format!("t{trial:02}"))
    }

    /// `data/published/`: what published reports say of their runs, a document a report.
    pub fn published(&self) -> PathBuf {
        self.data.join("published")
    }

    /// `data/theorem/`: what the verify stage found.
    pub fn theorem(&self) -> PathBuf {
        self.data.join("theorem")
    }

    /// `data/tables/`: what the aggregate stage made.
    pub fn tables(&self) -> PathBuf {
        self.data.join("tables")
    }
}
