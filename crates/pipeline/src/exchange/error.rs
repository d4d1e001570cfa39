//! Why nothing was packed or imported.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use flooding_core::store::{DocumentError, StoreError};
use flooding_tables::TableError;

use crate::published::PublishedError;

/// Why nothing was packed or imported.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// A folder or file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A tar file that is not whole.
    #[error("{path} is damaged: {why}; nothing was imported (copy it again)", path = path.display())]
    Damaged {
        /// The tar file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Something else.
    #[error(
        "{path} is not a tar file: name one that `pipeline pack` wrote, or another project's folder; nothing was imported",
        path = path.display()
    )]
    NoTar {
        /// The file.
        path: PathBuf,
    },
    /// A tar file of something else.
    #[error(
        "{path} does not end with `{manifest}`: it is cut short, or `pipeline pack` did not write it (to import another \
         archive, unpack it and name the folder); nothing was imported",
        path = path.display(), manifest = super::pack::MANIFEST
    )]
    NotAPack {
        /// The tar file.
        path: PathBuf,
    },
    /// A folder without results.
    #[error("{path} has no results: neither runs/ nor data/runs/ is in it; nothing was imported", path = path.display())]
    NoResults {
        /// The folder.
        path: PathBuf,
    },
    /// A published report that is not whole.
    #[error(transparent)]
    Published(#[from] PublishedError),
    /// A table of a published report.
    #[error("{path}: {source}; publish the report again with this version", path = path.display())]
    PublishedTable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TableError,
    },
    /// A published report of other runs.
    #[error(
        "{path}: none of its {runs} runs is planned by a profile of this project (its own configuration is \
         {path}/{configuration}); nothing was imported",
        path = path.display(), configuration = crate::published::CONFIGURATION
    )]
    NoRunOfOurs {
        /// The folder.
        path: PathBuf,
        /// Its runs.
        runs: usize,
    },
    /// Files that must not be imported.
    #[error("nothing was imported, because of\n{}", listed(refusals))]
    Refused {
        /// Each file and why; never empty.
        refusals: Vec<Refusal>,
    },
    /// A file has changed since a moment ago.
    #[error("{path} changed while it was imported: repeat the import", path = path.display())]
    Changed {
        /// Which.
        path: PathBuf,
    },
    /// There is nothing to pack.
    #[error("nothing to pack: none of the {planned} runs of this plan has a record (see `pipeline status`)")]
    NothingToPack {
        /// Runs of the plan.
        planned: usize,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored document.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

impl ExchangeError {
    pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Unreadable { path, source }
    }

    pub(super) fn writing(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Unwritable { path, source }
    }

    /// Is the fault in what was asked for, and not in the machine?
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Unwritable { .. } | Self::Store(_) | Self::Document(_) | Self::Changed { .. })
    }
}

/// A file that must not be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file, within the folder or tar file that it came in.
    pub path: String,
    /// Why, in a sentence.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}: {}", self.path, self.why)
    }
}

/// At most this many refusals are printed.
const SHOWN: usize = 20;

fn listed(refusals: &[Refusal]) -> String {
    let mut lines: Vec<String> = refusals.iter().take(SHOWN).map(ToString::to_string).collect();
    if refusals.len() > SHOWN {
        lines.push(format!("  and {} more", refusals.len() - SHOWN));
    }
    lines.join("\n")
}
