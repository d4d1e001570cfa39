//! Every type of document that a store may hold.

use flooding_core::store::{Kind, Registered};
use flooding_fetch::state::Verified;
use flooding_generate::TrialDocument;

/// All of them. A type that is missing here is reported by `verify-store`, and so by `tests/damage.rs`.
pub fn documents() -> impl Iterator<Item = Registered> {
    flooding_core::documents::DOCUMENTS
        .into_iter()
        .chain(flooding_tables::catalogue::documents())
        .chain([Registered::of::<TrialDocument>(), Registered::of::<Verified>()])
        .chain(flooding_verify::DOCUMENTS)
        .chain(flooding_aggregate::DOCUMENTS)
}

/// The type of documents of this kind.
pub fn find(kind: &str, version: u32) -> Option<Registered> {
    documents()
        .find(|document| document.kind == Kind { name: document.kind.name, version } && document.kind.name == kind)
}
