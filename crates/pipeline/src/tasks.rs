//! The tasks of a plan: what is left of them, what they take, and their division among processes.

pub mod account;
mod announce;
mod forecast;
mod list;
mod memory;
mod queue;
mod shard;

pub use account::Side;
pub use announce::announcement;
pub use list::{OpenTask, calibrated_tasks, open_tasks, training};
pub use queue::{Whereabout, Whereabouts};
pub use shard::Shard;
