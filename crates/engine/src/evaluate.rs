//! Losses and accuracies of a whole set, in evaluation mode, against noisy and clean labels.

use std::sync::Arc;

use dfdx::prelude::{CopySlice as _, HasShape as _};
use flooding_core::dataset::{Examples, Splits};
use flooding_core::record::Measure;

use crate::backend::{Backend, DeviceError, T3};
use crate::data::Split;
use crate::losses::example_loss;
use crate::nets::Network;

/// Examples that pass through the network at a time.
pub(crate) const CHUNK: usize = 512;

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

    /// One member's logits, an example after another.
    pub fn rows(&self, member: usize) -> impl Iterator<Item = &[f32]> {
        let (_, rows, classes) = self.shape;
        self.values[member * rows * classes..(member + 1) * rows * classes].chunks(classes)
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
    split: Split,
}

impl<B: Backend> EvaluationSet<B> {
    /// Makes the set available on the device.
    pub fn new(backend: &B, splits: &Arc<Splits>, split: Split) -> Result<Self, DeviceError<B>> {
        Ok(Self { set: backend.upload(splits, split)?, splits: splits.clone(), split })
    }

    /// The set on the device.
    pub fn set(&self) -> &B::Set {
        &self.set
    }

    /// The examples on the host.
    pub fn examples(&self) -> &Examples {
        self.split.of(&self.splits)
    }

    /// This number of examples, evenly spaced over the set: those at i * len / points.
    pub fn spread(&self, points: usize) -> Vec<u32> {
        let (n, points) = (self.examples().len() as u64, points as u64);
        (0..points).map(|i| (i * n / points) as u32).collect()
    }

    /// One measure a member, over the whole set.
    pub fn measure(&self, backend: &B, network: &dyn Network<B>) -> Result<Vec<Measure>, DeviceError<B>> {
        self.measure_points(backend, network, self.examples().len())
    }

    /// One measure a member, over this number of examples, evenly spaced.
    pub fn measure_points(
        &self,
        backend: &B,
        network: &dyn Network<B>,
        points: usize,
    ) -> Result<Vec<Measure>, DeviceError<B>> {
        let chosen = self.spread(points);
        let mut pieces = Vec::new();
        for indices in chosen.chunks(CHUNK) {
            let inputs = backend.batch(&self.set, indices, None)?;
            let logits: T3<B::Dev> = network.evaluate(backend, inputs)?;
            pieces.push(Logits::of::<B, _>(&logits));
        }
        Ok(self.measure_logits(&chosen, &pieces))
    }

    /// One measure a member, from the logits of these examples, cut into pieces.
    pub fn measure_logits(&self, chosen: &[u32], pieces: &[Logits]) -> Vec<Measure> {
        let (labels, clean) = (&self.examples().labels, self.examples().clean());
        let members = pieces.first().map_or(0, |piece| piece.shape.0);
        let n = chosen.len() as f64;
        let measure = |member: usize| {
            let mut sums = Sums::default();
            let mut chosen = chosen.iter().map(|&i| i as usize);
            for piece in pieces {
                let (_, rows, classes) = piece.shape;
                let values = &piece.values[member * rows * classes..(member + 1) * rows * classes];
                for (logits, i) in values.chunks(classes).zip(&mut chosen) {
                    sums.add(logits, labels[i], clean[i]);
                }
            }
            Measure { loss: sums.loss / n, accuracy: sums.hits as f64 / n, clean_accuracy: sums.clean_hits as f64 / n }
        };
        (0..members).map(measure).collect()
    }
}
