//! What training costs: floating-point operations and memory traffic, from the outline of the network alone.

use flooding_core::dataset::{InputShape, Splits};
use flooding_core::spec::{ModelSpec, OptimiserSpec, RunSpec};

use crate::nets::{Layer, outline};

/// Backward takes two products for each one of forward: by the weights and by the inputs.
const FORWARD_AND_BACKWARD: f64 = 3.0;
/// Bytes of an element.
const ELEMENT: f64 = 4.0;

/// A network's sizes, of one member.
#[derive(Clone, Debug)]
pub struct Outline {
    layers: Vec<Layer>,
}

/// Examples of the three splits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Learned from.
    pub train: usize,
    /// Selects the level and the epoch.
    pub validation: usize,
    /// Reported.
    pub test: usize,
}

impl Sizes {
    /// Of these splits.
    pub fn of(splits: &Splits) -> Self {
        Self { train: splits.train.len(), validation: splits.validation.len(), test: splits.test.len() }
    }

    /// All three: training, validation, test.
    pub const fn all(self) -> [usize; 3] {
        [self.train, self.validation, self.test]
    }
}

impl Outline {
    /// Of `model` on inputs of this shape.
    pub fn new(model: &ModelSpec, input: InputShape, classes: usize) -> Self {
        Self { layers: outline(model, input, classes) }
    }

    /// Trained elements.
    pub fn trainable(&self) -> f64 {
        self.layers.iter().map(|layer| layer.trainable()).sum()
    }

    /// Trained elements and running statistics.
    pub fn elements(&self) -> f64 {
        self.trainable() + self.layers.iter().map(|layer| layer.statistics()).sum::<f64>()
    }

    /// Floating-point operations of one example's forward pass.
    pub fn forward(&self) -> f64 {
        self.layers.iter().map(|layer| layer.operations()).sum()
    }

    /// Floating-point operations of a training step on this number of examples.
    pub fn step(&self, examples: usize) -> f64 {
        FORWARD_AND_BACKWARD * self.forward() * examples as f64
    }

    /// Bytes of weights, gradients and optimiser state that a step reads or writes at least; activations come on top.
    pub fn traffic(&self, optimiser: &OptimiserSpec) -> f64 {
        // Weights are read in both passes, the gradient is written; then the optimiser reads the gradient, and reads and
        // writes weights and state.
        let passes = match optimiser {
            OptimiserSpec::Sgd { .. } => 3.0 + 5.0,
            OptimiserSpec::Adam { .. } => 3.0 + 7.0,
        };
        passes * ELEMENT * self.trainable()
    }

    /// Floating-point operations of one epoch of a run, evaluations included.
    pub fn epoch(&self, spec: &RunSpec, sizes: Sizes) -> f64 {
        let observe = spec.observe;
        let is_evaluated_by_training = sizes.train <= spec.batch_size as usize
            && observe.train_every <= 1
            && matches!(spec.model, ModelSpec::Mlp { batch_norm: false, .. });
        let every = |every: u32, examples: usize| if every == 0 { 0.0 } else { examples as f64 / f64::from(every) };
        let train = if is_evaluated_by_training { 0.0 } else { every(observe.train_every.max(1), sizes.train) };
        let points = if observe.test_points == 0 { sizes.test } else { sizes.test.min(observe.test_points as usize) };
        let evaluated = train + sizes.validation as f64 + every(observe.test_every, points);
        let gradients = every(observe.gradients_every, sizes.train + points);
        self.forward() * (evaluated + FORWARD_AND_BACKWARD * (sizes.train as f64 + gradients))
    }

    /// Floating-point operations of the training steps of a run that shares nothing.
    pub fn steps(&self, spec: &RunSpec, sizes: Sizes) -> f64 {
        f64::from(spec.epochs) * self.step(sizes.train)
    }

    /// Floating-point operations of a run that shares nothing.
    pub fn run(&self, spec: &RunSpec, sizes: Sizes) -> f64 {
        // The test set at the last and at the best epoch.
        let at_the_end = 2.0 * self.forward() * sizes.test as f64;
        f64::from(spec.epochs) * self.epoch(spec, sizes) + at_the_end
    }
}
