//! Means and standard deviations.

use super::critical_t;
use super::scale::{Scale, largest, tolerance};

/// Confidence of every interval in the tables.
pub const CONFIDENCE: f64 = 0.95;

/// A sample's size, mean and standard deviation (n - 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Number of values.
    pub n: u32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation; 0 for a single value.
    pub std: f64,
}

impl Sample {
    /// The summary of these values. Values that are all the same but for rounding (four units in the last place of the
    /// largest) have a standard deviation of exactly 0.
    pub fn of(values: &[f64]) -> Self {
        Self::within(values, tolerance(largest(values.iter().copied())))
    }

    /// The summary of these values, which count as constant if they spread over no more than `rounding`.
    pub(super) fn within(values: &[f64], rounding: f64) -> Self {
        let n = values.len();
        if n == 0 {
            return Self { n: 0, mean: f64::NAN, std: f64::NAN };
        }
        if values.iter().all(|v| *v == values[0]) {
            return Self { n: n as u32, mean: values[0], std: 0.0 };
        }
        let scale = Scale::unit(largest(values.iter().copied()));
        let scaled = scale.all(values);
        let rough = scaled.iter().sum::<f64>() / n as f64;
        // A second pass takes the rounding error out of both moments.
        let mean = rough + scaled.iter().map(|v| v - rough).sum::<f64>() / n as f64;
        let (low, high) = extremes(&scaled);
        if high - low <= scale.of(rounding) {
            return Self { n: n as u32, mean: scale.back(mean), std: 0.0 };
        }
        // The deviations have their own scale: all values may lie within 1e-8 of each other.
        let fine = Scale::unit(high - low);
        let squares = scaled.iter().map(|v| fine.of(v - mean).powi(2)).sum::<f64>();
        let std = fine.back((squares / (n as f64 - 1.0)).sqrt());
        Self { n: n as u32, mean: scale.back(mean), std: scale.back(std) }
    }
}

fn extremes(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (v.min(low), v.max(high)))
}

/// The two-sided 95% interval of a mean; `None` for fewer than two values.
pub fn mean_interval(sample: Sample) -> Option<(f64, f64)> {
    (sample.n >= 2).then(|| {
        let n = f64::from(sample.n);
        let half = critical_t(1.0 - CONFIDENCE, n - 1.0) * sample.std / n.sqrt();
        (sample.mean - half, sample.mean + half)
    })
}

/// Cohen's d of a minus b with the pooled standard deviation; `None` where that is zero or a sample has one value.
pub fn cohens_d(a: Sample, b: Sample) -> Option<f64> {
    if a.n < 2 || b.n < 2 {
        return None;
    }
    let pooled = pooled_std(a, b);
    (pooled > 0.0).then(|| (a.mean - b.mean) / pooled)
}

/// The pooled standard deviation of two samples of at least two values each. No square leaves the range of numbers.
pub(super) fn pooled_std(a: Sample, b: Sample) -> f64 {
    let df = f64::from(a.n) + f64::from(b.n) - 2.0;
    let part = |s: Sample| s.std * ((f64::from(s.n) - 1.0) / df).sqrt();
    part(a).hypot(part(b))
}
