//! From `--device` to a backend; what is missing is said before any work starts.

use flooding_core::context::DeviceChoice;

use crate::TrainError;

/// Checks that the chosen device can be used.
pub fn check(choice: DeviceChoice) -> Result<(), TrainError> {
    match choice {
        DeviceChoice::Cpu => Ok(()),
        DeviceChoice::Cuda(ordinal) => cuda(ordinal).map(|_| ()).map_err(|why| TrainError::Cuda { ordinal, why }),
    }
}

/// The CUDA device of this ordinal, or what is wrong.
#[cfg(feature = "cuda")]
pub fn cuda(ordinal: usize) -> Result<crate::backend::Portable<dfdx::prelude::Cuda>, String> {
    // dfdx panics when the driver's library is missing, so that is looked for first.
    if !std::path::Path::new("/proc/driver/nvidia/version").exists() {
        return Err("no NVIDIA driver is loaded on this machine: install one, or use --device cpu".to_owned());
    }
    let seeded = std::panic::catch_unwind(|| dfdx::prelude::Cuda::try_build(ordinal, 0));
    match seeded {
        Ok(Ok(device)) => Ok(crate::backend::Portable::new(device)),
        Ok(Err(error)) => {
            Err(format!("{error:?} (see `nvidia-smi` for the devices that there are, or use --device cpu)"))
        }
        Err(_) => {
            Err("the CUDA libraries cannot be loaded: check the driver with `nvidia-smi`, or use --device cpu"
                .to_owned())
        }
    }
}

/// The CUDA device of this ordinal, or what is wrong.
#[cfg(not(feature = "cuda"))]
pub fn cuda(_: usize) -> Result<std::convert::Infallible, String> {
    Err("this build has no CUDA support: rebuild with `make DEVICE=cuda` or `cargo build --release --features cuda`, \
         or use --device cpu"
        .to_owned())
}
