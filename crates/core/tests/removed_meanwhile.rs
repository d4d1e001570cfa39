//! Another process that removes a file while we are about to. Alone in this program: a process has one observer.

use std::fs;

use flooding_core::store::Store;
use flooding_core::store::operation::{OperationKind, Phase, observe};

#[test]
fn a_temporary_file_that_its_living_writer_has_just_removed_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    let file = folder.path().join("reports/.writable.999999-1.tmp");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "").unwrap();
    let writers = file.clone();
    assert!(observe(move |operation| {
        if operation.kind == OperationKind::Remove && operation.phase == Phase::Before && operation.path == writers {
            fs::remove_file(&writers).unwrap();
        }
    }));
    let lock = store.lock().unwrap();
    assert!(!file.exists());
    assert_eq!(lock.notices(), Vec::<String>::new());
}
