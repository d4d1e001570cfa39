//! One mean effect over several strata (settings), with an interval.
//!
//! Every stratum counts the same, however many trials it has. The standard error is the strata's own, so that settings
//! with different effects do not widen the interval: the question is the mean effect *on these settings*. Where strata
//! have one value each there is no spread within them; then the strata themselves are the sample, and the interval
//! covers the mean over settings like these.

use super::{Sample, critical_t, two_sided_p};

/// A mean effect, its standard error and degrees of freedom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// The mean of the strata's means.
    pub effect: f64,
    /// Its standard error.
    pub error: f64,
    /// Degrees of freedom (Welch and Satterthwaite).
    pub df: f64,
    /// Number of strata.
    pub strata: u32,
    /// Number of values in all strata together.
    pub values: u32,
}

/// One stratum's mean, the square of that mean's standard error, the degrees of freedom behind it, and its values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stratum {
    /// The mean.
    pub mean: f64,
    /// Variance of the mean.
    pub variance: f64,
    /// Degrees of freedom of that variance.
    pub df: f64,
    /// Number of values.
    pub n: u32,
}

impl Stratum {
    /// The difference of two independent samples' means, by Welch.
    pub fn difference(a: Sample, b: Sample) -> Self {
        let (va, vb) = (a.std.powi(2) / f64::from(a.n), b.std.powi(2) / f64::from(b.n));
        let sum = va + vb;
        let (na, nb) = (f64::from(a.n) - 1.0, f64::from(b.n) - 1.0);
        let df = if sum > 0.0 { 1.0 / ((va / sum).powi(2) / na + (vb / sum).powi(2) / nb) } else { na + nb };
        Self { mean: a.mean - b.mean, variance: sum, df, n: a.n.min(b.n) }
    }
}

impl Pooled {
    /// The mean effect over strata of values; `None` where nothing tells its spread: no value, or a single one, or
    /// values that are not finite.
    ///
    /// ```
    /// use flooding_aggregate::stats::Pooled;
    /// let pooled = Pooled::of(&[vec![1.0, 3.0], vec![5.0, 7.0]]).unwrap();
    /// assert_eq!((pooled.effect, pooled.strata, pooled.values), (4.0, 2, 4));
    /// assert!((pooled.error - 0.5_f64.sqrt()).abs() < 1e-12 && pooled.df == 2.0);
    /// ```
    pub fn of(strata: &[Vec<f64>]) -> Option<Self> {
        let strata: Vec<&Vec<f64>> = strata.iter().filter(|values| !values.is_empty()).collect();
        if strata.is_empty() || strata.iter().any(|values| values.iter().any(|value| !value.is_finite())) {
            return None;
        }
        if strata.iter().any(|values| values.len() < 2) {
            let means: Vec<f64> = strata.iter().map(|values| Sample::of(values).mean).collect();
            if means.len() < 2 {
                return None;
            }
            let sample = Sample::of(&means);
            return Some(Self {
                effect: sample.mean,
                error: sample.std / f64::from(sample.n).sqrt(),
                df: f64::from(sample.n) - 1.0,
                strata: sample.n,
                values: strata.iter().map(|values| values.len() as u32).sum(),
            });
        }
        let of = |values: &&Vec<f64>| {
            let Sample { n, mean, std } = Sample::of(values);
            Stratum { mean, variance: std * std / f64::from(n), df: f64::from(n) - 1.0, n }
        };
        Self::of_strata(&strata.iter().map(of).collect::<Vec<_>>())
    }

    /// The same from each stratum's mean and its variance; `None` without strata.
    pub fn of_strata(strata: &[Stratum]) -> Option<Self> {
        if strata.is_empty() {
            return None;
        }
        let k = strata.len() as f64;
        let sum: f64 = strata.iter().map(|stratum| stratum.variance).sum();
        let df = if sum > 0.0 {
            1.0 / strata.iter().map(|stratum| (stratum.variance / sum).powi(2) / stratum.df).sum::<f64>()
        } else {
            strata.iter().map(|stratum| stratum.df).sum()
        };
        Some(Self {
            effect: strata.iter().map(|stratum| stratum.mean).sum::<f64>() / k,
            error: sum.sqrt() / k,
            df,
            strata: strata.len() as u32,
            values: strata.iter().map(|stratum| stratum.n).sum(),
        })
    }

    /// The two-sided interval at this confidence.
    pub fn interval(&self, confidence: f64) -> (f64, f64) {
        let half = if self.error == 0.0 { 0.0 } else { critical_t(1.0 - confidence, self.df) * self.error };
        (self.effect - half, self.effect + half)
    }

    /// Two-sided p-value of an effect of `null`.
    pub fn p(&self, null: f64) -> f64 {
        let distance = self.effect - null;
        two_sided_p(if distance == 0.0 { 0.0 } else { distance / self.error }, self.df)
    }

    /// This effect minus an independent one.
    pub fn minus(&self, other: &Self) -> Self {
        let (v, w) = (self.error.powi(2), other.error.powi(2));
        let sum = v + w;
        let df = if sum > 0.0 {
            1.0 / ((v / sum).powi(2) / self.df + (w / sum).powi(2) / other.df)
        } else {
            self.df + other.df
        };
        Self { effect: self.effect - other.effect, error: sum.sqrt(), df, ..*self }
    }
}
