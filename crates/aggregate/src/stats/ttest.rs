//! Student's, Welch's and the paired t-test, two-sided.

use std::str::FromStr;

use serde::Serialize;

use super::StatsError;
use super::estimate::{Estimate, satterthwaite};
use super::pairs::{Pairs, check_finite};
use super::sample::{Sample, pooled_std};
use super::scale::{Scale, largest, tolerance};

/// Which t-test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Unpaired, equal variances assumed: the paper's.
    Student,
    /// Unpaired, variances may differ.
    Welch,
    /// One b for each a.
    Paired,
}

impl FromStr for Kind {
    type Err = StatsError;

    fn from_str(name: &str) -> Result<Self, StatsError> {
        match name {
            "student" => Ok(Self::Student),
            "welch" => Ok(Self::Welch),
            "paired" => Ok(Self::Paired),
            other => Err(StatsError::UnknownKind(other.to_owned())),
        }
    }
}

/// The result of a two-sided t-test of mean(a) = mean(b).
///
/// Values that agree to within four units in the last place of the largest input are equal. Where neither sample varies
/// (for pairs: where the differences do not), the standard error is 0: equal means give t = 0 and p = 1 (no evidence of
/// a difference; SciPy says NaN), different ones t = ±infinity (`null` in JSON) and p = 0, with `df = n_a + n_b - 2`
/// (n - 1 for pairs) and an interval that is the difference itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TTest {
    /// The statistic.
    pub t: f64,
    /// Degrees of freedom.
    pub df: f64,
    /// Two-sided p-value.
    pub p: f64,
    /// mean(a) - mean(b).
    pub difference: f64,
    /// Lower end of its 95% interval.
    pub ci_low: f64,
    /// Upper end of its 95% interval.
    pub ci_high: f64,
    /// Is the standard error 0, because nothing varies by more than rounding?
    pub constant: bool,
}

/// A t-test of two lists of finite numbers, at least two in each.
pub fn ttest(kind: Kind, a: &[f64], b: &[f64]) -> Result<TTest, StatsError> {
    if kind == Kind::Paired {
        return result(Pairs::of(a, b)?.estimate());
    }
    check_finite(a, b)?;
    // Halving the exponent's range first: the standard deviation of numbers near the largest one is beyond it.
    let scale = Scale::joint(largest(a.iter().chain(b).copied()));
    result(unpaired(kind, Sample::of(&scale.all(a)), Sample::of(&scale.all(b)))?.rescaled(scale))
}

/// The unpaired tests from sizes, means and standard deviations alone.
pub fn ttest_from_summary(kind: Kind, a: Sample, b: Sample) -> Result<TTest, StatsError> {
    for (name, sample) in [("a", a), ("b", b)] {
        if !(sample.n == 0 || sample.mean.is_finite() && sample.std.is_finite() && sample.std >= 0.0) {
            return Err(StatsError::BadSummary { sample: name, mean: sample.mean, std: sample.std });
        }
    }
    let scale = Scale::joint(largest([a.mean, a.std, b.mean, b.std]));
    let scaled = |s: Sample| Sample { n: s.n, mean: scale.of(s.mean), std: scale.of(s.std) };
    result(unpaired(kind, scaled(a), scaled(b))?.rescaled(scale))
}

fn unpaired(kind: Kind, a: Sample, b: Sample) -> Result<Estimate, StatsError> {
    for (name, sample) in [("a", a), ("b", b)] {
        if sample.n < 2 {
            return Err(StatsError::TooFew { sample: name, n: sample.n as usize });
        }
    }
    let (n_a, n_b) = (f64::from(a.n), f64::from(b.n));
    let pooled_df = n_a + n_b - 2.0;
    let (error, df) = match kind {
        Kind::Paired => return Err(StatsError::PairsUnknown),
        Kind::Student => (pooled_std(a, b) * (1.0 / n_a + 1.0 / n_b).sqrt(), pooled_df),
        Kind::Welch => satterthwaite([(a.std / n_a.sqrt(), n_a - 1.0), (b.std / n_b.sqrt(), n_b - 1.0)], pooled_df),
    };
    let tolerance = tolerance(largest([a.mean, b.mean]));
    Ok(Estimate { difference: a.mean - b.mean, error, df, tolerance, scale: Scale::unit(1.0) })
}

impl Estimate {
    /// The estimate of numbers that were divided by `scale` before they came here.
    fn rescaled(self, scale: Scale) -> Self {
        Self { scale, ..self }
    }
}

fn result(estimate: Estimate) -> Result<TTest, StatsError> {
    let (low, high) = estimate.interval_by_t();
    let test = TTest {
        t: estimate.t(),
        df: estimate.df,
        p: estimate.p_by_t(),
        difference: estimate.scale.back(estimate.difference),
        ci_low: estimate.scale.back(low),
        ci_high: estimate.scale.back(high),
        constant: estimate.error == 0.0,
    };
    if test.difference.is_finite() && test.ci_low.is_finite() && test.ci_high.is_finite() {
        Ok(test)
    } else {
        Err(StatsError::Overflow { what: "the interval of the difference" })
    }
}
