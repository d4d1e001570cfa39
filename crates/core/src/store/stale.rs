//! What processes that died left behind: temporary files, which the next holder of the store removes.

use std::fs;
use std::path::Path;

use super::operation::{OperationKind, Phase, Step};
use super::{PartialFile, StoreError, TEMPORARY_SUFFIX};
use crate::files;

/// Removes every temporary file below `folder` that no living process is writing; links are not followed.
///
/// Partial downloads stay, because they are gone on with. So do pipes and devices, which are not ours: opening one could
/// wait for ever.
pub(super) fn remove_below(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(StoreError::io("list", folder))? {
        let entry = entry.map_err(StoreError::io("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(StoreError::io("look at", &path))?;
        if kind.is_dir() {
            remove_below(&path)?;
        } else if is_temporary(&path)
            && !is_partial(&path)
            && (kind.is_symlink() || (kind.is_file() && is_abandoned(&path)))
        {
            let step = Step::begin(OperationKind::Remove, &path);
            fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            step.tell(Phase::After, &path, None);
        }
    }
    Ok(())
}

/// Is it a hidden file with the ending of unfinished ones?
pub(super) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') && name.ends_with(TEMPORARY_SUFFIX)
}

fn is_partial(path: &Path) -> bool {
    path.file_name().unwrap_or_default().to_string_lossy().ends_with(PartialFile::SUFFIX)
}

/// A living writer holds a lock on its temporary file; the operating system takes it back when the writer dies.
fn is_abandoned(path: &Path) -> bool {
    files::open_no_link(path).is_ok_and(|(file, _)| file.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::*;

    #[test]
    fn temporary_files_of_the_dead_are_removed_with_the_lock_and_those_of_the_living_stay() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
        let runs = store.layout().runs();
        fs::create_dir_all(&runs).unwrap();
        let dead = runs.join(".record.json.999999-0.tmp");
        fs::write(&dead, "{\"half").unwrap();
        let partial = runs.join(".images.gz.partial.tmp");
        fs::write(&partial, "first half").unwrap();
        let living = store.create(&runs.join("history.csv")).unwrap();
        let _lock = store.lock().unwrap();
        assert!(!dead.exists());
        assert!(partial.exists());
        living.commit().unwrap();
        assert!(runs.join("history.csv").exists());
    }
}
