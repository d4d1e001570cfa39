//! What is on disk of a dataset, and the note that saves hashing it again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use flooding_core::digest::Digest;
use flooding_core::store::{Document, DocumentError, Store};
use serde::{Deserialize, Serialize};

use crate::download::Grouped;
use crate::manifest::{Dataset, PublishedFile};

/// The name of the note about what was verified, in `data/raw/DATASET/`.
pub const NOTE: &str = "verified.json";

/// Files whose bytes were compared with their published digests, with the size and time they had then: while both
/// are the same, they need not be read again. Kept in `data/raw/DATASET/verified.json`; losing it costs one reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    files: BTreeMap<String, Stamp>,
}

/// A file at the time it was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// Nanoseconds since 1970.
    modified: u64,
    sha256: Digest,
}

impl Stamp {
    /// The file's size and time as they are now, should its digest be this one.
    fn of(path: &Path, sha256: &Digest) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self { bytes: metadata.len(), modified: modified.as_nanos() as u64, sha256: sha256.clone() })
    }
}

impl Document for Verified {
    const KIND: &'static str = "verified-files";
    const VERSION: u32 = 1;
}

/// The state of one published file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum FileState {
    /// It is there, and it is the published one.
    Whole {
        /// Not the archive is there, but all members that are used of it.
        unpacked: bool,
    },
    /// It is not there.
    Missing,
    /// It is there, and it is not the published one.
    Damaged {
        /// What is wrong, with the numbers.
        why: String,
    },
}

/// A published file and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its name.
    pub name: String,
    /// Its published size.
    pub bytes: u64,
    /// How it is.
    #[serde(flatten)]
    pub state: FileState,
}

/// Looks at the files of a dataset in one folder.
pub(crate) struct Inspector {
    folder: PathBuf,
    verified: Verified,
    changed: bool,
}

impl Inspector {
    /// Looks below `data/raw/DATASET/`, trusting what was verified before and has not changed since.
    pub(crate) fn of_store(store: &Store, dataset: &Dataset) -> Self {
        let folder = store.layout().raw(&dataset.name);
        // A note that cannot be read costs one reading of the files, no more.
        let verified = store.read_document(&folder.join(NOTE)).ok().flatten().unwrap_or_default();
        Self { folder, verified, changed: false }
    }

    /// The state of one published file: itself, or all its members.
    pub(crate) fn file(&mut self, file: &PublishedFile) -> FileState {
        let state = self.single(&file.name, file.bytes, &file.sha256);
        if state == (FileState::Whole { unpacked: false }) || file.members.is_empty() {
            return state;
        }
        let mut missing = 0;
        for member in &file.members {
            match self.single(&member.name, member.bytes, &member.sha256) {
                FileState::Whole { .. } => {}
                FileState::Missing => missing += 1,
                damaged @ FileState::Damaged { .. } => return damaged,
            }
        }
        match (missing, &state) {
            (0, _) => FileState::Whole { unpacked: true },
            (n, FileState::Missing) if n < file.members.len() => {
                let why = format!("{n} of its {} unpacked members are missing", file.members.len());
                FileState::Damaged { why }
            }
            _ => state,
        }
    }

    /// The state of one file or member by itself.
    pub(crate) fn single(&mut self, name: &str, bytes: u64, sha256: &Digest) -> FileState {
        let path = self.folder.join(name);
        let stamp = Stamp::of(&path, sha256);
        if stamp.is_some() && self.verified.files.get(name) == stamp.as_ref() {
            return FileState::Whole { unpacked: false };
        }
        let state = examine(&path, bytes, sha256);
        if let (FileState::Whole { .. }, Some(stamp)) = (&state, stamp) {
            self.verified.files.insert(name.to_owned(), stamp);
            self.changed = true;
        }
        state
    }

    /// Forgets what was verified before: everything is read again.
    pub(crate) fn distrust(mut self) -> Self {
        self.verified = Verified::default();
        self.changed = true;
        self
    }

    /// Writes the note, if there is anything new in it.
    pub(crate) fn save(self, store: &Store) -> Result<(), DocumentError> {
        if self.changed && !self.verified.files.is_empty() {
            store.write_document(&self.folder.join(NOTE), &self.verified)?;
        }
        Ok(())
    }
}

/// Reads a file and compares it with what was published: the size first, for it says more, and then the digest.
pub(crate) fn examine(path: &Path, bytes: u64, sha256: &Digest) -> FileState {
    let found = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len(),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return FileState::Missing;
        }
        Err(error) => return FileState::Damaged { why: format!("{}: {error}", path.display()) },
    };
    if found != bytes {
        let kind = if found < bytes { "truncated" } else { "too long" };
        let why = format!("{}: {kind}: {} of {} bytes", path.display(), Grouped(found), Grouped(bytes));
        return FileState::Damaged { why };
    }
    match Digest::of_file(path) {
        Ok((digest, _)) if digest == *sha256 => FileState::Whole { unpacked: false },
        Ok((digest, _)) => {
            FileState::Damaged { why: format!("{}: SHA-256 is {digest}, published is {sha256}", path.display()) }
        }
        Err(error) => FileState::Damaged { why: format!("{}: {error}", path.display()) },
    }
}

/// The states of all published files of a dataset below `data/raw/`; quick when nothing changed since the last time.
pub fn inspect(store: &Store, dataset: &Dataset) -> Vec<FileReport> {
    let mut inspector = Inspector::of_store(store, dataset);
    let reports = reports(&mut inspector, dataset);
    // A folder that may not be written is inspected all the same.
    let _ = inspector.save(store);
    reports
}

/// As [`inspect`], reading every byte again and writing nothing.
pub fn verify(store: &Store, dataset: &Dataset) -> Vec<FileReport> {
    reports(&mut Inspector::of_store(store, dataset).distrust(), dataset)
}

pub(crate) fn reports(inspector: &mut Inspector, dataset: &Dataset) -> Vec<FileReport> {
    let report =
        |file: &PublishedFile| FileReport { name: file.name.clone(), bytes: file.bytes, state: inspector.file(file) };
    dataset.files.iter().map(report).collect()
}
