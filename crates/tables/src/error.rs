//! What can go wrong with a table.

use flooding_core::store::{DocumentError, StoreError};

use crate::definition::BadCell;

/// Why a table cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The store's word.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The JSON document's.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A number that no format can hold alike.
    #[error("table {table}, row {row}: {column} is {value}, which is not a finite number")]
    NotFinite {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: String,
        /// Which row, from 1.
        row: usize,
        /// The number.
        value: f64,
    },
    /// A cell does not hold what its column promises.
    #[error("table {table}, row {row}, column {column}: {source}")]
    Cell {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: String,
        /// Which row, from 1.
        row: usize,
        /// What it holds.
        source: BadCell,
    },
    /// Other columns.
    #[error("the columns are not those of the table {table} (docs/tables.md lists them): {found}")]
    Header {
        /// Which table.
        table: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// The CSV reader's word.
    #[error("table {table} as CSV: {source}")]
    Csv {
        /// Which table.
        table: &'static str,
        /// What it said.
        source: ::csv::Error,
    },
    /// The Parquet writer's word.
    #[error("table {table} as Parquet: {source}")]
    Parquet {
        /// Which table.
        table: &'static str,
        /// What it said.
        source: ::parquet::errors::ParquetError,
    },
}
