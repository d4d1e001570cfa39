//! From `--device` to a backend; what is missing is reported before any work starts.

use flooding_core::context::DeviceChoice;

use crate::backend::Backend;
use crate::cpu::FastCpu;
use crate::error::{CudaProblem, EngineError};

/// Something to do on a device, whichever it is.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it.
    fn on<B: Backend>(self, backend: &B) -> Self::Output;
}

/// Checks that the chosen device can be used.
pub fn check(choice: DeviceChoice) -> Result<(), EngineError> {
    struct Nothing;
    impl Work for Nothing {
        type Output = ();
        fn on<B: Backend>(self, _: &B) {}
    }
    match choice {
        DeviceChoice::Cpu => Ok(()),
        DeviceChoice::Cuda(ordinal) => on_cuda(ordinal, Nothing).map_err(|why| EngineError::Cuda { ordinal, why }),
    }
}

/// Does the work on the chosen device.
pub fn run<W: Work>(choice: DeviceChoice, work: W) -> Result<W::Output, CudaProblem> {
    match choice {
        DeviceChoice::Cpu => Ok(work.on(&FastCpu::default())),
        DeviceChoice::Cuda(ordinal) => on_cuda(ordinal, work),
    }
}

#[cfg(feature = "cuda")]
fn on_cuda<W: Work>(ordinal: usize, work: W) -> Result<W::Output, CudaProblem> {
    Ok(work.on(&crate::composite::Composite::new(crate::cuda::open(ordinal)?)))
}

#[cfg(not(feature = "cuda"))]
fn on_cuda<W: Work>(_: usize, _: W) -> Result<W::Output, CudaProblem> {
    Err(CudaProblem::NotBuilt)
}

/// Why this process cannot use the device any more, after it failed while it worked; `None` where it can.
#[cfg(feature = "cuda")]
pub fn lost(choice: DeviceChoice) -> Option<EngineError> {
    let DeviceChoice::Cuda(ordinal) = choice else { return None };
    crate::cuda::lost(ordinal).map(|why| EngineError::Cuda { ordinal, why })
}

/// Why this process cannot use the device any more, after it failed while it worked; `None` where it can.
#[cfg(not(feature = "cuda"))]
pub fn lost(_: DeviceChoice) -> Option<EngineError> {
    None
}

/// `cpu`, or what the GPU's maker calls it; its ordinal where it does not tell.
pub fn name(choice: DeviceChoice) -> String {
    #[cfg(feature = "cuda")]
    if let DeviceChoice::Cuda(ordinal) = choice
        && let Some(name) = crate::cuda::name(ordinal)
    {
        return name;
    }
    choice.to_string()
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
