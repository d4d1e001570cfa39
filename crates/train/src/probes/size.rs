//! How much room kept weights take, roughly, before anything is trained.

use flooding_core::spec::RunSpec;

use crate::cost::weights_bytes;

/// Bytes of the weights that these runs will keep, at most.
pub fn kept_bytes<'a>(runs: impl IntoIterator<Item = &'a RunSpec>) -> u64 {
    let bytes = |run: &RunSpec| {
        // Last, best, and, with flooding, the first mini-batch below the level.
        let copies = if run.level.is_zero() { 2 } else { 3 };
        if run.observe.weights { copies * weights_bytes(run) } else { 0 }
    };
    runs.into_iter().map(bytes).sum()
}
