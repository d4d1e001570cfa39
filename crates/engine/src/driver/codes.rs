//! Results of CUDA's functions, as cudarc may see them.
//!
//! cudarc reads them as values of an enum, and one that the enum lacks is undefined behaviour: a driver newer than these
//! bindings may return such a code. And cudarc panics where something cannot be given back, in `drop`: on a device that has
//! failed, where every call returns the same error, the second such panic would end the process.

/// The results that a library's functions have in cudarc's bindings.
pub(crate) struct Codes {
    known: &'static [i32],
    unknown: i32,
}

/// `cudaError_enum` of cudarc's `driver::sys`; what is not there is `CUDA_ERROR_UNKNOWN`.
pub(crate) const DRIVER: Codes = Codes {
    known: &[
        1, 2, 3, 4, 5, 6, 7, 8, 34, 46, 100, 101, 102, 200, 201, 202, 205, 206, 207, 208, 209, 210, 211, 212, 213, 214,
        215, 216, 217, 218, 219, 220, 221, 222, 223, 224, 300, 301, 302, 303, 304, 400, 401, 500, 600, 700, 701, 702,
        703, 704, 705, 708, 709, 710, 711, 712, 713, 714, 715, 716, 717, 718, 719, 720, 800, 801, 802, 803, 804, 805,
        806, 807, 808, 809, 810, 900, 901, 902, 903, 904, 905, 906, 907, 908, 909, 910, 911, 912, 999,
    ],
    unknown: 999,
};

/// `cublasStatus_t`; what is not there is `CUBLAS_STATUS_INTERNAL_ERROR`.
pub(crate) const CUBLAS: Codes = Codes { known: &[1, 3, 7, 8, 11, 13, 14, 15, 16], unknown: 14 };

/// `nvrtcResult`; what is not there is `NVRTC_ERROR_INTERNAL_ERROR`.
pub(crate) const NVRTC: Codes = Codes { known: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], unknown: 11 };

/// What cudarc calls when it drops something, and panics if it fails. On a device that works none of them fails; on one
/// that does not, nothing can be given back, and whatever is asked of it next returns the error again.
const DROPPING: [&str; 8] = [
    "cuCtxSetCurrent",
    "cuMemFreeAsync",
    "cuMemFree_v2",
    "cuModuleUnload",
    "cuStreamDestroy_v2",
    "cuEventDestroy_v2",
    "cuDevicePrimaryCtxRelease_v2",
    "cublasDestroy_v2",
];

impl Codes {
    /// What cudarc gets to see of the result of this function.
    #[inline]
    pub(crate) fn seen(&self, function: &str, code: i32) -> i32 {
        if code == 0 || DROPPING.contains(&function) {
            0
        } else if self.known.contains(&code) {
            code
        } else {
            self.unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_the_bindings_lack_is_an_unknown_error_of_its_library() {
        assert_eq!(DRIVER.seen("cuLaunchKernel", 913), 999);
        assert_eq!(DRIVER.seen("cuLaunchKernel", -1), 999);
        assert_eq!(CUBLAS.seen("cublasSgemm_v2", 2), 14);
        assert_eq!(NVRTC.seen("nvrtcCompileProgram", 12), 11);
    }

    #[test]
    fn success_and_the_errors_that_the_bindings_know_stay_what_they_are() {
        for (codes, function, known) in
            [(DRIVER, "cuLaunchKernel", 700), (CUBLAS, "cublasSgemm_v2", 13), (NVRTC, "nvrtcCompileProgram", 6)]
        {
            assert_eq!((codes.seen(function, 0), codes.seen(function, known)), (0, known));
            assert!(codes.known.contains(&codes.unknown) && codes.known.is_sorted());
        }
    }

    #[test]
    fn what_is_called_to_give_something_back_never_fails() {
        for function in DROPPING {
            assert_eq!((DRIVER.seen(function, 700), DRIVER.seen(function, 913)), (0, 0), "{function}");
        }
    }
}
