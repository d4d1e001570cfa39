//! Results between machines: `pipeline pack` writes the finished part of a store as a tar file, `pipeline import` takes
//! such files, other data folders, or published reports, into this one.
//!
//! An import reads everything twice. The first pass checks every file against its digest, its specification and what is
//! here already, and changes nothing; the second one writes. A unit (a run, a drawn trial, a probe, a checkpoint) is written
//! with the document that records its checksums last, so a process that is killed leaves whole units alone.

mod checkpoints;
mod error;
mod import;
mod inner;
mod inventory;
mod judge;
mod known;
mod origin;
mod pack;
mod published;
mod write;

pub use error::{ExchangeError, Refusal};
pub use import::{Imported, import};
pub use judge::Preference;
pub use known::KnownSettings;
pub use pack::{With, pack};
pub use published::{ImportedReport, import_report, is_published_report};
