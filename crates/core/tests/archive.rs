//! What older versions wrote, and what is left of it after damage: read digit for digit, or refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use flooding_core::digest::Digest;
use flooding_core::record::{History, Record, Status};
use flooding_core::store::{DocumentError, Store};
use proptest::prelude::*;

/// A run of the smoke profile as the first version of the formats wrote it. It is never rewritten: where its
/// format changes, a folder for the new version is added beside it.
fn archived(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archive/run-record-v1").join(name)).unwrap()
}

fn stored(bytes: &[u8]) -> (tempfile::TempDir, Store, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    let path = store.layout().runs().join("record.json");
    store.write(&path, bytes).unwrap();
    (folder, store, path)
}

#[test]
fn a_record_of_the_first_version_is_read() {
    let (_folder, store, path) = stored(&archived("record.json"));
    let record: Record = store.read_document(&path).unwrap().unwrap();
    assert_eq!(record.spec.setting, "gaussians-high");
    assert_eq!(record.key, record.spec.key(), "the key of an old specification has changed");
    assert_eq!(record.status, Status::Complete);
    let history = archived("history.csv");
    assert_eq!(record.history, Digest::of(&history));
    let rows = History::from_csv(std::str::from_utf8(&history).unwrap()).unwrap().rows;
    assert_eq!(rows.len(), record.spec.epochs as usize);
    assert_eq!(rows.last().unwrap().validation, record.summary.unwrap().last.validation);
}

#[test]
fn a_record_of_a_later_version_is_refused_by_name() {
    let text = String::from_utf8(archived("record.json")).unwrap();
    let (_folder, store, path) = stored(text.replacen("\"version\":1", "\"version\":2", 1).as_bytes());
    let error = store.read_document::<Record>(&path).unwrap_err();
    assert!(matches!(error, DocumentError::Foreign { .. }));
    assert!(
        error.to_string().contains("run-record of version 2, and this version reads run-record of version 1"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_record_is_refused(at in any::<prop::sample::Index>(), change in 1..=u8::MAX) {
        let mut damaged = archived("record.json");
        let at = at.index(damaged.len());
        damaged[at] ^= change;
        let (_folder, store, path) = stored(&damaged);
        prop_assert!(store.read_document::<Record>(&path).is_err());
    }

    #[test]
    fn a_truncated_record_is_refused(at in any::<prop::sample::Index>()) {
        let whole = archived("record.json");
        let (_folder, store, path) = stored(&whole[..at.index(whole.len())]);
        prop_assert!(store.read_document::<Record>(&path).is_err());
    }

    #[test]
    fn no_bytes_whatsoever_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (_folder, store, path) = stored(&bytes);
        prop_assert!(store.read_document::<Record>(&path).is_err());
        let _ = History::from_csv(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_change_of_a_history_makes_its_reader_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = archived("history.csv");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = History::from_csv(&String::from_utf8_lossy(&bytes));
    }
}
