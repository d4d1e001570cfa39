//! Label noise: which labels are turned into the other class.

use flooding_core::seeds::Stream;
use flooding_core::spec::Flip;
use flooding_core::split::permutation;
use rand::RngExt as _;

/// A copy of these labels (0 or 1) with some of them flipped.
///
/// `Flip::Exact` flips the whole part of `labels.len() * rate` (Python's `int(n * rate)` in double precision), chosen
/// without replacement; `Flip::Independent` flips each with probability `rate`.
pub(crate) fn flipped(labels: &[u16], rate: f64, flip: Flip, stream: &mut Stream) -> Vec<u16> {
    let mut noisy = labels.to_vec();
    match flip {
        Flip::Exact => {
            let count = (labels.len() as f64 * rate) as usize;
            for &index in &permutation(labels.len() as u32, stream)[..count] {
                noisy[index as usize] ^= 1;
            }
        }
        Flip::Independent => {
            for label in &mut noisy {
                *label ^= u16::from(stream.random_bool(rate));
            }
        }
    }
    noisy
}
