//! Rows as Parquet and back: one row group, compressed with gzip; the units and meanings of the columns in the file's metadata.

use std::sync::Arc;

use ::bytes::Bytes;
use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::{ByteArray, DataType};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value, json};

use crate::definition::{Cell, Column, Holds, Table};
use crate::document::{cells, row};
use crate::error::TableError;

/// The rows of a Parquet file that [`to_parquet`] wrote, or of one with the same columns.
pub fn from_parquet<T: Table>(bytes: Vec<u8>) -> Result<Vec<T>, TableError> {
    let columns = T::columns();
    let read = read_cells(bytes, &columns).map_err(|source| TableError::Parquet { table: T::NAME, source })?;
    let by_column = read.map_err(|found| TableError::Header { table: T::NAME, found })?;
    let height = by_column.first().map_or(0, Vec::len);
    let mut by_column: Vec<_> = by_column.into_iter().map(Vec::into_iter).collect();
    (0..height)
        .map(|index| {
            let cells = by_column.iter_mut().map(|cells| cells.next().unwrap_or(Cell::Empty)).collect();
            row(cells, &columns).map_err(|(column, source)| TableError::Cell {
                table: T::NAME,
                column: column.to_owned(),
                row: index + 1,
                source,
            })
        })
        .collect()
}

/// Every column's cells; the names of the columns that are there, where they are other ones.
fn read_cells(bytes: Vec<u8>, columns: &[Column]) -> Result<Result<Vec<Vec<Cell>>, String>, ParquetError> {
    let reader = SerializedFileReader::new(Bytes::from(bytes))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<&str> = schema.columns().iter().map(|column| column.name()).collect();
    if !names.iter().copied().eq(columns.iter().map(|column| column.name.as_str())) {
        return Ok(Err(names.join(", ")));
    }
    let mut by_column: Vec<Vec<Cell>> = columns.iter().map(|_| Vec::new()).collect();
    for index in 0..reader.num_row_groups() {
        let group = reader.get_row_group(index)?;
        let height = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (at, cells) in by_column.iter_mut().enumerate() {
            take(group.get_column_reader(at)?, columns[at].optional, height, cells)?;
        }
    }
    Ok(Ok(by_column))
}

fn take(reader: ColumnReader, optional: bool, height: usize, cells: &mut Vec<Cell>) -> Result<(), ParquetError> {
    match reader {
        ColumnReader::ByteArrayColumnReader(reader) => {
            typed(reader, optional, height, cells, |text| Ok(Cell::Text(text.as_utf8()?.to_owned())))
        }
        ColumnReader::Int64ColumnReader(reader) => {
            typed(reader, optional, height, cells, |number| Ok(Cell::Integer(*number)))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            typed(reader, optional, height, cells, |number| Ok(Cell::Real(*number)))
        }
        ColumnReader::BoolColumnReader(reader) => typed(reader, optional, height, cells, |flag| Ok(Cell::Flag(*flag))),
        _ => Err(ParquetError::General("a column of a type that no table has".to_owned())),
    }
}

fn typed<D: DataType>(
    mut reader: ColumnReaderImpl<D>,
    optional: bool,
    height: usize,
    cells: &mut Vec<Cell>,
    cell: impl Fn(&D::T) -> Result<Cell, ParquetError>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    reader.read_records(height, optional.then_some(&mut levels), None, &mut values)?;
    let mut values = values.iter();
    let mut next = || values.next().map_or(Ok(Cell::Empty), &cell);
    if optional {
        for level in levels {
            cells.push(if level == 0 { Cell::Empty } else { next()? });
        }
    } else {
        for _ in 0..height {
            cells.push(next()?);
        }
    }
    Ok(())
}

/// The bytes of a Parquet file.
pub fn to_parquet<T: Table>(rows: &[T]) -> Result<Vec<u8>, TableError> {
    write(rows).map_err(|source| TableError::Parquet { table: T::NAME, source })
}

fn write<T: Table>(rows: &[T]) -> Result<Vec<u8>, ParquetError> {
    let columns = T::columns();
    let mut values: Vec<Vec<Cell>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, cell) in values.iter_mut().zip(cells(row)) {
            column.push(cell);
        }
    }
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Arc::new(Type::group_type_builder(T::NAME).with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(::parquet::basic::GzipLevel::default()))
        .set_key_value_metadata(Some(metadata::<T>(&columns)))
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut values = columns.iter().zip(&values);
    while let Some(mut writer) = group.next_column()? {
        let Some((column, cells)) = values.next() else { break };
        // 0 is an empty cell; columns without empty cells have no definition levels.
        let levels: Option<Vec<i16>> =
            column.optional.then(|| cells.iter().map(|cell| i16::from(*cell != Cell::Empty)).collect());
        put(writer.untyped(), cells, levels.as_deref())?;
        writer.close()?;
    }
    group.close()?;
    writer.into_inner()
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (physical, logical) = match column.holds {
        Holds::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Holds::Integer => (Physical::INT64, None),
        Holds::Real => (Physical::DOUBLE, None),
        Holds::Flag => (Physical::BOOLEAN, None),
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let builder = Type::primitive_type_builder(&column.name, physical);
    Ok(Arc::new(builder.with_repetition(repetition).with_logical_type(logical).build()?))
}

fn put(writer: &mut ColumnWriter<'_>, cells: &[Cell], levels: Option<&[i16]>) -> Result<(), ParquetError> {
    match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => {
            let text =
                |cell: &Cell| if let Cell::Text(text) = cell { Some(ByteArray::from(text.as_str())) } else { None };
            writer.write_batch(&cells.iter().filter_map(text).collect::<Vec<_>>(), levels, None)?;
        }
        ColumnWriter::Int64ColumnWriter(writer) => {
            let integer = |cell: &Cell| if let Cell::Integer(number) = cell { Some(*number) } else { None };
            writer.write_batch(&cells.iter().filter_map(integer).collect::<Vec<_>>(), levels, None)?;
        }
        ColumnWriter::DoubleColumnWriter(writer) => {
            let real = |cell: &Cell| if let Cell::Real(number) = cell { Some(*number) } else { None };
            writer.write_batch(&cells.iter().filter_map(real).collect::<Vec<_>>(), levels, None)?;
        }
        ColumnWriter::BoolColumnWriter(writer) => {
            let flag = |cell: &Cell| if let Cell::Flag(flag) = cell { Some(*flag) } else { None };
            writer.write_batch(&cells.iter().filter_map(flag).collect::<Vec<_>>(), levels, None)?;
        }
        _ => return Err(ParquetError::General("a column of a type that no table has".to_owned())),
    }
    Ok(())
}

/// `table`, `version`, `about`, and `columns`: a JSON object of unit and meaning by column.
fn metadata<T: Table>(columns: &[Column]) -> Vec<KeyValue> {
    let columns: Map<String, Value> = (columns.iter())
        .map(|column| (column.name.clone(), json!({ "unit": column.unit, "meaning": column.meaning })))
        .collect();
    [
        ("table", T::NAME.to_owned()),
        ("version", T::VERSION.to_string()),
        ("about", crate::documentation::paragraph(T::ABOUT)),
        ("columns", Value::Object(columns).to_string()),
    ]
    .map(|(key, value)| KeyValue::new(key.to_owned(), value))
    .into()
}
