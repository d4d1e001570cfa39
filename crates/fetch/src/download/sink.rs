//! A file on its way in: the part that is on disk, and the digest of it.

use std::path::Path;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::store::{PartialFile, Store, StoreError};

/// Bytes arrive here, are written and hashed; a later try or a later process resumes where this one ended.
pub(super) struct Sink {
    part: PartialFile,
    hasher: Hasher,
}

impl Sink {
    /// Opens what has arrived of `target` so far, and hashes it.
    pub(super) fn open(store: &Store, target: &Path, at_most: u64) -> Result<Self, StoreError> {
        let mut part = store.partial(target)?;
        let mut hasher = Hasher::new();
        let mut hashed = 0;
        if part.length() <= at_most {
            // A part that cannot be read back is worth nothing; it is fetched again.
            let _ = part.read(|piece| {
                hasher.update(piece);
                hashed += piece.len() as u64;
            });
        }
        if hashed != part.length() {
            part.restart()?;
            hasher = Hasher::new();
        }
        Ok(Self { part, hasher })
    }

    pub(super) fn length(&self) -> u64 {
        self.part.length()
    }

    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hasher.update(bytes);
        self.part.append(bytes)
    }

    pub(super) fn restart(&mut self) -> Result<(), StoreError> {
        self.hasher = Hasher::new();
        self.part.restart()
    }

    pub(super) fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        self.part.commit()
    }

    /// Leaves a part that a later try may resume, and no empty file.
    pub(super) fn abandon(self) -> Result<(), StoreError> {
        if self.part.length() == 0 { self.part.discard() } else { Ok(()) }
    }
}
