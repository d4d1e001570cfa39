//! The CUDA libraries, opened when the first CUDA device is asked for.
//!
//! cudarc, below dfdx, wants `libcuda`, `libcublas` and `libnvrtc` linked, and the loader would then refuse to start
//! this program where one of them is missing. So every function of theirs that the program refers to is defined here:
//! a call through a slot, whose result cudarc can bear ([`codes`]). The linker finds these definitions first and drops
//! the libraries (`--as-needed`, the default of rustc); [`load`] opens the libraries by name and fills the slots.
//!
//! A slot is never empty: until it is filled it holds a function that returns the library's own code for "not
//! initialised", which cudarc turns into an error.
#![allow(unsafe_code)] // symbols, jumps and foreign functions; everything that `feature = "cuda"` needs of it is here
#![allow(non_snake_case)] // CUDA's names

use std::error::Error as _;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::mem::ManuallyDrop;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use libloading::Library;

use crate::driver::codes;
use crate::driver::search::Places;
use crate::error::{CudaProblem, Missing};

/// Where a function of a library is, once that is open.
struct Slot {
    name: &'static CStr,
    address: &'static AtomicPtr<c_void>,
}

/// A type for each argument.
macro_rules! replace {
    ($argument:ident $with:ty) => {
        $with
    };
}

/// Defines functions of a library, whose results are these [`codes`], as calls through slots, and the list of those slots. Each function is followed by a
/// letter for each argument that `cuda.h`, `cublas_v2.h` or `nvrtc.h` declares: all are integers or pointers.
macro_rules! jumps {
    ($slots:ident, before loading $unloaded:ident, $codes:ident: $($name:ident($($argument:ident)*))+) => {
        $(
            mod $name {
                use super::{AtomicPtr, Ordering, c_int, c_void, codes};
                pub static ADDRESS: AtomicPtr<c_void> = AtomicPtr::new(super::$unloaded as *mut c_void);

                pub extern "C" fn call($($argument: usize),*) -> c_int {
                    type Function = extern "C" fn($(replace!($argument usize)),*) -> c_int;
                    // SAFETY: the slot holds the library's function of this name, which takes so many integers and
                    // pointers and returns an int; or the one that stands in its place and takes none. On these two
                    // architectures an argument of up to 64 bits is passed like a usize, with any bits above its own.
                    let function: Function = unsafe { std::mem::transmute(ADDRESS.load(Ordering::Acquire)) };
                    codes::$codes.seen(stringify!($name), function($($argument),*))
                }
            }

            // SAFETY: the name is CUDA's own and nothing else in this program defines it: the libraries are opened at
            // run time, and `.hidden` keeps this definition out of their sight. The body leaves every register and the
            // stack as the caller set them, so that the function it jumps to sees the caller's arguments and returns
            // to it.
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            pub unsafe extern "C" fn $name() {
                #[cfg(target_arch = "x86_64")]
                std::arch::naked_asm!(
                    concat!(".hidden ", stringify!($name)),
                    "jmp {call}",
                    call = sym $name::call,
                );
                #[cfg(target_arch = "aarch64")]
                std::arch::naked_asm!(
                    concat!(".hidden ", stringify!($name)),
                    "b {call}",
                    call = sym $name::call,
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

jumps! { DRIVER, before loading no_driver, DRIVER:
    cuCtxGetCurrent(a) cuCtxSetCurrent(a) cuDestroyExternalMemory(a) cuDeviceGet(a b) cuDeviceGetAttribute(a b c)
    cuDeviceGetCount(a) cuDevicePrimaryCtxRelease_v2(a) cuDevicePrimaryCtxRetain(a b) cuDeviceTotalMem_v2(a b)
    cuEventCreate(a b) cuEventDestroy_v2(a) cuEventElapsedTime(a b c) cuEventQuery(a) cuEventRecord(a b)
    cuExternalMemoryGetMappedBuffer(a b c) cuGetErrorName(a b) cuGetErrorString(a b) cuImportExternalMemory(a b)
    cuInit(a) cuLaunchKernel(a b c d e f g h i j k) cuMemAllocAsync(a b c) cuMemAlloc_v2(a b) cuMemFreeAsync(a b)
    cuMemFree_v2(a) cuMemGetInfo_v2(a b) cuMemcpyDtoDAsync_v2(a b c d) cuMemcpyDtoD_v2(a b c)
    cuMemcpyDtoHAsync_v2(a b c d) cuMemcpyDtoH_v2(a b c) cuMemcpyHtoDAsync_v2(a b c d) cuMemcpyHtoD_v2(a b c)
    cuMemsetD8Async(a b c d) cuMemsetD8_v2(a b c) cuModuleGetFunction(a b c) cuModuleLoad(a b) cuModuleLoadData(a b)
    cuModuleUnload(a) cuOccupancyAvailableDynamicSMemPerBlock(a b c d)
    cuOccupancyMaxActiveBlocksPerMultiprocessor(a b c d) cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(a b c d e)
    cuOccupancyMaxActiveClusters(a b c) cuOccupancyMaxPotentialBlockSize(a b c d e f)
    cuOccupancyMaxPotentialBlockSizeWithFlags(a b c d e f g) cuOccupancyMaxPotentialClusterSize(a b c) cuProfilerStart()
    cuProfilerStop() cuStreamCreate(a b) cuStreamDestroy_v2(a) cuStreamSynchronize(a) cuStreamWaitEvent(a b c)
}

jumps! { CUBLAS, before loading no_cublas, CUBLAS:
    cublasCreate_v2(a) cublasDestroy_v2(a) cublasDgemmStridedBatched(a b c d e f g h i j k l m n o p q r)
    cublasDgemm_v2(a b c d e f g h i j k l m n) cublasDgemv_v2(a b c d e f g h i j k l)
    cublasGemmEx(a b c d e f g h i j k l m n o p q r s)
    cublasGemmStridedBatchedEx(a b c d e f g h i j k l m n o p q r s t u v w) cublasSetStream_v2(a b)
    cublasSgemmStridedBatched(a b c d e f g h i j k l m n o p q r) cublasSgemm_v2(a b c d e f g h i j k l m n)
    cublasSgemv_v2(a b c d e f g h i j k l)
}

jumps! { NVRTC, before loading no_nvrtc, NVRTC:
    nvrtcCompileProgram(a b c) nvrtcCreateProgram(a b c d e f) nvrtcDestroyProgram(a) nvrtcGetPTX(a b)
    nvrtcGetPTXSize(a b) nvrtcGetProgramLog(a b) nvrtcGetProgramLogSize(a b)
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
    // Nothing is called before everything is found.
    let filled = [
        found(&driver, DRIVER).map_err(|name| CudaProblem::TooOld { library: "libcuda", name })?,
        found(&cublas, CUBLAS).map_err(|name| CudaProblem::TooOld { library: "libcublas", name })?,
    ];
    // Only operations that dfdx compiles when they are first used need NVRTC, and training uses none.
    let nvrtc = find(&NVRTC_NAMES).ok().and_then(|nvrtc| found(&nvrtc, NVRTC).ok());
    for (slot, address) in filled.into_iter().chain(nvrtc).flatten() {
        slot.address.store(address, Ordering::Release);
    }
    Ok(Driver(driver))
}

/// A library that stays open until the process ends: slots point into it, and CUDA's own threads and exit handlers run in
/// it once it was opened, whatever becomes of it here.
type Open = ManuallyDrop<Library>;

/// Opens the first of these libraries that there is.
fn find(names: &[&str]) -> Result<Open, Missing> {
    let Places { paths, ignored } = Places::of(names, std::env::var_os("CUDA_PATH").as_deref());
    let mut first_error = None;
    for path in paths {
        // SAFETY: NVIDIA's libraries do nothing harmful when they are loaded; whoever sets the search path is trusted with
        // what is found there, as with any library of the system.
        match unsafe { Library::new(path) } {
            Ok(library) => return Ok(ManuallyDrop::new(library)),
            Err(error) => first_error.get_or_insert(error),
        };
    }
    // The outer error says `dlopen failed`, the inner one why.
    let why = |error: libloading::Error| error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let why = first_error.map(why).unwrap_or_default();
    Err(Missing { tried: names.iter().map(|&name| name.to_owned()).collect(), why, ignored })
}

/// Where the functions of all slots are, or which of them is missing.
fn found(library: &Open, slots: &'static [Slot]) -> Result<Vec<(&'static Slot, *mut c_void)>, String> {
    let address = |slot: &'static Slot| {
        // SAFETY: the address is only kept; who calls through it declares the function's type, as with any library.
        let symbol = unsafe { library.get::<*mut c_void>(slot.name.to_bytes_with_nul()) };
        let address = symbol.ok().map(|symbol| *symbol).filter(|address| !address.is_null());
        address.map(|address| (slot, address)).ok_or_else(|| slot.name.to_string_lossy().into_owned())
    };
    slots.iter().map(address).collect()
}

/// What the driver answers instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(c_int);

/// The driver's library, for the questions that are asked before dfdx, which would panic, gets to ask them.
pub(super) struct Driver(Open);

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

    /// The driver's handle of a device; `ordinal` is less than [`devices`](Self::devices).
    fn device(&self, ordinal: c_int) -> Result<c_int, Code> {
        // SAFETY: CUresult cuDeviceGet(CUdevice *, int), a CUdevice is an int.
        Self::ask(|value| unsafe {
            Ok(self.function::<unsafe extern "C" fn(*mut c_int, c_int) -> c_int>(c"cuDeviceGet")?(value, ordinal))
        })
    }

    /// What the maker calls a device, such as `NVIDIA H100 80GB HBM3`; `ordinal` is less than [`devices`](Self::devices).
    pub(super) fn name(&self, ordinal: c_int) -> Result<String, Code> {
        type Get = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;
        let device = self.device(ordinal)?;
        let mut name: [c_char; 256] = [0; 256];
        // SAFETY: CUresult cuDeviceGetName(char *, int, CUdevice) writes at most so many bytes, the last one zero; one byte
        // more is there and zero.
        Self::answer(unsafe { self.function::<Get>(c"cuDeviceGetName")?(name.as_mut_ptr(), 255, device) })?;
        // SAFETY: the array outlives the reference and ends in a zero.
        Ok(unsafe { CStr::from_ptr(name.as_ptr()) }.to_string_lossy().trim().to_owned())
    }

    /// The compute capability of a device, as in (9, 0); `ordinal` is less than [`devices`](Self::devices).
    pub(super) fn capability(&self, ordinal: c_int) -> Result<(i32, i32), Code> {
        let device = self.device(ordinal)?;
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
