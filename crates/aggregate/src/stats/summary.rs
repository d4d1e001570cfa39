//! Published means and standard deviations.

use super::StatsError;
use super::estimate::{Estimate, satterthwaite};
use super::scale::{Scale, largest, tolerance};

/// Mean, sample standard deviation (n - 1) and size of a sample that is known only by these.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    mean: f64,
    std: f64,
    n: f64,
}

impl Summary {
    /// The summary of sample `a` or `b`; refuses what no sample has.
    pub fn new(sample: &'static str, mean: f64, std: f64, n: f64) -> Result<Self, StatsError> {
        if !(mean.is_finite() && std.is_finite() && std >= 0.0) {
            return Err(StatsError::BadSummary { sample, mean, std });
        }
        if !(n.is_finite() && n >= 2.0 && n.fract() == 0.0) {
            return Err(StatsError::BadSize { sample, n });
        }
        Ok(Self { mean, std, n })
    }
}

/// The difference a - b of two independent samples with Welch's error.
pub(super) fn welch((a, b): (Summary, Summary)) -> Result<Estimate, StatsError> {
    if !(a.mean - b.mean).is_finite() {
        return Err(StatsError::Overflow { what: "the difference of the paper's means" });
    }
    let scale = Scale::joint(largest([a.mean, a.std, b.mean, b.std]));
    let part = |s: Summary| (scale.of(s.std) / s.n.sqrt(), s.n - 1.0);
    let (error, df) = satterthwaite([part(a), part(b)], a.n + b.n - 2.0);
    Ok(Estimate {
        difference: scale.of(a.mean) - scale.of(b.mean),
        error,
        df,
        tolerance: tolerance(scale.of(largest([a.mean, b.mean]))),
        scale,
    })
}

/// The mean of one sample with its error.
pub(super) fn mean(sample: Summary) -> Estimate {
    let scale = Scale::joint(largest([sample.mean, sample.std]));
    Estimate {
        difference: scale.of(sample.mean),
        error: scale.of(sample.std) / sample.n.sqrt(),
        df: sample.n - 1.0,
        tolerance: tolerance(scale.of(sample.mean.abs())),
        scale,
    }
}
