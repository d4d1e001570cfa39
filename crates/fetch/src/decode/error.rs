//! What can be wrong with a file's bytes.

use std::io;
use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::memory::NotEnough;
use flooding_core::shown;

/// A file that is not what it should be: which, where, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {place}{problem}", place = place(*.offset, *.decompressed, problem))]
pub struct DecodeError {
    /// The file, with the archive's member where it is one.
    pub file: String,
    /// Where, counted from 0.
    pub offset: u64,
    /// Is `offset` counted after decompression?
    pub decompressed: bool,
    /// What is wrong there.
    pub problem: Problem,
}

impl DecodeError {
    /// Something wrong with a file as a whole.
    pub(crate) fn of_file(path: &Path, problem: Problem) -> Self {
        Self { file: shown::path(path), offset: 0, decompressed: false, problem }
    }
}

/// What is wrong at a place of a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The system could not read it, or its compression is damaged.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Some value is another one.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What should be there.
        expected: String,
        /// What is.
        found: String,
    },
    /// It ends too early.
    #[error("expected {expected} bytes of {what}, found {found}: it is truncated")]
    Truncated {
        /// Of what.
        what: &'static str,
        /// How many bytes should be there.
        expected: u64,
        /// How many are.
        found: u64,
    },
    /// Bytes follow after its end.
    #[error("expected the end of the file, found more bytes")]
    Trailing,
    /// A label that no class has.
    #[error("expected labels {lowest} to {highest}, found {found} (of image {index})")]
    Label {
        /// The least label.
        lowest: u32,
        /// The greatest label.
        highest: u32,
        /// The label there.
        found: u32,
        /// Which image, from 0.
        index: u64,
    },
    /// A header promises more than the file can hold or a dataset may have.
    #[error("expected at most {limit} bytes, found a header that promises {found}")]
    TooLarge {
        /// How much it can be.
        limit: u64,
        /// How much it claims.
        found: u128,
    },
    /// It would not fit into the memory that there is.
    #[error("{0}: use a machine with more memory, or fewer images")]
    Memory(#[from] NotEnough),
    /// The bytes are other ones than those that were digested when the command began.
    #[error(
        "it changed while it was in use (its SHA-256 was {expected}, now it is {found}): run the same command again"
    )]
    Changed {
        /// What it was.
        expected: Digest,
        /// What it is.
        found: Digest,
    },
    /// Something that must be there once is not there.
    #[error("expected {0}, found none")]
    Missing(String),
    /// Something that must be there once is there again.
    #[error("expected {0} once, found it again")]
    Duplicate(String),
}

/// Where, as text; nothing for what concerns the file as a whole.
fn place(offset: u64, decompressed: bool, problem: &Problem) -> String {
    match problem {
        Problem::Unreadable(_) | Problem::Memory(_) | Problem::Changed { .. } if offset == 0 => String::new(),
        _ => format!("at byte {offset}{}: ", if decompressed { " of the decompressed data" } else { "" }),
    }
}

impl Problem {
    /// A value that is another one.
    pub(crate) fn unexpected(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Unexpected { expected: expected.into(), found: found.into() }
    }
}
