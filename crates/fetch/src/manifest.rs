//! `data/datasets.toml` as types: where each dataset is published, and the digests that say what the published bytes
//! are. Unknown keys are refused; every error names file, line, key, value and remedy.

mod check;
mod folders;
mod user;

pub use folders::{LeftOut, Reason};
pub(crate) use user::{Contents, Side};
pub use user::{Inventory, UserFiles, UserLayout, UserProblem};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flooding_core::config::{InvalidValue, parser_message};
use flooding_core::digest::{Digest, Hasher};
use flooding_core::files;
use indexmap::IndexMap;
use serde::Deserialize;

/// No list of datasets is larger than this.
const LARGEST: u64 = 16 << 20;

/// Everything known about every image dataset: the published ones and the user's own.
#[derive(Clone, Debug)]
pub struct Manifest {
    datasets: IndexMap<String, Dataset>,
    user: IndexMap<String, UserFiles>,
}

/// Why a manifest cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("cannot read the list of datasets {path}: {source} (it belongs to the repository: restore it with `git checkout`)", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, an unknown or missing key, or a value of the wrong type; the parser's message shows line and key.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and what.
        message: String,
    },
    /// A value that is well formed and makes no sense.
    #[error(transparent)]
    Invalid(Box<InvalidValue>),
    /// A user's own dataset has the name of a published one.
    #[error("[dataset.{name}]: a published dataset has this name: choose another one")]
    NameTaken {
        /// The name.
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    dataset: IndexMap<String, Dataset>,
}

/// A published dataset.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Its short name, the key of its block.
    #[serde(skip)]
    pub name: String,
    /// Its usual name.
    pub title: String,
    /// A sentence.
    pub description: String,
    /// How its files are laid out.
    pub format: Format,
    /// Channels, rows and columns of an image.
    pub image: [u32; 3],
    /// Training images.
    pub train: u32,
    /// Test images.
    pub test: u32,
    /// Names of the classes, in the order of their labels.
    pub classes: Vec<String>,
    /// Where it is described.
    pub homepage: String,
    /// On what terms it may be used.
    pub licence: String,
    /// The licence's text.
    pub licence_url: Option<String>,
    /// How to cite it, as BibTeX.
    pub citation: String,
    /// Addresses to which a file's name is appended, in the order they are tried; each ends in `/`.
    pub mirrors: Vec<String>,
    /// The published files.
    #[serde(rename = "file")]
    pub files: Vec<PublishedFile>,
}

/// A published file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedFile {
    /// Its name under each mirror and in `data/raw/DATASET/`.
    pub name: String,
    /// What it holds; an archive's members say it instead.
    pub role: Option<Role>,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
    /// The files of an archive that are used.
    #[serde(rename = "member", default)]
    pub members: Vec<Member>,
}

/// A file inside an archive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Its path in the archive.
    pub name: String,
    /// What it holds.
    pub role: Role,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// How a dataset's files are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// MNIST's own: four IDX files, gzipped or not.
    Idx,
    /// MATLAB v5 with `X` (rows, columns, channels, images) and `y`, label 10 for digit 0.
    Svhn,
    /// A label byte and 3,072 pixel bytes a record.
    Cifar10,
    /// A coarse and a fine label byte and 3,072 pixel bytes a record; the fine one is learned.
    Cifar100,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Training images.
    TrainImages,
    /// Training labels.
    TrainLabels,
    /// Test images.
    TestImages,
    /// Test labels.
    TestLabels,
    /// Training images and labels.
    Train,
    /// Test images and labels.
    Test,
}

/// A dataset of either kind.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// Published: it can be downloaded.
    Published(&'a Dataset),
    /// The user's own files, used where they are.
    User(&'a UserFiles),
}

impl Manifest {
    /// Reads `data/datasets.toml`.
    pub fn load(path: &Path) -> Result<Self, ManifestError> {
        let text = files::read_text(path, LARGEST)
            .map_err(|source| ManifestError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Parses the text of a manifest; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ManifestError> {
        let raw: Raw = toml::from_str(text)
            .map_err(|error| ManifestError::Malformed { path: path.to_owned(), message: parser_message(&error) })?;
        let mut datasets = raw.dataset;
        for (name, dataset) in &mut datasets {
            name.clone_into(&mut dataset.name);
            check::dataset(dataset, text, path).map_err(ManifestError::Invalid)?;
        }
        Ok(Self { datasets, user: IndexMap::new() })
    }

    /// One digest a dataset, over the published digests of its files. Of a user's own, whose files are read when a plan
    /// turns out to need them, it is one that no files have.
    pub fn catalogue(&self) -> BTreeMap<String, Digest> {
        let unread = Digest::of(b"files that were not read");
        let published = self.datasets.values().map(|dataset| (dataset.name.clone(), dataset.digest()));
        published.chain(self.user.keys().map(|name| (name.clone(), unread.clone()))).collect()
    }

    /// The digest over a user's own files; `None` where they cannot be read, and for a published dataset.
    pub fn user_digest(&self, name: &str) -> Option<&Digest> {
        self.user.get(name)?.inventory().ok().map(|inventory| &inventory.digest)
    }

    /// The dataset of this name.
    pub fn get(&self, name: &str) -> Option<Entry<'_>> {
        let published = self.datasets.get(name).map(Entry::Published);
        published.or_else(|| self.user.get(name).map(Entry::User))
    }

    /// All names, the published datasets first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.datasets.keys().chain(self.user.keys()).map(String::as_str)
    }
}

impl Dataset {
    /// One digest over the published digests of its files. Their names are plain: without blanks or line breaks,
    /// so that no two lists of files make the same text.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for file in &self.files {
            hasher.update(format!("{} {} {}\n", file.sha256, file.bytes, file.name).as_bytes());
        }
        hasher.finish()
    }

    /// Bytes of all published files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
