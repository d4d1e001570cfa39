//! `pipeline data verify`: every byte is read again.

use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::store::{DocumentError, Store};
use serde::Serialize;

use crate::download::{Mirror, Source};
use crate::manifest::{Dataset, PublishedFile};
use crate::state::{FileReport, FileState, Inspector, examine, reports};

/// What reading all files of a data set found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The data set.
    pub name: String,
    /// Its published files, in the manifest's order.
    pub files: Vec<FileReport>,
}

impl Verification {
    /// Is every file whole?
    pub fn is_whole(&self) -> bool {
        self.files.iter().all(|file| matches!(file.state, FileState::Whole { .. }))
    }
}

/// Reads all files of a data set below `data/raw/` and compares them with what was published.
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
    Ok(Verification { name: dataset.name.clone(), files })
}

/// Reads what a mirror folder has of a data set: its files, its archives' members, and what looks like a download that
/// was broken off (`NAME.part`, `NAME.crdownload` and their like).
pub fn verify_folder(folder: &Path, dataset: &Dataset) -> Verification {
    let mirror = Mirror::Folder(folder.to_owned());
    let report = |file: &PublishedFile| FileReport {
        name: file.name.clone(),
        bytes: file.bytes,
        state: in_folder(&mirror, &dataset.name, file),
    };
    Verification { name: dataset.name.clone(), files: dataset.files.iter().map(report).collect() }
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

/// The best state among the places where a mirror may have a file: the same name may be another data set's.
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
            // A data set's own folder comes first; what lies elsewhere under the same name need not be ours.
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

/// A file beside `path` whose name goes on after it.
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
