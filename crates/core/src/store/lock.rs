//! One pipeline at a time on one folder.

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use super::operation::{OperationKind, Phase, Step};
use super::{StoreError, inside};

/// The store is ours while this lives. The operating system releases it when the process dies, however it dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
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
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The text is a courtesy; the lock itself is the operating system's.
                let _ = file.read_to_string(&mut holder);
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder.trim().to_owned() });
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(StoreError::io("lock", path)(error).into()),
        }
        let step = Step::begin(OperationKind::Lock, path);
        file.set_len(0).map_err(StoreError::io("write the lock", path))?;
        file.rewind().map_err(StoreError::io("write the lock", path))?;
        file.write_all(this_process().as_bytes()).map_err(StoreError::io("write the lock", path))?;
        step.tell(Phase::After, path, None);
        Ok(Self { _file: file })
    }
}

/// How the holder is called in the message to the one who has to wait: on a cluster the machine matters.
fn this_process() -> String {
    let id = std::process::id();
    match std::fs::read_to_string("/proc/sys/kernel/hostname") {
        Ok(machine) => format!("process {id} on {}\n", machine.trim()),
        Err(_) => format!("process {id}\n"),
    }
}
