//! The image datasets: fetched, checked, decoded, and shown.
//!
//! [`manifest`] says what is published where, [`download`] gets it, [`state`] says what is there, [`decode`] makes
//! examples of it, and [`load()`] puts these together for the training stage.

mod checked;
pub mod decode;
pub mod download;
pub mod load;
pub mod manifest;
pub mod splits;
mod stage;
pub mod state;
pub mod tools;

pub use load::{Images, LoadError, load};
pub use manifest::{Manifest, ManifestError};
pub use splits::splits;
pub use stage::{fetch, prepare};
