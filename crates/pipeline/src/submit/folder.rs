//! The folder of one submission in `data/cluster/`: its scripts and its logs.

use std::path::{Path, PathBuf};

use flooding_core::store::Store;

use crate::exit::Failure;

/// The folder, as this project names it and as a job does, which may start elsewhere.
pub struct Folder {
    stored: PathBuf,
    anywhere: PathBuf,
}

impl Folder {
    /// The folder of this name.
    pub fn new(store: &Store, name: &str) -> Self {
        let stored = store.layout().cluster().join(name);
        let anywhere = std::path::absolute(&stored).unwrap_or_else(|_| stored.clone());
        Self { stored, anywhere }
    }

    /// The path that means the same wherever a job starts.
    pub fn anywhere(&self) -> &Path {
        &self.anywhere
    }

    /// Writes a file into it; returns the path that means the same anywhere.
    pub fn write(&self, store: &Store, name: &str, text: &str) -> Result<PathBuf, Failure> {
        store.write(&self.stored.join(name), text.as_bytes())?;
        Ok(self.anywhere.join(name))
    }
}
