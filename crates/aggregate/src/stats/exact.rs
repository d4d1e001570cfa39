//! Differences as whole numbers, so that sums and their comparisons are exact.
//!
//! Whether a sum of signed or resampled differences ties with the observed one decides p-values of few trials; rounding
//! must not.

use super::pairs::Pairs;

/// Differences below 4 in units of 2^-96: 2^28 of them can be summed in 128 bits.
const UNIT: i32 = 96;

/// Largest number of pairs whose sign patterns are enumerated.
pub(super) const MOST_SIGNS: usize = 20;

/// The differences of some pairs, their sum, and the rounding within which sums are equal.
#[derive(Debug)]
pub(super) struct Whole {
    pub differences: Vec<i128>,
    pub sum: i128,
    /// n times the tolerance of one difference: the tolerance of a mean, for sums.
    pub tolerance: i128,
}

impl Whole {
    pub fn of(pairs: &Pairs) -> Self {
        let whole = |value: f64| libm::ldexp(value, UNIT).round() as i128;
        let differences: Vec<i128> = pairs.differences.iter().map(|d| whole(*d)).collect();
        let sum = differences.iter().sum();
        Self { sum, tolerance: whole(pairs.tolerance) * differences.len() as i128, differences }
    }

    /// The mean that belongs to a sum.
    pub fn mean(&self, sum: i128) -> f64 {
        libm::ldexp(sum as f64, -UNIT) / self.differences.len() as f64
    }

    /// The share of all sign patterns whose mean is as far from 0 as the observed one, or farther; `None` for more
    /// pairs than [`MOST_SIGNS`].
    pub fn sign_flip_p(&self) -> Option<f64> {
        let n = self.differences.len();
        if n > MOST_SIGNS {
            return None;
        }
        // A pattern and its opposite have the same size, so the first sign can stay.
        let (first, rest) = self.differences.split_first()?;
        let (left, right) = rest.split_at(rest.len() / 2);
        let least = self.sum.abs() - self.tolerance;
        let right = signed_sums(0, right);
        let extreme: usize = (signed_sums(*first, left).iter())
            .map(|left| right.iter().filter(|right| (left + **right).abs() >= least).count())
            .sum();
        Some(extreme as f64 / f64::from(1u32 << (n - 1)))
    }
}

/// `start` plus the terms under every pattern of signs.
fn signed_sums(start: i128, terms: &[i128]) -> Vec<i128> {
    terms.iter().fold(vec![start], |sums, term| sums.iter().flat_map(|sum| [sum + term, sum - term]).collect())
}
