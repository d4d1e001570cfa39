//! The store: the only place that writes under `data/` and `reports/`.
//!
//! Every write goes to a temporary file in the same folder, is flushed and synced, and is then renamed over the final
//! name; the folder is synced too. A file under its final name is therefore whole at every instant, and a process that
//! is killed leaves at most a temporary file, which the next holder of the lock removes. `docs/reliability.md` is the
//! promise, `tests/crash.rs` its proof.

mod atomic;
mod claim;
mod document;
mod import_note;
mod inside;
mod layout;
mod lock;
mod manifest;
pub mod operation;
mod partial;
mod stale;
#[cfg(test)]
mod testing;

pub use atomic::{AtomicFile, refuse_other, write_whole};
pub use claim::{Claim, Claimed, LivingClaim};
pub use document::{
    AnyDocument, Document, DocumentError, Inspected, Kind, Registered, document_body, document_bytes,
    parse_any_document, parse_document,
};
pub use import_note::ImportNote;
pub use layout::Layout;
pub use lock::{Lock, LockError};
pub use manifest::{OutputManifest, OutputWriter};
pub use partial::PartialFile;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use self::operation::{OperationKind, Phase, Step};
use crate::digest::Digest;
use crate::files;

/// The ending of every unfinished file; nothing under a final name ends so.
pub const TEMPORARY_SUFFIX: &str = ".tmp";

/// Why the store could not do something; always names the path.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}{hint}", path = path.display(), hint = hint(source))]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder of the store in which nothing can be made.
    #[error("cannot write to {folder}: {source} (choose a writable folder with {option} DIR)", folder = folder.display())]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// The option that chooses another one, with its dashes.
        option: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A path that would leave the project's folders.
    #[error(
        "refusing to write {path}: it lies outside {root} (a name on the way leads out of it: remove what holds the name)",
        path = path.display(), root = root.display()
    )]
    Outside {
        /// The path asked for.
        path: PathBuf,
        /// The folder it must lie in.
        root: PathBuf,
    },
    /// A symbolic link on the way leads out of the project's folders.
    #[error(
        "refusing to write {path}: a symbolic link on the way leads to {leads_to}, outside {root} (remove the link; to keep everything on another disk use --data DIR)",
        path = path.display(), leads_to = leads_to.display(), root = root.display()
    )]
    Linked {
        /// The path asked for.
        path: PathBuf,
        /// Where it really lies.
        leads_to: PathBuf,
        /// The folder it must lie in.
        root: PathBuf,
    },
    /// Something that cannot be read like a file: a folder, a pipe, a device.
    #[error("cannot read {path}: it is not a file (remove it and run the same command again)", path = path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => " (change who may do that, or work on another folder)",
        io::ErrorKind::ReadOnlyFilesystem => " (choose a writable folder with --data DIR or --reports DIR)",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            " (free some space and run the same command again: what is done is kept)"
        }
        io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            " (a folder and a file have each other's place: move what is there away and run the same command again)"
        }
        _ => "",
    }
}

/// What came of reading `path`; `None` where nothing is there.
fn readable<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>, StoreError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(StoreError::NotAFile { path: path.to_owned() })
        }
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

impl StoreError {
    /// May this user not write there, or nobody?
    pub fn is_refused(&self) -> bool {
        let refused = |source: &io::Error| {
            matches!(source.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
        };
        matches!(self, Self::Io { source, .. } | Self::NotWritable { source, .. } if refused(source))
    }

    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// The folders of one project on disk.
#[derive(Clone, Debug)]
pub struct Store {
    layout: Layout,
}

impl Store {
    /// A store over these folders, which are made when they do not exist and tried for writing.
    pub fn open(data: impl Into<PathBuf>, reports: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self::open_data(data, reports)?;
        try_writing(store.layout.reports(), "--reports")?;
        Ok(store)
    }

    /// A store over these folders of which only `data` is made and tried: for commands that make no report.
    pub fn open_data(data: impl Into<PathBuf>, reports: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self::read_only(data, reports);
        try_writing(store.layout.data(), "--data")?;
        Ok(store)
    }

    /// A store over these folders that is only read from; they need not exist.
    pub fn read_only(data: impl Into<PathBuf>, reports: impl Into<PathBuf>) -> Self {
        Self { layout: Layout::new(data.into(), reports.into()) }
    }

    /// Where things are.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Writes a whole file under its final name, atomically, and returns its digest.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut file = self.create(path)?;
        file.write_all(bytes).map_err(StoreError::io("write", path))?;
        file.commit()?;
        Ok(Digest::of(bytes))
    }

    /// Starts a file that is written piece by piece; nothing appears under its final name before `commit`.
    pub fn create(&self, path: &Path) -> Result<AtomicFile, StoreError> {
        self.check_inside(path)?;
        AtomicFile::create(path)
    }

    /// Opens what has arrived so far of a file, to resume it; nothing appears under its final name before `commit`.
    pub fn partial(&self, path: &Path) -> Result<PartialFile, StoreError> {
        self.check_inside(path)?;
        PartialFile::open(path)
    }

    /// All bytes of a file; `None` where there is none. One that is larger than the available memory is refused, and one
    /// that grows while it is read.
    pub fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
        readable(path, files::read(path))
    }

    /// The digest of a file, however large; `None` where there is none.
    pub fn digest(&self, path: &Path) -> Result<Option<Digest>, StoreError> {
        readable(path, Digest::of_file(path).map(|(digest, _)| digest))
    }

    /// Removes a file if it is there.
    pub fn remove(&self, path: &Path) -> Result<(), StoreError> {
        self.check_inside(path)?;
        let step = Step::begin(OperationKind::Remove, path);
        files::remove_if_there(path).map_err(StoreError::io("remove", path))?;
        step.tell(Phase::After, path, None);
        Ok(())
    }

    /// The names in a folder, sorted, without temporary files; none where there is no folder.
    pub fn list(&self, folder: &Path) -> Result<Vec<String>, StoreError> {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::io("list", folder)(error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(StoreError::io("list", folder))?.file_name();
            if let Some(name) = name.to_str()
                && !name.ends_with(TEMPORARY_SUFFIX)
            {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Takes a folder under `data/` for this process, through a file `.lock` in it; `None` while another one has it.
    ///
    /// # Errors
    /// A folder that is, or lies behind, a link out of `data/`: the lock would be written elsewhere.
    pub fn try_lock_folder(&self, folder: &Path) -> Result<Option<Lock>, StoreError> {
        self.check_inside(&folder.join(".lock"))?;
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        match Lock::acquire(&folder.join(".lock")) {
            Ok(lock) => Ok(Some(lock)),
            Err(LockError::Held { .. }) => Ok(None),
            Err(LockError::Store(error)) => Err(error),
        }
    }

    /// Takes the store for this process beside others that share it. Whoever finds nobody else there removes the
    /// temporary files of processes that died.
    ///
    /// # Errors
    /// [`LockError::Held`] while another process has the store alone.
    pub fn share(&self) -> Result<Lock, LockError> {
        let notices = match self.lock() {
            Ok(alone) => alone.into_notices(),
            Err(LockError::Held { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut shared = Lock::share(&self.layout.lock())?;
        shared.replace_notices(notices);
        Ok(shared)
    }

    /// Takes the store for this process alone; another one gets [`LockError::Held`] until the lock is dropped or we die.
    ///
    /// Removes the temporary files of processes that died; [`Lock::notices`] names them.
    pub fn lock(&self) -> Result<Lock, LockError> {
        self.check_inside(&self.layout.lock())?;
        let mut lock = Lock::acquire(&self.layout.lock())?;
        if let Some(error) = atomic::unsynced(self.layout.data()) {
            lock.notice(format!(
                "the file system of {} cannot sync folders ({error}): what is written just before a power failure may \
                 be missing afterwards, and is then computed again",
                self.layout.data().display()
            ));
        }
        let removed = stale::remove(&self.layout)?;
        if let [first, others @ ..] = removed.as_slice() {
            let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            lock.notice(format!("removed what a process that died had not finished: {}{others}", first.display()));
        }
        Ok(lock)
    }

    /// Only `data/` and `reports/` are ever written, whatever a name in a configuration or a link on disk says.
    fn check_inside(&self, path: &Path) -> Result<(), StoreError> {
        inside::check(path, [self.layout.data(), self.layout.reports()])
    }
}

/// Makes a folder and a file in it that is gone at once.
fn try_writing(folder: &Path, option: &'static str) -> Result<(), StoreError> {
    let refused = |error| match error {
        error if !error.is_refused() => error,
        StoreError::Io { source, .. } => StoreError::NotWritable { folder: folder.to_owned(), option, source },
        error => error,
    };
    fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder)).map_err(refused)?;
    // Dropped without being committed: it leaves nothing behind.
    AtomicFile::create(&folder.join("writable")).map(drop).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::testing::store;
    use super::*;

    #[test]
    fn a_written_file_reads_back_and_leaves_no_temporary_file() {
        let (_folder, store) = store();
        let path = store.layout().data().join("a/b.txt");
        let digest = store.write(&path, b"abc").unwrap();
        assert_eq!(store.read(&path).unwrap().unwrap(), b"abc");
        assert_eq!(digest, Digest::of(b"abc"));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_uncommitted_file_never_appears_and_is_cleaned_up() {
        let (_folder, store) = store();
        let path = store.layout().data().join("half.bin");
        store.create(&path).unwrap().write_all(b"half").unwrap();
        assert_eq!(store.read(&path).unwrap(), None);
        assert_eq!(store.list(store.layout().data()).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_written_outside_the_projects_folders() {
        let (folder, store) = store();
        let escape = store.layout().data().join("../elsewhere.txt");
        assert!(matches!(store.write(&escape, b"x"), Err(StoreError::Outside { .. })));
        assert!(matches!(store.write(&folder.path().join("x"), b"x"), Err(StoreError::Outside { .. })));
    }

    #[test]
    fn a_lock_file_full_of_other_things_is_reported_in_one_short_line() {
        let (_folder, store) = store();
        let _lock = store.lock().unwrap();
        fs::write(store.layout().lock(), "\u{1b}[2Jx\n".repeat(100_000)).unwrap();
        let error = store.lock().unwrap_err().to_string();
        assert!(error.contains("\\u{1b}[2Jx") && error.len() < 1000, "{} bytes", error.len());
        assert!(!error.contains('\u{1b}') && !error.contains('\n'), "{error:?}");
    }

    #[test]
    fn a_second_lock_is_refused_and_names_its_holder_until_the_first_is_dropped() {
        let (_folder, store) = store();
        let lock = store.lock().unwrap();
        let LockError::Held { holder, .. } = store.lock().unwrap_err() else { panic!("expected Held") };
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        drop(lock);
        store.lock().unwrap();
    }
}
