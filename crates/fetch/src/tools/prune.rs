//! `pipeline data prune`: removes what no dataset needs.

use std::fs;
use std::path::{Path, PathBuf};

use flooding_core::store::{PartialFile, Store, StoreError};
use serde::Serialize;

use crate::manifest::{Dataset, Entry, Manifest};
use crate::state::{FileState, Inspector, NOTE};

/// A file that was (or would be) removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Which.
    #[serde(serialize_with = "flooding_core::files::serialize_path")]
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Why nothing needs it.
    pub why: &'static str,
}

/// Removes, below the folders of the published datasets: downloads that were broken off, files that are not the
/// published ones, members whose whole archive is there too, and files that belong to no dataset. A dataset that
/// another process fetches right now is left alone, and so are folders that the manifest does not know.
///
/// With `dry_run`, only says what it would remove.
///
/// # Errors
/// A folder that cannot be listed or a file that cannot be removed.
pub fn prune(store: &Store, manifest: &Manifest, dry_run: bool) -> Result<Vec<Pruned>, StoreError> {
    let mut pruned = Vec::new();
    for name in manifest.names() {
        let Some(Entry::Published(dataset)) = manifest.get(name) else { continue };
        let folder = store.layout().raw(name);
        if !folder.is_dir() {
            continue;
        }
        let Some(_lock) = store.try_lock_folder(&folder)? else { continue };
        let mut inspector = Inspector::of_store(store, dataset);
        let mut files = Vec::new();
        walk(&folder, &mut files);
        for path in files {
            let Some(why) = superfluous(&folder, &path, dataset, &mut inspector) else { continue };
            let bytes = fs::symlink_metadata(&path).map_or(0, |metadata| metadata.len());
            if !dry_run {
                store.remove(&path)?;
            }
            pruned.push(Pruned { path, bytes, why });
        }
    }
    Ok(pruned)
}

fn superfluous(folder: &Path, path: &Path, dataset: &Dataset, inspector: &mut Inspector) -> Option<&'static str> {
    let name = path.strip_prefix(folder).ok()?.to_str()?;
    if name == NOTE || name == ".lock" {
        return None;
    }
    if name.ends_with(PartialFile::SUFFIX) {
        return Some("a download that was broken off");
    }
    for file in &dataset.files {
        let archive = inspector.single(&file.name, file.bytes, &file.sha256);
        if file.name == name {
            return matches!(archive, FileState::Damaged { .. }).then_some("not the published bytes");
        }
        if let Some(member) = file.members.iter().find(|member| member.name == name) {
            if matches!(archive, FileState::Whole { .. }) {
                return Some("its whole archive is there");
            }
            let state = inspector.single(name, member.bytes, &member.sha256);
            return matches!(state, FileState::Damaged { .. }).then_some("not the published bytes");
        }
    }
    Some("belongs to no dataset")
}

/// All files below a folder, sorted; links are files and not followed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    for path in paths {
        if path.is_dir() && !path.is_symlink() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}
