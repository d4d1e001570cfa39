//! `pipeline data export`: a data set for other programs.

mod npz;
mod parquet;
mod png_files;

use std::path::{Path, PathBuf};

use flooding_core::dataset::{Examples, InputShape, Inputs};
use flooding_core::store::{Store, StoreError};

use crate::load::Images;

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// `train.parquet` and `test.parquet`: columns `image` (a PNG file), `label`, `class`.
    Parquet,
    /// `NAME.npz`: arrays `x_train`, `y_train`, `x_test`, `y_test`; images as N x rows x columns (grey) or
    /// N x channels x rows x columns, labels as unsigned 16-bit numbers.
    Npz,
    /// `train/CLASS/NUMBER.png` and `test/CLASS/NUMBER.png`: what a user's own data set may look like.
    Png,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The Parquet writer's word.
    #[error("cannot write {path}: {source}", path = path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: ::parquet::errors::ParquetError,
    },
    /// The PNG encoder's word.
    #[error("cannot encode image {index}: {source}")]
    Png {
        /// Which image, from 0.
        index: usize,
        /// What it said.
        source: png::EncodingError,
    },
    /// Inputs that are no images.
    #[error("these examples are no images")]
    NoImages,
    /// A class whose name cannot become a folder's.
    #[error("the class `{class}` cannot become a folder's name: export as npz or parquet")]
    Class {
        /// The class.
        class: String,
    },
}

/// Writes a data set into `folder`, which is made when it does not exist; returns the files (or, of PNG, the folders).
/// A file that is already there under a name that is written is replaced.
pub fn export(images: &Images, format: ExportFormat, folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    match format {
        ExportFormat::Npz => {
            let path = folder.join(format!("{}.npz", images.name));
            npz::write(images, &Store::open(folder, folder)?, &path)?;
            Ok(vec![path])
        }
        ExportFormat::Parquet => {
            let store = Store::open(folder, folder)?;
            let sets = [("train", &images.train), ("test", &images.test)];
            let mut paths = Vec::new();
            for (name, examples) in sets {
                let path = folder.join(format!("{name}.parquet"));
                parquet::write(examples, &images.classes, &store, &path)?;
                paths.push(path);
            }
            Ok(paths)
        }
        ExportFormat::Png => png_files::write(images, folder),
    }
}

/// The pixels of examples, with channels, rows and columns.
fn pixels(examples: &Examples) -> Result<([usize; 3], &[u8]), ExportError> {
    match (&examples.inputs, examples.shape) {
        (Inputs::Bytes(bytes), InputShape::Image { channels, height, width }) => Ok(([channels, height, width], bytes)),
        _ => Err(ExportError::NoImages),
    }
}

/// One image as a PNG file.
fn png_bytes([channels, height, width]: [usize; 3], planes: &[u8], index: usize) -> Result<Vec<u8>, ExportError> {
    let failure = |source| ExportError::Png { index, source };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failure)?;
    let area = height * width;
    let interleaved: Vec<u8> = (0..area).flat_map(|at| (0..channels).map(move |c| planes[c * area + at])).collect();
    writer.write_image_data(&interleaved).map_err(failure)?;
    writer.finish().map_err(failure)?;
    Ok(bytes)
}
