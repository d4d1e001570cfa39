//! The words of the project as types: what is to be run (configuration, plan, specification), what a run leaves
//! behind (record), and the few services every stage shares (seeded streams, the store, progress).
//!
//! The six stage crates stand side by side on this one and do not know each other; see `docs/architecture.md`.

pub mod clock;
pub mod config;
pub mod context;
pub mod dataset;
pub mod digest;
pub mod documents;
pub mod files;
pub mod group;
pub mod level;
pub mod memory;
pub mod plan;
pub mod progress;
pub mod record;
pub mod resampling;
pub mod seeds;
pub mod shown;
pub mod spec;
pub mod split;
pub mod spreadsheet;
pub mod store;
pub mod task;
pub mod work;
