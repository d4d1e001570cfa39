//! How much work probes are and how much room kept weights take, roughly, before anything is trained.

use flooding_core::spec::RunSpec;

use super::measure::{DIRECTIONS, POINTS, STEPS};
use super::replay::observed;
use crate::cost::{cost, sizes, weights_bytes};

/// Floating-point operations of the probes of a trial with this run.
pub fn probes_cost(run: &RunSpec) -> f64 {
    let (outline, sizes) = sizes(run);
    // Along each direction, from each of three models, losses over some examples of both sets.
    let [train, test] = POINTS.map(|points| points as f64);
    let examples = train.min(sizes.train as f64) + test.min(sizes.test as f64);
    let flatness = 3.0 * DIRECTIONS as f64 * f64::from(2 * STEPS + 1) * examples;
    // Confidences of two models, and the losses of one, over the test set.
    let others = 3.0 * sizes.test as f64;
    2.0 * cost(&observed(run)) + outline.forward() * (flatness + others)
}

/// Bytes of the weights that these runs will keep, at most.
pub fn kept_bytes<'a>(runs: impl IntoIterator<Item = &'a RunSpec>) -> u64 {
    let bytes = |run: &RunSpec| {
        // Last, best, and, with flooding, the first mini-batch below the level.
        let copies = if run.level.is_zero() { 2 } else { 3 };
        if run.observe.weights { copies * weights_bytes(run) } else { 0 }
    };
    runs.into_iter().map(bytes).sum()
}
