//! What processes that died left behind: temporary files, which the next holder of the store removes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::operation::{OperationKind, Phase, Step};
use super::{AtomicFile, Layout, StoreError};
use crate::files;

/// Removes every temporary file of ours that no living process is writing, and returns their paths.
///
/// Ours are the regular files that are named as [`AtomicFile`] names them, in the folders that this project makes.
/// Partial downloads stay, because they are resumed; so does everything else, whatever its ending.
pub(super) fn remove(layout: &Layout) -> Result<Vec<PathBuf>, StoreError> {
    let mut removed = Vec::new();
    remove_in(layout.data(), Depth::Folder, &mut removed)?;
    remove_in(layout.reports(), Depth::All, &mut removed)?;
    // The two above may be links to another disk; a link in them is never written through.
    for folder in layout.own_folders().iter().filter(|folder| !folder.is_symlink()) {
        remove_in(folder, Depth::All, &mut removed)?;
    }
    Ok(removed)
}

#[derive(Clone, Copy, PartialEq)]
enum Depth {
    Folder,
    All,
}

fn remove_in(folder: &Path, depth: Depth, removed: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // A disk's `lost+found`, or no folder yet: nothing of ours.
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) => {
            return Ok(());
        }
        Err(error) => return Err(StoreError::io("list", folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(StoreError::io("look at", &path))?;
        if kind.is_dir() {
            if depth == Depth::All {
                remove_in(&path, depth, removed)?;
            }
        } else if kind.is_file() && AtomicFile::made(&path) && is_abandoned(&path) {
            let step = Step::begin(OperationKind::Remove, &path);
            let was_there = files::remove_if_there(&path).map_err(StoreError::io("remove", &path))?;
            step.tell(Phase::After, &path, None);
            // Else its writer lives, and has just let go of it and removed it.
            if was_there {
                removed.push(path);
            }
        }
    }
    Ok(())
}

/// A living writer holds a lock on its temporary file; the operating system takes it back when the writer dies.
fn is_abandoned(path: &Path) -> bool {
    files::open_no_link(path).is_ok_and(|(file, _)| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    #[test]
    fn temporary_files_of_the_dead_are_removed_with_the_lock_and_those_of_the_living_stay() {
        let (_folder, store) = store();
        let runs = store.layout().runs();
        fs::create_dir_all(&runs).unwrap();
        let dead = runs.join(".record.json.999999-0.tmp");
        fs::write(&dead, "{\"half").unwrap();
        let partial = runs.join(".images.gz.partial.tmp");
        fs::write(&partial, "first half").unwrap();
        let living = store.create(&runs.join("history.csv")).unwrap();
        let lock = store.lock().unwrap();
        assert!(!dead.exists());
        assert!(lock.notices()[0].contains(".record.json.999999-0.tmp"), "{:?}", lock.notices());
        assert!(partial.exists());
        living.commit().unwrap();
        assert!(runs.join("history.csv").exists());
    }

    #[test]
    fn other_peoples_temporary_files_stay() {
        let (_folder, store) = store();
        let layout = store.layout();
        for other in [layout.data().join("mine"), layout.runs(), layout.tables(), layout.reports().join("figures")] {
            fs::create_dir_all(&other).unwrap();
        }
        let theirs = [
            layout.data().join("mine/.notes.txt.4242-0.tmp"),
            layout.runs().join("notes.tmp"),
            layout.runs().join(".notes.tmp"),
            layout.tables().join(".notes.csv.4242.tmp"),
            layout.tables().join(".4242-0.tmp"),
            layout.reports().join("figures/.figure.svg.4242-x.tmp"),
        ];
        for path in &theirs {
            fs::write(path, "precious").unwrap();
        }
        let lock = store.lock().unwrap();
        assert_eq!(lock.notices(), Vec::<String>::new());
        for path in &theirs {
            assert!(path.exists(), "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_is_named_like_a_temporary_file_stays() {
        let (folder, store) = store();
        fs::create_dir_all(store.layout().runs()).unwrap();
        let link = store.layout().runs().join(".record.json.4242-0.tmp");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        let _lock = store.lock().unwrap();
        assert!(link.is_symlink());
    }
}
