//! What a file is called within a data folder, on any machine.

use std::path::Path;

use flooding_core::store::Store;

/// The path within the store's data folder, with `/` between its parts.
pub(super) fn inner(store: &Store, path: &Path) -> String {
    let inner = path.strip_prefix(store.layout().data()).unwrap_or(path);
    inner.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
