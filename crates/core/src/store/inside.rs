//! Only `data/` and `reports/` are ever written, whatever a name in a configuration or a link on disk says.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::StoreError;

/// Checks that writing `path` changes nothing outside `roots`, links resolved. The roots themselves may be links: that
/// is how a user puts them on another disk.
pub(super) fn check(path: &Path, roots: [&Path; 2]) -> Result<(), StoreError> {
    let clean = !path.components().any(|part| matches!(part, Component::ParentDir));
    let Some(root) = roots.into_iter().filter(|_| clean).find(|root| path.starts_with(root)) else {
        return Err(StoreError::Outside { path: path.to_owned(), root: roots[0].to_owned() });
    };
    let folder = if path == root { path } else { path.parent().unwrap_or(path) };
    let (Some(real_root), Some(real_folder)) = (resolve(root)?, resolve(folder)?) else { return Ok(()) };
    if real_folder.starts_with(&real_root) {
        return Ok(());
    }
    Err(StoreError::Linked { path: path.to_owned(), leads_to: real_folder, root: root.to_owned() })
}

/// Refuses a name that is a link, for files that are opened in place.
pub(super) fn refuse_link(path: &Path, root: &Path) -> Result<(), StoreError> {
    match fs::read_link(path) {
        Ok(leads_to) => Err(StoreError::Linked { path: path.to_owned(), leads_to, root: root.to_owned() }),
        Err(_) => Ok(()),
    }
}

/// The real path of the deepest folder on the way that exists; `None` where none does.
fn resolve(folder: &Path) -> Result<Option<PathBuf>, StoreError> {
    for existing in folder.ancestors() {
        let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
        match fs::canonicalize(existing) {
            Ok(real) => return Ok(Some(real)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A link to nowhere exists and does not resolve: what is created through it lies elsewhere.
                if let Ok(leads_to) = fs::read_link(existing) {
                    return Ok(Some(leads_to));
                }
            }
            Err(error) => return Err(StoreError::io("look at", existing)(error)),
        }
    }
    Ok(None)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::{Store, StoreError};

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
        std::fs::create_dir(folder.path().join("elsewhere")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_link_to_another_folder_is_not_written_through() {
        let (folder, store) = store();
        symlink(folder.path().join("elsewhere"), store.layout().runs()).unwrap();
        let error = store.write(&store.layout().runs().join("a/b.txt"), b"x").unwrap_err();
        assert!(matches!(error, StoreError::Linked { .. }), "{error}");
        assert!(error.to_string().contains("elsewhere"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 0);
    }

    #[test]
    fn a_link_to_nowhere_is_not_written_through() {
        let (folder, store) = store();
        symlink(folder.path().join("not-there"), store.layout().runs()).unwrap();
        assert!(matches!(store.write(&store.layout().runs().join("b.txt"), b"x"), Err(StoreError::Linked { .. })));
        assert!(!folder.path().join("not-there").exists());
    }

    #[test]
    fn a_file_that_is_a_link_is_replaced_and_what_it_leads_to_stays() {
        let (folder, store) = store();
        let outside = folder.path().join("elsewhere/precious.txt");
        std::fs::write(&outside, "precious").unwrap();
        let inside = store.layout().data().join("record.json");
        symlink(&outside, &inside).unwrap();
        store.write(&inside, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "precious");
        assert_eq!(store.read(&inside).unwrap().unwrap(), b"new");
    }

    #[test]
    fn a_lock_that_is_a_link_is_refused_and_what_it_leads_to_stays() {
        let (folder, store) = store();
        let outside = folder.path().join("elsewhere/precious.txt");
        std::fs::write(&outside, "precious").unwrap();
        symlink(&outside, store.layout().lock()).unwrap();
        assert!(store.lock().unwrap_err().to_string().contains("precious.txt"));
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "precious");
    }

    #[test]
    fn a_folder_that_is_a_link_is_not_locked_and_nothing_is_written_behind_it() {
        let (folder, store) = store();
        std::fs::create_dir_all(store.layout().data().join("raw")).unwrap();
        for target in ["elsewhere", "not-there"] {
            let link = store.layout().raw(target);
            symlink(folder.path().join(target), &link).unwrap();
            let error = store.try_lock_folder(&link).unwrap_err();
            assert!(matches!(error, StoreError::Linked { .. }), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path().join("elsewhere")).unwrap().count(), 0);
        assert!(!folder.path().join("not-there").exists());
    }

    #[test]
    fn a_partial_file_that_is_a_link_is_refused() {
        let (folder, store) = store();
        let outside = folder.path().join("elsewhere/precious.txt");
        std::fs::write(&outside, "precious").unwrap();
        symlink(&outside, store.layout().data().join(".images.gz.partial.tmp")).unwrap();
        let error = store.partial(&store.layout().data().join("images.gz")).unwrap_err();
        assert!(matches!(error, StoreError::Linked { .. }), "{error}");
    }

    #[test]
    fn the_data_folder_itself_may_be_a_link_to_another_disk() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("disk")).unwrap();
        symlink(folder.path().join("disk"), folder.path().join("data")).unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
        store.write(&store.layout().runs().join("a/b.txt"), b"x").unwrap();
        assert!(folder.path().join("disk/runs/a/b.txt").exists());
    }
}
