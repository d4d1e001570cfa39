//! Rows as Parquet: one row group, compressed with gzip; the units and meanings of the columns in the file's metadata.

use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};
use serde_json::{Map, Value, json};

use crate::definition::{Cell, Column, Holds, Table};
use crate::document::cells;
use crate::error::TableError;

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
