//! Where results come from: another data folder, or a tar file that `pipeline pack` wrote.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;
use flooding_core::files;
use flooding_core::shown;
use flooding_core::store::TEMPORARY_SUFFIX;
use tar::{Archive, EntryType};

use super::ExchangeError;

/// The folders of a data folder that travel.
pub(super) const FOLDERS: [&str; 3] = ["synthetic", "runs", "probes"];

/// Bytes of a tar file's first header.
const HEADER: u64 = 512;

/// Where results come from.
pub(super) enum Origin {
    /// The data folder of another store.
    Folder(PathBuf),
    /// A tar file, gzipped or not.
    Archive(PathBuf),
}

/// Called with each file's path within the data folder (`/` between its parts) and a reader over its bytes.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&str, &mut dyn Read) -> Result<(), ExchangeError>;

impl Origin {
    /// The results at this path: a project, a data folder, or a tar file.
    pub fn at(path: &Path) -> Result<Self, ExchangeError> {
        let metadata = fs::metadata(path).map_err(ExchangeError::reading(path))?;
        if !metadata.is_dir() {
            return Ok(Self::Archive(path.to_owned()));
        }
        let data = [path.to_owned(), path.join("data")].into_iter().find(|folder| folder.join("runs").is_dir());
        data.map(Self::Folder).ok_or_else(|| ExchangeError::NoResults { path: path.to_owned() })
    }

    /// The folder or file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path) => path,
        }
    }

    /// Hands every file to `visit`: of a folder in the order of the names, of an archive in its own.
    pub fn visit(&self, visit: Visit<'_>) -> Result<(), ExchangeError> {
        match self {
            Self::Folder(data) => FOLDERS.into_iter().try_for_each(|name| walk(&data.join(name), name, visit)),
            Self::Archive(path) => read_archive(path, visit),
        }
    }
}

fn walk(folder: &Path, name: &str, visit: Visit<'_>) -> Result<(), ExchangeError> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(ExchangeError::reading(folder))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(ExchangeError::reading(folder))?;
        let kind = entry.file_type().map_err(ExchangeError::reading(&entry.path()))?;
        // A name that is not Unicode is none of ours.
        if let Ok(name) = entry.file_name().into_string() {
            found.push((name, kind));
        }
    }
    found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    for (entry, kind) in found {
        let (path, inner) = (folder.join(&entry), format!("{name}/{entry}"));
        if kind.is_dir() {
            walk(&path, &inner, visit)?;
        } else if kind.is_file() && !entry.ends_with(TEMPORARY_SUFFIX) {
            let mut file = File::open(&path).map_err(ExchangeError::reading(&path))?;
            visit(&inner, &mut file)?;
        }
    }
    Ok(())
}

fn read_archive(path: &Path, visit: Visit<'_>) -> Result<(), ExchangeError> {
    let (file, _) = files::open(path).map_err(ExchangeError::reading(path))?;
    let mut file = BufReader::with_capacity(1 << 18, file);
    let is_gzip = io::BufRead::fill_buf(&mut file).map_err(ExchangeError::reading(path))?.starts_with(&[0x1f, 0x8b]);
    let mut reader: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let damaged = |why: String| ExchangeError::Damaged { path: path.to_owned(), why };
    let broken = |error: io::Error| damaged(in_a_line(&error));
    let mut start = Vec::new();
    reader.by_ref().take(HEADER).read_to_end(&mut start).map_err(broken)?;
    if start.len() as u64 == HEADER && start[257..262] != *b"ustar" {
        return Err(ExchangeError::NoTar { path: path.to_owned() });
    }
    let mut archive = Archive::new(io::Cursor::new(start).chain(reader));
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.into_owned();
        let kind = entry.header().entry_type();
        if kind == EntryType::Directory {
            continue;
        }
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
            return Err(damaged(format!("`{}` is a {kind:?}, not a regular file", name.display())));
        }
        let Some(inner) = plain(&name) else {
            return Err(damaged(format!("the name `{}` leads out of the data folder", name.display())));
        };
        let mut failed = None;
        let mut reader = Noting { inner: &mut entry, failed: &mut failed };
        let visited = visit(&inner, &mut reader);
        // A reader's error is the archive's, whatever the visitor made of it.
        if let Some(why) = failed {
            return Err(damaged(why));
        }
        visited?;
    }
    Ok(())
}

/// Why an archive cannot be read. Of a header that is none, the library quotes what it found there.
fn in_a_line(error: &io::Error) -> String {
    let text = error.to_string();
    if text.contains("numeric field") || text.contains("checksum") {
        return "no header of a file stands where one should".to_owned();
    }
    shown::line(&text)
}

/// A relative path without `..`, with `/` between its parts.
fn plain(path: &Path) -> Option<String> {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir)).map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join("/"))
}

/// A reader that remembers that it failed.
struct Noting<'a, R> {
    inner: R,
    failed: &'a mut Option<String>,
}

impl<R: Read> Read for Noting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).inspect_err(|error| *self.failed = Some(error.to_string()))
    }
}
