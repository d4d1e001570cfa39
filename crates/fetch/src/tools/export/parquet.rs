//! Parquet: a row an image.

use std::path::Path;
use std::sync::Arc;

use flooding_core::dataset::Examples;
use flooding_core::store::Store;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::{ExportError, pixels, png_bytes};

const SCHEMA: &str = "message images { required binary image; required int32 label; required binary class (UTF8); }";
/// Images of a row group.
const GROUP: usize = 5000;

pub(super) fn write(examples: &Examples, classes: &[String], store: &Store, path: &Path) -> Result<(), ExportError> {
    let failure = |source: ParquetError| ExportError::Parquet { path: path.to_owned(), source };
    let (shape, bytes) = pixels(examples)?;
    let size = examples.shape.len();
    let images = ColumnPath::from("image");
    let properties = WriterProperties::builder()
        // PNG files are compressed, and no two are the same.
        .set_column_dictionary_enabled(images.clone(), false)
        .set_column_statistics_enabled(images, EnabledStatistics::None)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA).map_err(failure)?);
    let file = store.create(path)?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(failure)?;
    for start in (0..examples.len()).step_by(GROUP) {
        let rows = start..(start + GROUP).min(examples.len());
        let mut files = Vec::with_capacity(rows.len());
        for index in rows.clone() {
            files.push(ByteArray::from(png_bytes(shape, &bytes[index * size..(index + 1) * size], index)?));
        }
        let labels: Vec<i32> = examples.labels[rows.clone()].iter().map(|&label| label.into()).collect();
        let names: Vec<ByteArray> =
            examples.labels[rows].iter().map(|&label| classes[usize::from(label)].as_str().into()).collect();
        let mut group = writer.next_row_group().map_err(failure)?;
        let mut binary = [files, names].into_iter();
        while let Some(mut column) = group.next_column().map_err(failure)? {
            let written = match column.untyped() {
                ColumnWriter::Int32ColumnWriter(column) => column.write_batch(&labels, None, None),
                ColumnWriter::ByteArrayColumnWriter(column) => {
                    column.write_batch(&binary.next().unwrap_or_default(), None, None)
                }
                _ => unreachable!("the schema has no other columns"),
            };
            written.map_err(failure)?;
            column.close().map_err(failure)?;
        }
        group.close().map_err(failure)?;
    }
    writer.into_inner().map_err(failure)?.commit()?;
    Ok(())
}
