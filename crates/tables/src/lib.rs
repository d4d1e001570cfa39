//! Every table of this project, each defined once: its name, version, columns (name, unit, meaning) and typed rows.
//!
//! To add a column, add a field to its struct under `rows/`, raise the table's version, and fill the field where the
//! rows are made: the compiler leads there. Parquet, CSV, JSON and `docs/tables.md` (`make tables-doc`) follow by
//! themselves.
//!
//! To add a table:
//! 1. `table! { "name" version 1, /// what a row is \n pub struct NameRow { /// meaning \n field: Type => "unit", ... } }`
//!    in a file under `rows/`, re-exported by `rows.rs`. A `setting` is always followed by its `reading`. Types are
//!    [`String`], `bool`, `u32`, `u64`, `f64`, `Level`, `RunKey`, [`MeanStd`] (three columns), [`Interval`] (two), an
//!    `Option` of any of them (empty cells), and structs made by `columns!` (their columns with the field's name before).
//!    A new enum of words needs a line in `fields.rs`.
//! 2. A line in [`catalogue::AGGREGATED`] (or [`catalogue::VERIFIED`]): this registers its document and documents it.
//! 3. Make its rows in `aggregate` and write them there with [`write()`] in its `stage.rs`; [`read`] them in `render`, which
//!    copies the files of all tables beside the page.
//!
//! What the probes store of a trial is in [`probes`].

pub mod catalogue;
mod csv;
pub mod definition;
mod document;
pub mod documentation;
mod error;
mod fields;
mod files;
mod parquet;
pub mod probes;
mod readings;
mod rows;

pub use csv::{from_csv, to_csv};
pub use definition::Table;
pub use document::Rows;
pub use error::TableError;
pub use fields::scenario_word;
pub use files::{FORMATS, read, write};
pub use parquet::{from_parquet, to_parquet};
pub use readings::{READINGS, stand_in};
pub use rows::*;
