//! "Without" against "with" flooding: the bold rule and the tests on the difference.

use flooding_tables::{Difference, Printed};

use crate::stats::{Kind, SIGNIFICANCE, Sample, cohens_d, power, ttest, ttest_from_summary};

/// Which of (without, with) is bold: the better mean, and the other if Student's unpaired two-sided t-test at 1% does
/// not tell it from the better one. Without a test (one trial) only an equal mean is bold too.
pub(crate) fn bold(without: Option<Sample>, with: Option<Sample>) -> (bool, bool) {
    match (without, with) {
        (Some(a), Some(b)) => {
            let alike = ttest_from_summary(Kind::Student, a, b).is_ok_and(|test| test.p >= SIGNIFICANCE);
            (a.mean >= b.mean || alike, b.mean >= a.mean || alike)
        }
        (a, b) => (a.is_some(), b.is_some()),
    }
}

/// With minus without, and every test on it; Holm's correction is filled in when the whole table is known. `papers` is
/// the paper's own effect (Cohen's d), whose power is reported.
pub(crate) fn difference(without: &[f64], with: &[f64], papers: Option<f64>) -> Difference {
    let test = |kind| ttest(kind, with, without).ok();
    let student = test(Kind::Student);
    let (a, b) = (Sample::of(with), Sample::of(without));
    let effect = cohens_d(a, b);
    Difference {
        mean: a.mean - b.mean,
        ci: student.map(|test| (test.ci_low, test.ci_high).into()),
        p_student: student.map(|test| test.p),
        p_welch: test(Kind::Welch).map(|test| test.p),
        p_paired: test(Kind::Paired).map(|test| test.p),
        p_holm: None,
        cohens_d: effect,
        power: papers.filter(|_| a.n > 1 && b.n > 1).map(|d| power(d, a.n, b.n, SIGNIFICANCE)),
    }
}

/// (ours - theirs) over the standard error from both standard deviations; `None` where one is unknown or both are 0.
pub(crate) fn z(ours: Option<Sample>, theirs: Option<Printed>, their_trials: u32) -> Option<f64> {
    let (ours, Printed { mean, std }) = (ours.filter(|s| s.n >= 2)?, theirs?);
    let error = (ours.std / f64::from(ours.n).sqrt()).hypot(std? / f64::from(their_trials).sqrt());
    (error > 0.0).then(|| (ours.mean - mean) / error)
}
