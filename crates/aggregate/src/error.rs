//! What can stop the stage. A damaged or missing record never does: it becomes a gap.

use flooding_core::store::{DocumentError, StoreError};
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
    /// Polars refused a query or a file: a fault of this program, not of its input.
    #[error("cannot make table `{table}`: {source}")]
    Table {
        /// The table.
        table: &'static str,
        /// Polars' word.
        source: PolarsError,
    },
}

impl AggregateError {
    pub(crate) fn table(table: &'static str) -> impl Fn(PolarsError) -> Self {
        move |source| Self::Table { table, source }
    }
}
