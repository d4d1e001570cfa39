//! One file, written beside its final name and renamed when whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{StoreError, TEMPORARY_SUFFIX};

/// A file being written. Dropping it without [`commit`](Self::commit) removes what was written.
#[derive(Debug)]
pub struct AtomicFile {
    file: Option<File>,
    temporary: PathBuf,
    target: PathBuf,
}

impl AtomicFile {
    pub(super) fn create(target: &Path) -> Result<Self, StoreError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        // The process and a counter: two writers of the same target never share a temporary file.
        let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
        let temporary = folder.join(format!(".{name}.{}-{unique}{TEMPORARY_SUFFIX}", std::process::id()));
        let file = File::create(&temporary).map_err(StoreError::io("create", &temporary))?;
        Ok(Self { file: Some(file), temporary, target: target.to_owned() })
    }

    /// Makes the file durable and puts it under its final name, over whatever was there.
    pub fn commit(mut self) -> Result<(), StoreError> {
        let file = self.file.take().expect("a file is committed once");
        file.sync_all().map_err(StoreError::io("sync", &self.temporary))?;
        drop(file);
        fs::rename(&self.temporary, &self.target).map_err(StoreError::io("rename to", &self.target))?;
        let folder = self.target.parent().unwrap_or_else(|| Path::new("."));
        sync_folder(folder).map_err(StoreError::io("sync the folder", folder))
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
            // Nothing depends on this: a temporary file that stays is ignored by every reader.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A rename is durable only once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
