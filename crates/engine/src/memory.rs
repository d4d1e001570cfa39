//! How much memory a training takes at its peak, before it starts: from the specification and the sizes of its sets.
//!
//! The formulas follow what the two engines keep between forward and backward; `tests/memory.rs` holds them against what
//! is really allocated: never below it, and not far above.

mod budget;
mod composite;
mod group;
mod native;

use flooding_core::dataset::{InputShape, Splits};
use flooding_core::spec::{OptimiserSpec, RunSpec};

use crate::cost::Sizes;
use crate::evaluate::CHUNK;
use crate::nets::{Layer, outline};

pub use budget::{MemoryBudget, NoReservation, Reservation};
pub use composite::{device, largest_tensor};
pub use flooding_core::memory::available;
pub use group::{even, fitting, indexable};
pub use native::cpu;

/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// A training whose memory is wanted.
#[derive(Clone, Debug)]
pub struct Training {
    layers: Vec<Layer>,
    /// Numbers of one input.
    input: usize,
    examples: Sizes,
    batch: usize,
    /// Numbers that the optimiser remembers for each one that it trains.
    moments: f64,
    /// Are weights kept for the probes?
    weights: bool,
}

impl Training {
    /// The training of this specification on these sets.
    pub fn new(spec: &RunSpec, splits: &Splits) -> Self {
        Self::of(spec, (splits.train.shape, splits.classes), Sizes::of(splits))
    }

    /// The same from the sizes alone: shape of an input and number of classes; examples.
    pub fn of(spec: &RunSpec, (input, classes): (InputShape, usize), examples: Sizes) -> Self {
        Self {
            layers: outline(&spec.model, input, classes),
            input: input.len(),
            examples,
            batch: (spec.batch_size as usize).min(examples.train),
            moments: if matches!(spec.optimiser, OptimiserSpec::Adam { .. }) { 2.0 } else { 1.0 },
            weights: spec.observe.weights,
        }
    }

    fn trainable(&self) -> f64 {
        self.layers.iter().map(|layer| layer.trainable()).sum()
    }

    /// No fewer elements than the network has, running statistics included, and no fewer tensors.
    pub fn tensors(&self) -> (usize, usize) {
        (2 * self.trainable() as usize, 6 * self.layers.len())
    }

    /// Examples of the last batch of an epoch, where it is smaller.
    fn last_batch(&self) -> usize {
        self.examples.train % self.batch.max(1)
    }

    /// Examples that pass through the network at a time when a set is measured.
    fn chunk(&self) -> usize {
        self.examples.all().into_iter().max().unwrap_or(0).min(CHUNK)
    }
}
