//! From a data set's files to its images in memory.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use flooding_core::dataset::{Examples, SourceError};
use flooding_core::store::Store;

use crate::decode::{self, DecodeError, Decoded, Problem, Records, Wanted};
use crate::manifest::{Dataset, Entry, Format, Manifest, Role, UserFiles, UserLayout};
use crate::state::{FileState, inspect};

/// A decoded data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Images {
    /// Its name.
    pub name: String,
    /// The original training images, in the original order.
    pub train: Examples,
    /// The original test images, in the original order.
    pub test: Examples,
    /// Names of the classes, in the order of the labels.
    pub classes: Vec<String>,
}

/// Why a data set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its files are not here: fetch it.
    #[error(
        "data set `{dataset}` is not here: {why}; `pipeline stage fetch --only {dataset}` gets it (--mirror FOLDER: from your copies)"
    )]
    Unavailable {
        /// Its name.
        dataset: String,
        /// Which files are missing.
        why: String,
    },
    /// Its files are here, and are not the published ones.
    #[error("data set `{dataset}` is damaged: {why}; fetch it again")]
    Damaged {
        /// Its name.
        dataset: String,
        /// What is wrong.
        why: String,
    },
    /// Its files are here, and are not what their format or the manifest promises.
    #[error("data set `{dataset}`: {source}")]
    Broken {
        /// Its name.
        dataset: String,
        /// Where and what.
        source: DecodeError,
    },
    /// No data set has this name.
    #[error("there is no data set `{dataset}`; the data sets are: {known}")]
    Unknown {
        /// As asked for.
        dataset: String,
        /// What there is.
        known: String,
    },
}

impl From<LoadError> for SourceError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unavailable { dataset, why } => Self::Unavailable { dataset, why },
            LoadError::Damaged { ref dataset, .. }
            | LoadError::Broken { ref dataset, .. }
            | LoadError::Unknown { ref dataset, .. } => {
                Self::Broken { dataset: dataset.clone(), source: Box::new(error) }
            }
        }
    }
}

/// Decodes the data set `name` from `data/raw/` (or from where the user's own is).
///
/// Files that were not verified since they last changed are compared with their published digests first.
pub fn load(name: &str, store: &Store, manifest: &Manifest) -> Result<Images, LoadError> {
    let broken = |source| LoadError::Broken { dataset: name.to_owned(), source };
    match manifest.get(name) {
        Some(Entry::Published(dataset)) => {
            check_whole(store, dataset)?;
            let (train, test) = published(dataset, &store.layout().raw(name)).map_err(broken)?;
            let classes = dataset.classes.clone();
            Ok(Images { name: name.to_owned(), train: train.into_examples(), test: test.into_examples(), classes })
        }
        Some(Entry::User(files)) => user(files).map_err(broken),
        None => {
            let known = manifest.names().collect::<Vec<_>>().join(", ");
            Err(LoadError::Unknown { dataset: name.to_owned(), known })
        }
    }
}

fn check_whole(store: &Store, dataset: &Dataset) -> Result<(), LoadError> {
    let mut missing = Vec::new();
    for file in inspect(store, dataset) {
        match file.state {
            FileState::Whole { .. } => {}
            FileState::Missing => missing.push(file.name),
            FileState::Damaged { why } => return Err(LoadError::Damaged { dataset: dataset.name.clone(), why }),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let why = format!("data/raw/{} has no {}", dataset.name, missing.join(", "));
    Err(LoadError::Unavailable { dataset: dataset.name.clone(), why })
}

/// Decodes the training and the test images of a published data set whose files lie in `folder`.
pub fn published(dataset: &Dataset, folder: &Path) -> Result<(Decoded, Decoded), DecodeError> {
    match dataset.format {
        Format::Idx => {
            let find = |role| {
                let file = dataset.files.iter().find(|file| file.role == Some(role));
                folder.join(&file.expect("checked by the manifest").name)
            };
            let classes = Some(dataset.classes.len() as u32);
            let train = idx(
                &find(Role::TrainImages),
                &find(Role::TrainLabels),
                Some(expected(dataset, dataset.train)),
                classes,
            )?;
            let test =
                idx(&find(Role::TestImages), &find(Role::TestLabels), Some(expected(dataset, dataset.test)), classes)?;
            Ok((train, test))
        }
        Format::Svhn => {
            let decode = |role, count| {
                let file = dataset.files.iter().find(|file| file.role == Some(role));
                let path = folder.join(&file.expect("checked by the manifest").name);
                let (reader, size, name) = open(&path)?;
                decode::svhn(reader, size, &name, dataset.image, Some(count))
            };
            Ok((decode(Role::Train, dataset.train)?, decode(Role::Test, dataset.test)?))
        }
        Format::Cifar10 => cifar(Records::Cifar10, dataset, folder),
        Format::Cifar100 => cifar(Records::Cifar100, dataset, folder),
    }
}

fn expected(dataset: &Dataset, count: u32) -> [u32; 3] {
    [count, dataset.image[1], dataset.image[2]]
}

/// A pair of IDX files; `classes` of them at most, where that is known.
fn idx(images: &Path, labels: &Path, expected: Option<[u32; 3]>, classes: Option<u32>) -> Result<Decoded, DecodeError> {
    let (reader, size, name) = open(images)?;
    let ([count, height, width], pixels) = decode::images(reader, size, &name, expected)?;
    let (reader, size, name) = open(labels)?;
    let labels = decode::labels(reader, size, &name, Some(count), classes.unwrap_or(256))?;
    Ok(Decoded { image: [1, height, width], pixels, labels })
}

/// The records of all files or members with a role, in the order of the manifest, wherever they lie.
fn cifar(records: Records, dataset: &Dataset, folder: &Path) -> Result<(Decoded, Decoded), DecodeError> {
    let name = &dataset.name;
    let mut train = Decoded::zeroed(dataset.image, dataset.train as usize, name)?;
    let mut test = Decoded::zeroed(dataset.image, dataset.test as usize, name)?;
    let mut filled = [0, 0];
    for file in &dataset.files {
        // Where each member's images begin, in the order of the manifest: an archive's own order is another one.
        let mut parts = Vec::new();
        let own = file.role.map(|role| (&file.name, role, file.bytes));
        for (name, role, bytes) in own.into_iter().chain(file.members.iter().map(|m| (&m.name, m.role, m.bytes))) {
            let side = usize::from(role == Role::Test);
            parts.push((name, side, bytes, filled[side]));
            filled[side] += (bytes / records.size()) as usize;
        }
        let archive = folder.join(&file.name);
        if file.role.is_none() && archive.exists() {
            let (reader, _, archive_name) = open(&archive)?;
            let wanted: Vec<Wanted<'_>> = parts.iter().map(|&(name, _, bytes, _)| Wanted { name, bytes }).collect();
            decode::members(reader, &archive_name, &wanted, |index, reader| {
                let (name, side, bytes, first) = parts[index];
                let into = if side == 0 { &mut train } else { &mut test };
                let file = format!("{archive_name}: {name}");
                decode::cifar(records, reader, bytes, &file, into, first).map(drop)
            })?;
        } else {
            for (name, side, bytes, first) in parts {
                let (reader, size, path) = open(&folder.join(name))?;
                if size != bytes {
                    let problem = Problem::unexpected(format!("{bytes} bytes"), size.to_string());
                    return Err(DecodeError { file: path, offset: 0, decompressed: false, problem });
                }
                let into = if side == 0 { &mut train } else { &mut test };
                decode::cifar(records, reader, size, &path, into, first)?;
            }
        }
    }
    for (filled, decoded) in filled.iter().zip([&train, &test]) {
        if *filled != decoded.len() {
            let problem = Problem::unexpected(format!("{} images", decoded.len()), filled.to_string());
            return Err(DecodeError { file: name.clone(), offset: 0, decompressed: false, problem });
        }
    }
    Ok((train, test))
}

fn user(files: &UserFiles) -> Result<Images, DecodeError> {
    let (train, test, classes) = match &files.layout {
        UserLayout::Idx { files: [train_images, train_labels, test_images, test_labels], classes } => {
            let count = (!classes.is_empty()).then_some(classes.len() as u32);
            let train = idx(train_images, train_labels, None, count)?;
            let test = idx(test_images, test_labels, None, count)?;
            let highest = train.labels.iter().chain(&test.labels).copied().max().unwrap_or(0);
            let numbers = || (0..=highest).map(|label| label.to_string()).collect();
            (train, test, if classes.is_empty() { numbers() } else { classes.clone() })
        }
        UserLayout::Folders { train, test } => {
            let (test_folder, (train, classes)) = (test, decode::folder(train)?);
            let (test, test_classes) = decode::folder(test_folder)?;
            if test_classes != classes {
                let problem =
                    Problem::unexpected(format!("the classes {}", classes.join(", ")), test_classes.join(", "));
                return Err(broken(test_folder, problem));
            }
            (train, test, classes)
        }
    };
    let path = match &files.layout {
        UserLayout::Idx { files, .. } => &files[2],
        UserLayout::Folders { test, .. } => test,
    };
    if train.image != test.image {
        let problem = Problem::unexpected(format!("images of {:?}", train.image), format!("{:?}", test.image));
        return Err(broken(path, problem));
    }
    if train.is_empty() || test.is_empty() {
        return Err(broken(path, Problem::Missing("an image to train and one to test".to_owned())));
    }
    Ok(Images { name: files.name.clone(), train: train.into_examples(), test: test.into_examples(), classes })
}

fn broken(path: &Path, problem: Problem) -> DecodeError {
    DecodeError { file: path.display().to_string(), offset: 0, decompressed: false, problem }
}

fn open(path: &Path) -> Result<(BufReader<File>, u64, String), DecodeError> {
    let failure = |error| broken(path, Problem::Unreadable(error));
    let (file, metadata) = flooding_core::files::open(path).map_err(failure)?;
    Ok((BufReader::with_capacity(1 << 17, file), metadata.len(), path.display().to_string()))
}
