//! One file that arrives piece by piece and may be resumed after an interruption.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::atomic::{sync, sync_folder};
use super::operation::{OperationKind, Phase, Step};
use super::{StoreError, inside};
use crate::files;

/// What has arrived so far of a file; unlike an [`AtomicFile`](super::AtomicFile) it stays when dropped, under a fixed
/// temporary name, so that the next process can resume. Only one process at a time may hold it: take a lock first.
#[derive(Debug)]
pub struct PartialFile {
    file: File,
    length: u64,
    temporary: PathBuf,
    target: PathBuf,
}

impl PartialFile {
    /// The ending of a temporary name under which parts wait.
    pub const SUFFIX: &'static str = ".partial.tmp";

    /// The temporary name under which parts of `target` wait.
    pub(super) fn temporary(target: &Path) -> PathBuf {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        target.with_file_name(format!(".{name}{}", Self::SUFFIX))
    }

    pub(super) fn open(target: &Path) -> Result<Self, StoreError> {
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder).map_err(StoreError::io("create the folder", folder))?;
        let temporary = Self::temporary(target);
        inside::refuse_link(&temporary, folder)?;
        let (mut file, _) = files::open_in_place(&temporary).map_err(StoreError::io("open", &temporary))?;
        let length = file.seek(SeekFrom::End(0)).map_err(StoreError::io("read", &temporary))?;
        Ok(Self { file, length, temporary, target: target.to_owned() })
    }

    /// Bytes that are there.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Hands all that is there to `piece`, from its beginning; what is added afterwards still goes to the end.
    pub fn read(&mut self, mut piece: impl FnMut(&[u8])) -> Result<(), StoreError> {
        // The open file, not its name: that may lead elsewhere by now.
        let temporary = &self.temporary;
        self.file.rewind().map_err(StoreError::io("read", temporary))?;
        let mut buffer = vec![0; 1 << 18];
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(n) => piece(&buffer[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StoreError::io("read", temporary)(error)),
            }
        }
        self.file.seek(SeekFrom::End(0)).map_err(StoreError::io("read", temporary))?;
        Ok(())
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let step = Step::begin(OperationKind::Append, &self.target);
        self.file.write_all(bytes).map_err(StoreError::io("write", &self.temporary))?;
        step.tell(Phase::Written, &self.target, Some(&self.temporary));
        self.length += bytes.len() as u64;
        step.tell(Phase::After, &self.target, None);
        Ok(())
    }

    /// Forgets what is there.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        self.file.set_len(0).map_err(StoreError::io("truncate", &self.temporary))?;
        self.file.rewind().map_err(StoreError::io("truncate", &self.temporary))?;
        self.length = 0;
        Ok(())
    }

    /// Makes the file durable and puts it under its final name, over whatever was there.
    pub fn commit(self) -> Result<(), StoreError> {
        let step = Step::begin(OperationKind::Publish, &self.target);
        sync(&self.file).map_err(StoreError::io("sync", &self.temporary))?;
        drop(self.file);
        fs::rename(&self.temporary, &self.target).map_err(StoreError::io("rename to", &self.target))?;
        let folder = self.target.parent().unwrap_or_else(|| Path::new("."));
        sync_folder(folder).map_err(StoreError::io("sync the folder", folder))?;
        step.tell(Phase::After, &self.target, None);
        Ok(())
    }

    /// Removes it.
    pub fn discard(self) -> Result<(), StoreError> {
        let step = Step::begin(OperationKind::Remove, &self.temporary);
        drop(self.file);
        fs::remove_file(&self.temporary).map_err(StoreError::io("remove", &self.temporary))?;
        step.tell(Phase::After, &self.temporary, None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::store;

    #[test]
    fn a_partial_file_is_gone_on_with_and_appears_only_when_committed() {
        let (_folder, store) = store();
        let target = store.layout().raw("mnist").join("images.gz");
        store.partial(&target).unwrap().append(b"first ").unwrap();
        let mut part = store.partial(&target).unwrap();
        assert_eq!(part.length(), 6);
        part.append(b"second").unwrap();
        let mut bytes = Vec::new();
        part.read(|piece| bytes.extend_from_slice(piece)).unwrap();
        assert_eq!(bytes, b"first second");
        part.append(b" third").unwrap();
        assert_eq!(store.read(&target).unwrap(), None);
        part.commit().unwrap();
        assert_eq!(store.read(&target).unwrap().unwrap(), b"first second third");
        assert_eq!(store.partial(&target).unwrap().length(), 0);
    }
}
