//! Where a file may come from, in the order it is looked for.

use std::fmt;
use std::path::{Path, PathBuf};

use super::FetchError;

/// One place where a file may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An address.
    Url(String),
    /// A file in a mirror folder.
    File(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(url),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The user's own mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mirror {
    /// An address, ending in `/`.
    Url(String),
    /// A folder.
    Folder(PathBuf),
}

impl Mirror {
    /// Understands `--mirror`: what starts like a web address is one, everything else is a folder.
    pub fn parse(text: &str) -> Result<Self, FetchError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Url(format!("{}/", text.trim_end_matches('/'))));
        }
        let path = PathBuf::from(text);
        if path.is_dir() { Ok(Self::Folder(path)) } else { Err(FetchError::NoMirror { path }) }
    }

    /// Where the mirror may have the file `name` of `dataset`: in a folder of the data set's name, or directly. `name`
    /// may be a member's path in an archive; the member may then also lie without the archive's folders.
    pub fn candidates(&self, dataset: &str, name: &str) -> Vec<Source> {
        let mut paths = vec![format!("{dataset}/{name}"), name.to_owned()];
        if let Some((_, base)) = name.rsplit_once('/') {
            paths.extend([format!("{dataset}/{base}"), base.to_owned()]);
        }
        let sources = paths.iter().map(|path| match self {
            Self::Url(base) => Source::Url(format!("{base}{path}")),
            Self::Folder(folder) => Source::File(folder.join(Path::new(path))),
        });
        sources.collect()
    }
}
