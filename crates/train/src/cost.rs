//! What a run costs, before its examples are read.

use flooding_core::dataset::InputShape;
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::spec::{DataSpec, RunSpec};
use flooding_engine::cost::{Outline, Sizes};

const GREY: InputShape = InputShape::Image { channels: 1, height: 28, width: 28 };
const COLOUR: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };

/// Shape of an input, classes, training and test examples of an image dataset, as published. Of a user's own, whose size
/// is not known before it is read, those of CIFAR-10.
fn published(dataset: &str) -> (InputShape, usize, usize, usize) {
    match dataset {
        "mnist" | "kmnist" => (GREY, 10, 60_000, 10_000),
        "svhn" => (COLOUR, 10, 73_257, 26_032),
        "cifar100" => (COLOUR, 100, 50_000, 10_000),
        _ => (COLOUR, 10, 50_000, 10_000),
    }
}

/// The outline of a run's network, and how many examples it has.
pub(crate) fn sizes(spec: &RunSpec) -> (Outline, Sizes) {
    let (input, classes, sizes) = match &spec.data {
        DataSpec::Synthetic(data) => {
            let [train, validation, test] = [data.train, data.validation, data.test].map(|n| n as usize);
            (InputShape::Vector(data.distribution.dimension()), 2, Sizes { train, validation, test })
        }
        DataSpec::Images(data) => {
            let (input, classes, train, test) = published(&data.dataset);
            let train = data.train_size.map_or(train, |size| size as usize);
            let validation = (train as f64 * data.validation_fraction) as usize;
            let test = data.test_size.map_or(test, |size| size as usize);
            (input, classes, Sizes { train: train - validation, validation, test })
        }
    };
    (Outline::new(&spec.model, input, classes), sizes)
}

/// Floating-point operations of a run that shares nothing with others.
pub fn cost(spec: &RunSpec) -> f64 {
    let (outline, sizes) = sizes(spec);
    outline.run(spec, sizes)
}

/// Of these, the operations of its measures: evaluations of the splits and gradients.
pub fn measuring_cost(spec: &RunSpec) -> f64 {
    let (outline, sizes) = sizes(spec);
    outline.run(spec, sizes) - outline.steps(spec, sizes)
}

/// Optimiser steps of a run.
pub fn steps(spec: &RunSpec) -> u64 {
    let (_, sizes) = sizes(spec);
    u64::from(spec.epochs) * sizes.train.div_ceil(spec.batch_size.max(1) as usize) as u64
}

/// Floating-point operations of one task's runs, which differ in the level alone. `leaves` says at which step a level
/// leaves the path of those below it: what comes before is done once for both.
///
/// Levels that have left together are counted as if they had parted at once, which they do within a few steps.
pub fn task_cost(runs: &[RunSpec], leaves: impl Fn(Level) -> f64) -> f64 {
    let Some(lowest) = runs.iter().min_by_key(|run| run.level) else { return 0.0 };
    let (whole, steps) = (cost(lowest), steps(lowest).max(1) as f64);
    let shares = Group::of([lowest.clone()]).iter().all(Group::shares_prefixes);
    let own = |run: &RunSpec| {
        let shared =
            if shares && run.level != lowest.level { (leaves(run.level) / steps).clamp(0.0, 1.0) } else { 0.0 };
        whole * (1.0 - shared)
    };
    runs.iter().map(own).sum()
}

/// Floating-point operations of one of its epochs.
pub(crate) fn epoch_cost(spec: &RunSpec) -> f64 {
    let (outline, sizes) = sizes(spec);
    outline.epoch(spec, sizes)
}

/// Bytes of one copy of its weights, running statistics included.
pub(crate) fn weights_bytes(spec: &RunSpec) -> u64 {
    let (outline, _) = sizes(spec);
    4 * outline.elements() as u64
}

#[cfg(test)]
mod tests {
    use flooding_core::spec::ModelSpec;

    use super::*;

    #[test]
    fn the_operations_of_known_networks_are_the_published_ones() {
        // Products with the zeros around an image are not computed, so there are 9% fewer than the 97 million that are
        // published for ResNet-44: along a side of H pixels a 3x3 kernel meets 3H - 2 of them, every second time one 3H/2 - 1.
        let products = (3 * 16 + 14 * 16 * 16) * 94 * 94
            + 16 * 32 * 47 * 47
            + 13 * 32 * 32 * 46 * 46
            + 32 * 64 * 23 * 23
            + 13 * 64 * 64 * 22 * 22
            + 64 * 10;
        let resnet44 = Outline::new(&ModelSpec::CifarResnet { blocks: 7, width: 16 }, COLOUR, 10);
        // A multiplication and an addition are two operations.
        assert_eq!(resnet44.forward(), 2.0 * f64::from(products));
        let mlp = Outline::new(&ModelSpec::Mlp { hidden: vec![1000, 1000], batch_norm: false }, GREY, 10);
        assert_eq!(mlp.forward(), 2.0 * (784.0 * 1000.0 + 1000.0 * 1000.0 + 1000.0 * 10.0));
        assert_eq!(mlp.step(128), 3.0 * 128.0 * mlp.forward());
    }
}
