//! The t-tests and their kin against SciPy, statsmodels and 40-digit arithmetic (`data/make_reference.py`), at the
//! edges where those give up, and against the paper's own tables.

use flooding_aggregate::stats::{
    Kind, Sample, StatsError, cohens_d, critical_t, holm, mean_interval, power, ttest, ttest_from_summary, two_sided_p,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    tests: Vec<TestCase>,
    tails: Vec<Tail>,
}

#[derive(Deserialize)]
struct TestCase {
    name: String,
    kind: String,
    a: Vec<f64>,
    b: Vec<f64>,
    t: f64,
    df: f64,
    p: f64,
    difference: f64,
    ci_low: f64,
    ci_high: f64,
}

#[derive(Deserialize)]
struct Tail {
    t: f64,
    df: f64,
    p: String,
}

#[derive(Deserialize)]
struct PowerCase {
    d: f64,
    n_a: u32,
    n_b: u32,
    significance: f64,
    power: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("data/ttests.json")).unwrap()
}

#[track_caller]
fn same(what: &str, ours: f64, theirs: f64, relative: f64) {
    let error = (ours - theirs).abs();
    assert!(error <= relative * theirs.abs() || error < 1e-300, "{what}: {ours} is not {theirs}");
}

#[test]
fn every_test_agrees_with_scipy_in_all_six_numbers() {
    let cases = reference().tests;
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    for case in cases {
        let test = ttest(case.kind.parse().unwrap(), &case.a, &case.b).unwrap();
        let name = format!("{} ({})", case.name, case.kind);
        same(&format!("{name} t"), test.t, case.t, 1e-11);
        same(&format!("{name} df"), test.df, case.df, 1e-11);
        same(&format!("{name} p"), test.p, case.p, 1e-10);
        same(&format!("{name} difference"), test.difference, case.difference, 1e-11);
        let width = case.ci_high - case.ci_low;
        assert!((test.ci_low - case.ci_low).abs() < 1e-10 * width, "{name}: {test:?}");
        assert!((test.ci_high - case.ci_high).abs() < 1e-10 * width, "{name}: {test:?}");
    }
}

#[test]
fn p_values_are_right_to_ten_digits_down_to_1e_300_for_few_and_many_degrees_of_freedom() {
    let tails = reference().tails;
    let mut least = 1.0f64;
    for tail in &tails {
        let exact: f64 = tail.p.parse().unwrap();
        same(&format!("t = {}, df = {}", tail.t, tail.df), two_sided_p(tail.t, tail.df), exact, 1e-11);
        least = least.min(exact);
    }
    assert!(tails.len() > 150 && least < 1e-299, "{} tails down to {least}", tails.len());
}

#[test]
fn samples_that_do_not_vary_give_p_one_when_equal_and_p_zero_when_not() {
    for kind in [Kind::Student, Kind::Welch, Kind::Paired] {
        // 0.1 three times does not average to 0.1 in binary.
        let same = ttest(kind, &[0.1, 0.1, 0.1], &[0.1, 0.1, 0.1]).unwrap();
        assert_eq!((same.t, same.p, same.ci_low, same.ci_high), (0.0, 1.0, 0.0, 0.0), "{kind:?}");
        let apart = ttest(kind, &[2.0, 2.0], &[3.5, 3.5]).unwrap();
        assert_eq!((apart.t, apart.p), (f64::NEG_INFINITY, 0.0), "{kind:?}");
        assert_eq!((apart.ci_low, apart.ci_high), (-1.5, -1.5), "{kind:?}");
        assert!(apart.df.is_finite());
    }
    assert_eq!(ttest(Kind::Welch, &[2.0, 2.0], &[3.5, 3.5, 3.5]).unwrap().df, 3.0);
}

#[test]
fn what_cannot_be_tested_is_refused_by_name() {
    let nan = ttest(Kind::Student, &[1.0, f64::NAN], &[1.0, 2.0]);
    assert!(matches!(nan, Err(StatsError::NotFinite { sample: "a", position: 2, .. })), "{nan:?}");
    let infinite = ttest(Kind::Welch, &[1.0, 2.0], &[f64::INFINITY, 2.0]);
    assert!(matches!(infinite, Err(StatsError::NotFinite { sample: "b", position: 1, .. })));
    assert_eq!(ttest(Kind::Student, &[1.0], &[1.0, 2.0]), Err(StatsError::TooFew { sample: "a", n: 1 }));
    assert_eq!(ttest(Kind::Welch, &[1.0, 2.0], &[]), Err(StatsError::TooFew { sample: "b", n: 0 }));
    assert_eq!(ttest(Kind::Paired, &[1.0], &[2.0]), Err(StatsError::TooFew { sample: "a - b", n: 1 }));
    assert_eq!(ttest(Kind::Paired, &[1.0, 2.0], &[2.0]), Err(StatsError::Unpaired { a: 2, b: 1 }));
    let sample = Sample { n: 10, mean: 1.0, std: 1.0 };
    assert_eq!(ttest_from_summary(Kind::Paired, sample, sample), Err(StatsError::PairsUnknown));
    let negative = Sample { std: -1.0, ..sample };
    assert!(matches!(ttest_from_summary(Kind::Welch, sample, negative), Err(StatsError::BadSummary { .. })));
    assert!("t".parse::<Kind>().unwrap_err().to_string().contains("student, welch or paired"));
}

#[test]
fn variances_too_small_to_square_still_have_degrees_of_freedom() {
    let tiny = |mean, std| Sample { n: 5, mean, std };
    let test = ttest_from_summary(Kind::Welch, tiny(0.0, 1e-140), tiny(1e-140, 1e-140)).unwrap();
    same("df", test.df, 8.0, 1e-12);
}

#[test]
fn power_agrees_with_scipys_noncentral_t() {
    let cases: Vec<PowerCase> = serde_json::from_str(include_str!("data/power.json")).unwrap();
    assert!(cases.len() > 40);
    for case in cases {
        let ours = power(case.d, case.n_a, case.n_b, case.significance);
        let what = format!("d {} n {} {} at {}", case.d, case.n_a, case.n_b, case.significance);
        assert!((ours - case.power).abs() < 1e-9, "{what}: {ours} is not {}", case.power);
    }
}

#[test]
fn power_of_no_effect_is_the_significance_level() {
    same("power", power(0.0, 7, 9, 0.01), 0.01, 1e-10);
}

#[test]
fn holms_correction_is_the_textbooks_and_leaves_missing_values_alone() {
    // Holm 1979: 0.01 * 4, 0.02 * 3, then 0.03 * 2 and 0.04 * 1 both raised to the largest before them.
    let corrected = holm(&[Some(0.04), None, Some(0.01), Some(0.03), Some(0.02)]);
    let expected = [Some(0.06), None, Some(0.04), Some(0.06), Some(0.06)];
    for (ours, theirs) in corrected.iter().zip(expected) {
        assert_eq!(ours.is_some(), theirs.is_some());
        same("p", ours.unwrap_or(0.0), theirs.unwrap_or(0.0), 1e-12);
    }
    assert_eq!(holm(&[Some(0.9), Some(0.8)]), [Some(1.0), Some(1.0)]);
}

#[test]
fn intervals_and_effect_sizes_are_the_textbooks() {
    // t(0.975, 9) = 2.262157162798205.
    let (low, high) = mean_interval(Sample { n: 10, mean: 5.0, std: 2.0 }).unwrap();
    same("half width", (high - low) / 2.0, 2.262_157_162_798_205 * 2.0 / 10f64.sqrt(), 1e-12);
    assert_eq!(mean_interval(Sample::of(&[1.0])), None);
    let d = cohens_d(Sample { n: 10, mean: 3.0, std: 1.0 }, Sample { n: 10, mean: 1.0, std: 3.0 }).unwrap();
    same("d", d, 2.0 / 5f64.sqrt(), 1e-14);
    assert_eq!(cohens_d(Sample::of(&[1.0, 1.0]), Sample::of(&[2.0, 2.0])), None);
    same("critical", critical_t(0.01, 18.0), 2.878_440_472_738_608, 1e-12);
}

/// The paper's Table 2: which cells its own means and standard deviations make bold at 1%.
#[test]
fn table_2s_bold_cells_follow_from_its_means_and_standard_deviations_by_either_unpaired_test() {
    let expected_both = [
        ("Spiral", "Low", "B"),
        ("Sinusoid", "Low", "A"),
        ("Sinusoid", "Low", "B"),
        ("Sinusoid", "Middle", "B"),
        ("Sinusoid", "High", "B"),
    ];
    let mut only_with = 0;
    for line in include_str!("../paper/table2.csv").lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let sample =
            |at: usize| Sample { n: 10, mean: cells[at].parse().unwrap(), std: cells[at + 1].parse().unwrap() };
        let (without, with) = (sample(4), sample(6));
        assert!(with.mean > without.mean, "{line}");
        let expected = expected_both.contains(&(cells[0], cells[1], cells[3]));
        for kind in [Kind::Student, Kind::Welch] {
            let both = ttest_from_summary(kind, with, without).unwrap().p >= 0.01;
            assert_eq!(both, expected, "{line} by {kind:?}");
        }
        only_with += u32::from(!expected);
    }
    assert_eq!(only_with, 13);
}

#[test]
fn the_unit_of_the_values_does_not_matter_however_small_or_large() {
    // Student's sleep data, whose squares at these sizes do not exist in double precision.
    let (a, b) =
        ([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4], [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]);
    for kind in [Kind::Student, Kind::Welch, Kind::Paired] {
        let plain = ttest(kind, &a, &b).unwrap();
        for unit in [2f64.powi(-1060), 1e-160, 1e155, 2f64.powi(1018)] {
            let times = |values: &[f64]| values.iter().map(|v| v * unit).collect::<Vec<_>>();
            let scaled = ttest(kind, &times(&a), &times(&b)).unwrap();
            // At 2^-1060 the values themselves have few digits left.
            let within = if unit < 1e-300 { 1e-2 } else { 1e-12 };
            same(&format!("{kind:?} at {unit:e}"), scaled.p, plain.p, within);
        }
    }
    let summary = |unit: f64| {
        let sample = |mean| Sample { n: 5, mean: mean * unit, std: unit };
        ttest_from_summary(Kind::Welch, sample(2.0), sample(1.0)).unwrap().p
    };
    assert_eq!(summary(1.0), summary(2f64.powi(-600)));
    assert_eq!(summary(1.0), summary(2f64.powi(600)));
    let d = |unit: f64| cohens_d(Sample { n: 5, mean: unit, std: unit }, Sample { n: 7, mean: 0.0, std: unit });
    assert_eq!(d(1.0), d(2f64.powi(700)));
    assert_eq!(d(1.0), d(2f64.powi(-700)));
}

#[test]
fn values_that_are_equal_in_decimals_do_not_vary() {
    // In binary 0.3 - 0.1 and 0.4 - 0.2 differ by 3e-17, and 0.1 + 0.2 and 0.3 by 6e-17.
    let test = ttest(Kind::Paired, &[0.3, 0.4], &[0.1, 0.2]).unwrap();
    assert!(test.constant && test.p == 0.0 && test.ci_low == test.difference && test.ci_high == test.difference);
    for kind in [Kind::Student, Kind::Welch, Kind::Paired] {
        let equal = ttest(kind, &[0.1 + 0.2, 0.3, 0.3], &[0.3, 0.3, 0.1 + 0.2]).unwrap();
        assert!(equal.constant && equal.p == 1.0 && equal.t == 0.0, "{kind:?}: {equal:?}");
    }
    assert_eq!(Sample::of(&[0.1 + 0.2, 0.3]).std, 0.0);
    // What varies, varies, however little.
    assert!(Sample::of(&[1.0, 1.0 + 8.0 * f64::EPSILON]).std > 0.0);
}

#[test]
fn results_beyond_the_range_of_numbers_are_refused() {
    let test = ttest(Kind::Welch, &[1.7e308, -1.7e308], &[-1.7e308, -1.6e308]);
    assert!(matches!(test, Err(StatsError::Overflow { .. })), "{test:?}");
}

fn samples() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    let values = || prop::collection::vec(-100.0..100.0f64, 2..20);
    (values(), values())
}

proptest! {
    #[test]
    fn exchanging_the_samples_only_changes_signs((a, b) in samples()) {
        for kind in [Kind::Student, Kind::Welch] {
            let (one, other) = (ttest(kind, &a, &b).unwrap(), ttest(kind, &b, &a).unwrap());
            prop_assert_eq!(one.t, -other.t);
            prop_assert_eq!(one.difference, -other.difference);
            prop_assert!((one.p - other.p).abs() <= 1e-14 * one.p);
        }
    }

    #[test]
    fn the_interval_excludes_zero_exactly_when_p_is_below_five_percent((a, b) in samples()) {
        for kind in [Kind::Student, Kind::Welch] {
            let test = ttest(kind, &a, &b).unwrap();
            prop_assume!((test.p - 0.05).abs() > 1e-9);
            prop_assert_eq!(test.p < 0.05, test.ci_low > 0.0 || test.ci_high < 0.0);
        }
    }

    #[test]
    fn holm_never_lowers_a_p_value_and_keeps_their_order(p in prop::collection::vec(0.0..1.0f64, 1..30)) {
        let given: Vec<Option<f64>> = p.iter().copied().map(Some).collect();
        let corrected = holm(&given);
        for (i, a) in p.iter().enumerate() {
            prop_assert!(corrected[i].unwrap() >= *a);
            for (j, b) in p.iter().enumerate() {
                prop_assert!(a > b || corrected[i] <= corrected[j]);
            }
        }
    }
}
