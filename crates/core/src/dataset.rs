//! Examples in memory, as the training stage takes them, and the seam through which it gets them.

use std::sync::Arc;

use crate::digest::{Digest, Hasher};
use crate::spec::RunSpec;

/// The shape of one example's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputShape {
    /// This number of numbers.
    Vector(usize),
    /// Channels, rows, columns; stored in this order.
    Image {
        /// 1 for grey, 3 for red, green, blue.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl InputShape {
    /// Numbers per example.
    pub const fn len(self) -> usize {
        match self {
            Self::Vector(n) => n,
            Self::Image { channels, height, width } => channels * height * width,
        }
    }

    /// Is an example no numbers at all?
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// The inputs of many examples, one after another.
#[derive(Clone, Debug, PartialEq)]
pub enum Inputs {
    /// Real numbers, used as they are.
    Real(Vec<f32>),
    /// Pixels; a network sees `byte / 255` (paper: inputs scaled to [0, 1], no further normalisation).
    Bytes(Vec<u8>),
}

/// Labelled examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Examples {
    /// The shape of one input.
    pub shape: InputShape,
    /// All inputs.
    pub inputs: Inputs,
    /// The labels that are learned from and measured against, from 0.
    pub labels: Vec<u16>,
    /// The labels before noise; `None` where there was none.
    pub clean_labels: Option<Vec<u16>>,
}

impl Examples {
    /// How many examples these are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Are these no examples?
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The labels before noise.
    pub fn clean(&self) -> &[u16] {
        self.clean_labels.as_deref().unwrap_or(&self.labels)
    }

    /// Copies of the examples at these indices, in their order.
    pub fn select(&self, indices: &[u32]) -> Self {
        fn gather<T: Copy>(values: &[T], width: usize, indices: &[u32]) -> Vec<T> {
            indices.iter().flat_map(|&i| &values[i as usize * width..(i as usize + 1) * width]).copied().collect()
        }
        let width = self.shape.len();
        Self {
            shape: self.shape,
            inputs: match &self.inputs {
                Inputs::Real(values) => Inputs::Real(gather(values, width, indices)),
                Inputs::Bytes(values) => Inputs::Bytes(gather(values, width, indices)),
            },
            labels: gather(&self.labels, 1, indices),
            clean_labels: self.clean_labels.as_ref().map(|labels| gather(labels, 1, indices)),
        }
    }

    /// Feeds everything that can change a number into `hasher`.
    fn hash(&self, hasher: &mut Hasher) {
        hasher.update(&(self.len() as u64).to_le_bytes());
        match &self.inputs {
            Inputs::Bytes(values) => hasher.update(values),
            Inputs::Real(values) => {
                let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
                hasher.update(&bytes);
            }
        }
        for labels in [&*self.labels, self.clean()] {
            let bytes: Vec<u8> = labels.iter().flat_map(|l| l.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
    }
}

/// The three sets of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Splits {
    /// Learned from.
    pub train: Examples,
    /// Selects the level and the epoch.
    pub validation: Examples,
    /// Reported.
    pub test: Examples,
    /// Number of classes.
    pub classes: usize,
}

impl Splits {
    /// A digest over all three sets, kept in the run's record.
    ///
    /// Within one specification, which fixes the shape, the kind of inputs and the files or the generator, no two
    /// different splits are fed to it as the same bytes: a set starts with its number of examples, from which the length
    /// of every field after it follows. It tells apart what one run key may have been trained on, not one dataset from
    /// another; the files of a user's dataset have their own digests, in the key.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for examples in [&self.train, &self.validation, &self.test] {
            examples.hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Why a trial's examples are missing.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The dataset is not here and could not be fetched: its runs are left out, the others continue.
    #[error("dataset `{dataset}` is not available: {why}")]
    Unavailable {
        /// Its name.
        dataset: String,
        /// What was tried.
        why: String,
    },
    /// The dataset is here but cannot be used.
    #[error("dataset `{dataset}`: {source}")]
    Broken {
        /// Its name.
        dataset: String,
        /// The decoder's or the store's word.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where the training stage gets its examples: it knows neither the downloads nor the generators.
pub trait Source: Sync {
    /// The three sets of the run's setting and trial; the same for all levels.
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError>;
}

impl<S: Source + ?Sized> Source for &S {
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        (**self).splits(spec)
    }
}
