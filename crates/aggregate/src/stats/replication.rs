//! A difference measured here against a published one.
//!
//! Criteria of the large replication projects (Open Science Collaboration 2015; Camerer et al. 2018) with the prediction
//! interval of Patil, Peng and Leek (2016).

use serde::Serialize;

use super::estimate::{Estimate, contains, satterthwaite};
use super::{StatsError, compare::finite};

/// How a measured difference stands to the published one. Differences are with minus without flooding; "ours" is the
/// measured one. Intervals are at 95%.
#[expect(clippy::struct_excessive_bools, reason = "each is its own criterion and JSON key")]
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Replication {
    /// The published difference of means.
    pub paper_difference: f64,
    /// Lower end of its interval (Welch).
    pub paper_ci_low: f64,
    /// Upper end of its interval (Welch).
    pub paper_ci_high: f64,
    /// Its two-sided p-value (Welch).
    pub paper_t_p: f64,
    /// Are both differences nonzero and of the same sign?
    pub same_direction: bool,
    /// Is the published difference in our interval?
    pub paper_in_our_ci: bool,
    /// Is our difference in the published interval?
    pub ours_in_paper_ci: bool,
    /// Lower end of the prediction interval for ours, by the normal distribution: the usual form.
    pub prediction_low: f64,
    /// Its upper end.
    pub prediction_high: f64,
    /// Is our difference in it?
    pub ours_in_prediction_interval: bool,
    /// Lower end of the prediction interval by Student's distribution, which covers 95% also for few trials.
    pub prediction_t_low: f64,
    /// Its upper end.
    pub prediction_t_high: f64,
    /// Is our difference in it? The scorecard decides by this one.
    pub ours_in_prediction_t_interval: bool,
    /// Our difference minus the published one.
    pub difference_from_paper: f64,
    /// Two-sided p-value of that difference by the normal distribution.
    pub p_orig: f64,
    /// The larger one-sided p-value against differences from the paper of +margin and -margin; `None` without a margin.
    pub equivalent_to_paper_p: Option<f64>,
    /// Both differences combined, weighted by their inverse variances; `None` if neither has an error.
    pub combined_difference: Option<f64>,
    /// Lower end of its interval, by the normal distribution.
    pub combined_low: Option<f64>,
    /// Upper end of its interval.
    pub combined_high: Option<f64>,
    /// Two-sided p-value of the combined difference, by the normal distribution.
    pub combined_p: Option<f64>,
}

impl Replication {
    /// The names under which a replication is serialised, in order.
    pub const KEYS: [&str; 20] = [
        "paper_difference",
        "paper_ci_low",
        "paper_ci_high",
        "paper_t_p",
        "same_direction",
        "paper_in_our_ci",
        "ours_in_paper_ci",
        "prediction_low",
        "prediction_high",
        "ours_in_prediction_interval",
        "prediction_t_low",
        "prediction_t_high",
        "ours_in_prediction_t_interval",
        "difference_from_paper",
        "p_orig",
        "equivalent_to_paper_p",
        "combined_difference",
        "combined_low",
        "combined_high",
        "combined_p",
    ];
}

/// Compares our difference with the paper's.
pub(super) fn replication(ours: Estimate, paper: Estimate, margin: Option<f64>) -> Result<Replication, StatsError> {
    let same_direction = !ours.is_zero() && !paper.is_zero() && (ours.difference > 0.0) == (paper.difference > 0.0);
    let paper_t_p = paper.p_by_t();
    let combined = combined(ours, paper);
    let scale = ours.scale_with(paper);
    let (ours, paper) = (ours.on(scale), paper.on(scale));
    let tolerance = ours.tolerance.max(paper.tolerance);
    let from_paper = difference(ours, paper, tolerance);
    // The interval of the difference from the paper, moved to where the paper's difference is zero.
    let around_paper = Estimate { difference: paper.difference, ..from_paper };
    let (prediction, prediction_t) = (around_paper.interval_by_normal(), around_paper.interval_by_t());
    let (our_ci, paper_ci) = (ours.interval_by_t(), paper.interval_by_t());
    let back = |what, value| finite(what, scale.back(value));
    let of_combined = |value: fn(Estimate) -> f64| {
        let value = |combined: Estimate| finite("the combined difference", combined.scale.back(value(combined)));
        combined.map(value).transpose()
    };
    Ok(Replication {
        paper_difference: back("the paper's difference", paper.difference)?,
        paper_ci_low: back("the paper's interval", paper_ci.0)?,
        paper_ci_high: back("the paper's interval", paper_ci.1)?,
        paper_t_p,
        same_direction,
        paper_in_our_ci: contains(our_ci, paper.difference, tolerance),
        ours_in_paper_ci: contains(paper_ci, ours.difference, tolerance),
        prediction_low: back("the prediction interval", prediction.0)?,
        prediction_high: back("the prediction interval", prediction.1)?,
        ours_in_prediction_interval: contains(prediction, ours.difference, tolerance),
        prediction_t_low: back("the prediction interval", prediction_t.0)?,
        prediction_t_high: back("the prediction interval", prediction_t.1)?,
        ours_in_prediction_t_interval: contains(prediction_t, ours.difference, tolerance),
        difference_from_paper: back("the difference from the paper", from_paper.difference)?,
        p_orig: from_paper.p_by_normal(),
        equivalent_to_paper_p: margin.map(|margin| from_paper.p_equivalent(margin)),
        combined_difference: of_combined(|combined| combined.difference)?,
        combined_low: of_combined(|combined| combined.interval_by_normal().0)?,
        combined_high: of_combined(|combined| combined.interval_by_normal().1)?,
        combined_p: combined.map(|combined| combined.p_by_normal()),
    })
}

/// Ours minus the paper's: the errors are independent.
fn difference(ours: Estimate, paper: Estimate, tolerance: f64) -> Estimate {
    let (error, df) = satterthwaite([(paper.error, paper.df), (ours.error, ours.df)], ours.df);
    Estimate { difference: ours.difference - paper.difference, error, df, tolerance, scale: ours.scale }
}

/// The fixed-effect estimate. An estimate without an error takes all the weight; of two such neither can.
fn combined(ours: Estimate, paper: Estimate) -> Option<Estimate> {
    if ours.error == 0.0 && paper.error == 0.0 {
        return None;
    }
    let scale = ours.scale_with(paper);
    let (our, their) = (ours.on(scale), paper.on(scale));
    // On the common scale an error can also vanish beside the other number.
    if our.error == 0.0 {
        return Some(ours);
    }
    if their.error == 0.0 {
        return Some(paper);
    }
    let error = our.error.hypot(their.error);
    let weight = |other: f64| (other / error).powi(2);
    Some(Estimate {
        difference: weight(their.error) * our.difference + weight(our.error) * their.difference,
        error: our.error * (their.error / error),
        tolerance: our.tolerance.max(their.tolerance),
        ..our
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Summary, compare};
    use super::*;

    #[test]
    fn the_listed_keys_are_those_of_the_serialised_form() {
        let summary = |sample, mean| Summary::new(sample, mean, 1.0, 3.0).unwrap();
        let paper = Some((summary("a", 2.0), summary("b", 1.0)));
        let replication = compare(&[1.0, 2.0], &[0.0, 3.0], paper, None).unwrap().replication.unwrap();
        let serialised = serde_json::to_value(replication).unwrap();
        let keys: Vec<&String> = serialised.as_object().unwrap().keys().collect();
        assert_eq!(keys, Replication::KEYS);
    }
}
