//! Opening a CUDA device: every question that dfdx and cudarc would answer with a panic is asked here first.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!("the feature `cuda` is for Linux on x86-64 and aarch64");

mod libraries;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;

use dfdx::prelude::{Cuda, CudaError, Synchronize as _, Tensor, TensorFromVec as _, TryAdd as _, TryMatMul as _};

use crate::allocation::is_out_of_memory;
use crate::driver::watch::lowest_during;
use crate::error::CudaProblem;
use crate::panics::catch;

/// The device of this ordinal. Each thread opens it once: kernels stay loaded from one group to the next.
pub(crate) fn open(ordinal: usize) -> Result<Cuda, CudaProblem> {
    thread_local! {
        // Never dropped: cudarc panics when it cannot close a device that has failed, and the end of the process closes
        // all of them.
        static OPEN: RefCell<BTreeMap<usize, ManuallyDrop<Cuda>>> = const { RefCell::new(BTreeMap::new()) };
    }
    if let Some(device) = OPEN.with_borrow(|open| open.get(&ordinal).map(|device| (**device).clone())) {
        return Ok(device);
    }
    let device = reopen(ordinal)?;
    OPEN.with_borrow_mut(|open| open.insert(ordinal, ManuallyDrop::new(device.clone())));
    Ok(device)
}

fn reopen(ordinal: usize) -> Result<Cuda, CudaProblem> {
    let driver = libraries::load()?;
    let started = |code| CudaProblem::NotStarted(driver.describe(code));
    driver.initialise().map_err(started)?;
    let devices = driver.devices().map_err(started)?;
    if devices == 0 {
        return Err(CudaProblem::NoGpu);
    }
    let there_is = |ordinal: &i32| *ordinal < devices;
    let number = i32::try_from(ordinal).ok().filter(there_is).ok_or(CudaProblem::NoSuchDevice { devices })?;
    let broken = |code| CudaProblem::Broken(driver.describe(code));
    let capability = driver.capability(number).map_err(broken)?;
    let version = driver.version().map_err(broken)?;
    let why = match catch(|_| true, || tried(ordinal)) {
        Ok(Ok(device)) => return Ok(device),
        Ok(Err(error)) => plain(&format!("{error:?}")),
        Err(panic) => plain(&panic),
    };
    Err(if is_out_of_memory(&why) {
        CudaProblem::Full(why)
    } else if OTHER_KERNELS.iter().any(|name| why.contains(name)) {
        CudaProblem::OtherKernels { capability, version, why }
    } else {
        CudaProblem::Broken(why)
    })
}

/// How the driver says that it cannot run a kernel: the kernels are PTX for one kind of GPU and later ones.
const OTHER_KERNELS: [&str; 5] = [
    "CUDA_ERROR_INVALID_PTX",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
    "CUDA_ERROR_NO_BINARY_FOR_GPU",
    "CUDA_ERROR_INVALID_IMAGE",
    "CUDA_ERROR_JIT_COMPILER_NOT_FOUND",
];

/// The words inside cudarc's `Driver(DriverError(CODE, "words"))`, however deep; anything else as it is.
fn plain(error: &str) -> String {
    match error.rsplit_once("Error(") {
        Some((_, inner)) => inner.replace([')', '"'], ""),
        None => error.to_owned(),
    }
}

/// The device, after a kernel and a matrix product have run on it.
fn tried(ordinal: usize) -> Result<Cuda, CudaError> {
    let device = Cuda::try_build(ordinal, 0)?;
    let ones: Tensor<(usize, usize), f32, Cuda> = device.try_tensor_from_vec(vec![1.0; 4], (2, 2))?;
    let sum = ones.clone().try_matmul(ones)?.try_add(1.0)?;
    device.try_synchronize()?;
    assert_eq!(sum.as_vec(), [3.0; 4], "the GPU adds and multiplies wrongly");
    Ok(device)
}

/// What the device's maker calls it; `None` where the driver does not tell.
pub(crate) fn name(ordinal: usize) -> Option<String> {
    let name = libraries::load().ok()?.name(i32::try_from(ordinal).ok()?).ok()?;
    (!name.is_empty()).then_some(name)
}

/// Bytes that are free on the device; `None` where the driver does not tell.
pub(crate) fn free_memory(ordinal: usize) -> Option<u64> {
    // What was freed but is still in use by queued work counts as used; and this makes the context this thread's.
    open(ordinal).ok()?.try_synchronize().ok()?;
    libraries::load().ok()?.free_memory().ok()
}

/// Does `work`, and says by how many bytes the device's free memory fell meanwhile, at its lowest; looked at from a
/// separate thread, since the queue of work must not be waited for. `None` where the driver does not tell.
pub(crate) fn watching_memory<T>(ordinal: usize, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let at_first = free_memory(ordinal);
    thread_local! {
        static HAS_CONTEXT: Cell<bool> = const { Cell::new(false) };
    }
    let look = || {
        if HAS_CONTEXT.replace(true) {
            libraries::load().ok()?.free_memory().ok()
        } else {
            // Makes the device's context this thread's too.
            free_memory(ordinal)
        }
    };
    let (result, lowest) = lowest_during(look, work);
    (result, at_first.zip(lowest).map(|(at_first, lowest)| at_first.saturating_sub(lowest)))
}

/// What the device answers when an error has stuck to it: then it answers so whatever is asked, until the process ends.
pub(crate) fn lost(ordinal: usize) -> Option<CudaProblem> {
    let device = open(ordinal).ok()?;
    let why = match catch(|_| true, || device.try_synchronize()) {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => format!("{error:?}"),
        Err(panic) => panic,
    };
    Some(CudaProblem::Lost(plain(&why)))
}
