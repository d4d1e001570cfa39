//! `pipeline data verify`: every byte is read again.

use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::store::{DocumentError, Store};
use serde::Serialize;

use crate::download::{Grouped, Mirror, Source};
use crate::manifest::{Dataset, Inventory, PublishedFile, UserFiles};
use crate::state::{FileReport, FileState, Inspector, examine, reports};

/// What reading all files of a dataset found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The dataset.
    pub name: String,
    /// Its published files, in the manifest's order; none of a user's own.
    pub files: Vec<FileReport>,
    /// What was read of a user's own files, which have no published digests to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnFiles>,
}

/// A user's own files as they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum OwnFiles {
    /// All could be read.
    Readable {
        /// How many are used.
        files: u64,
        /// Their bytes.
        bytes: u64,
        /// One digest over names and contents.
        sha256: Digest,
    },
    /// Something could not.
    Unreadable {
        /// What, and what to do.
        why: String,
    },
}

impl std::fmt::Display for OwnFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Readable { files, bytes, sha256 } => write!(
                f,
                "your own: {files} files, {} bytes, SHA-256 over all of them {sha256} (nothing published to compare with)",
                Grouped(*bytes)
            ),
            Self::Unreadable { why } => write!(f, "your own, not readable: {why}"),
        }
    }
}

impl Verification {
    /// Is every file whole?
    pub fn is_whole(&self) -> bool {
        self.files.iter().all(|file| matches!(file.state, FileState::Whole { .. }))
            && !matches!(self.own, Some(OwnFiles::Unreadable { .. }))
    }
}

/// Reads all files of a dataset below `data/raw/` and compares them with what was published.
///
/// # Errors
/// The note of what was verified could not be written.
pub fn verify(store: &Store, dataset: &Dataset) -> Result<Verification, DocumentError> {
    let mut inspector = Inspector::of_store(store, dataset).distrust();
    let files = reports(&mut inspector, dataset);
    match inspector.save(store) {
        // The note spares the next look; a folder that is only read from has none.
        Err(DocumentError::Store(error)) if error.is_refused() => {}
        saved => saved?,
    }
    Ok(Verification { name: dataset.name.clone(), files, own: None })
}

/// Reads what a mirror folder has of a dataset: its files, its archives' members, and what looks like a download that
/// was broken off (`NAME.part`, `NAME.crdownload` and their like).
pub fn verify_folder(folder: &Path, dataset: &Dataset) -> Verification {
    let mirror = Mirror::Folder(folder.to_owned());
    let report = |file: &PublishedFile| FileReport {
        name: file.name.clone(),
        bytes: file.bytes,
        state: in_folder(&mirror, &dataset.name, file),
    };
    Verification { name: dataset.name.clone(), files: dataset.files.iter().map(report).collect(), own: None }
}

/// Reads all of a user's own files.
pub fn verify_own(files: &UserFiles) -> Verification {
    let own = match files.inventory() {
        Ok(Inventory { files, bytes, digest, .. }) => {
            OwnFiles::Readable { files: *files, bytes: *bytes, sha256: digest.clone() }
        }
        Err(problem) => OwnFiles::Unreadable { why: problem.to_string() },
    };
    Verification { name: files.name.clone(), files: Vec::new(), own: Some(own) }
}

fn in_folder(mirror: &Mirror, dataset: &str, file: &PublishedFile) -> FileState {
    let state = best(mirror, dataset, &file.name, file.bytes, &file.sha256);
    if state != FileState::Missing || file.members.is_empty() {
        return state;
    }
    let mut missing = Vec::new();
    for member in &file.members {
        match best(mirror, dataset, &member.name, member.bytes, &member.sha256) {
            FileState::Whole { .. } => {}
            FileState::Missing => missing.push(&*member.name),
            damaged @ FileState::Damaged { .. } => return damaged,
        }
    }
    match missing.len() {
        0 => FileState::Whole { unpacked: true },
        n if n == file.members.len() => FileState::Missing,
        _ => FileState::Damaged { why: format!("of its unpacked members, {} are missing", missing.join(", ")) },
    }
}

/// The best state among the places where a mirror may have a file: the same name may be another dataset's.
fn best(mirror: &Mirror, dataset: &str, name: &str, bytes: u64, sha256: &Digest) -> FileState {
    let mut state = FileState::Missing;
    for source in mirror.candidates(dataset, name) {
        let Source::File(path) = source else { continue };
        match examine(&path, bytes, sha256) {
            whole @ FileState::Whole { .. } => return whole,
            FileState::Missing => {
                if let Some(why) = broken_off(&path, bytes, sha256)
                    && state == FileState::Missing
                {
                    state = FileState::Damaged { why };
                }
            }
            // A dataset's own folder comes first; what lies elsewhere under the same name need not be ours.
            damaged @ FileState::Damaged { .. } => {
                if state == FileState::Missing && in_own_folder(&path, dataset) {
                    state = damaged;
                }
            }
        }
    }
    state
}

fn in_own_folder(path: &Path, dataset: &str) -> bool {
    path.ancestors().skip(1).any(|folder| folder.file_name().is_some_and(|name| name == dataset))
}

/// A file beside `path` whose name continues after it.
fn broken_off(path: &Path, bytes: u64, sha256: &Digest) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    let mut longer: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|other| {
            other
                .file_name()
                .and_then(|n| n.to_str())
                .is_some_and(|n| n.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
        })
        .collect();
    longer.sort_unstable();
    match examine(longer.first()?, bytes, sha256) {
        FileState::Damaged { why } => Some(why),
        FileState::Whole { .. } => Some(format!("{}: is the published file under another name", longer[0].display())),
        FileState::Missing => None,
    }
}
