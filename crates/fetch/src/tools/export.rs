//! `pipeline data export`: a dataset for other programs.

mod npz;
mod parquet;
mod png_files;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flooding_core::dataset::{Examples, InputShape, Inputs};
use flooding_core::shown;
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
    /// `train/CLASS/NUMBER.png` and `test/CLASS/NUMBER.png`: what a user's own dataset may look like.
    Png,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file could not be written.
    #[error("cannot write {path}: {source}", path = shown::path(path))]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The Parquet writer's word.
    #[error("cannot write {path}: {source}", path = shown::path(path))]
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
    /// A folder that holds something already.
    #[error("{folder} is not empty: an export would mix with what is there; name a new folder", folder = shown::path(folder))]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder among the files of the dataset itself.
    #[error(
        "{folder} lies within {dataset}, which is part of this dataset: an export there would change it; name another folder",
        folder = shown::path(folder), dataset = shown::path(dataset)
    )]
    AmongSources {
        /// The folder asked for.
        folder: PathBuf,
        /// The dataset's own.
        dataset: PathBuf,
    },
    /// A class whose name cannot become a folder's.
    #[error("the class `{class}` cannot become a folder's name: export as npz or parquet", class = shown::line(class))]
    Class {
        /// The class.
        class: String,
    },
    /// Two classes that would share a folder.
    #[error(
        "the classes `{first}` and `{second}` would have one folder: export as npz or parquet",
        first = shown::line(first), second = shown::line(second)
    )]
    EqualClasses {
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Io { path, source }
}

/// Writes a dataset into `folder`, which must be new or empty and appears only when it is whole; returns the files (or, of
/// PNG, the folders). `sources` are the dataset's own files and folders, which an export must not touch.
pub fn export(
    images: &Images,
    format: ExportFormat,
    folder: &Path,
    sources: &[PathBuf],
) -> Result<Vec<PathBuf>, ExportError> {
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
        return Err(ExportError::NotEmpty { folder: folder.to_owned() });
    }
    // Absolute, so that it has a parent; what is not there yet has no links to resolve.
    let folder = fs::canonicalize(folder).or_else(|_| std::path::absolute(folder)).map_err(io_error(folder))?;
    let parent = folder.parent().unwrap_or(&folder);
    fs::create_dir_all(parent).map_err(io_error(parent))?;
    check_sources(&folder, parent, sources)?;
    let unfinished = Unfinished::create(&folder, parent)?;
    let names = match format {
        ExportFormat::Npz => {
            let name = format!("{}.npz", images.name);
            npz::write(images, &unfinished.store()?, &unfinished.path.join(&name))?;
            vec![name]
        }
        ExportFormat::Parquet => {
            let store = unfinished.store()?;
            let mut names = Vec::new();
            for (name, examples) in [("train.parquet", &images.train), ("test.parquet", &images.test)] {
                parquet::write(examples, &images.classes, &store, &unfinished.path.join(name))?;
                names.push(name.to_owned());
            }
            names
        }
        ExportFormat::Png => png_files::write(images, &unfinished.path)?,
    };
    unfinished.publish(&folder)?;
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Refuses a folder within the dataset's own: its files would become classes, or images of one.
fn check_sources(folder: &Path, parent: &Path, sources: &[PathBuf]) -> Result<(), ExportError> {
    let real = fs::canonicalize(parent).map_err(io_error(parent))?.join(folder.file_name().unwrap_or_default());
    for source in sources {
        if let Ok(own) = fs::canonicalize(source)
            && real.starts_with(&own)
        {
            return Err(ExportError::AmongSources { folder: folder.to_owned(), dataset: source.clone() });
        }
    }
    Ok(())
}

/// A folder that is being filled, beside its final place; removed when dropped.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn create(folder: &Path, parent: &Path) -> Result<Self, ExportError> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let path = parent.join(format!(".{name}.{}.export", std::process::id()));
        fs::create_dir(&path).map_err(io_error(&path))?;
        Ok(Self { path })
    }

    fn store(&self) -> Result<Store, StoreError> {
        Store::open(&self.path, &self.path)
    }

    fn publish(self, folder: &Path) -> Result<(), ExportError> {
        // An empty folder is replaced; one that was filled meanwhile is not.
        fs::rename(&self.path, folder).map_err(io_error(folder))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already where it was published.
        let _ = fs::remove_dir_all(&self.path);
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
