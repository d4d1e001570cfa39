//! Reading a file that may be gzipped, with limits.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Deflate makes at most this many bytes of one: a gzipped file's header that promises more is a lie.
const LARGEST_RATIO: u64 = 1032;
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// All members of a gzip file, one after another (RFC 1952, section 2.2): `bgzip` and `cat` write several. Zeros after the
/// last one, as tapes and block devices leave them, are passed over.
pub(super) struct Gzip<R> {
    state: State<R>,
}

enum State<R> {
    Member(Box<GzDecoder<R>>),
    /// All members were read; what follows is not part of the file.
    Ended(R),
    /// Only for a moment, while one state becomes another.
    Between,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { state: State::Member(Box::new(GzDecoder::new(inner))) }
    }

    /// After the end of the last member: do bytes other than zeros follow?
    fn has_trailing(&mut self) -> io::Result<bool> {
        match &mut self.state {
            State::Ended(inner) => Ok(!inner.fill_buf()?.is_empty()),
            State::Member(_) | State::Between => Ok(true),
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let State::Member(decoder) = &mut self.state {
            let n = decoder.read(buffer)?;
            if n > 0 {
                return Ok(n);
            }
            let State::Member(decoder) = std::mem::replace(&mut self.state, State::Between) else { break };
            let mut inner = decoder.into_inner();
            skip_zeros(&mut inner)?;
            self.state = if inner.fill_buf()?.starts_with(&MAGIC[..1]) {
                State::Member(Box::new(GzDecoder::new(inner)))
            } else {
                State::Ended(inner)
            };
        }
        match self.state {
            State::Between => Err(io::Error::other("the gzip file could not be read to its end")),
            State::Ended(_) | State::Member(_) => Ok(0),
        }
    }
}

fn skip_zeros(inner: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = inner.fill_buf()?;
        let zeros = buffer.iter().take_while(|&&byte| byte == 0).count();
        let all = zeros == buffer.len();
        if zeros == 0 {
            return Ok(());
        }
        inner.consume(zeros);
        if !all {
            return Ok(());
        }
    }
}

/// A file's bytes, decompressed where it starts as a gzip file does.
pub(super) enum MaybeGzip<R> {
    Plain(R),
    Gzip(Gzip<R>),
}

impl<R: BufRead> MaybeGzip<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let start = inner.fill_buf()?;
        Ok(if start.starts_with(&MAGIC) { Self::Gzip(Gzip::new(inner)) } else { Self::Plain(inner) })
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

    /// After the end was read: do bytes follow that belong to nothing?
    pub(super) fn has_trailing(&mut self) -> io::Result<bool> {
        match self {
            Self::Plain(inner) => Ok(!inner.fill_buf()?.is_empty()),
            Self::Gzip(members) => members.has_trailing(),
        }
    }
}

impl<R: BufRead> Read for MaybeGzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.read(buffer),
            Self::Gzip(members) => members.read(buffer),
        }
    }
}
