//! How much memory a training takes.

/// Does this error or panic of a device say that its memory is exhausted?
pub fn is_out_of_memory(message: &str) -> bool {
    ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED"].iter().any(|name| message.contains(name))
}
