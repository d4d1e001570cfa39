//! Which files this program makes: only those are called damaged, and only those are removed.

use std::path::{Component, Path};

use flooding_core::store::Store;
use flooding_tables::catalogue::{AGGREGATED, VERIFIED};

/// The documents in `data/tables/` that are no tables.
const BESIDE_TABLES: [&str; 2] = ["manifest", "overview"];

/// Is this a place where this program puts a document, whatever is there now?
pub fn is_a_documents_place(store: &Store, path: &Path) -> bool {
    let (layout, Some(name)) = (store.layout(), path.file_name().and_then(|name| name.to_str())) else { return false };
    let Some(stem) = name.strip_suffix(".json") else { return false };
    if path.parent() == Some(layout.reports()) {
        return stem == "manifest";
    }
    let Ok(relative) = path.strip_prefix(layout.data()) else { return false };
    let folders: Option<Vec<&str>> = relative
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| if let Component::Normal(part) = part { part.to_str() } else { None })
        .collect();
    match folders.as_deref() {
        Some(["raw", _]) => stem == "verified",
        Some(["synthetic", _]) => is_trial(stem),
        Some(["runs", _, trial, run]) => is_trial(trial) && is_run(run),
        Some(["probes", _, trial]) => is_trial(trial),
        Some(["published"]) => is_short_digest(stem),
        Some(["theorem"]) => stem == "manifest" || VERIFIED.iter().any(|table| table.name == stem),
        Some(["theorem", "parts"] | ["tables", "cache"]) => true,
        Some(["tables"]) => BESIDE_TABLES.contains(&stem) || AGGREGATED.iter().any(|table| table.name == stem),
        _ => false,
    }
}

/// `tNN`.
fn is_trial(name: &str) -> bool {
    name.strip_prefix('t').is_some_and(|digits| digits.len() >= 2 && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// `bLEVEL-KEY`.
fn is_run(name: &str) -> bool {
    let key = name.strip_prefix('b').and_then(|name| name.split_once('-')).map(|(_, key)| key);
    key.is_some_and(is_short_digest)
}

/// The first digits of a digest ([`flooding_core::digest::Digest::short`]).
fn is_short_digest(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
