//! A mean measured here against published ones.

use super::compare::finite;
use super::estimate::Estimate;
use super::replication::{Replication, replication};
use super::sample::Sample;
use super::scale::{Scale, largest, tolerance};
use super::summary::{Summary, mean};
use super::{CONFIDENCE, StatsError, critical_t};

/// Compares the mean of these values, at least two, with that of a published sample; "difference" in the result is the
/// mean itself.
pub fn compare_mean(values: &[f64], paper: Summary, margin: Option<f64>) -> Result<Replication, StatsError> {
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(StatsError::NotFinite { sample: "a", position: i + 1, value: values[i] });
    }
    if values.len() < 2 {
        return Err(StatsError::TooFew { sample: "a", n: values.len() });
    }
    let largest = largest(values.iter().copied());
    let scale = Scale::unit(largest);
    let sample = Sample::of(&scale.all(values));
    let n = values.len() as f64;
    let ours = Estimate {
        difference: sample.mean,
        error: sample.std / n.sqrt(),
        df: n - 1.0,
        tolerance: tolerance(scale.of(largest)),
        scale,
    };
    replication(ours, mean(paper), margin)
}

/// The two-sided 95% interval for one more value beside these, at least two; `None` for fewer.
///
/// `overlap` is 0 for independent values. Where values come from redrawn splits of one pool it is the size of the part
/// left out over that of the part learned from: the correction of the variance by Nadeau and Bengio (2003).
pub fn prediction_of_one(values: &[f64], overlap: f64) -> Result<Option<(f64, f64)>, StatsError> {
    if values.len() < 2 {
        return Ok(None);
    }
    let (sample, n) = (Sample::of(values), values.len() as f64);
    let half = critical_t(1.0 - CONFIDENCE, n - 1.0) * sample.std * (1.0 + 1.0 / n + overlap).sqrt();
    let end = |value| finite("the prediction interval", value);
    Ok(Some((end(sample.mean - half)?, end(sample.mean + half)?)))
}
