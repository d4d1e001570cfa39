//! The synthetic datasets of Section 4.1, drawn for every trial: two Gaussians, the sinusoid and the spiral, with
//! flipped labels and clean copies.
//!
//! What a trial's examples are depends on the specification, the master seed, the setting's id and the trial alone, so
//! all flood levels of a trial share one file, whatever the order or number of threads that wrote it.

mod draw;
mod error;
mod file;
mod noise;
mod stage;
mod trial;

pub use draw::draw;
pub use error::GenerateError;
pub use file::decode;
pub use stage::{load, prepare};
pub use trial::{GENERATOR_REVISION, TrialDocument};
