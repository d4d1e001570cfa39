//! Reading a file that may be gzipped, with limits.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Deflate makes at most this many bytes of one: a gzipped file's header that promises more is a lie.
const LARGEST_RATIO: u64 = 1032;

/// A file's bytes, decompressed where it starts as a gzip file does.
pub(super) enum MaybeGzip<R> {
    Plain(R),
    Gzip(Box<GzDecoder<R>>),
}

impl<R: BufRead> MaybeGzip<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let start = inner.fill_buf()?;
        Ok(if start.starts_with(&[0x1f, 0x8b]) {
            Self::Gzip(Box::new(GzDecoder::new(inner)))
        } else {
            Self::Plain(inner)
        })
    }

    pub(super) const fn is_gzip(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }

    /// The most bytes that a file of this size can hold.
    pub(super) fn capacity(&self, file_size: u64) -> u64 {
        match self {
            Self::Plain(_) => file_size,
            Self::Gzip(_) => file_size.saturating_mul(LARGEST_RATIO),
        }
    }

    /// After the end was read: do compressed bytes follow?
    pub(super) fn has_trailing(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(inner) => Ok(!inner.fill_buf()?.is_empty()),
            Self::Gzip(decoder) => Ok(!decoder.get_mut().fill_buf()?.is_empty()),
        }
    }
}

impl<R: BufRead> Read for MaybeGzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
        }
    }
}
