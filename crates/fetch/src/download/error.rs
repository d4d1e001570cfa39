//! Why a file is missing.

use std::fmt;
use std::time::Duration;

use flooding_core::digest::Digest;
use flooding_core::shown;
use flooding_core::store::{DocumentError, StoreError};

use super::Source;

/// Why fetching stops. A missing dataset is none of these: it becomes a missing result.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The store could not write: a full disk, a folder that may not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The note of what was verified could not be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A name that no dataset has.
    #[error("there is no dataset `{name}`; the datasets are: {known}")]
    Unknown {
        /// As asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

/// Why one source did not deliver a file.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store could not write.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The user asked to stop.
    #[error("interrupted")]
    Stopped,
    /// `--offline`.
    #[error("not tried: offline")]
    Offline,
    /// The host was found unreachable a moment ago.
    #[error("not tried: its host could not be reached a moment ago")]
    KnownUnreachable,
    /// There is no such file in a mirror folder.
    #[error("no such file")]
    Absent,
    /// A mirror's file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// No connection: no network, no such host, nothing listening, no trust.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// The environment names a proxy that cannot be used.
    #[error("not tried: {0}")]
    Proxy(String),
    /// This machine has no list of the authorities that it trusts.
    #[error(
        "not tried: this machine has no CA certificates to know the server by ({0}): install them (the package \
         ca-certificates), name a file of them in SSL_CERT_FILE, or use --mirror with a folder or an http:// address"
    )]
    NoCertificates(String),
    /// The server answered, but not with the file.
    #[error("the server answered {status}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// When it asked to be asked again.
        retry_after: Option<Duration>,
    },
    /// The server led from https to http.
    #[error("refused: it redirects from https to {}", shown::line(&shown::without_secrets(.0)))]
    Downgrade(String),
    /// The server led in circles.
    #[error("too many redirects")]
    Redirects,
    /// A web page in the place of the file.
    #[error("a web page came instead of the file: a login page or an error page?")]
    WebPage,
    /// The server announces another size.
    #[error("wrong size: it has {found} bytes, published are {expected}", found = Grouped(*found), expected = Grouped(*expected))]
    WrongSize {
        /// The published size.
        expected: u64,
        /// What it announces.
        found: u64,
    },
    /// Less came than the file, or a mirror folder has less.
    #[error("truncated: {found} of {expected} bytes", found = Grouped(*found), expected = Grouped(*expected))]
    Truncated {
        /// The published size.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// The server or the mirror folder has more than the file.
    #[error("too long: {found} bytes instead of {expected}", found = Grouped(*found), expected = Grouped(*expected))]
    TooLong {
        /// The published size.
        expected: u64,
        /// What came, at least.
        found: u64,
    },
    /// The right number of wrong bytes.
    #[error("wrong content: SHA-256 is {found}, published is {expected}")]
    WrongDigest {
        /// The published digest.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// Nothing came for too long.
    #[error("stalled: nothing came for {0:?} (after {1} bytes)")]
    Stalled(Duration, u64),
    /// It came too slowly.
    #[error("too slow: gave up after {0:?} ({1} bytes)")]
    TooSlow(Duration, u64),
    /// The connection broke.
    #[error("the connection broke after {1} bytes: {0}")]
    Broken(String, u64),
    /// The server sent another part of the file than asked for.
    #[error("the server sent another range than asked for ({})", shown::line(.0))]
    WrongRange(String),
}

impl Failure {
    /// May the same address do better when it is asked again?
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Truncated { .. } | Self::Stalled(..) | Self::Broken(..) | Self::WrongRange(_) => true,
            _ => false,
        }
    }
}

/// A source that was tried, and why it did not deliver.
#[derive(Debug)]
pub struct Tried {
    /// Where.
    pub source: Source,
    /// Why not.
    pub failure: Failure,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.failure)
    }
}

/// A number with its thousands apart.
pub(crate) struct Grouped(pub u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}
