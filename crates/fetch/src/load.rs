//! From a dataset's files to its images in memory.

use std::path::Path;

use flooding_core::dataset::{Examples, SourceError};
use flooding_core::digest::Digest;
use flooding_core::store::Store;

use crate::checked::Checked;
use crate::decode::{self, DecodeError, Decoded, Problem, Records, Wanted};
use crate::manifest::{Contents, Dataset, Entry, Format, LeftOut, Manifest, Role, UserFiles, UserLayout, UserProblem};
use crate::state::{FileState, inspect};

/// A decoded dataset.
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
    /// What lies among a user's own files and is not used.
    pub left_out: Vec<LeftOut>,
}

impl Images {
    fn new(name: &str, train: Decoded, test: Decoded, classes: Vec<String>) -> Self {
        let (train, test) = (train.into_examples(), test.into_examples());
        Self { name: name.to_owned(), train, test, classes, left_out: Vec::new() }
    }
}

/// Why a dataset cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its files are not here: fetch it.
    #[error("dataset `{dataset}` is {reason}", reason = self.reason())]
    Unavailable {
        /// Its name.
        dataset: String,
        /// Which files are missing.
        why: String,
    },
    /// Its files are here, and are not the published ones.
    #[error("dataset `{dataset}` is {reason}", reason = self.reason())]
    Damaged {
        /// Its name.
        dataset: String,
        /// What is wrong.
        why: String,
    },
    /// Its files are here, and are not what their format or the manifest promises, or not what they were a moment ago.
    #[error("dataset `{dataset}` is {reason}", reason = self.reason())]
    Broken {
        /// Its name.
        dataset: String,
        /// Where and what.
        source: Box<DecodeError>,
    },
    /// A user's own files cannot be read.
    #[error(transparent)]
    Own(#[from] UserProblem),
    /// No dataset has this name.
    #[error("there is no dataset `{dataset}`; the datasets are: {known}")]
    Unknown {
        /// As asked for.
        dataset: String,
        /// What there is.
        known: String,
    },
}

impl LoadError {
    /// What is wrong and what to do, without the dataset's name.
    fn reason(&self) -> String {
        match self {
            Self::Unavailable { dataset, why } => {
                format!(
                    "not here: {why}; `pipeline data fetch {dataset}` gets it (--mirror DIR_OR_URL: from your copies)"
                )
            }
            Self::Damaged { dataset, why } => {
                format!("damaged: {why}; `pipeline data fetch {dataset}` replaces the file")
            }
            Self::Broken { source, .. } => format!("not usable: {source}"),
            Self::Own(_) | Self::Unknown { .. } => self.to_string(),
        }
    }
}

/// Whatever is wrong with a dataset makes the runs that need it missing, and nothing else.
impl From<LoadError> for SourceError {
    fn from(error: LoadError) -> Self {
        let why = error.reason();
        match error {
            LoadError::Unavailable { dataset, .. }
            | LoadError::Damaged { dataset, .. }
            | LoadError::Broken { dataset, .. }
            | LoadError::Unknown { dataset, .. } => Self::Unavailable { dataset, why },
            LoadError::Own(problem) => Self::Unavailable { dataset: problem.name, why },
        }
    }
}

/// Decodes the dataset `name` from `data/raw/` (or from where the user's own is).
///
/// Every file's digest is computed while it is decoded: what is trained on is what was published, or what a user's own
/// files were when this process first read them.
pub fn load(name: &str, store: &Store, manifest: &Manifest) -> Result<Images, LoadError> {
    let broken = |source| LoadError::Broken { dataset: name.to_owned(), source: Box::new(source) };
    match manifest.get(name) {
        Some(Entry::Published(dataset)) => {
            check_whole(store, dataset)?;
            let (train, test) = published(dataset, &store.layout().raw(name)).map_err(broken)?;
            let classes = dataset.classes.clone();
            Ok(Images::new(name, train, test, classes))
        }
        Some(Entry::User(files)) => {
            let inventory = files.inventory().map_err(Clone::clone)?;
            let mut images = user(files, &inventory.contents).map_err(broken)?;
            images.left_out.clone_from(&inventory.left_out);
            Ok(images)
        }
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

/// Decodes the training and the test images of a published dataset whose files lie in `folder`.
pub fn published(dataset: &Dataset, folder: &Path) -> Result<(Decoded, Decoded), DecodeError> {
    let find = |role| dataset.files.iter().find(|file| file.role == Some(role)).expect("checked by the manifest");
    match dataset.format {
        Format::Idx => {
            let decode = |images, labels, count| {
                let [images, labels] = [images, labels].map(find);
                let expected = Some([count, dataset.image[1], dataset.image[2]]);
                let paths = [&images.name, &labels.name].map(|name| folder.join(name));
                idx([&paths[0], &paths[1]], [&images.sha256, &labels.sha256], expected, dataset.classes.len() as u32)
            };
            let train = decode(Role::TrainImages, Role::TrainLabels, dataset.train)?;
            Ok((train, decode(Role::TestImages, Role::TestLabels, dataset.test)?))
        }
        Format::Svhn => {
            let decode = |role, count| {
                let published = find(role);
                let mut file = Checked::open(&folder.join(&published.name))?;
                let (size, name) = (file.size, file.name.clone());
                let decoded = decode::svhn(file.reader(), size, &name, dataset.image, Some(count))?;
                file.check(&published.sha256)?;
                Ok(decoded)
            };
            Ok((decode(Role::Train, dataset.train)?, decode(Role::Test, dataset.test)?))
        }
        Format::Cifar10 => cifar(Records::Cifar10, dataset, folder),
        Format::Cifar100 => cifar(Records::Cifar100, dataset, folder),
    }
}

/// A pair of IDX files, of images and labels, with these digests; `classes` of them at most.
fn idx(
    [images, labels]: [&Path; 2],
    digests: [&Digest; 2],
    expected: Option<[u32; 3]>,
    classes: u32,
) -> Result<Decoded, DecodeError> {
    let mut file = Checked::open(images)?;
    let (size, name) = (file.size, file.name.clone());
    let ([count, height, width], pixels) = decode::images(file.reader(), size, &name, expected)?;
    file.check(digests[0])?;
    let mut file = Checked::open(labels)?;
    let (size, name) = (file.size, file.name.clone());
    let labels = decode::labels(file.reader(), size, &name, Some(count), classes)?;
    file.check(digests[1])?;
    Ok(Decoded { image: [1, height, width], pixels, labels })
}

/// A file or member of CIFAR's records, and which images it becomes.
struct Part<'a> {
    name: &'a str,
    bytes: u64,
    sha256: &'a Digest,
    /// 0 to train, 1 to test.
    side: usize,
    first: usize,
}

/// The records of all files or members with a role, in the order of the manifest, wherever they lie.
fn cifar(records: Records, dataset: &Dataset, folder: &Path) -> Result<(Decoded, Decoded), DecodeError> {
    let name = &dataset.name;
    let mut sides = [
        Decoded::zeroed(dataset.image, dataset.train as usize, name)?,
        Decoded::zeroed(dataset.image, dataset.test as usize, name)?,
    ];
    let mut filled = [0, 0];
    for file in &dataset.files {
        // Where each member's images begin, in the order of the manifest: an archive's own order is another one.
        let mut parts = Vec::new();
        let own = file.role.map(|role| (&file.name, role, file.bytes, &file.sha256));
        let members = file.members.iter().map(|m| (&m.name, m.role, m.bytes, &m.sha256));
        for (name, role, bytes, sha256) in own.into_iter().chain(members) {
            let side = usize::from(role == Role::Test);
            parts.push(Part { name, bytes, sha256, side, first: filled[side] });
            filled[side] += (bytes / records.size()) as usize;
        }
        let archive = folder.join(&file.name);
        if file.role.is_none() && archive.exists() {
            let mut archive = Checked::open(&archive)?;
            let archive_name = archive.name.clone();
            let wanted: Vec<Wanted<'_>> =
                parts.iter().map(|part| Wanted { name: part.name, bytes: part.bytes }).collect();
            decode::members(archive.reader(), &archive_name, &wanted, |index, reader| {
                let part = &parts[index];
                let file = format!("{archive_name}: {}", part.name);
                decode::cifar(records, reader, part.bytes, &file, &mut sides[part.side], part.first).map(drop)
            })?;
            archive.check(&file.sha256)?;
        } else {
            for part in parts {
                let path = folder.join(part.name);
                let mut member = Checked::open(&path)?;
                let (size, name) = (member.size, member.name.clone());
                if size != part.bytes {
                    let problem = Problem::unexpected(format!("{} bytes", part.bytes), size.to_string());
                    return Err(DecodeError::of_file(&path, problem));
                }
                decode::cifar(records, member.reader(), size, &name, &mut sides[part.side], part.first)?;
                member.check(part.sha256)?;
            }
        }
    }
    for (filled, decoded) in filled.iter().zip(&sides) {
        if *filled != decoded.len() {
            let problem = Problem::unexpected(format!("{} images", decoded.len()), filled.to_string());
            return Err(DecodeError { file: name.clone(), offset: 0, decompressed: false, problem });
        }
    }
    let [train, test] = sides;
    Ok((train, test))
}

fn user(files: &UserFiles, contents: &Contents) -> Result<Images, DecodeError> {
    let (train, test, classes) = match (&files.layout, contents) {
        (UserLayout::Idx { files, classes }, Contents::Idx(digests)) => {
            let count = if classes.is_empty() { 256 } else { classes.len() as u32 };
            let [train_images, train_labels, test_images, test_labels] = files;
            let train = idx([train_images, train_labels], [&digests[0], &digests[1]], None, count)?;
            let test = idx([test_images, test_labels], [&digests[2], &digests[3]], None, count)?;
            let highest = train.labels.iter().chain(&test.labels).copied().max().unwrap_or(0);
            let numbers = || (0..=highest).map(|label| label.to_string()).collect();
            (train, test, if classes.is_empty() { numbers() } else { classes.clone() })
        }
        (UserLayout::Folders { .. }, Contents::Folders([train, test])) => {
            let classes = train.classes.iter().map(|class| class.name.clone()).collect();
            (decode::folder(train)?, decode::folder(test)?, classes)
        }
        (UserLayout::Idx { .. }, Contents::Folders(_)) | (UserLayout::Folders { .. }, Contents::Idx(_)) => {
            unreachable!("an inventory has its own layout")
        }
    };
    let path = match &files.layout {
        UserLayout::Idx { files, .. } => &files[2],
        UserLayout::Folders { test, .. } => test,
    };
    if train.is_empty() || test.is_empty() {
        return Err(DecodeError::of_file(path, Problem::Missing("an image to train and one to test".to_owned())));
    }
    if train.image != test.image {
        let shape =
            |[c, h, w]: [u32; 3]| format!("images of {w} x {h} pixels and {c} channel(s), as the training images are");
        let found = shape(test.image).replace(", as the training images are", "");
        return Err(DecodeError::of_file(path, Problem::unexpected(shape(train.image), found)));
    }
    Ok(Images::new(&files.name, train, test, classes))
}
