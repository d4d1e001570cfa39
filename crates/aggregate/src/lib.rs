//! The aggregate stage: from records to tables.
//!
//! One lazy Polars query plan ([`select`](crate) in the source) takes the flat frame of runs to the accuracy tables;
//! histories become curves, a setting at a time. Every table of `flooding_tables` is written once, as Parquet, CSV and JSON.
//! The same records give the same bytes, whatever the thread count or the clock.
//!
//! [`stats`] holds the t-tests and their kin as pure functions.

mod accuracy;
pub mod claims;
mod compare;
mod compute;
mod controls;
mod curves;
mod dependencies;
mod descent;
mod error;
mod final_loss;
mod frame;
mod inputs;
mod levels;
mod methods;
mod paper;
mod probes;
mod published;
mod published_report;
mod scan;
mod scorecard;
mod select;
mod selection_noise;
mod spread;
mod stage;
pub mod stats;
mod trial_probes;

use flooding_core::store::Registered;

pub use dependencies::TABLES_REVISION;
pub use error::AggregateError;
pub use inputs::Inputs;
pub use published::{outcome as published_outcome, published_runs, published_sources};
pub use published_report::{Measured, PublishedReport};
pub use stage::prepare;

/// The kinds of documents that only this stage reads; its tables' are among those of [`flooding_core::documents`].
pub const DOCUMENTS: [Registered; 2] = [Registered::of::<curves::SettingCurves>(), Registered::of::<PublishedReport>()];
