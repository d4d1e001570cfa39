//! Allocations that fail with a sentence, and how such failures are recognised.

/// Does this error or panic say that memory is exhausted?
pub fn is_out_of_memory(message: &str) -> bool {
    // The driver's words, cuBLAS's, dfdx's for the CPU, and ours.
    let words = ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "OutOfMemory", "out of memory"];
    words.iter().any(|word| message.contains(word))
}

/// Makes room for `more` further items, or panics with a message that [`is_out_of_memory`] knows: whoever runs the
/// training catches it, where a failed allocation would end the process.
pub fn reserve<T>(items: &mut Vec<T>, more: usize) {
    if items.try_reserve_exact(more).is_err() {
        let bytes = more.saturating_mul(size_of::<T>());
        panic!("out of memory: {} more are not available", in_words(bytes as u64));
    }
}

/// Human-readable bytes, as in `3.2 GiB`.
pub fn in_words(bytes: u64) -> String {
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    if mebibytes >= 1024.0 { format!("{:.1} GiB", mebibytes / 1024.0) } else { format!("{mebibytes:.0} MiB") }
}
