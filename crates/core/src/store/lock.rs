//! Who works on a folder: many processes side by side, or one alone.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::atomic::is_unsupported;
use super::operation::{OperationKind, Phase, Step};
use super::{StoreError, inside};
use crate::{files, shown};

/// Bytes of a lock file that are looked at for its holder's name.
const HOLDER: u64 = 1024;

/// How long a process that wants to share the store waits for one that has it alone, which tidies up for a moment.
const PATIENCE: Duration = Duration::from_secs(10);

/// The store is ours, alone or with others, while this lives. The operating system releases it when the process dies,
/// however it dies.
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
        let file = open(path)?;
        Self::locked(file.try_lock(), file, path)
    }

    /// Waits a little while another process has the store alone.
    pub(super) fn share(path: &Path) -> Result<Self, LockError> {
        let begun = Instant::now();
        loop {
            let file = open(path)?;
            match Self::locked(file.try_lock_shared(), file, path) {
                Err(LockError::Held { .. }) if begun.elapsed() < PATIENCE => std::thread::sleep(PATIENCE / 500),
                locked => return locked,
            }
        }
    }

    fn locked(tried: Result<(), TryLockError>, mut file: File, path: &Path) -> Result<Self, LockError> {
        let folder = path.parent().unwrap_or(path);
        let mut notices = Vec::new();
        match tried {
            Ok(()) => {}
            Err(TryLockError::Error(error)) if has_no_locks(&error) => notices.push(format!(
                "the file system of {} has no locks ({error}): give every process on this folder its own runs with \
                 --shard I/N, or one task each",
                folder.display()
            )),
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), holder: holder(&file) });
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

    pub(super) fn into_notices(self) -> Vec<String> {
        self.notices
    }

    /// Those of the lock that this one follows, which has seen at least as much.
    pub(super) fn replace_notices(&mut self, notices: Vec<String>) {
        if !notices.is_empty() {
            self.notices = notices;
        }
    }

    pub(super) fn notice(&mut self, sentence: String) {
        self.notices.push(sentence);
    }
}

pub(super) fn open(path: &Path) -> Result<File, StoreError> {
    inside::refuse_link(path, path.parent().unwrap_or(path))?;
    let (file, _) = files::open_in_place(path).map_err(StoreError::io("open the lock", path))?;
    Ok(file)
}

/// What the holder wrote of itself, or whoever wrote there last: the lock itself is the operating system's.
pub(super) fn holder(file: &File) -> String {
    let mut bytes = Vec::new();
    match file.take(HOLDER).read_to_end(&mut bytes) {
        Ok(_) => shown::line(String::from_utf8_lossy(&bytes).trim()),
        Err(error) => format!("its name cannot be read: {error}"),
    }
}

/// Lustre without `-o flock` says ENOSYS, NFS without its lock service ENOLCK, which has no `ErrorKind`.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    const ENOLCK: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    is_unsupported(error) || (cfg!(unix) && error.raw_os_error() == Some(ENOLCK))
}

/// How this process calls itself: on a cluster the machine and the job matter. The environment also holds secrets, such as
/// `HQ_ACCESS_KEY`: only the names of jobs are read.
pub(super) fn this_process() -> String {
    let mut text = format!("process {}", std::process::id());
    if let Ok(machine) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        text.push_str(&format!(" on {}", machine.trim()));
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| value.len() < 40);
    let parts = |kind: &str, job: &str, part: &str| {
        let part = variable(part).map_or_else(String::new, |part| format!("_{part}"));
        variable(job).map(|job| format!(", {kind} job {job}{part}"))
    };
    let slurm = parts("Slurm", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID");
    let slurm = slurm.or_else(|| parts("Slurm", "SLURM_JOB_ID", ""));
    text.extend(slurm.or_else(|| parts("HyperQueue", "HQ_JOB_ID", "HQ_TASK_ID")));
    text.push('\n');
    text
}
