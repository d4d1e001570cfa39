//! A file that is digested while it is decoded: what is used is what was verified, whatever happens to its name meanwhile.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::{files, shown};

use crate::decode::{DecodeError, Problem};

const BUFFER: usize = 1 << 17;

/// A reader over a file's bytes, as many as it had when it was opened.
pub(crate) struct Checked {
    reader: BufReader<Digesting>,
    path: PathBuf,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// Its path, for messages.
    pub(crate) name: String,
}

struct Digesting {
    file: io::Take<File>,
    hasher: Hasher,
}

impl Read for Digesting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

impl Checked {
    pub(crate) fn open(path: &Path) -> Result<Self, DecodeError> {
        let unreadable = |error| DecodeError::of_file(path, Problem::Unreadable(error));
        let (file, metadata) = files::open(path).map_err(unreadable)?;
        let size = metadata.len();
        // One byte more: a file that grew has another digest.
        let digesting = Digesting { file: file.take(size.saturating_add(1)), hasher: Hasher::new() };
        let reader = BufReader::with_capacity(BUFFER, digesting);
        Ok(Self { reader, path: path.to_owned(), size, name: shown::path(path) })
    }

    pub(crate) fn reader(&mut self) -> &mut impl BufRead {
        &mut self.reader
    }

    /// Reads what no decoder asked for, and compares the digest of all of it.
    pub(crate) fn check(mut self, expected: &Digest) -> Result<(), DecodeError> {
        let failure = |problem| DecodeError::of_file(&self.path, problem);
        loop {
            let n = self.reader.fill_buf().map_err(|error| failure(Problem::Unreadable(error)))?.len();
            if n == 0 {
                break;
            }
            self.reader.consume(n);
        }
        let found = self.reader.into_inner().hasher.finish();
        if found == *expected {
            return Ok(());
        }
        Err(DecodeError::of_file(&self.path, Problem::Changed { expected: expected.clone(), found }))
    }
}
