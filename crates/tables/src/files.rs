//! A table's three files.

use std::path::Path;

use flooding_core::store::{DocumentError, OutputWriter, Store};

use crate::csv::to_csv;
use crate::definition::{Cell, Table};
use crate::document::{Rows, cells};
use crate::error::TableError;
use crate::parquet::to_parquet;

/// The endings of a table's files, each with the same rows and the same columns.
pub const FORMATS: [&str; 3] = ["parquet", "csv", "json"];

/// Writes `NAME.parquet`, `NAME.csv` and `NAME.json`. The same rows give the same bytes.
pub fn write<T: Table>(outputs: &mut OutputWriter, rows: &Rows<T>) -> Result<(), TableError> {
    check(&rows.0)?;
    let [parquet, csv, _] = FORMATS.map(|format| format!("{}.{format}", T::NAME));
    outputs.write(&parquet, &to_parquet(&rows.0)?)?;
    outputs.write(&csv, &to_csv(&rows.0))?;
    outputs.document(T::NAME, rows)?;
    Ok(())
}

/// The rows of `NAME.json` in `folder`; `None` where the table was never written.
pub fn read<T: Table>(store: &Store, folder: &Path) -> Result<Option<Vec<T>>, DocumentError> {
    let rows: Option<Rows<T>> = store.read_document(&folder.join(format!("{}.json", T::NAME)))?;
    Ok(rows.map(|rows| rows.0))
}

fn check<T: Table>(rows: &[T]) -> Result<(), TableError> {
    for (index, row) in rows.iter().enumerate() {
        for (at, cell) in cells(row).into_iter().enumerate() {
            match cell {
                Cell::Real(value) if !value.is_finite() => {
                    let column = T::columns().swap_remove(at).name;
                    return Err(TableError::NotFinite { table: T::NAME, column, row: index + 1, value });
                }
                _ => {}
            }
        }
    }
    Ok(())
}
