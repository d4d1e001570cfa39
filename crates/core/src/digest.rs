//! SHA-256 digests as text.

use std::fmt;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::files;

/// A SHA-256 digest as 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256 digest (64 hexadecimal digits)")]
pub struct BadDigest(String);

/// Bytes that are read at once.
const BUFFER: usize = 1 << 18;

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Hasher::new().chain(bytes).finish()
    }

    /// The digest of all that `reader` still holds.
    pub fn of_reader(reader: impl Read) -> io::Result<Self> {
        Self::through(reader, vec![0; BUFFER])
    }

    fn through(mut reader: impl Read, mut buffer: Vec<u8>) -> io::Result<Self> {
        let mut hasher = Hasher::new();
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                n => hasher.update(&buffer[..n]),
            }
        }
    }

    /// The digest of a whole file, which is read piece by piece, and its size; one that grows meanwhile is refused.
    pub fn of_file(path: &Path) -> io::Result<(Self, u64)> {
        let (file, metadata) = files::open(path)?;
        let mut whole = file.take(metadata.len().saturating_add(1));
        // No larger than the file: most of those that are hashed by the thousand are small.
        let buffer = vec![0; usize::try_from(whole.limit()).map_or(BUFFER, |size| size.min(BUFFER))];
        let digest = Self::through(&mut whole, buffer)?;
        if whole.limit() == 0 {
            return Err(io::Error::other(format!("it grew beyond {} bytes while it was read", metadata.len())));
        }
        Ok((digest, metadata.len()))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 16 digits: enough to name a file, short enough to read.
    pub fn short(&self) -> &str {
        &self.0[..16]
    }
}

impl TryFrom<String> for Digest {
    type Error = BadDigest;

    fn try_from(text: String) -> Result<Self, BadDigest> {
        let text = text.to_ascii_lowercase();
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err(BadDigest(text))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A SHA-256 computation in progress.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A computation over no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds a field: its length, then its bytes. Two different lists of fields never feed the same bytes, whatever blanks,
    /// line breaks or zeros their texts hold.
    pub fn field(&mut self, bytes: &[u8]) {
        self.update(&(bytes.len() as u64).to_le_bytes());
        self.update(bytes);
    }

    /// Adds bytes, for chaining.
    pub fn chain(mut self, bytes: &[u8]) -> Self {
        self.update(bytes);
        self
    }

    /// The raw 32 bytes.
    pub fn finish_bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// The digest of all bytes so far.
    pub fn finish(self) -> Digest {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.finish_bytes() {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        }
        Digest(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_slices_and_readers_are_the_published_ones() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").as_str(), abc);
        assert_eq!(Digest::of_reader(&b"abc"[..]).unwrap().as_str(), abc);
    }

    #[test]
    fn fields_that_are_cut_elsewhere_have_another_digest() {
        let digest = |fields: &[&str]| {
            let mut hasher = Hasher::new();
            for field in fields {
                hasher.field(field.as_bytes());
            }
            hasher.finish()
        };
        assert_ne!(digest(&["dog", "b 1.png"]), digest(&["dog b", "1.png"]));
        assert_ne!(digest(&["a", ""]), digest(&["a"]));
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
    }

    #[test]
    fn a_digest_of_the_wrong_length_is_refused() {
        assert!(Digest::try_from("abc".to_owned()).is_err());
    }
}
