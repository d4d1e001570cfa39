//! Rows as CSV (RFC 4180): a header with the columns' names; an empty cell is an empty field, and no text is a formula.

use flooding_core::spreadsheet::{inert, original};

use crate::definition::{Cell, Column, Holds, Table};
use crate::document::{cells, row};
use crate::error::TableError;

/// The bytes of a CSV file.
pub fn to_csv<'a, T: Table + 'a>(rows: impl IntoIterator<Item = &'a T>) -> Vec<u8> {
    const MEMORY: &str = "writing to memory cannot fail, and all records have as many fields";
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(T::columns().iter().map(|column| &column.name)).expect(MEMORY);
    for row in rows {
        writer.write_record(cells(row).iter().map(field)).expect(MEMORY);
    }
    writer.into_inner().expect(MEMORY)
}

/// Numbers as JSON writes them: the shortest text that reads back as the same number.
fn field(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => inert(text).into_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => {
            serde_json::Number::from_f64(*number).map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Cell::Flag(flag) => flag.to_string(),
    }
}

/// The rows of a CSV file that [`to_csv`] wrote, or of one with the same columns.
pub fn from_csv<T: Table>(bytes: &[u8]) -> Result<Vec<T>, TableError> {
    let failed = |source| TableError::Csv { table: T::NAME, source };
    let columns = T::columns();
    let mut reader = ::csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(failed)?;
    if !header.iter().eq(columns.iter().map(|column| column.name.as_str())) {
        let found = header.iter().collect::<Vec<_>>().join(", ");
        return Err(TableError::Header { table: T::NAME, found });
    }
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(failed)?;
        let cells = columns.iter().zip(&record).map(|(column, text)| cell(column, text)).collect();
        rows.push(row(cells, &columns).map_err(|(column, source)| TableError::Cell {
            table: T::NAME,
            column: column.to_owned(),
            row: index + 1,
            source,
        })?);
    }
    Ok(rows)
}

/// What the field holds; a field that is not of the column's type stays text, and its row refuses it by name.
fn cell(column: &Column, text: &str) -> Cell {
    if text.is_empty() && (column.optional || column.holds != Holds::Text) {
        return Cell::Empty;
    }
    let other = || Cell::Text(text.to_owned());
    match column.holds {
        Holds::Text => Cell::Text(original(text).to_owned()),
        Holds::Integer => text.parse().map_or_else(|_| other(), Cell::Integer),
        Holds::Real => text.parse().map_or_else(|_| other(), Cell::Real),
        Holds::Flag => text.parse().map_or_else(|_| other(), Cell::Flag),
    }
}
