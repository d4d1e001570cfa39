//! What keeps a device or its self-test from working at all.

/// Why the engine cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The device cannot be used.
    #[error("cannot use the CUDA device {ordinal}: {why}")]
    Cuda {
        /// Which one.
        ordinal: usize,
        /// What is wrong and what to do.
        why: CudaProblem,
    },
    /// The program that a self-test is to be timed beside.
    #[error("cannot time another program's steps: {0} (check the command of --peer, or leave it out)")]
    Peer(String),
}

/// Why a CUDA device cannot be used, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CudaProblem {
    /// The cargo feature `cuda` is off.
    #[error(
        "this build has no CUDA support: rebuild with `make DEVICE=cuda` or `cargo build --release --features cuda`, or \
         use --device cpu"
    )]
    NotBuilt,
    /// `libcuda` cannot be opened.
    #[error(
        "there is no NVIDIA driver to be found ({0}): install one, or name the folder of its libcuda.so.1 in \
         LD_LIBRARY_PATH, or use --device cpu"
    )]
    NoDriver(Missing),
    /// `libcublas` cannot be opened.
    #[error(
        "cuBLAS is not to be found ({0}): name the folder of a CUDA toolkit's libraries in LD_LIBRARY_PATH (such as \
         /usr/local/cuda/lib64, or nvidia/cu13/lib in a PyTorch's site-packages), or use --device cpu"
    )]
    NoCublas(Missing),
    /// A library lacks a function.
    #[error(
        "{library} is too old, it lacks `{name}`: update the NVIDIA driver and the CUDA libraries, or use --device cpu"
    )]
    TooOld {
        /// Which library.
        library: &'static str,
        /// The function.
        name: String,
    },
    /// The driver does not start.
    #[error(
        "the NVIDIA driver does not start ({0}): see whether `nvidia-smi` works and lists a GPU, and whether this \
         process may use it, or use --device cpu"
    )]
    NotStarted(String),
    /// The driver sees no GPU.
    #[error("the NVIDIA driver sees no GPU: see `nvidia-smi` and CUDA_VISIBLE_DEVICES, or use --device cpu")]
    NoGpu,
    /// There are fewer devices.
    #[error("there is no such device, only cuda:0{}: see `nvidia-smi` and CUDA_VISIBLE_DEVICES", up_to(*devices))]
    NoSuchDevice {
        /// How many there are.
        devices: i32,
    },
    /// The device does not run the compiled kernels.
    #[error(
        "this GPU (compute capability {}.{}) or its driver (for CUDA {}.{}) does not run this build's kernels ({why}): \
         update the driver, or rebuild with CUDA_COMPUTE_CAP={}{} and a CUDA toolkit no newer than the driver, or use \
         --device cpu",
        capability.0, capability.1, version / 1000, version % 1000 / 10, capability.0, capability.1
    )]
    OtherKernels {
        /// The device's compute capability.
        capability: (i32, i32),
        /// The version of CUDA that the driver knows, as in 13000.
        version: i32,
        /// What the driver said.
        why: String,
    },
    /// There is no room for even the smallest work.
    #[error(
        "the GPU's memory is full ({0}): see `nvidia-smi` for who uses it, wait, or choose another with --device cuda:N"
    )]
    Full(String),
    /// It failed while it worked, for as long as this process lives.
    #[error(
        "it failed, and this process cannot use it any more ({0}): what is done is kept; see `nvidia-smi` and the \
         system's log, and run the same command again, or use --device cpu"
    )]
    Lost(String),
    /// Anything else.
    #[error("the device does not work ({0}): see `nvidia-smi`, or use --device cpu")]
    Broken(String),
}

fn up_to(devices: i32) -> String {
    if devices > 1 { format!(" to cuda:{}", devices - 1) } else { String::new() }
}

/// A library that could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The names under which it was looked for.
    pub tried: Vec<String>,
    /// What the loader said of the first.
    pub why: String,
    /// Where it was not looked for although a variable names it, and why.
    pub ignored: Option<String>,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tried {}; {}", self.tried.join(", "), self.why)?;
        self.ignored.iter().try_for_each(|ignored| write!(f, "; {ignored}"))
    }
}
