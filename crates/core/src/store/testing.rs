//! A store to test with.

use tempfile::TempDir;

use super::Store;

/// A store in a temporary folder, which goes with the first of the two.
pub fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    (folder, store)
}
