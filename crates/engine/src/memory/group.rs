//! How many runs a device trains together.

use super::{Training, device, largest_tensor};

/// dfdx's CUDA kernels count with 32 bits.
const MOST_NUMBERS: u64 = (1 << 31) - 1;

/// The largest group, up to `runs`, of which no tensor is too large for a device; 0 where not even one run's is.
pub fn indexable(training: &Training, runs: usize) -> usize {
    largest(runs, |members| largest_tensor(training, members) <= MOST_NUMBERS)
}

/// The largest group, up to `runs`, that `free` bytes allow; at least 1, since a run may need less than was foreseen.
pub fn fitting(training: &Training, runs: usize, free: u64) -> usize {
    // Something for the libraries' own buffers, and for holes between ours.
    let usable = free - free / 10;
    largest(runs, |members| device(training, members) <= usable).max(1)
}

fn largest(runs: usize, fits: impl Fn(usize) -> bool) -> usize {
    (1..=runs).rev().find(|&members| fits(members)).unwrap_or(0)
}

/// Cuts the runs into as few parts as possible of at most `most`, as even as possible, in their order.
pub fn even<T>(runs: &[T], most: usize) -> Vec<&[T]> {
    let parts = runs.len().div_ceil(most.max(1));
    (0..parts).map(|i| &runs[i * runs.len() / parts..(i + 1) * runs.len() / parts]).collect()
}
