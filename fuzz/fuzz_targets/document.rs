//! Stored documents. The first byte chooses: as they are, or a body in a header with its checksum.
#![no_main]

use std::path::Path;

use flooding_core::digest::Digest;
use flooding_tables::probes::{Calibration, Flatness};
use flooding_core::record::{Provenance, Record};
use flooding_core::store::{Document, parse_any_document, parse_document};
use flooding_tables::{CurveRow, Overview, Rows, TheoremRow};
use flooding_fetch::state::Verified;
use flooding_generate::TrialDocument;
use libfuzzer_sys::fuzz_target;

fn read<T: Document>(signed: bool, body: &[u8]) -> Option<T> {
    let path = Path::new("document.json");
    if !signed {
        return parse_document(body, path).ok();
    }
    let mut file = format!(
        r#"{{"kind":"{}","version":{},"sha256":"{}","body":"#,
        T::KIND,
        T::VERSION,
        Digest::of(body)
    );
    file.push_str(&String::from_utf8_lossy(body));
    file.push_str("}\n");
    let _ = parse_any_document(file.as_bytes(), path);
    parse_document(file.as_bytes(), path).ok()
}

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    let signed = mode & 1 == 1;
    let _ = parse_any_document(body, Path::new("document.json"));
    if let Some(record) = read::<Record>(signed, body) {
        assert_eq!(record.spec.key(), record.spec.clone().key());
    }
    drop(read::<Provenance>(signed, body));
    drop(read::<TrialDocument>(signed, body));
    drop(read::<Verified>(signed, body));
    drop(read::<Flatness>(signed, body));
    drop(read::<Calibration>(signed, body));
    drop(read::<Overview>(signed, body));
    drop(read::<Rows<CurveRow>>(signed, body));
    drop(read::<Rows<TheoremRow>>(signed, body));
});
