//! From `--device` to a backend; what is missing is said before any work starts.

use flooding_core::context::DeviceChoice;

use crate::error::{CudaProblem, TrainError};

/// Checks that the chosen device can be used.
pub fn check(choice: DeviceChoice) -> Result<(), TrainError> {
    match choice {
        DeviceChoice::Cpu => Ok(()),
        DeviceChoice::Cuda(ordinal) => {
            cuda(ordinal).map(|_| ()).map_err(|why| TrainError::Cuda { ordinal, why: why.into() })
        }
    }
}

/// The CUDA device of this ordinal, or what is wrong.
#[cfg(feature = "cuda")]
pub fn cuda(ordinal: usize) -> Result<crate::backend::Portable<dfdx::prelude::Cuda>, CudaProblem> {
    crate::cuda::open(ordinal).map(crate::backend::Portable::new)
}

/// The CUDA device of this ordinal, or what is wrong.
#[cfg(not(feature = "cuda"))]
pub fn cuda(_: usize) -> Result<std::convert::Infallible, CudaProblem> {
    Err(CudaProblem::NotBuilt)
}

/// Bytes that are free on the CUDA device of this ordinal; `None` where it does not tell.
#[cfg(feature = "cuda")]
pub fn free_memory(ordinal: usize) -> Option<u64> {
    crate::cuda::free_memory(ordinal)
}

/// Bytes that are free on the CUDA device of this ordinal; `None` where it does not tell.
#[cfg(not(feature = "cuda"))]
pub fn free_memory(_: usize) -> Option<u64> {
    None
}
