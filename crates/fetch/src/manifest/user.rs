//! The user's own data sets: files that stay where they are, described by a `[dataset.NAME]` block of the configuration.

use std::io;
use std::path::{Path, PathBuf};

use flooding_core::config::UserDataset;
use flooding_core::digest::{Digest, Hasher};
use indexmap::IndexMap;

use super::{Manifest, ManifestError};

/// A user's own data set: its block with paths resolved, and a digest over its files as they are now.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// Its name.
    pub name: String,
    /// Its files.
    pub layout: UserLayout,
    /// One digest over names and contents of all files.
    pub digest: Digest,
}

/// How a user's files are laid out.
#[derive(Clone, Debug)]
pub enum UserLayout {
    /// Four IDX files, gzipped or not: images and labels to train, images and labels to test.
    Idx {
        /// Training images, training labels, test images, test labels.
        files: [PathBuf; 4],
        /// Class names in order; numbers where there are none.
        classes: Vec<String>,
    },
    /// Two folders, each with a folder of PNG files per class.
    Folders {
        /// Training images.
        train: PathBuf,
        /// Test images.
        test: PathBuf,
    },
}

impl Manifest {
    /// Adds the `[dataset.NAME]` blocks of a configuration; relative paths start at `base`, the configuration's folder.
    ///
    /// # Errors
    /// A name that a published data set has, or a file or folder that cannot be read.
    pub fn with_user_datasets(
        mut self,
        datasets: &IndexMap<String, UserDataset>,
        base: &Path,
    ) -> Result<Self, ManifestError> {
        for (name, dataset) in datasets {
            if self.datasets.contains_key(name) {
                return Err(ManifestError::NameTaken { name: name.clone() });
            }
            self.user.insert(name.clone(), resolve(name, dataset, base)?);
        }
        Ok(self)
    }
}

fn resolve(name: &str, dataset: &UserDataset, base: &Path) -> Result<UserFiles, ManifestError> {
    let failure = |key: &'static str, path: &Path| {
        let (name, path) = (name.to_owned(), path.to_owned());
        move |error: io::Error| ManifestError::UserFile { name, key, path, problem: error.to_string() }
    };
    let mut hasher = Hasher::new();
    let layout = match dataset {
        UserDataset::Idx { train_images, train_labels, test_images, test_labels, classes } => {
            let keys = ["train_images", "train_labels", "test_images", "test_labels"];
            let files = [train_images, train_labels, test_images, test_labels].map(|path| base.join(path));
            for (key, path) in keys.into_iter().zip(&files) {
                let (digest, _) = Digest::of_file(path).map_err(failure(key, path))?;
                hasher.update(format!("{key} {digest}\n").as_bytes());
            }
            for class in classes {
                hasher.update(format!("class {class}\n").as_bytes());
            }
            UserLayout::Idx { files, classes: classes.clone() }
        }
        UserDataset::Folders { train, test } => {
            let folders = [("train", base.join(train)), ("test", base.join(test))];
            for (key, folder) in &folders {
                for class in class_folders(folder).map_err(failure(key, folder))? {
                    for image in class_images(&folder.join(&class)).map_err(failure(key, folder))? {
                        let path = folder.join(&class).join(&image);
                        let (digest, _) = Digest::of_file(&path).map_err(failure(key, &path))?;
                        hasher.update(format!("{key} {class} {image} {digest}\n").as_bytes());
                    }
                }
            }
            let [(_, train), (_, test)] = folders;
            UserLayout::Folders { train, test }
        }
    };
    Ok(UserFiles { name: name.to_owned(), layout, digest: hasher.finish() })
}

/// The names of the folders in `folder`, sorted: the classes.
pub(crate) fn class_folders(folder: &Path) -> io::Result<Vec<String>> {
    sorted(folder, Path::is_dir)
}

/// The names of the PNG files in a class's folder, sorted.
pub(crate) fn class_images(folder: &Path) -> io::Result<Vec<String>> {
    sorted(folder, |path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) && path.is_file())
}

fn sorted(folder: &Path, keep: impl Fn(&Path) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str())
            && !name.starts_with('.')
            && keep(&path)
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}
