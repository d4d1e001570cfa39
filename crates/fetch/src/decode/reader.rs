//! A reader that knows where it is and makes typed errors of what it meets.

use std::io::{self, Read};

use super::{DecodeError, Problem};

/// Wraps a reader and counts.
pub(super) struct Located<'a, R> {
    inner: R,
    file: &'a str,
    offset: u64,
    decompressed: bool,
}

impl<'a, R: Read> Located<'a, R> {
    pub(super) fn new(inner: R, file: &'a str, decompressed: bool) -> Self {
        Self { inner, file, offset: 0, decompressed }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Counts bytes that were read through [`get_mut`](Self::get_mut).
    pub(super) fn advance(&mut self, count: u64) {
        self.offset += count;
    }

    /// The error for something wrong at `offset`.
    pub(super) fn error_at(&self, offset: u64, problem: Problem) -> DecodeError {
        DecodeError { file: self.file.to_owned(), offset, decompressed: self.decompressed, problem }
    }

    /// The error for something wrong where the reader stands.
    pub(super) fn error(&self, problem: Problem) -> DecodeError {
        self.error_at(self.offset, problem)
    }

    /// Fills as much of `buffer` as there are bytes left; returns how many.
    pub(super) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, DecodeError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(self.error_at(self.offset + filled as u64, Problem::Unreadable(error)));
                }
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    /// Fills all of `buffer` or says how much is missing.
    pub(super) fn exact(&mut self, buffer: &mut [u8], what: &'static str) -> Result<(), DecodeError> {
        let start = self.offset;
        let found = self.fill(buffer)? as u64;
        let expected = buffer.len() as u64;
        if found == expected { Ok(()) } else { Err(self.error_at(start, Problem::Truncated { what, expected, found })) }
    }

    pub(super) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], DecodeError> {
        let mut bytes = [0; N];
        self.exact(&mut bytes, what)?;
        Ok(bytes)
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, mut count: u64, what: &'static str) -> Result<(), DecodeError> {
        let mut buffer = [0; 8192];
        while count > 0 {
            let n = count.min(buffer.len() as u64) as usize;
            self.exact(&mut buffer[..n], what)?;
            count -= n as u64;
        }
        Ok(())
    }

    /// Refuses bytes after the end.
    pub(super) fn end(&mut self) -> Result<(), DecodeError> {
        let start = self.offset;
        match self.fill(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.error_at(start, Problem::Trailing)),
        }
    }
}
