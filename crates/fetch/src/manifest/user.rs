//! The user's own datasets: files that stay where they are, described by a `[dataset.NAME]` block of the configuration.
//!
//! A configuration may describe datasets that are not mounted here: their files are looked at when something needs them.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use flooding_core::config::UserDataset;
use flooding_core::digest::{Digest, Hasher};
use flooding_core::shown;
use icu_normalizer::ComposingNormalizer;
use indexmap::IndexMap;

use super::folders::{self, LeftOut, Remainder};
use super::{Manifest, ManifestError};

/// Classes that a message names of each side.
const NAMED: usize = 5;

/// A user's own dataset: its block with paths resolved.
#[derive(Clone, Debug)]
pub struct UserFiles {
    /// Its name.
    pub name: String,
    /// Its files.
    pub layout: UserLayout,
    inventory: OnceLock<Result<Inventory, UserProblem>>,
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

/// What a user's files were when this process first read them. Only files with these digests are trained on.
#[derive(Clone, Debug)]
pub struct Inventory {
    /// One digest over names and contents of all files that are used.
    pub digest: Digest,
    /// How many files are used.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What lies in the folders and is not used.
    pub left_out: Vec<LeftOut>,
    pub(crate) contents: Contents,
}

#[derive(Clone, Debug)]
pub(crate) enum Contents {
    /// Of training images, training labels, test images, test labels.
    Idx([Digest; 4]),
    /// Training and test images.
    Folders([Side; 2]),
}

/// The training or the test images of a dataset of folders.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) folder: PathBuf,
    pub(crate) classes: Vec<Class>,
}

#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) images: Vec<ImageFile>,
}

#[derive(Clone, Debug)]
pub(crate) struct ImageFile {
    pub(crate) name: String,
    pub(crate) sha256: Digest,
}

/// Why a user's own dataset cannot be used: what does not need it continues.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[dataset.{name}] {key} = \"{path}\": {problem}")]
pub struct UserProblem {
    /// The dataset.
    pub name: String,
    /// The key of its block.
    pub key: &'static str,
    /// The file or folder, resolved.
    pub path: String,
    /// What is wrong with it, and what to do.
    pub problem: String,
}

impl Manifest {
    /// Adds the `[dataset.NAME]` blocks of a configuration; relative paths start at `base`, the configuration's folder.
    /// Touches none of the files.
    ///
    /// # Errors
    /// A name that a published dataset has.
    pub fn with_user_datasets(
        mut self,
        datasets: &IndexMap<String, UserDataset>,
        base: &Path,
    ) -> Result<Self, ManifestError> {
        for (name, dataset) in datasets {
            if self.datasets.contains_key(name) {
                return Err(ManifestError::NameTaken { name: name.clone() });
            }
            let files = UserFiles { name: name.clone(), layout: layout(dataset, base), inventory: OnceLock::new() };
            self.user.insert(name.clone(), files);
        }
        Ok(self)
    }
}

fn layout(dataset: &UserDataset, base: &Path) -> UserLayout {
    match dataset {
        UserDataset::Idx { train_images, train_labels, test_images, test_labels, classes } => UserLayout::Idx {
            files: [train_images, train_labels, test_images, test_labels].map(|path| base.join(path)),
            classes: classes.clone(),
        },
        UserDataset::Folders { train, test } => UserLayout::Folders { train: base.join(train), test: base.join(test) },
    }
}

impl UserFiles {
    /// All files with their digests: read the first time, remembered afterwards.
    ///
    /// # Errors
    /// A file or folder that cannot be read, and classes that make no dataset.
    pub fn inventory(&self) -> Result<&Inventory, &UserProblem> {
        self.inventory.get_or_init(|| self.take_inventory()).as_ref()
    }

    /// How many classes there are, without reading any image; `None` where only decoding can tell.
    pub fn class_count(&self) -> Option<usize> {
        match &self.layout {
            UserLayout::Idx { classes, .. } => (!classes.is_empty()).then_some(classes.len()),
            UserLayout::Folders { train, .. } => {
                folders::classes(train, &mut Remainder::default()).ok().map(|classes| classes.len())
            }
        }
    }

    /// The files and folders of its block, by key.
    pub fn sources(&self) -> Vec<(&'static str, &Path)> {
        const KEYS: [&str; 4] = ["train_images", "train_labels", "test_images", "test_labels"];
        match &self.layout {
            UserLayout::Idx { files, .. } => KEYS.into_iter().zip(files.iter().map(PathBuf::as_path)).collect(),
            UserLayout::Folders { train, test } => vec![("train", train), ("test", test)],
        }
    }

    fn problem(&self, key: &'static str, path: &Path, problem: String) -> UserProblem {
        UserProblem { name: self.name.clone(), key, path: shown::path(path), problem }
    }

    fn unreadable<'a>(&'a self, key: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> UserProblem + 'a {
        let remedy = "check the path (relative to the configuration file)";
        move |error| self.problem(key, path, format!("{error}; {remedy}"))
    }

    fn take_inventory(&self) -> Result<Inventory, UserProblem> {
        match &self.layout {
            UserLayout::Idx { classes, .. } => self.idx(classes),
            UserLayout::Folders { .. } => self.folders(),
        }
    }

    fn idx(&self, classes: &[String]) -> Result<Inventory, UserProblem> {
        let sources = self.sources();
        if let Some(class) =
            classes.iter().enumerate().find_map(|(i, class)| classes[..i].contains(class).then_some(class))
        {
            let problem =
                format!("the class `{}` is named twice under `classes`: give each its own name", shown::line(class));
            return Err(self.problem(sources[0].0, sources[0].1, problem));
        }
        let mut hasher = new_hasher("idx");
        let (mut digests, mut bytes) = (Vec::with_capacity(4), 0);
        for (key, path) in sources {
            let (digest, size) = Digest::of_file(path).map_err(self.unreadable(key, path))?;
            hasher.field(key.as_bytes());
            hasher.field(digest.as_str().as_bytes());
            bytes += size;
            digests.push(digest);
        }
        count(&mut hasher, classes.len());
        for class in classes {
            hasher.field(class.as_bytes());
        }
        let digests = digests.try_into().expect("a digest a file");
        let (digest, contents) = (hasher.finish(), Contents::Idx(digests));
        Ok(Inventory { digest, files: 4, bytes, left_out: Vec::new(), contents })
    }

    fn folders(&self) -> Result<Inventory, UserProblem> {
        let mut hasher = new_hasher("folders");
        let (mut files, mut bytes) = (0, 0);
        let mut remainder = Remainder::default();
        let mut sides = Vec::with_capacity(2);
        for (key, folder) in self.sources() {
            let names = folders::classes(folder, &mut remainder).map_err(self.unreadable(key, folder))?;
            hasher.field(key.as_bytes());
            count(&mut hasher, names.len());
            let mut classes = Vec::with_capacity(names.len());
            for class in names {
                hasher.field(class.name.as_bytes());
                count(&mut hasher, class.images.len());
                let mut images = Vec::with_capacity(class.images.len());
                for name in class.images {
                    let path = folder.join(&class.name).join(&name);
                    let (sha256, size) = Digest::of_file(&path).map_err(self.unreadable(key, &path))?;
                    hasher.field(name.as_bytes());
                    hasher.field(sha256.as_str().as_bytes());
                    files += 1;
                    bytes += size;
                    images.push(ImageFile { name, sha256 });
                }
                classes.push(Class { name: class.name, images });
            }
            self.check_classes(key, folder, &classes)?;
            sides.push(Side { folder: folder.to_owned(), classes });
        }
        let sides: [Side; 2] = sides.try_into().expect("two sides");
        self.compare_classes(&sides)?;
        let (digest, contents) = (hasher.finish(), Contents::Folders(sides));
        Ok(Inventory { digest, files, bytes, left_out: remainder.into_list(), contents })
    }

    fn check_classes(&self, key: &'static str, folder: &Path, classes: &[Class]) -> Result<(), UserProblem> {
        let refuse = |path: &Path, problem: &str| Err(self.problem(key, path, problem.to_owned()));
        match classes.len() {
            0 => {
                return refuse(folder, "no class folder is in it: put the PNG files of each class into its own folder");
            }
            1 => return refuse(folder, "one class folder is in it, and two are the least: add a folder per class"),
            n if n > usize::from(u16::MAX) => return refuse(folder, "more than 65,535 class folders are in it"),
            _ => {}
        }
        match classes.iter().find(|class| class.images.is_empty()) {
            None => Ok(()),
            Some(class) => {
                let problem = "no PNG file is in this class folder: add its images, or remove the folder";
                refuse(&folder.join(&class.name), problem)
            }
        }
    }

    /// Both sides must have the same classes; names that only look the same are distinguished by their code points.
    fn compare_classes(&self, [train, test]: &[Side; 2]) -> Result<(), UserProblem> {
        let missing = |from: &Side, others: &Side| -> Vec<String> {
            let others: HashSet<&str> = others.classes.iter().map(|class| &*class.name).collect();
            let names = from.classes.iter().map(|class| &class.name);
            names.filter(|name| !others.contains(name.as_str())).cloned().collect()
        };
        let (only_train, only_test) = (missing(train, test), missing(test, train));
        if only_train.is_empty() && only_test.is_empty() {
            return Ok(());
        }
        let mut problem = "its classes are not those of train:".to_owned();
        for (side, classes) in [("train", &only_train), ("test", &only_test)] {
            if !classes.is_empty() {
                let named: Vec<String> = classes.iter().take(NAMED).map(|name| spelled(name)).collect();
                let more = if classes.len() > NAMED { ", ..." } else { "" };
                problem.push_str(&format!(" only in {side}: {}{more};", named.join(", ")));
            }
        }
        let nfc = ComposingNormalizer::new_nfc();
        let alike = only_train.iter().any(|a| only_test.iter().any(|b| nfc.normalize(a) == nfc.normalize(b)));
        problem.push_str(if alike {
            " these are the same letters in different Unicode normal forms, as a Mac and Linux write them: give both \
             folders the same name"
        } else {
            " add what is missing, or remove what is not to be learned"
        });
        Err(self.problem("test", &test.folder, problem))
    }
}

/// A hasher that knows what it is over. The text changes when what is digested, or how, does.
fn new_hasher(layout: &str) -> Hasher {
    let mut hasher = Hasher::new();
    hasher.field(b"user dataset, version 2");
    hasher.field(layout.as_bytes());
    hasher
}

fn count(hasher: &mut Hasher, n: usize) {
    hasher.update(&(n as u64).to_le_bytes());
}

/// A name, with the code points of what is not ASCII: two names may look the same.
fn spelled(name: &str) -> String {
    let shown = shown::line(name);
    if name.is_ascii() {
        return shown;
    }
    let points: Vec<String> =
        name.chars().filter(|c| !c.is_ascii()).take(8).map(|c| format!("U+{:04X}", u32::from(c))).collect();
    format!("{shown} ({})", points.join(" "))
}
