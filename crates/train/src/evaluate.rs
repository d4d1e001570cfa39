//! Losses and accuracies of a whole set, in evaluation mode, against noisy and clean labels.

use std::sync::Arc;

use dfdx::prelude::{CopySlice as _, HasShape as _};
use flooding_core::dataset::{Examples, Splits};
use flooding_core::record::Measure;

use crate::backend::{Backend, DeviceError, T3};
use crate::cpu::example_loss;
use crate::data::Part;
use crate::nets::Network;

/// Examples that pass through the network at a time.
const CHUNK: usize = 512;

/// Logits on the host: `(members, examples, classes)`.
#[derive(Clone, Debug)]
pub struct Logits {
    values: Vec<f32>,
    shape: (usize, usize, usize),
}

impl Logits {
    /// Copies them from the device.
    pub fn of<B: Backend, T>(logits: &dfdx::prelude::Tensor<(usize, usize, usize), f32, B::Dev, T>) -> Self {
        let shape @ (k, n, classes) = *logits.shape();
        let mut values = vec![0.0; k * n * classes];
        B::Dev::copy_into(logits, &mut values);
        Self { values, shape }
    }
}

/// Sums over the examples of a set, so far; one member's.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    loss: f64,
    hits: u64,
    clean_hits: u64,
}

impl Sums {
    /// Adds one example; among equal logits the first counts as the guess.
    fn add(&mut self, logits: &[f32], label: u16, clean: u16) {
        let mut guess = 0;
        for (class, z) in logits.iter().enumerate() {
            if *z > logits[guess] {
                guess = class;
            }
        }
        self.loss += example_loss(logits, label);
        self.hits += u64::from(guess == usize::from(label));
        self.clean_hits += u64::from(guess == usize::from(clean));
    }
}

/// One set of a trial on a device, with its labels on the host.
pub struct EvaluationSet<B: Backend> {
    set: B::Set,
    splits: Arc<Splits>,
    part: Part,
}

impl<B: Backend> EvaluationSet<B> {
    /// Makes the set available on the device.
    pub fn new(backend: &B, splits: &Arc<Splits>, part: Part) -> Result<Self, DeviceError<B>> {
        Ok(Self { set: backend.upload(splits, part)?, splits: splits.clone(), part })
    }

    /// The set on the device.
    pub fn set(&self) -> &B::Set {
        &self.set
    }

    /// The examples on the host.
    pub fn examples(&self) -> &Examples {
        self.part.of(&self.splits)
    }

    /// One measure a member.
    pub fn measure(&self, backend: &B, network: &dyn Network<B>) -> Result<Vec<Measure>, DeviceError<B>> {
        let all: Vec<u32> = (0..self.examples().len() as u32).collect();
        let mut chunks = Vec::new();
        for indices in all.chunks(CHUNK) {
            let inputs = backend.batch(&self.set, indices, None)?;
            let logits: T3<B::Dev> = network.evaluate(backend, inputs)?;
            chunks.push(Logits::of::<B, _>(&logits));
        }
        Ok(self.measure_logits(&chunks))
    }

    /// One measure a member, from the logits of the whole set in its own order, cut into pieces.
    pub fn measure_logits(&self, pieces: &[Logits]) -> Vec<Measure> {
        let examples = self.examples();
        let clean = examples.clean();
        let members = pieces.first().map_or(0, |piece| piece.shape.0);
        let n = examples.len() as f64;
        (0..members)
            .map(|member| {
                let mut sums = Sums::default();
                let mut labels = examples.labels.iter().zip(clean);
                for piece in pieces {
                    let (_, rows, classes) = piece.shape;
                    let values = &piece.values[member * rows * classes..(member + 1) * rows * classes];
                    for (logits, (&label, &clean)) in values.chunks(classes).zip(&mut labels) {
                        sums.add(logits, label, clean);
                    }
                }
                Measure {
                    loss: sums.loss / n,
                    accuracy: sums.hits as f64 / n,
                    clean_accuracy: sums.clean_hits as f64 / n,
                }
            })
            .collect()
    }
}
