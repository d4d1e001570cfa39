//! Checkpoints that travel: of trainings that were interrupted on one machine and are to be resumed on another.

use std::collections::{BTreeMap, BTreeSet};

use flooding_core::config::ConfigError;
use flooding_core::spec::RunSpec;
use flooding_core::store::{Store, StoreError};
use flooding_train::checkpoint::{Checkpoint, NAME};

use super::inner::inner;
use super::known::KnownSettings;

/// A larger file is not read into memory to see that it is no checkpoint.
const LARGEST: u64 = 8 << 30;

/// Is this the path of a checkpoint within a data folder?
pub(super) fn is_checkpoint(path: &str) -> bool {
    path.starts_with("runs/") && path.ends_with(&format!("/{NAME}"))
}

/// How far a training is, and of which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Steps done.
    pub steps: u64,
    /// Keys of the runs on its path.
    pub runs: BTreeSet<String>,
}

impl Progress {
    /// Of a checkpoint's bytes, or what is wrong with them.
    pub fn of(bytes: &[u8]) -> Result<Self, String> {
        let state = Checkpoint::from_bytes(bytes)?.state;
        Ok(Self { steps: state.steps, runs: state.runs().map(str::to_owned).collect() })
    }

    /// Of the checkpoint in this store; `None` where there is none that can be resumed.
    pub fn here(store: &Store, inner: &str) -> Result<Option<Self>, StoreError> {
        let path = store.layout().data().join(inner);
        if path.metadata().is_ok_and(|found| found.len() > LARGEST) {
            return Ok(None);
        }
        Ok(store.read(&path)?.and_then(|bytes| Self::of(&bytes).ok()))
    }
}

/// The runs that the configuration's profiles plan, by folder within the data folder: a checkpoint knows its runs by their
/// keys alone.
#[derive(Default)]
pub(super) struct PlannedRuns {
    by_setting: BTreeMap<String, BTreeMap<String, RunSpec>>,
}

impl PlannedRuns {
    /// The run in whose folder this file lies; `None` where no profile plans it.
    pub fn owner(&mut self, path: &str, known: &KnownSettings, store: &Store) -> Result<Option<&RunSpec>, ConfigError> {
        let Some(folder) = path.strip_suffix(&format!("/{NAME}")) else { return Ok(None) };
        let Some(setting) = folder.split('/').nth(1) else { return Ok(None) };
        if !self.by_setting.contains_key(setting) {
            let mut runs = BTreeMap::new();
            for run in known.planned(setting)? {
                runs.insert(inner(store, &store.layout().run(&run)), run);
            }
            self.by_setting.insert(setting.to_owned(), runs);
        }
        Ok(self.by_setting.get(setting).and_then(|runs| runs.get(folder)))
    }
}
