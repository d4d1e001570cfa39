//! Getting published files: from a mirror, from the published addresses, once for all processes, and only whole.

mod client;
mod error;
mod fetcher;
mod policy;
mod proxy;
mod retry_after;
mod sink;
mod sources;
mod transfer;

pub use client::Http;
pub(crate) use error::Grouped;
pub use error::{Failure, FetchError, Tried};
pub use fetcher::{Fetched, Fetcher};
pub use policy::Policy;
pub use sources::{BadMirror, Mirror, Source};
