//! Everything in the store against the digests recorded for it.
//!
//! Every JSON document carries its own digest; the documents that come last (a run's record, a trial's description, the
//! manifests of tables and report) also hold the digests of the files beside them.

mod ours;

use std::io;
use std::path::{Path, PathBuf};

use flooding_core::digest::Digest;
use flooding_core::files;
use flooding_core::store::{AnyDocument, DocumentError, Inspected, Store, StoreError, parse_any_document};
use flooding_fetch::Manifest;
use flooding_fetch::manifest::Entry;
use flooding_fetch::state::{self, FileState};
use serde::Serialize;

use crate::registry;

/// What was looked at and what is wrong.
#[derive(Debug, Default, Serialize)]
pub struct Audit {
    /// Files whose digest was computed.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What does not match.
    pub damaged: Vec<Damage>,
    /// Files among ours that this program does not make; they are left alone.
    #[serde(serialize_with = "files::serialize_paths")]
    pub foreign: Vec<PathBuf>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize)]
pub struct Damage {
    /// Which file.
    #[serde(serialize_with = "files::serialize_path")]
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// What has to go so that the next run makes it again; nothing where that is the user's to decide.
    #[serde(serialize_with = "files::serialize_paths")]
    pub remove: Vec<PathBuf>,
}

/// Re-hashes everything below `data/` and `reports/`; an error only where a folder cannot be read.
pub fn audit(store: &Store, manifest: &Manifest) -> Result<Audit, StoreError> {
    let mut audit = Audit::default();
    for name in manifest.names() {
        if let Some(Entry::Published(dataset)) = manifest.get(name) {
            raw(store, dataset, &mut audit);
        }
    }
    for folder in ["synthetic", "runs", "probes", "published", "theorem", "tables"] {
        walk(store, &store.layout().data().join(folder), &mut audit)?;
    }
    // The report is for readers: only its manifest is a document of ours, and it knows all the rest.
    document(store, &store.layout().reports().join("manifest.json"), &mut audit);
    audit.foreign.sort();
    audit.damaged.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(audit)
}

/// Downloads have published digests. Only the note goes that says they were verified: the next fetch then looks itself.
fn raw(store: &Store, dataset: &flooding_fetch::manifest::Dataset, audit: &mut Audit) {
    let folder = store.layout().raw(&dataset.name);
    document(store, &folder.join(state::NOTE), audit);
    for file in state::verify(store, dataset) {
        match file.state {
            FileState::Missing => {}
            FileState::Whole { .. } => {
                audit.files += 1;
                audit.bytes += file.bytes;
            }
            FileState::Damaged { why } => {
                let (path, remove) = (folder.join(file.name), vec![folder.join(state::NOTE)]);
                audit.damaged.push(Damage { problem: unprefixed(why, &path), path, remove });
            }
        }
    }
}

fn walk(store: &Store, folder: &Path, audit: &mut Audit) -> Result<(), StoreError> {
    for name in store.list(folder)? {
        let path = folder.join(&name);
        if path.is_symlink() {
            // Followed, it could lead round in circles. The link itself may go where a document of ours belongs.
            let problem = "a symbolic link: what it leads to is not looked at".to_owned();
            let remove = if ours::is_a_documents_place(store, &path) { vec![path.clone()] } else { Vec::new() };
            audit.damaged.push(Damage { path, problem, remove });
        } else if path.is_dir() {
            walk(store, &path, audit)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            document(store, &path, audit);
        }
    }
    Ok(())
}

/// A document, and the files whose digests it records.
fn document(store: &Store, path: &Path, audit: &mut Audit) {
    let itself = |problem| Damage { path: path.to_owned(), problem, remove: vec![path.to_owned()] };
    let inspected = match inspect(store, path) {
        Ok(Some(inspected)) => inspected,
        // Gone since the folder was listed: a pipeline is at work.
        Ok(None) => return,
        Err(_) if !ours::is_a_documents_place(store, path) => {
            // Whole, and perhaps of a newer version of this program.
            audit.foreign.push(path.to_owned());
            return;
        }
        Err(problem) => return audit.damaged.push(itself(problem)),
    };
    audit.damaged.extend(inspected.misplaced.map(itself));
    audit.files += 1;
    audit.bytes += path.metadata().map_or(0, |metadata| metadata.len());
    let folder = path.parent().unwrap_or(path);
    for (name, digest) in inspected.files {
        // A name that leads elsewhere would have this command read, and remove, other people's files.
        let inside = |part| matches!(part, std::path::Component::Normal(_));
        if name.is_empty() || !Path::new(&name).components().all(inside) {
            audit.damaged.push(itself(format!("names a file outside its folder: `{name}`")));
            continue;
        }
        let file = folder.join(&name);
        match Digest::of_file(&file) {
            Ok((found, bytes)) if found == digest => {
                audit.files += 1;
                audit.bytes += bytes;
            }
            Ok((found, _)) => {
                let problem = format!("its SHA-256 is {found}, {digest} was written");
                // Without the document, the next run makes both again.
                audit.damaged.push(Damage { path: file.clone(), problem, remove: vec![path.to_owned(), file] });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && store.was_left_out(folder, &name) => {}
            Err(error) => {
                let problem =
                    if error.kind() == io::ErrorKind::NotFound { "missing".to_owned() } else { error.to_string() };
                audit.damaged.push(Damage { path: file, problem, remove: vec![path.to_owned()] });
            }
        }
    }
}

/// What the document says, read as its own type; the error names what is wrong.
fn inspect(store: &Store, path: &Path) -> Result<Option<Inspected>, String> {
    let problem = |error: DocumentError| unprefixed(error.to_string(), path);
    let Some(bytes) = store.read_document_bytes(path).map_err(problem)? else { return Ok(None) };
    let AnyDocument { kind, version, .. } = parse_any_document(&bytes, path).map_err(problem)?;
    let Some(registered) = registry::find(&kind, version) else {
        return Err(format!("is a {kind} of version {version}, which this version does not read"));
    };
    registered.inspect(&bytes, path, store.layout()).map(Some).map_err(problem)
}

/// Without the path, which is printed beside it.
fn unprefixed(text: String, path: &Path) -> String {
    let prefix = format!("{}: ", path.display());
    text.strip_prefix(&prefix).map(str::to_owned).unwrap_or(text)
}
