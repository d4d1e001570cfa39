//! One pipeline at a time on one folder.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::atomic::is_unsupported;
use super::operation::{OperationKind, Phase, Step};
use super::{StoreError, inside};

/// The store is ours while this lives. The operating system releases it when the process dies, however it dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    notices: Vec<String>,
}

/// Why the store is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else has it.
    #[error("another pipeline works on {folder} ({holder}): wait for it, or choose another folder with --data DIR", folder = folder.display())]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// What the holder wrote into the lock file.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Lock {
    pub(super) fn acquire(path: &Path) -> Result<Self, LockError> {
        let folder = path.parent().unwrap_or(path);
        inside::refuse_link(path, folder)?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(StoreError::io("open the lock", path))?;
        let mut notices = Vec::new();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) if has_no_locks(&error) => notices.push(format!(
                "the file system of {} has no locks ({error}): make sure that no other pipeline works on this folder",
                folder.display()
            )),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The text is a courtesy; the lock itself is the operating system's.
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", path)(error).into()),
        }
        let step = Step::begin(OperationKind::Lock, path);
        file.set_len(0).map_err(StoreError::io("write the lock", path))?;
        file.rewind().map_err(StoreError::io("write the lock", path))?;
        file.write_all(this_process().as_bytes()).map_err(StoreError::io("write the lock", path))?;
        step.tell(Phase::After, path, None);
        Ok(Self { _file: file, notices })
    }

    /// What the user should know, a sentence each: what was removed, and what the file system cannot do.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    pub(super) fn notice(&mut self, sentence: String) {
        self.notices.push(sentence);
    }
}

/// Lustre without `-o flock` says ENOSYS, NFS without its lock service ENOLCK, which has no kind of its own.
fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    is_unsupported(error) || (cfg!(unix) && error.raw_os_error() == Some(ENOLCK))
}

/// How the holder is called in the message to the one who has to wait: on a cluster the machine matters.
fn this_process() -> String {
    let id = std::process::id();
    match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(machine) => format!("process {id} on {}\n", machine.trim()),
        Err(_) => format!("process {id}\n"),
    }
}
