//! A PNG file an image, in a folder per class.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{ExportError, pixels, png_bytes};
use crate::load::Images;

/// These are tens of thousands of small files: they are not synced one by one.
pub(super) fn write(images: &Images, folder: &Path) -> Result<Vec<PathBuf>, ExportError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ExportError::Io { path, source }
    };
    let mut folders = Vec::new();
    for class in &images.classes {
        let plain = Path::new(class).components().eq([Component::Normal(class.as_ref())]) && !class.starts_with('.');
        if !plain {
            return Err(ExportError::Class { class: class.clone() });
        }
    }
    for (name, examples) in [("train", &images.train), ("test", &images.test)] {
        let set = folder.join(name);
        for class in &images.classes {
            let folder = set.join(class);
            fs::create_dir_all(&folder).map_err(io(&folder))?;
        }
        let (shape, bytes) = pixels(examples)?;
        let size = examples.shape.len();
        for (index, &label) in examples.labels.iter().enumerate() {
            let path = set.join(&images.classes[usize::from(label)]).join(format!("{index:06}.png"));
            let file = png_bytes(shape, &bytes[index * size..(index + 1) * size], index)?;
            fs::write(&path, file).map_err(io(&path))?;
        }
        folders.push(set);
    }
    Ok(folders)
}
