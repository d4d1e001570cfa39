//! The kinds of documents that this crate defines, for those who look at a store without knowing what lies where.

use crate::record::{Provenance, Record};
use crate::store::{ImportNote, OutputManifest, Registered};

/// All of them; the other crates add their own. One that is left out is named by `verify-store`, and so by `tests/damage.rs`.
pub const DOCUMENTS: [Registered; 4] = [
    Registered::of::<Record>(),
    Registered::of::<Provenance>(),
    Registered::of::<ImportNote>(),
    Registered::of::<OutputManifest>(),
];
