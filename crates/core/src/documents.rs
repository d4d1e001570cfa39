//! The kinds of documents that this crate defines, for those who look at a store without knowing what lies where.

use crate::record::{Provenance, Record};
use crate::store::{ImportNote, Kind};

/// All of them; the other crates add their own. One that is left out is named by `verify-store`, and so by `tests/damage.rs`.
pub const DOCUMENTS: [Kind; 3] = [Kind::of::<Record>(), Kind::of::<Provenance>(), Kind::of::<ImportNote>()];
