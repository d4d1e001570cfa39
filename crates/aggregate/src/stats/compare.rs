//! Everything that `pipeline stats compare` and the replication scorecard say about two lists of numbers.

use serde::Serialize;

use super::exact::Whole;
use super::pairs::Pairs;
use super::replication::{Replication, replication};
use super::summary::{Summary, welch};
use super::{StatsError, bootstrap, improvement};

/// a against b, paired by trial. Intervals are at 95%.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Trials.
    pub n: usize,
    /// Mean of a - b.
    pub difference: f64,
    /// Lower end of its interval (paired t).
    pub ci_low: f64,
    /// Upper end of its interval (paired t).
    pub ci_high: f64,
    /// Two-sided p-value of the paired t-test.
    pub p_paired: f64,
    /// The share of all sign patterns whose mean is at least as far from 0; `None` for more than 20 trials.
    pub p_sign_flip: Option<f64>,
    /// The share of all pairs of an a and a b with a above b, equal ones counted half.
    pub probability_of_improvement: f64,
    /// The share of trials with a above b, equal ones counted half.
    pub paired_improvement: f64,
    /// Lower end of the bootstrap interval of the difference (`BCa`).
    pub bca_low: f64,
    /// Its upper end.
    pub bca_high: f64,
    /// The margin of equivalence, in the unit of the values.
    pub margin: Option<f64>,
    /// The larger one-sided paired t-test p-value against +margin and -margin.
    pub equivalent_p: Option<f64>,
    /// Do the differences agree to within rounding, so that their standard error is 0?
    #[serde(skip)]
    pub constant: bool,
    /// Against the published numbers.
    #[serde(skip)]
    pub replication: Option<Replication>,
}

/// Compares a with b, and their difference with that of the published summaries of a and b.
///
/// Numbers that differ by at most four units in the last place of the largest are equal, and nothing depends on the
/// unit of the values.
pub fn compare(
    a: &[f64],
    b: &[f64],
    paper: Option<(Summary, Summary)>,
    margin: Option<f64>,
) -> Result<Comparison, StatsError> {
    if let Some(margin) = margin.filter(|margin| !(margin.is_finite() && *margin > 0.0)) {
        return Err(StatsError::BadMargin(margin));
    }
    let pairs = Pairs::of(a, b)?;
    let estimate = pairs.estimate();
    let whole = Whole::of(&pairs);
    let back = |what, value| finite(what, pairs.scale.back(value));
    let ci = estimate.interval_by_t();
    let bca = bootstrap::bca_interval(&pairs, &whole);
    let replication = paper.map(|paper| replication(estimate, welch(paper)?, margin));
    Ok(Comparison {
        n: pairs.n(),
        difference: back("the difference", estimate.difference)?,
        ci_low: back("the interval of the difference", ci.0)?,
        ci_high: back("the interval of the difference", ci.1)?,
        p_paired: estimate.p_by_t(),
        p_sign_flip: whole.sign_flip_p(),
        probability_of_improvement: improvement::over_all_pairs(&pairs),
        paired_improvement: improvement::over_trials(&pairs),
        bca_low: back("the BCa interval", bca.0)?,
        bca_high: back("the BCa interval", bca.1)?,
        margin,
        equivalent_p: margin.map(|margin| estimate.p_equivalent(margin)),
        constant: pairs.constant(),
        replication: replication.transpose()?,
    })
}

/// The value, unless it left the range of numbers.
pub(super) fn finite(what: &'static str, value: f64) -> Result<f64, StatsError> {
    if value.is_finite() { Ok(value) } else { Err(StatsError::Overflow { what }) }
}
