//! Pairs of numbers and their differences.

use super::StatsError;
use super::estimate::Estimate;
use super::sample::Sample;
use super::scale::{Scale, largest, tolerance};

/// Two lists of the same length, at least 2, on the scale on which the largest magnitude lies in [1, 2).
#[derive(Debug)]
pub(super) struct Pairs {
    pub scale: Scale,
    pub a: Vec<f64>,
    pub b: Vec<f64>,
    /// a - b.
    pub differences: Vec<f64>,
    /// The distance within which two of these numbers are equal.
    pub tolerance: f64,
    /// Mean and standard deviation of the differences; 0 if they are constant but for rounding.
    pub sample: Sample,
}

impl Pairs {
    pub fn of(a: &[f64], b: &[f64]) -> Result<Self, StatsError> {
        check_finite(a, b)?;
        if a.len() != b.len() {
            return Err(StatsError::Unpaired { a: a.len(), b: b.len() });
        }
        if a.len() < 2 {
            return Err(StatsError::TooFew { sample: "a - b", n: a.len() });
        }
        if a.iter().zip(b).any(|(a, b)| !(a - b).is_finite()) {
            return Err(StatsError::Overflow { what: "a difference between a and b" });
        }
        let largest = largest(a.iter().chain(b).copied());
        let scale = Scale::unit(largest);
        let (a, b) = (scale.all(a), scale.all(b));
        let differences: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        let tolerance = tolerance(scale.of(largest));
        let sample = Sample::within(&differences, tolerance);
        Ok(Self { scale, a, b, differences, tolerance, sample })
    }

    pub fn n(&self) -> usize {
        self.differences.len()
    }

    /// Do the differences agree to within rounding?
    pub fn constant(&self) -> bool {
        self.sample.std == 0.0
    }

    /// The mean difference with its standard error.
    pub fn estimate(&self) -> Estimate {
        let n = self.n() as f64;
        Estimate {
            difference: self.sample.mean,
            error: self.sample.std / n.sqrt(),
            df: n - 1.0,
            tolerance: self.tolerance,
            scale: self.scale,
        }
    }
}

pub(super) fn check_finite(a: &[f64], b: &[f64]) -> Result<(), StatsError> {
    for (sample, values) in [("a", a), ("b", b)] {
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(StatsError::NotFinite { sample, position: i + 1, value: values[i] });
        }
    }
    Ok(())
}
