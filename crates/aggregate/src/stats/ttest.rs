//! Student's, Welch's and the paired t-test, two-sided.

use std::str::FromStr;

use serde::Serialize;

use super::{CONFIDENCE, StatsError, critical_t, two_sided_p};

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
    /// The summary of these values. Values that are all the same have that very mean and a standard deviation of
    /// exactly 0, whatever rounding would make of it.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        if n == 0 {
            return Self { n: 0, mean: f64::NAN, std: f64::NAN };
        }
        if values.iter().all(|v| *v == values[0]) {
            return Self { n: n as u32, mean: values[0], std: 0.0 };
        }
        let rough = values.iter().sum::<f64>() / n as f64;
        // A second pass takes the rounding error out of both moments.
        let residual = values.iter().map(|v| v - rough).sum::<f64>();
        let mean = rough + residual / n as f64;
        let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        Self { n: n as u32, mean, std: (squares / (n as f64 - 1.0)).sqrt() }
    }

    fn squared_error(self) -> f64 {
        self.std * self.std / f64::from(self.n)
    }
}

/// The result of a two-sided t-test of mean(a) = mean(b).
///
/// Where neither sample varies, the standard error is 0: equal means give t = 0 and p = 1 (no evidence of a difference;
/// SciPy says NaN), different ones t = ±infinity (`null` in JSON) and p = 0, with `df = n_a + n_b - 2` (n - 1 for
/// pairs) and an interval that is the difference itself.
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
}

/// A t-test of two lists of finite numbers, at least two in each.
pub fn ttest(kind: Kind, a: &[f64], b: &[f64]) -> Result<TTest, StatsError> {
    for (sample, values) in [("a", a), ("b", b)] {
        if let Some(i) = values.iter().position(|v| !v.is_finite()) {
            return Err(StatsError::NotFinite { sample, position: i + 1, value: values[i] });
        }
    }
    if kind != Kind::Paired {
        return ttest_from_summary(kind, Sample::of(a), Sample::of(b));
    }
    if a.len() != b.len() {
        return Err(StatsError::Unpaired { a: a.len(), b: b.len() });
    }
    if a.len() < 2 {
        return Err(StatsError::TooFew { sample: "a - b", n: a.len() });
    }
    let differences = Sample::of(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
    Ok(result(differences.mean, differences.squared_error().sqrt(), f64::from(differences.n) - 1.0))
}

/// The unpaired tests from sizes, means and standard deviations alone.
pub fn ttest_from_summary(kind: Kind, a: Sample, b: Sample) -> Result<TTest, StatsError> {
    for (name, sample) in [("a", a), ("b", b)] {
        if sample.n < 2 {
            return Err(StatsError::TooFew { sample: name, n: sample.n as usize });
        }
        if !(sample.mean.is_finite() && sample.std.is_finite() && sample.std >= 0.0) {
            return Err(StatsError::BadSummary { sample: name, mean: sample.mean, std: sample.std });
        }
    }
    let (n_a, n_b) = (f64::from(a.n), f64::from(b.n));
    let pooled_df = n_a + n_b - 2.0;
    let (error, df) = match kind {
        Kind::Paired => return Err(StatsError::PairsUnknown),
        Kind::Student => {
            let variance = ((n_a - 1.0) * a.std.powi(2) + (n_b - 1.0) * b.std.powi(2)) / pooled_df;
            ((variance * (1.0 / n_a + 1.0 / n_b)).sqrt(), pooled_df)
        }
        Kind::Welch => {
            let (e_a, e_b) = (a.squared_error(), b.squared_error());
            let sum = e_a + e_b;
            // Shares instead of squares: variances of 1e-200 must not vanish in their product.
            let (s_a, s_b) = (e_a / sum, e_b / sum);
            let df = if sum > 0.0 { 1.0 / (s_a * s_a / (n_a - 1.0) + s_b * s_b / (n_b - 1.0)) } else { pooled_df };
            (sum.sqrt(), df)
        }
    };
    Ok(result(a.mean - b.mean, error, df))
}

fn result(difference: f64, error: f64, df: f64) -> TTest {
    let t = if difference == 0.0 { 0.0 } else { difference / error };
    let half = if error == 0.0 { 0.0 } else { critical_t(1.0 - CONFIDENCE, df) * error };
    TTest { t, df, p: two_sided_p(t, df), difference, ci_low: difference - half, ci_high: difference + half }
}
