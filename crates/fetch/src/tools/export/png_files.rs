//! A PNG file an image, in a folder per class.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Component, Path};

use super::{ExportError, io_error, pixels, png_bytes};
use crate::load::Images;

/// Fills an empty folder. These are tens of thousands of small files: they are not synced one by one.
pub(super) fn write(images: &Images, folder: &Path) -> Result<Vec<String>, ExportError> {
    let mut seen = HashMap::new();
    for (index, class) in images.classes.iter().enumerate() {
        let plain = Path::new(class).components().eq([Component::Normal(class.as_ref())]) && !class.starts_with('.');
        if !plain {
            return Err(ExportError::Class { class: class.clone() });
        }
        if let Some(first) = seen.insert(class, index) {
            return Err(ExportError::EqualClasses { first: images.classes[first].clone(), second: class.clone() });
        }
    }
    for (name, examples) in [("train", &images.train), ("test", &images.test)] {
        let side = folder.join(name);
        fs::create_dir(&side).map_err(io_error(&side))?;
        for class in &images.classes {
            let folder = side.join(class);
            fs::create_dir(&folder).map_err(|source| match source.kind() {
                // Some file systems hold names that differ in case or normal form alone for one.
                io::ErrorKind::AlreadyExists => equal(&side, &images.classes, class),
                _ => io_error(&folder)(source),
            })?;
        }
        let (shape, bytes) = pixels(examples)?;
        let size = examples.shape.len();
        for (index, &label) in examples.labels.iter().enumerate() {
            let path = side.join(&images.classes[usize::from(label)]).join(format!("{index:06}.png"));
            let file = png_bytes(shape, &bytes[index * size..(index + 1) * size], index)?;
            fs::write(&path, file).map_err(io_error(&path))?;
        }
    }
    Ok(["train", "test"].map(str::to_owned).to_vec())
}

/// Which earlier class has this one's folder.
fn equal(side: &Path, classes: &[String], class: &String) -> ExportError {
    let folder = fs::canonicalize(side.join(class)).ok();
    let earlier = classes.iter().take_while(|other| *other != class);
    let first = earlier.into_iter().find(|other| fs::canonicalize(side.join(other)).ok() == folder).unwrap_or(class);
    ExportError::EqualClasses { first: first.clone(), second: class.clone() }
}
