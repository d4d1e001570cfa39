//! Stored examples that are damaged, lie about themselves, or are of another version.

#[path = "../../core/tests/support/hostile.rs"]
mod hostile;

use std::path::Path;

use flooding_core::dataset::Inputs;
use flooding_core::digest::Digest;
use flooding_core::store::{DocumentError, parse_document};
use flooding_generate::{TrialDocument, decode};
use hostile::{damaged, lying_safetensors};

/// As the first version wrote it. It is never rewritten: where the format changes, a folder for the new version
/// is added beside it.
fn archived(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/archive/synthetic-trial-v1").join(name)).unwrap()
}

#[test]
fn a_trial_of_the_first_version_is_read() {
    let document: TrialDocument = parse_document(&archived("t00.json"), Path::new("t00.json")).unwrap();
    let file = archived(&document.file);
    assert_eq!(document.digest, Digest::of(&file));
    let splits = decode(&file).unwrap();
    assert_eq!(splits.digest(), document.examples);
    assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (20, 20, 40));
    assert!(splits.train.clean_labels.is_some());
}

#[test]
fn a_trial_of_a_later_version_is_refused_by_name() {
    let text = String::from_utf8(archived("t00.json")).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    let error = parse_document::<TrialDocument>(text.as_bytes(), Path::new("t00.json")).unwrap_err();
    assert!(matches!(error, DocumentError::Foreign { .. }), "{error}");
    assert!(error.to_string().contains("synthetic-trial of version 2, and this version reads"), "{error}");
}

#[test]
fn no_damage_to_the_examples_makes_their_reader_panic_or_disagree_with_itself() {
    let bytes = archived("t00.safetensors");
    for damaged in damaged(&bytes, 3).chain(lying_safetensors(&bytes)) {
        let Ok(splits) = decode(&damaged) else { continue };
        for set in [&splits.train, &splits.validation, &splits.test] {
            let Inputs::Real(values) = &set.inputs else { panic!("drawn inputs are real numbers") };
            assert_eq!(values.len(), set.len() * set.shape.len());
        }
    }
}

#[test]
fn labels_of_no_class_are_refused_with_their_set_and_value() {
    let bytes = archived("t00.safetensors");
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    for tensor in ["train.labels", "train.clean_labels", "validation.labels", "test.clean_labels"] {
        let start = header[tensor]["data_offsets"][0].as_u64().unwrap() as usize;
        for label in [2_u16, u16::MAX] {
            let mut forged = bytes.clone();
            forged[8 + length + start..][..2].copy_from_slice(&label.to_le_bytes());
            let error = decode(&forged).unwrap_err();
            assert_eq!(error, format!("{tensor} hold the label {label}, and there are 2 classes"));
        }
    }
}
