//! One file, written beside its final name and renamed when whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::operation::{OperationKind, Phase, Step};
use super::{StoreError, TEMPORARY_SUFFIX};
use crate::files;

/// A file being written. Dropping it without [`commit`](Self::commit) removes what was written.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
    step: Step,
}

impl AtomicFile {
    pub(super) fn create(target: &Path) -> Result<Self, StoreError> {
        let step = Step::begin(OperationKind::Write, target);
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        let (file, temporary) = create_temporary(target)?;
        // Tells other processes that the file has a living writer (see `stale`). Where the file system has no locks,
        // nobody can be told, and nobody will take the file away either.
        let _ = file.try_lock();
        step.tell(Phase::Begun, target, Some(&temporary));
        Ok(Self { file: Some(file), temporary, target: target.to_owned(), step })
    }

    /// Is a file named as [`create`](Self::create) names what it writes: `.NAME.PROCESS-COUNTER.tmp`?
    pub(super) fn made(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let inner = name.strip_prefix('.').and_then(|name| name.strip_suffix(TEMPORARY_SUFFIX));
        let Some((target, unique)) = inner.and_then(|name| name.rsplit_once('.')) else { return false };
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        !target.is_empty()
            && unique.split_once('-').is_some_and(|(process, counter)| number(process) && number(counter))
    }

    /// Makes the file durable and puts it under its final name, over whatever was there.
    pub fn commit(mut self) -> Result<(), StoreError> {
        self.step.tell(Phase::Written, &self.target, Some(&self.temporary));
        let published = self.publish();
        if published.is_err() {
            self.discard();
        }
        self.file = None;
        published?;
        self.step.tell(Phase::After, &self.target, None);
        Ok(())
    }

    fn publish(&self) -> Result<(), StoreError> {
        let file = self.file.as_ref().expect("a file is committed once");
        sync(file).map_err(StoreError::io("sync", &self.temporary))?;
        fs::rename(&self.temporary, &self.target).map_err(StoreError::io("rename to", &self.target))?;
        let folder = self.target.parent().unwrap_or_else(|| Path::new("."));
        sync_folder(folder).map_err(StoreError::io("sync the folder", folder))
    }

    fn discard(&self) {
        // Nothing depends on this: a temporary file that stays is ignored by every reader.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Writes a file outside the project's folders, such as one that an option names: whole, or not at all. What is no file
/// (`/dev/stdout`, a pipe) is written to as it is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return fs::write(path, bytes);
    }
    // What a link leads to is replaced, and the link stays.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let refused = |error: StoreError| match error {
        StoreError::Io { source, .. } => source,
        error => io::Error::other(error),
    };
    if target.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let target = std::path::absolute(target)?;
    if !target.parent().is_some_and(Path::is_dir) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "its folder does not exist"));
    }
    let mut file = AtomicFile::create(&target).map_err(refused)?;
    file.write_all(bytes)?;
    file.commit().map_err(refused)
}

/// Refuses to replace a file that is of another kind than the one to be written: whoever named it meant another one.
pub fn refuse_other(path: &Path, kind: &str, is_of_kind: impl Fn(&[u8]) -> bool) -> io::Result<()> {
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) {
        return Ok(());
    }
    let mut start = Vec::new();
    files::open(path)?.0.take(512).read_to_end(&mut start)?;
    if is_of_kind(&start) {
        return Ok(());
    }
    Err(io::Error::other(format!("a file is there that is not {kind}: choose another name, or remove it")))
}

/// A new, empty file beside `target`. It is never one that exists: a link of that name would lead elsewhere.
fn create_temporary(target: &Path) -> Result<(File, PathBuf), StoreError> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    loop {
        // The process and a counter: two writers of the same target never share a temporary file.
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = target.with_file_name(format!(".{name}.{}-{unique}{TEMPORARY_SUFFIX}", std::process::id()));
        match File::create_new(&temporary) {
            Ok(file) => return Ok((file, temporary)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(StoreError::io("create", &temporary)(error)),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().expect("open until committed").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().expect("open until committed").flush()
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            self.discard();
        }
    }
}

/// Makes a file durable, where its file system can.
pub(super) fn sync(file: &File) -> io::Result<()> {
    unless_unsupported(file.sync_all())
}

/// A rename is durable only once its folder is.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    unless_unsupported(File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn unless_unsupported(synced: io::Result<()>) -> io::Result<()> {
    // Some network and FUSE file systems have no fsync, of folders or at all: the holder of the lock hears of it once.
    synced.or_else(|error| if is_unsupported(&error) { Ok(()) } else { Err(error) })
}

/// Does the file system lack the operation (ENOSYS, EOPNOTSUPP, and EINVAL of fsync), rather than refuse it?
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// Why a folder of the store cannot be made durable; `None` where it can.
#[cfg(unix)]
pub(super) fn unsynced(folder: &Path) -> Option<io::Error> {
    File::open(folder).and_then(|folder| folder.sync_all()).err().filter(is_unsupported)
}

#[cfg(not(unix))]
pub(super) fn unsynced(_: &Path) -> Option<io::Error> {
    None
}
