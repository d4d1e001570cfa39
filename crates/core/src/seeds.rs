//! Random streams that are derived, never shared.
//!
//! Each use of randomness has its own stream, keyed by what it is for. A result therefore does not depend on the
//! number of threads, the order of runs, shards or interruptions, and all levels of a trial draw the same data,
//! batches and initial weights: the level is not part of any key.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::digest::Hasher;

/// The generator behind every stream: counter-based, portable, the same on every machine.
pub type Stream = ChaCha8Rng;

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Synthetic inputs and clean labels.
    Data,
    /// Which labels are flipped.
    LabelNoise,
    /// Which examples train and which validate.
    Split,
    /// Initial weights.
    Initialisation,
    /// The order of examples in an epoch.
    BatchOrder,
    /// Random crops and flips of an epoch.
    Augmentation,
    /// Random directions in weight space (Figures 5 and 8).
    Direction,
    /// Monte Carlo draws for Theorem 1.
    MonteCarlo,
    /// Bootstrap resampling of trials.
    Bootstrap,
}

impl Purpose {
    /// Part of every stream's key: renaming a variant must not change anyone's numbers.
    const fn tag(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::LabelNoise => "label-noise",
            Self::Split => "split",
            Self::Initialisation => "initialisation",
            Self::BatchOrder => "batch-order",
            Self::Augmentation => "augmentation",
            Self::Direction => "direction",
            Self::MonteCarlo => "monte-carlo",
            Self::Bootstrap => "bootstrap",
        }
    }
}

/// The streams of one trial of one setting.
///
/// ```
/// use flooding_core::seeds::{Purpose, Streams};
/// use rand::RngExt as _;
/// let trial = Streams::new(20_200_713, "spiral-high", 3);
/// let first = |epoch| trial.stream(Purpose::BatchOrder, epoch).random::<u64>();
/// assert_eq!(first(7), first(7)); // However often, on whatever thread, in whatever order.
/// assert_ne!(first(7), first(8));
/// ```
#[derive(Clone, Debug)]
pub struct Streams {
    master_seed: u64,
    scope: String,
    trial: u32,
}

impl Streams {
    /// The streams of `trial` within `scope` (a setting's id, or a scenario's name).
    pub fn new(master_seed: u64, scope: impl Into<String>, trial: u32) -> Self {
        Self { master_seed, scope: scope.into(), trial }
    }

    /// The stream for `purpose`; `index` tells epochs (or splits, chunks, directions) apart.
    pub fn stream(&self, purpose: Purpose, index: u64) -> Stream {
        let mut hasher = Hasher::new();
        // Lengths keep ("ab", "c") apart from ("a", "bc").
        for part in [self.scope.as_bytes(), purpose.tag().as_bytes()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.update(&self.master_seed.to_le_bytes());
        hasher.update(&self.trial.to_le_bytes());
        hasher.update(&index.to_le_bytes());
        Stream::from_seed(hasher.finish_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt as _;

    fn first(streams: &Streams, purpose: Purpose, index: u64) -> u64 {
        streams.stream(purpose, index).random()
    }

    #[test]
    fn a_stream_repeats_and_every_part_of_its_key_changes_it() {
        let base = Streams::new(1, "spiral-high", 0);
        let value = first(&base, Purpose::Data, 0);
        assert_eq!(value, first(&base, Purpose::Data, 0));
        for other in [
            first(&Streams::new(2, "spiral-high", 0), Purpose::Data, 0),
            first(&Streams::new(1, "spiral-low", 0), Purpose::Data, 0),
            first(&Streams::new(1, "spiral-high", 1), Purpose::Data, 0),
            first(&base, Purpose::Split, 0),
            first(&base, Purpose::Data, 1),
        ] {
            assert_ne!(value, other);
        }
    }

    #[test]
    fn the_first_number_of_a_stream_never_changes_between_versions() {
        assert_eq!(first(&Streams::new(1, "spiral-high", 0), Purpose::Data, 0), 17_196_579_435_744_650_846);
    }
}
