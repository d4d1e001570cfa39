//! The training stage: trains every run of the plan on dfdx and leaves a record of each.

pub mod backend;
pub mod conv;
pub mod cpu;
pub mod data;
mod error;
pub mod evaluate;
pub mod group;
pub mod nets;
pub mod objective;
pub mod optim;
pub mod probe;
pub mod weights;

pub use error::TrainError;
