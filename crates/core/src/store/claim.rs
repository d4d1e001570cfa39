//! Work that one process takes for itself, so that others on the same folder do something else meanwhile.

use std::fs::{self, File, TryLockError};
use std::io::{Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::operation::{OperationKind, Phase, Step};
use super::{Store, StoreError, lock};
use crate::progress::StopFlag;

/// How often a process that waits for a claim looks again.
const LOOK: Duration = Duration::from_millis(200);

/// Work that is ours while this lives. The operating system takes the claim back when the process dies, however it dies.
#[derive(Debug)]
pub struct Claim {
    /// `None` only while the claim is given back.
    file: Option<File>,
    path: PathBuf,
}

/// Whose work it is.
#[derive(Debug)]
pub enum Claimed {
    /// This process has it now.
    Ours(Claim),
    /// A living process has it; how that process calls itself.
    Theirs(String),
}

/// A claim of a living process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivingClaim {
    /// The work, as it was claimed.
    pub name: String,
    /// How the process calls itself.
    pub holder: String,
}

impl Store {
    /// Claims the work of this name, such as `spiral-high/t03`, unless a living process has it.
    ///
    /// Where the file system has no locks, everyone gets every claim: what two processes then do twice comes out the
    /// same, because a file is written as a whole and a record depends on its specification alone.
    pub fn try_claim(&self, name: &str) -> Result<Claimed, StoreError> {
        let path = self.layout().claim(name);
        self.check_inside(&path)?;
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        loop {
            let mut file = lock::open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Claimed::Theirs(lock::holder(&file))),
                Err(TryLockError::Error(error)) if lock::has_no_locks(&error) => {}
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
            }
            // Between opening and locking, its last holder may have removed it: then others claim another file.
            if !is_named(&file, &path) {
                continue;
            }
            let step = Step::begin(OperationKind::Lock, &path);
            file.set_len(0).map_err(StoreError::io("write the claim", &path))?;
            file.rewind().map_err(StoreError::io("write the claim", &path))?;
            file.write_all(lock::this_process().as_bytes()).map_err(StoreError::io("write the claim", &path))?;
            step.tell(Phase::After, &path, None);
            return Ok(Claimed::Ours(Claim { file: Some(file), path }));
        }
    }

    /// Claims the work of this name as soon as no other process has it; `waiting` hears once who has it until then.
    /// `None` when asked to stop.
    pub fn claim_when_free(
        &self,
        name: &str,
        stop: &StopFlag,
        waiting: impl FnOnce(&str),
    ) -> Result<Option<Claim>, StoreError> {
        let mut waiting = Some(waiting);
        while !stop.is_raised() {
            match self.try_claim(name)? {
                Claimed::Ours(claim) => return Ok(Some(claim)),
                Claimed::Theirs(holder) => {
                    if let Some(waiting) = waiting.take() {
                        waiting(&holder);
                    }
                }
            }
            std::thread::sleep(LOOK);
        }
        Ok(None)
    }

    /// The claims of living processes, by name. Where the file system has no locks, nobody can tell, and there are none.
    pub fn living_claims(&self) -> Result<Vec<LivingClaim>, StoreError> {
        let mut found = Vec::new();
        let folder = self.layout().claims();
        for name in self.list(&folder)? {
            let inner = folder.join(&name);
            if inner.is_dir() {
                for part in self.list(&inner)? {
                    found.extend(living(&inner.join(&part), format!("{name}/{part}")));
                }
            } else {
                found.extend(living(&inner, name));
            }
        }
        Ok(found)
    }
}

fn living(path: &Path, name: String) -> Option<LivingClaim> {
    // Gone since the folder was listed: the work is done.
    let file = File::open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(LivingClaim { name, holder: lock::holder(&file) }),
        _ => None,
    }
}

/// Does this name still lead to this file?
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let same = |open: fs::Metadata, named: fs::Metadata| (open.dev(), open.ino()) == (named.dev(), named.ino());
    file.metadata().and_then(|open| Ok(same(open, fs::symlink_metadata(path)?))).unwrap_or(false)
}

#[cfg(not(unix))]
fn is_named(_: &File, _: &Path) -> bool {
    // Elsewhere, a file that someone has open is not removed.
    true
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Removed before it is unlocked, so that whoever locks it next sees that it is gone. A claim whose file
        // stays is free: it has no lock.
        let step = Step::begin(OperationKind::Remove, &self.path);
        let _ = fs::remove_file(&self.path);
        step.tell(Phase::After, &self.path, None);
        self.file = None;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;
    use super::*;

    #[test]
    fn a_claim_keeps_others_out_until_it_is_given_back_and_leaves_no_file() {
        let (_folder, store) = store();
        let Claimed::Ours(claim) = store.try_claim("spiral-high/t03").unwrap() else { panic!("nobody has it") };
        let Claimed::Theirs(holder) = store.try_claim("spiral-high/t03").unwrap() else { panic!("it is taken") };
        assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        assert!(matches!(store.try_claim("spiral-high/t04").unwrap(), Claimed::Ours(_)));
        let living = store.living_claims().unwrap();
        assert_eq!(living, [LivingClaim { name: "spiral-high/t03".to_owned(), holder }]);
        drop(claim);
        assert!(store.living_claims().unwrap().is_empty());
        assert!(matches!(store.try_claim("spiral-high/t03").unwrap(), Claimed::Ours(_)));
        assert_eq!(store.list(&store.layout().claims().join("spiral-high")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_claim_file_of_a_dead_process_keeps_nobody_out() {
        let (_folder, store) = store();
        let path = store.layout().claim("spiral-high/t03");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "process 1 on a machine that was switched off\n").unwrap();
        assert!(store.living_claims().unwrap().is_empty());
        assert!(matches!(store.try_claim("spiral-high/t03").unwrap(), Claimed::Ours(_)));
    }

    #[test]
    fn of_many_threads_that_claim_the_same_work_over_and_over_only_one_has_it_at_a_time() {
        let (_folder, store) = store();
        let (holders, most, taken) = Default::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| contend(&store, &holders, &most, &taken));
            }
        });
        assert_eq!(most.into_inner(), 1);
        assert!(taken.into_inner() > 0);
    }

    fn contend(store: &Store, holders: &Count, most: &Count, taken: &Count) {
        use std::sync::atomic::Ordering::SeqCst;
        for _ in 0..500 {
            if let Claimed::Ours(claim) = store.try_claim("contended/t00").unwrap() {
                most.fetch_max(holders.fetch_add(1, SeqCst) + 1, SeqCst);
                taken.fetch_add(1, SeqCst);
                holders.fetch_sub(1, SeqCst);
                drop(claim);
            }
        }
    }

    type Count = std::sync::atomic::AtomicUsize;
}
