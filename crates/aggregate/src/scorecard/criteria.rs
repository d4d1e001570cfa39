//! One quantity, ours beside the paper's: which criteria are met.

use flooding_tables::{Combined, Compared, Criteria, Estimated, Interval};

use crate::paper::TABLE2_TRIALS;
use crate::stats::{
    Kind, Replication, SIGNIFICANCE, Sample, StatsError, Summary, compare, compare_mean, mean_interval,
    prediction_of_one, ttest, ttest_from_summary,
};

/// Both one-sided tests of an equivalence must be significant at this level.
const EQUIVALENCE: f64 = 0.05;

/// With fewer trials our prediction interval of one more run says next to nothing.
const LEAST_TRIALS: usize = 3;

/// What is known of one quantity of one row.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub ours: Option<Estimated>,
    pub paper: Option<Estimated>,
    pub criterion: Criteria,
    pub compared: Option<Compared>,
    pub our_prediction: Option<Interval>,
    pub unavailable: Option<String>,
}

/// The paper's number for one side of a row: a mean over ten trials, or a single run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Published {
    Summary { mean: f64, std: f64 },
    Single(f64),
}

impl Published {
    fn mean(self) -> f64 {
        match self {
            Self::Summary { mean, .. } | Self::Single(mean) => mean,
        }
    }

    fn sample(self) -> Option<Sample> {
        match self {
            Self::Summary { mean, std } => Some(Sample { n: TABLE2_TRIALS, mean, std }),
            Self::Single(_) => None,
        }
    }

    fn summary(self, sample: &'static str) -> Option<Result<Summary, StatsError>> {
        match self {
            Self::Summary { mean, std } => Some(Summary::new(sample, mean, std, TABLE2_TRIALS.into())),
            Self::Single(_) => None,
        }
    }
}

/// With minus without flooding.
pub(super) fn difference(
    [with, without]: [&[f64]; 2],
    paper: Option<[Published; 2]>,
    margin: Option<f64>,
    overlap: f64,
) -> Judged {
    let ours: Vec<f64> = with.iter().zip(without).map(|(with, without)| with - without).collect();
    let theirs = paper.map(|[with, without]| with.mean() - without.mean());
    let same_direction = (!ours.is_empty())
        .then(|| theirs.map(|theirs| theirs != 0.0 && Sample::of(&ours).mean * theirs.signum() > 0.0))
        .flatten();
    let summaries = paper.and_then(|[a, b]| Some((a.summary("with")?, b.summary("without")?)));
    let mut judged = match summaries {
        Some((a, b)) if ours.len() > 1 => {
            let compared = a.and_then(|a| b.and_then(|b| compare(with, without, Some((a, b)), margin)));
            match compared {
                Ok(comparison) => {
                    let ci = (comparison.ci_low, comparison.ci_high);
                    against_summary(comparison.difference, ci, comparison.replication)
                }
                Err(error) => unavailable(error.to_string()),
            }
        }
        // The published interval is there whatever of ours is missing.
        _ => with_paper_ci(against_single(&ours, theirs, summaries.is_some(), overlap), published_ci(paper)),
    };
    judged.criterion.same_direction = same_direction;
    judged.criterion.significant = significant([with, without], paper, same_direction);
    judged
}

/// The accuracy on one side of a row.
pub(super) fn accuracy(values: &[f64], paper: Option<Published>, margin: Option<f64>, overlap: f64) -> Judged {
    match paper.and_then(|paper| paper.summary("paper")) {
        Some(summary) if values.len() > 1 => {
            let sample = Sample::of(values);
            match summary.and_then(|summary| compare_mean(values, summary, margin)) {
                Ok(replication) => {
                    let ci = mean_interval(sample).unwrap_or((sample.mean, sample.mean));
                    against_summary(sample.mean, ci, Some(replication))
                }
                Err(error) => unavailable(error.to_string()),
            }
        }
        summary => {
            let ci = paper.and_then(Published::sample).and_then(mean_interval);
            with_paper_ci(against_single(values, paper.map(Published::mean), summary.is_some(), overlap), ci)
        }
    }
}

/// The interval of the published difference (Welch); `None` where the paper gives no standard deviations.
fn published_ci(paper: Option<[Published; 2]>) -> Option<(f64, f64)> {
    let [with, without] = paper?.map(Published::sample);
    let test = ttest_from_summary(Kind::Welch, with?, without?).ok()?;
    Some((test.ci_low, test.ci_high))
}

fn with_paper_ci(judged: Judged, ci: Option<(f64, f64)>) -> Judged {
    let paper = judged.paper.map(|paper| Estimated { ci: ci.map(Into::into), ..paper });
    Judged { paper, ..judged }
}

fn unavailable(why: String) -> Judged {
    Judged { unavailable: Some(why), ..Judged::default() }
}

fn against_summary(mean: f64, ci: (f64, f64), replication: Option<Replication>) -> Judged {
    let ours = Some(Estimated { mean, ci: Some(ci.into()) });
    let Some(r) = replication else { return Judged { ours, ..Judged::default() } };
    let combined = r.combined_difference.zip(r.combined_low.zip(r.combined_high)).zip(r.combined_p);
    Judged {
        ours,
        paper: Some(Estimated { mean: r.paper_difference, ci: Some((r.paper_ci_low, r.paper_ci_high).into()) }),
        criterion: Criteria {
            same_direction: None,
            significant: None,
            paper_in_ours: Some(r.paper_in_our_ci),
            ours_in_paper: Some(r.ours_in_paper_ci),
            predicted: Some(r.ours_in_prediction_t_interval),
            equivalent: r.equivalent_to_paper_p.map(|p| p < EQUIVALENCE),
        },
        compared: Some(Compared {
            prediction_normal: (r.prediction_low, r.prediction_high).into(),
            prediction_t: (r.prediction_t_low, r.prediction_t_high).into(),
            difference: r.difference_from_paper,
            p: r.p_orig,
            p_beyond_margin: r.equivalent_to_paper_p,
            combined: combined.map(|((mean, ci), p)| Combined { mean, ci: ci.into(), p }),
        }),
        our_prediction: None,
        unavailable: r.equivalent_to_paper_p.is_none().then(|| "the configuration has no margin".to_owned()),
    }
}

/// Against a number without a standard deviation, or with too few trials of ours for one.
fn against_single(ours: &[f64], paper: Option<f64>, paper_varies: bool, overlap: f64) -> Judged {
    let sample = Sample::of(ours);
    let estimated = |mean, ci: Option<(f64, f64)>| Estimated { mean, ci: ci.map(Into::into) };
    let mut judged = Judged {
        ours: (sample.n > 0).then(|| estimated(sample.mean, mean_interval(sample))),
        paper: paper.map(|paper| estimated(paper, None)),
        ..Judged::default()
    };
    let why = match (ours.len(), paper) {
        (0, _) => "no complete trial",
        (_, None) => "the paper has no number",
        (1, _) if paper_varies => "one complete trial has no spread",
        (n, Some(_)) if n < LEAST_TRIALS => {
            "the paper prints a single run, and predicting it takes at least three complete trials of ours"
        }
        (_, Some(paper)) => match prediction_of_one(ours, overlap) {
            Ok(Some((low, high))) => {
                judged.our_prediction = Some((low, high).into());
                judged.criterion.predicted = Some(low <= paper && paper <= high);
                "the paper prints a single run, which has no interval"
            }
            _ => "our values allow no interval",
        },
    };
    judged.unavailable = Some(why.to_owned());
    judged
}

/// Is ours significant in the paper's direction, by the paper's test? `None` where the paper's own is not.
fn significant(
    [with, without]: [&[f64]; 2],
    paper: Option<[Published; 2]>,
    same_direction: Option<bool>,
) -> Option<bool> {
    let [their_with, their_without] = paper?.map(Published::sample);
    let theirs = ttest_from_summary(Kind::Student, their_with?, their_without?).ok()?;
    let ours = ttest(Kind::Student, with, without).ok()?;
    (theirs.p < SIGNIFICANCE).then(|| same_direction == Some(true) && ours.p < SIGNIFICANCE)
}
