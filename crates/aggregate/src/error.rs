//! What can stop the stage. A damaged or missing record never does: it becomes a missing result.

use flooding_core::store::{DocumentError, StoreError};
use flooding_tables::TableError;
use polars::error::PolarsError;

/// Why the tables cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AggregateError {
    /// The store could not read or write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document could not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A table could not be written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Polars refused a query: a fault of this program, not of its input.
    #[error("cannot make table `{table}`: {source}")]
    Query {
        /// The table.
        table: &'static str,
        /// Polars' word.
        source: PolarsError,
    },
}

impl AggregateError {
    pub(crate) fn query(table: &'static str) -> impl Fn(PolarsError) -> Self {
        move |source| Self::Query { table, source }
    }
}
