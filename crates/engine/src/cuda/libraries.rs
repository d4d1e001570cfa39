//! The CUDA libraries, opened when the first CUDA device is asked for.
//!
//! cudarc, below dfdx, wants `libcuda`, `libcublas` and `libnvrtc` linked, and the loader would then refuse to start
//! this program where one of them is missing. So every function of theirs that the program refers to is defined here:
//! a jump through a slot. The linker finds these definitions first and drops the libraries (`--as-needed`, the default
//! of rustc); [`load`] opens the libraries by name and fills the slots.
//!
//! A slot is never empty: until it is filled it holds a function that returns the library's own code for "not
//! initialised", which cudarc turns into an error.
#![allow(unsafe_code)] // symbols, jumps and foreign functions; everything that `feature = "cuda"` needs of it is here
#![allow(non_snake_case)] // CUDA's names

use std::error::Error as _;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use libloading::Library;

use crate::error::{CudaProblem, Missing};

/// Where a function of a library is, once that is open.
struct Slot {
    name: &'static CStr,
    address: &'static AtomicPtr<c_void>,
}

/// Defines functions of a library as jumps through slots, and the list of those slots.
macro_rules! jumps {
    ($slots:ident, before loading $unloaded:ident: $($name:ident)+) => {
        $(
            mod $name {
                use super::{AtomicPtr, c_void};
                pub static ADDRESS: AtomicPtr<c_void> = AtomicPtr::new(super::$unloaded as *mut c_void);
            }

            // SAFETY: the name is CUDA's own and nothing else in this program defines it: the libraries are opened at
            // run time, and `.hidden` keeps this definition out of their sight. The body leaves every register and the
            // stack as the caller set them (x16 is the scratch register for this purpose), so that the function it
            // jumps to sees the caller's arguments and returns to it.
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name() {
                #[cfg(target_arch = "x86_64")]
                std::arch::naked_asm!(
                    concat!(".hidden ", stringify!($name)),
                    "jmp qword ptr [rip + {slot}]",
                    slot = sym $name::ADDRESS,
                );
                #[cfg(target_arch = "aarch64")]
                std::arch::naked_asm!(
                    concat!(".hidden ", stringify!($name)),
                    "adrp x16, {slot}",
                    "ldr x16, [x16, :lo12:{slot}]",
                    "br x16",
                    slot = sym $name::ADDRESS,
                );
            }
        )+

        static $slots: &[Slot] = &[$(Slot {
            // SAFETY: `concat!` has put one zero byte at the end, and names have none inside.
            name: unsafe { CStr::from_bytes_with_nul_unchecked(concat!(stringify!($name), "\0").as_bytes()) },
            address: &$name::ADDRESS,
        }),+];
    };
}

/// `CUDA_ERROR_NOT_INITIALIZED`.
extern "C" fn no_driver() -> c_int {
    3
}

/// `CUBLAS_STATUS_NOT_INITIALIZED`.
extern "C" fn no_cublas() -> c_int {
    1
}

/// `NVRTC_ERROR_INTERNAL_ERROR`: NVRTC has no code for a library that is not there.
extern "C" fn no_nvrtc() -> c_int {
    11
}

jumps! { DRIVER, before loading no_driver:
    cuCtxGetCurrent cuCtxSetCurrent cuDestroyExternalMemory cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount
    cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRetain cuDeviceTotalMem_v2 cuEventCreate cuEventDestroy_v2
    cuEventElapsedTime cuEventQuery cuEventRecord cuExternalMemoryGetMappedBuffer cuGetErrorName cuGetErrorString
    cuImportExternalMemory cuInit cuLaunchKernel cuMemAllocAsync cuMemAlloc_v2 cuMemFreeAsync cuMemFree_v2
    cuMemGetInfo_v2 cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2 cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2
    cuMemcpyHtoD_v2 cuMemsetD8Async cuMemsetD8_v2 cuModuleGetFunction cuModuleLoad cuModuleLoadData cuModuleUnload
    cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
    cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxActiveClusters
    cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags cuOccupancyMaxPotentialClusterSize
    cuProfilerStart cuProfilerStop cuStreamCreate cuStreamDestroy_v2 cuStreamSynchronize cuStreamWaitEvent
}

jumps! { CUBLAS, before loading no_cublas:
    cublasCreate_v2 cublasDestroy_v2 cublasDgemmStridedBatched cublasDgemm_v2 cublasDgemv_v2 cublasGemmEx
    cublasGemmStridedBatchedEx cublasSetStream_v2 cublasSgemmStridedBatched cublasSgemm_v2 cublasSgemv_v2
}

jumps! { NVRTC, before loading no_nvrtc:
    nvrtcCompileProgram nvrtcCreateProgram nvrtcDestroyProgram nvrtcGetPTX nvrtcGetPTXSize nvrtcGetProgramLog
    nvrtcGetProgramLogSize
}

/// Names under which a library may lie, the newest first.
const DRIVER_NAMES: [&str; 2] = ["libcuda.so.1", "libcuda.so"];
const CUBLAS_NAMES: [&str; 3] = ["libcublas.so.13", "libcublas.so.12", "libcublas.so"];
const NVRTC_NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

/// Opens the libraries and fills the slots; once is enough for all devices.
pub(super) fn load() -> Result<&'static Driver, CudaProblem> {
    static LOADED: OnceLock<Result<Driver, CudaProblem>> = OnceLock::new();
    LOADED.get_or_init(open).as_ref().map_err(Clone::clone)
}

fn open() -> Result<Driver, CudaProblem> {
    let driver = find(&DRIVER_NAMES).map_err(CudaProblem::NoDriver)?;
    let cublas = find(&CUBLAS_NAMES).map_err(CudaProblem::NoCublas)?;
    fill(&driver, DRIVER).map_err(|name| CudaProblem::TooOld { library: "libcuda", name })?;
    fill(&cublas, CUBLAS).map_err(|name| CudaProblem::TooOld { library: "libcublas", name })?;
    // Only operations that dfdx compiles when they are first used need NVRTC, and training uses none.
    let nvrtc = find(&NVRTC_NAMES).ok().filter(|nvrtc| fill(nvrtc, NVRTC).is_ok());
    // The slots point into them: they stay open until the process ends.
    std::mem::forget((cublas, nvrtc));
    Ok(Driver(driver))
}

/// Opens the first of these libraries that there is, where the loader looks and in the toolkit's usual folders.
fn find(names: &[&str]) -> Result<Library, Missing> {
    let mut folders = vec![PathBuf::new()];
    folders.extend(std::env::var_os("CUDA_PATH").map(|root| PathBuf::from(root).join("lib64")));
    folders.push(PathBuf::from("/usr/local/cuda/lib64"));
    let mut first_error = None;
    for folder in &folders {
        for name in names {
            // SAFETY: NVIDIA's libraries do nothing harmful when they are loaded; whoever sets the search path is
            // trusted with what is found there, as with any library of the system.
            match unsafe { Library::new(folder.join(name)) } {
                Ok(library) => return Ok(library),
                Err(error) => first_error.get_or_insert(error),
            };
        }
    }
    // The outer error says `dlopen failed`, the inner one why.
    let why = |error: libloading::Error| error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let why = first_error.map(why).unwrap_or_default();
    Err(Missing { tried: names.iter().map(|&name| name.to_owned()).collect(), why })
}

/// Fills all slots, or none and says which function is missing.
fn fill(library: &Library, slots: &[Slot]) -> Result<(), String> {
    let mut addresses = Vec::new();
    for Slot { name, .. } in slots {
        // SAFETY: the address is only kept; who calls through it declares the function's type, as with any library.
        let symbol = unsafe { library.get::<*mut c_void>(name.to_bytes_with_nul()) };
        match symbol.ok().map(|symbol| *symbol).filter(|address| !address.is_null()) {
            Some(address) => addresses.push(address),
            None => return Err(name.to_string_lossy().into_owned()),
        }
    }
    for (slot, address) in slots.iter().zip(addresses) {
        slot.address.store(address, Ordering::Release);
    }
    Ok(())
}

/// What the driver answers instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(c_int);

/// The driver's library, for the questions that are asked before dfdx, which would panic, gets to ask them.
pub(super) struct Driver(Library);

impl Driver {
    /// A function of the driver, of the type that `F` says.
    ///
    /// # Safety
    /// `F` must be the function's type as `cuda.h` declares it.
    unsafe fn function<F>(&self, name: &CStr) -> Result<libloading::Symbol<'_, F>, Code> {
        // SAFETY: the caller's promise.
        unsafe { self.0.get(name.to_bytes_with_nul()) }.map_err(|_| Code(no_driver()))
    }

    fn answer(code: c_int) -> Result<(), Code> {
        if code == 0 { Ok(()) } else { Err(Code(code)) }
    }

    /// `cuInit`.
    pub(super) fn initialise(&self) -> Result<(), Code> {
        // SAFETY: CUresult cuInit(unsigned int flags); it may be called any number of times.
        Self::answer(unsafe { self.function::<unsafe extern "C" fn(c_uint) -> c_int>(c"cuInit")?(0) })
    }

    /// The version of CUDA that the driver knows, as in 13000.
    pub(super) fn version(&self) -> Result<i32, Code> {
        // SAFETY: CUresult cuDriverGetVersion(int *); the pointer is good for one int.
        Self::ask(|value| unsafe {
            Ok(self.function::<unsafe extern "C" fn(*mut c_int) -> c_int>(c"cuDriverGetVersion")?(value))
        })
    }

    /// Devices that this process may use.
    pub(super) fn devices(&self) -> Result<i32, Code> {
        // SAFETY: CUresult cuDeviceGetCount(int *); the pointer is good for one int.
        Self::ask(|value| unsafe {
            Ok(self.function::<unsafe extern "C" fn(*mut c_int) -> c_int>(c"cuDeviceGetCount")?(value))
        })
    }

    /// The compute capability of a device, as in (9, 0); `ordinal` is less than [`devices`](Self::devices).
    pub(super) fn capability(&self, ordinal: c_int) -> Result<(i32, i32), Code> {
        // SAFETY: CUresult cuDeviceGet(CUdevice *, int), a CUdevice is an int.
        let device = Self::ask(|value| unsafe {
            Ok(self.function::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(c"cuDeviceGet")?(value, ordinal))
        })?;
        // SAFETY: CUresult cuDeviceGetAttribute(int *, CUdevice_attribute, CUdevice), an attribute is an int.
        let attribute = |attribute: c_int| {
            Self::ask(|value| unsafe {
                type Get = unsafe extern "C" fn(*mut c_int, c_int, c_int) -> c_int;
                Ok(self.function::<Get>(c"cuDeviceGetAttribute")?(value, attribute, device))
            })
        };
        // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR.
        Ok((attribute(75)?, attribute(76)?))
    }

    /// Bytes that are free on the device whose context this thread uses.
    pub(super) fn free_memory(&self) -> Result<u64, Code> {
        let (mut free, mut total) = (0_usize, 0_usize);
        // SAFETY: CUresult cuMemGetInfo_v2(size_t *, size_t *); both pointers are good for one size_t.
        Self::answer(unsafe {
            type Get = unsafe extern "C" fn(*mut usize, *mut usize) -> c_int;
            self.function::<Get>(c"cuMemGetInfo_v2")?(&raw mut free, &raw mut total)
        })?;
        Ok(free as u64)
    }

    /// One int that a function writes.
    fn ask(call: impl FnOnce(*mut c_int) -> Result<c_int, Code>) -> Result<c_int, Code> {
        let mut value = 0;
        Self::answer(call(&raw mut value)?)?;
        Ok(value)
    }

    /// The driver's words for a code.
    pub(super) fn describe(&self, Code(code): Code) -> String {
        let text = |name: &CStr| {
            let mut text: *const c_char = std::ptr::null();
            // SAFETY: CUresult cuGetErrorName(CUresult, const char **), and cuGetErrorString alike; what they point to
            // lives as long as the library, which stays open.
            unsafe {
                type Get = unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int;
                let answer = self.function::<Get>(name).ok()?(code, &raw mut text);
                (answer == 0 && !text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        };
        match (text(c"cuGetErrorName"), text(c"cuGetErrorString")) {
            (Some(name), Some(words)) => format!("{name}: {words}"),
            _ => format!("error {code}"),
        }
    }
}
