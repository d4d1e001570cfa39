//! How much room kept weights take, roughly, before anything is trained.

use flooding_core::spec::{DataSpec, ModelSpec, RunSpec};

/// Bytes of the weights that these runs will keep, at most: inputs and classes of image data are not known before they
/// are read, so the largest of the published sets are taken.
pub fn kept_bytes<'a>(runs: impl IntoIterator<Item = &'a RunSpec>) -> u64 {
    let bytes = |run: &RunSpec| {
        // Last, best, and, with flooding, the first mini-batch below the level.
        let copies = if run.level.is_zero() { 2 } else { 3 };
        if run.observe.weights { 4 * copies * numbers(run) } else { 0 }
    };
    runs.into_iter().map(bytes).sum()
}

/// The numbers of one copy: parameters and running statistics.
fn numbers(run: &RunSpec) -> u64 {
    let (inputs, classes) = match &run.data {
        DataSpec::Synthetic(data) => (data.distribution.dimension() as u64, 2),
        DataSpec::Images(_) => (3 * 32 * 32, 100),
    };
    match &run.model {
        ModelSpec::Mlp { hidden, batch_norm } => {
            let norm = if *batch_norm { 4 } else { 0 };
            let mut fan_in = inputs;
            let mut sum = 0;
            for &units in hidden {
                sum += (fan_in + 1 + norm) * u64::from(units);
                fan_in = u64::from(units);
            }
            sum + (fan_in + 1) * classes
        }
        // 3x3 convolutions of a stage of width w: 2 n of w^2 each, a fourth of the first one's inputs apart.
        ModelSpec::CifarResnet { blocks, width } => 9 * 42 * u64::from(*blocks) * u64::from(*width).pow(2),
        // torchvision's 11.2 million at width 64.
        ModelSpec::Resnet18 { width } => 2734 * u64::from(*width).pow(2),
    }
}
