//! Which examples train and which validate: a seeded permutation, cut once.

use rand::RngExt as _;

use crate::digest::{Digest, Hasher};
use crate::seeds::Stream;

/// The two sides of a split, as indices into the original training set, each in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Learned from.
    pub train: Vec<u32>,
    /// Held out.
    pub validation: Vec<u32>,
}

impl Split {
    /// Draws `used` of `available` examples without replacement and holds `validation_fraction` of them out.
    ///
    /// The number held out is rounded to the nearest whole one: 20% of 60,000 is 12,000, 15% of 50,000 is 7,500.
    pub fn draw(available: u32, used: u32, validation_fraction: f64, stream: &mut Stream) -> Self {
        let mut order = permutation(available, stream);
        order.truncate(used as usize);
        let held_out = (f64::from(used.min(available)) * validation_fraction).round() as usize;
        let mut validation = order.split_off(order.len() - held_out);
        order.sort_unstable();
        validation.sort_unstable();
        Self { train: order, validation }
    }

    /// A digest over both lists of indices.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for side in [&self.train, &self.validation] {
            hasher.update(&(side.len() as u64).to_le_bytes());
            for index in side {
                hasher.update(&index.to_le_bytes());
            }
        }
        hasher.finish()
    }
}

/// A uniformly random order of 0..n (Fisher and Yates).
pub fn permutation(n: u32, stream: &mut Stream) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, stream.random_range(0..=i));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Purpose, Streams};

    fn stream(seed: u64) -> Stream {
        Streams::new(seed, "test", 0).stream(Purpose::Split, 0)
    }

    #[test]
    fn a_split_is_disjoint_complete_and_of_the_asked_proportion() {
        let split = Split::draw(60_000, 60_000, 0.2, &mut stream(1));
        assert_eq!((split.train.len(), split.validation.len()), (48_000, 12_000));
        let mut all = [split.train, split.validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..60_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_same_stream_gives_the_same_split_and_another_seed_another() {
        let digest = |seed| Split::draw(1000, 500, 0.15, &mut stream(seed)).digest();
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn a_subset_larger_than_the_set_is_the_whole_set() {
        let split = Split::draw(10, 50, 0.2, &mut stream(3));
        assert_eq!((split.train.len(), split.validation.len()), (8, 2));
    }
}
