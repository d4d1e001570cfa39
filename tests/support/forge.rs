//! A document that says something else, with the checksum that goes with it.

use std::fs;
use std::path::Path;

use flooding_core::digest::Digest;
use serde_json::Value;

/// Changes the body of a document and signs it again.
pub fn forge(path: &Path, change: impl FnOnce(&mut Value)) {
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut body = document["body"].clone();
    change(&mut body);
    let body = body.to_string();
    let (kind, version, sha256) = (&document["kind"], &document["version"], Digest::of(body.as_bytes()));
    fs::write(path, format!("{{\"kind\":{kind},\"version\":{version},\"sha256\":\"{sha256}\",\"body\":{body}}}\n"))
        .unwrap();
}
