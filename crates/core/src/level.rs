//! The flood level b, kept as an exact decimal so that it can name files, be compared and be sorted.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A flood level b >= 0 in millionths: 0.05 is `Level::from_millionths(50_000)`.
///
/// A binary float would make `0.1 + 0.2` another level; grids are written in decimals, so levels are decimals.
///
/// ```
/// use flooding_core::level::Level;
/// assert_eq!(Level::try_from(0.1 + 0.2)?, Level::from_millionths(300_000));
/// assert!(Level::try_from(0.000_000_5).is_err() && Level::try_from(-0.1).is_err());
/// # Ok::<(), flooding_core::level::LevelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u32);

/// Why a number is not a flood level.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LevelError {
    /// Not a finite number from 0 to [`Level::MAX`].
    #[error("flood level {0} is out of range: levels run from 0 to {max}", max = Level::MAX)]
    OutOfRange(f64),
    /// More than six decimals.
    #[error("flood level {0} has more than six decimals")]
    TooFine(f64),
}

impl Level {
    /// No flooding: the baseline of every comparison.
    pub const ZERO: Self = Self(0);
    /// The largest level accepted: cross-entropy of a uniform guess among 20,000 classes.
    pub const MAX: f64 = 10.0;

    /// The level of this number of millionths.
    pub const fn from_millionths(millionths: u32) -> Self {
        Self(millionths)
    }

    /// This level in millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The level as the number that the objective uses.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// Is this the baseline, b = 0?
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<f64> for Level {
    type Error = LevelError;

    fn try_from(value: f64) -> Result<Self, LevelError> {
        if !(0.0..=Self::MAX).contains(&value) {
            return Err(LevelError::OutOfRange(value));
        }
        let millionths = (value * 1e6).round();
        // A double is this near to its decimal; what is farther away was written with more digits.
        if (value * 1e6 - millionths).abs() > 1e-6 {
            return Err(LevelError::TooFine(value));
        }
        Ok(Self(millionths as u32))
    }
}

/// At least two decimals (`0.00`, `0.05`), up to six where they are needed (`0.0125`).
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.6}", self.value());
        let trimmed = text.trim_end_matches('0');
        let decimals = trimmed.len() - trimmed.find('.').map_or(0, |dot| dot + 1);
        f.pad(&format!("{:.*}", decimals.max(2), self.value()))
    }
}

impl Serialize for Level {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.value())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_prints_at_least_two_decimals_and_no_more_than_it_needs() {
        for (value, text) in [(0.0, "0.00"), (0.05, "0.05"), (0.3, "0.30"), (0.0125, "0.0125"), (2.0, "2.00")] {
            assert_eq!(Level::try_from(value).unwrap().to_string(), text);
        }
    }

    #[test]
    fn sums_that_differ_only_in_binary_rounding_are_one_level() {
        assert_eq!(Level::try_from(0.1 + 0.2).unwrap(), Level::try_from(0.3).unwrap());
    }

    #[test]
    fn every_level_of_six_decimals_is_taken_as_it_is() {
        for millionths in (0..=10_000_000).step_by(7) {
            let level = Level::from_millionths(millionths);
            assert_eq!(Level::try_from(level.value()), Ok(level));
            assert_eq!(Level::try_from(format!("{}", level.value()).parse::<f64>().unwrap()), Ok(level));
        }
    }

    #[test]
    fn negative_infinite_and_not_a_number_levels_are_refused() {
        for value in [-0.01, f64::NAN, f64::INFINITY, 10.5] {
            assert!(matches!(Level::try_from(value), Err(LevelError::OutOfRange(_))), "{value}");
        }
        for value in [0.123_456_78, 0.000_000_4, 0.010_000_000_1] {
            assert!(matches!(Level::try_from(value), Err(LevelError::TooFine(_))), "{value}");
        }
    }
}
