//! Everything that knows dfdx: devices and their operations, networks, optimisers, objectives, the training step,
//! evaluation, and what a step costs. It knows no plan, no store and no record.
//!
//! A leading ensemble axis K runs through everything: K networks of one architecture that see the same batches. On the CPU
//! K is 1 and runs go side by side, one thread each; on CUDA (cargo feature `cuda`) the members of a group share their
//! kernels.

pub mod allocation;
pub mod backend;
pub mod calibration;
pub mod composite;
pub mod convolution;
pub mod cost;
pub mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod data;
pub mod device;
#[cfg(any(test, feature = "cuda"))]
mod driver;
mod error;
pub mod evaluate;
pub mod examples;
pub mod flatness;
pub mod geometry;
pub mod layers;
pub(crate) mod losses;
pub mod memory;
pub mod nets;
pub mod objective;
pub mod optim;
pub mod panics;
pub mod probe;
pub mod selftest;
mod simd;
pub mod snapshot;
pub mod step;
pub(crate) mod tensor;
pub mod threads;
pub mod weights;

pub use error::{CudaProblem, EngineError, Missing};
