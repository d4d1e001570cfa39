//! The comparison of paired results, and with published ones: worked examples, and what must hold for any input.

use flooding_aggregate::stats::{Comparison, Replication, StatsError, Summary, compare};
use proptest::prelude::*;

/// Fisher, The Design of Experiments (1935), chapter III: heights in inches of Darwin's cross- and self-fertilised
/// plants of Zea mays, in pairs.
const CROSSED: [f64; 15] =
    [23.5, 12.0, 21.0, 22.0, 19.125, 21.5, 22.125, 20.375, 18.25, 21.625, 23.25, 21.0, 22.125, 23.0, 12.0];
const SELFED: [f64; 15] =
    [17.375, 20.375, 20.0, 20.0, 18.375, 18.625, 18.625, 15.25, 16.5, 18.0, 16.25, 18.0, 12.75, 15.5, 18.0];

/// Student (1908), The probable error of a mean: additional hours of sleep of ten patients under two drugs.
const SLEEP_2: [f64; 10] = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
const SLEEP_1: [f64; 10] = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];

fn unpublished(a: &[f64], b: &[f64], margin: Option<f64>) -> Comparison {
    compare(a, b, None, margin).unwrap()
}

fn published(a: &[f64], b: &[f64], paper: [[f64; 3]; 2], margin: Option<f64>) -> (Comparison, Replication) {
    let [a_side, b_side] = paper;
    let summary = |name, [mean, std, n]: [f64; 3]| Summary::new(name, mean, std, n).unwrap();
    let comparison = compare(a, b, Some((summary("a", a_side), summary("b", b_side))), margin).unwrap();
    let replication = comparison.replication.unwrap();
    (comparison, replication)
}

#[track_caller]
fn close(ours: f64, theirs: f64, within: f64) {
    assert!((ours - theirs).abs() <= within, "{ours} is not {theirs}");
}

#[test]
fn fishers_randomisation_of_darwins_plants_is_his() {
    let plants = unpublished(&CROSSED, &SELFED, None);
    // Fisher: 20.933 eighths of an inch; t = 2.148 at 14 degrees of freedom, p = 4.970%.
    close(plants.difference, 20.933_333_333_333_3 / 8.0, 1e-12);
    close(plants.p_paired, 0.0497, 5e-5);
    // Fisher: in 835 of 2^15 cases the total exceeds 314 eighths, in 28 it equals it; twice as many either way, 5.267%.
    assert_eq!(plants.p_sign_flip, Some(f64::from(2 * (835 + 28)) / 32_768.0));
    // 13 of 15 pairs are above.
    close(plants.paired_improvement, 13.0 / 15.0, 1e-15);
}

#[test]
fn students_sleep_data_have_his_difference_and_every_signs_p_value() {
    let sleep = unpublished(&SLEEP_2, &SLEEP_1, None);
    // As in every textbook: mean 1.58, t = 4.0621, p = 0.002833, 95% interval 0.7001 to 2.4599.
    close(sleep.difference, 1.58, 1e-12);
    close(sleep.p_paired, 0.002_832_890_197_384_27, 1e-14);
    close(sleep.ci_low, 0.700_114_2, 1e-6);
    close(sleep.ci_high, 2.459_885_8, 1e-6);
    // No difference is negative and one is 0: all signs plus or all minus, and that one either way: 4 of 1024.
    assert_eq!(sleep.p_sign_flip, Some(4.0 / 1024.0));
    // Nine above, one equal.
    close(sleep.paired_improvement, 0.95, 1e-15);
}

#[test]
fn all_pairs_count_equal_ones_half() {
    // a > b: 2 > 1, 2 > 1; 3 > 1, 3 > 2, 3 > 1; equal: 1 = 1, 1 = 1, 2 = 2. So (5 + 3/2) / 9.
    let over_all = unpublished(&[1.0, 2.0, 3.0], &[1.0, 2.0, 1.0], None).probability_of_improvement;
    close(over_all, 6.5 / 9.0, 1e-15);
}

#[test]
fn the_bootstrap_of_three_differences_is_the_one_by_hand() {
    // Differences 0, 0, 3 with mean 1. The 27 resamples have the means 0 (8 of them), 1 (12), 2 (6) and 3 (1).
    // Below 8, equal 12: z0 = Phi^-1((8 + 6) / 27) = Phi^-1(0.518519) = 0.046436.
    // Deviations -1, -1, 2: sum of cubes 6, of squares 6: a = 6 / (6 * 6^1.5) = 0.068041.
    // Lower: z0 + z = -1.913528; level Phi(0.046436 - 1.913528 / (1 + 0.130199)) = Phi(-1.646656) = 0.0498 -> mean 0.
    // Upper: z0 + z = 2.006400; level Phi(0.046436 + 2.006400 / (1 - 0.136518)) = Phi(2.370052) = 0.99111 -> mean 3,
    // since means up to 2 are 26 / 27 = 0.96296 of all.
    let skewed = unpublished(&[1.0, 2.0, 6.0], &[1.0, 2.0, 3.0], None);
    close(skewed.bca_low, 0.0, 1e-15);
    close(skewed.bca_high, 3.0, 1e-15);
    // Differences 0, 3, 3 mirror them: means 0, 1, 2, 3 in 1, 6, 12 and 8 cases; levels 0.00889 and 0.9502.
    let mirrored = unpublished(&[1.0, 5.0, 6.0], &[1.0, 2.0, 3.0], None);
    close(mirrored.bca_low, 0.0, 1e-15);
    close(mirrored.bca_high, 3.0, 1e-15);
}

#[test]
fn the_bootstrap_of_ten_differences_is_scipys() {
    // scipy.stats.bootstrap((d,), numpy.mean, method="BCa", n_resamples=10**6) with seeds 0 to 4 (SciPy 1.17.1): from
    // 1.05 or 1.06 to 2.64.
    let sleep = unpublished(&SLEEP_2, &SLEEP_1, None);
    close(sleep.bca_low, 1.055, 0.006);
    close(sleep.bca_high, 2.64, 1e-9);
    // Fifteen differences are drawn, not listed.
    let plants = unpublished(&CROSSED, &SELFED, None);
    // SciPy: from -0.2 or -0.208 to 4.5417.
    close(plants.bca_low, -0.204, 0.02);
    close(plants.bca_high, 4.541_7, 0.02);
    assert_eq!(plants, unpublished(&CROSSED, &SELFED, None));
}

#[test]
fn a_margin_is_tested_from_both_sides_and_the_harder_one_counts() {
    // Differences 0, 1, 2: mean 1, standard error 1 / sqrt(3), 2 degrees of freedom. Against +2: t = -sqrt(3); against
    // -2: t = 3 sqrt(3). For 2 degrees of freedom P[T > t] = 1/2 - t / (2 sqrt(t^2 + 2)): 1/2 - sqrt(3 / 5) / 2.
    let three = unpublished(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0], Some(2.0));
    close(three.equivalent_p.unwrap(), 0.5 - 0.6f64.sqrt() / 2.0, 1e-15);
    // A margin below the difference cannot be excluded: the tail is on the other side.
    let narrow = unpublished(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0], Some(0.5));
    close(narrow.equivalent_p.unwrap(), 0.5 + (0.75f64 / 2.75).sqrt() / 2.0, 1e-15);
    assert_eq!(unpublished(&[1.0, 2.0], &[1.0, 1.0], None).equivalent_p, None);
}

#[test]
fn a_replication_is_judged_by_the_published_definitions() {
    // Ours: differences 0, 1, 2; mean 1, se_o^2 = 1/3, 2 df. Paper: 3 - 1 = 2, se_p^2 = (2 + 2) / 4 = 1,
    // df_p = 1 / (1/4/3 + 1/4/3) = 6. se^2 = 4/3, df = (16/9) / (1/6 + 1/9/2) = (16/9) / (2/9) = 8.
    let root = 2f64.sqrt();
    let (ours, paper) = published(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0], [[3.0, root, 4.0], [1.0, root, 4.0]], Some(3.0));
    close(ours.difference, 1.0, 1e-15);
    close(paper.paper_difference, 2.0, 1e-15);
    // t(0.975, 6) = 2.446912, t = 2: P[|T| > 2] = 0.0924 at 6 df.
    close(paper.paper_ci_low, 2.0 - 2.446_911_851_144_969, 1e-12);
    close(paper.paper_ci_high, 2.0 + 2.446_911_851_144_969, 1e-12);
    close(paper.paper_t_p, 0.092_426_311_531_675_1, 1e-13);
    let se = (4f64 / 3.0).sqrt();
    close(paper.prediction_low, 2.0 - 1.959_963_984_540_054 * se, 1e-12);
    close(paper.prediction_high, 2.0 + 1.959_963_984_540_054 * se, 1e-12);
    // t(0.975, 8) = 2.306004.
    close(paper.prediction_t_low, 2.0 - 2.306_004_135_204_166 * se, 1e-12);
    close(paper.difference_from_paper, -1.0, 1e-15);
    // 2 Phi(-sqrt(3) / 2) = 2 * 0.193238.
    close(paper.p_orig, 0.386_476_230_771_232_9, 1e-13);
    // Of |x| = 1 against 3: t = 2 / se = sqrt(3) at 8 df: P[T > 1.732051] = 0.060751.
    close(paper.equivalent_to_paper_p.unwrap(), 0.060_751_459_408_556_6, 1e-12);
    // Weights 3 and 1: (3 * 1 + 1 * 2) / 4 = 1.25 with error 1/2.
    close(paper.combined_difference.unwrap(), 1.25, 1e-15);
    close(paper.combined_low.unwrap(), 1.25 - 1.959_963_984_540_054 / 2.0, 1e-12);
    // 2 Phi(-2.5).
    close(paper.combined_p.unwrap(), 0.012_419_330_651_552_3, 1e-14);
    assert!(paper.same_direction && paper.paper_in_our_ci && paper.ours_in_paper_ci);
    assert!(paper.ours_in_prediction_interval && paper.ours_in_prediction_t_interval);
}

#[test]
fn a_number_at_the_end_of_a_prediction_interval_can_be_inside_by_t_alone() {
    // As above with the paper's difference moved to 1 + 2.1 se: between z = 1.96 and t(8) = 2.31.
    let root = 2f64.sqrt();
    let far = 1.0 + 2.1 * (4f64 / 3.0).sqrt();
    let (_, paper) = published(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0], [[1.0 + far, root, 4.0], [1.0, root, 4.0]], None);
    assert!(!paper.ours_in_prediction_interval && paper.ours_in_prediction_t_interval);
}

#[test]
fn opposite_and_absent_effects_have_no_common_direction() {
    let same =
        |a: &[f64], b: &[f64], mean: f64| published(a, b, [[mean, 1.0, 3.0], [1.0, 1.0, 3.0]], None).1.same_direction;
    assert!(same(&[2.0, 3.0], &[1.0, 1.0], 1.5) && same(&[0.0, 0.5], &[1.0, 1.0], 0.5));
    assert!(!same(&[2.0, 3.0], &[1.0, 1.0], 0.5) && !same(&[2.0, 3.0], &[1.0, 1.0], 1.0));
    assert!(!same(&[2.0, 1.0], &[1.0, 2.0], 1.5));
    // 0.1 + 0.2 is 0.3 but for rounding.
    assert!(!same(&[0.1 + 0.2, 0.3], &[0.3, 0.3], 1.5));
}

#[test]
fn differences_that_are_equal_in_decimals_have_no_error() {
    // In binary 0.3 - 0.1 and 0.4 - 0.2 differ by 3e-17.
    let (ours, paper) = published(&[0.3, 0.4], &[0.1, 0.2], [[0.5, 0.0, 3.0], [0.3, 0.0, 3.0]], Some(0.2));
    assert!(ours.constant);
    assert_eq!((ours.ci_low, ours.ci_high), (ours.difference, ours.difference));
    assert_eq!((ours.bca_low, ours.bca_high), (ours.difference, ours.difference));
    assert_eq!((ours.p_paired, ours.equivalent_p), (0.0, Some(1.0)));
    assert_eq!((paper.p_orig, paper.equivalent_to_paper_p), (1.0, Some(0.0)));
    assert!(paper.paper_in_our_ci && paper.ours_in_paper_ci && paper.ours_in_prediction_interval);
    assert_eq!((paper.combined_difference, paper.combined_p), (None, None));
    // One side varies: the other takes all the weight.
    let (_, paper) = published(&[0.3, 0.4], &[0.1, 0.2], [[0.5, 0.1, 3.0], [0.4, 0.1, 3.0]], None);
    close(paper.combined_difference.unwrap(), 0.2, 1e-15);
    assert_eq!(paper.combined_low, paper.combined_high);
    assert_eq!(paper.combined_p, Some(0.0));
}

#[test]
fn equal_lists_give_no_evidence_of_anything() {
    let same = unpublished(&[0.1, 0.1, 0.1], &[0.1, 0.1, 0.1], Some(1e-20));
    assert_eq!((same.difference, same.p_paired, same.p_sign_flip), (0.0, 1.0, Some(1.0)));
    assert_eq!((same.probability_of_improvement, same.paired_improvement), (0.5, 0.5));
    assert_eq!(same.equivalent_p, Some(0.0));
}

#[test]
fn sums_that_tie_but_for_rounding_tie() {
    // 0.1 + 0.2 - 0.3 and its opposite are 0 in decimals: 2 of 8 patterns are exact, and their mean is the observed 0.
    let tied = unpublished(&[0.1, 0.2, -0.3], &[0.0, 0.0, 0.0], None);
    assert_eq!(tied.p_sign_flip, Some(1.0));
    // Differences 0.1, 0.2, 0.3: only all signs alike reach 0.6.
    assert_eq!(unpublished(&[0.4, 0.5, 0.6], &[0.3, 0.3, 0.3], None).p_sign_flip, Some(0.25));
}

#[test]
fn twenty_trials_are_enumerated_and_twenty_one_are_not() {
    let rising = |n: u32| (1..=n).map(f64::from).collect::<Vec<_>>();
    let zeros = |n| vec![0.0; n];
    assert_eq!(unpublished(&rising(20), &zeros(20), None).p_sign_flip, Some(2.0 / f64::from(1 << 20)));
    assert_eq!(unpublished(&rising(21), &zeros(21), None).p_sign_flip, None);
}

#[test]
fn numbers_of_very_different_size_stand_beside_each_other() {
    let huge = [[1e300, 1e299, 10.0], [0.0, 1e299, 10.0]];
    let (ours, paper) = published(&[1e-160, 2e-160, 4e-160], &[1e-160; 3], huge, Some(1e300));
    close(ours.p_paired, 0.269_703_256_659_78, 1e-12);
    assert_eq!(ours.equivalent_p, Some(0.0));
    // The paper's error is 10^460 times ours.
    assert_eq!(paper.combined_difference, Some(ours.difference));
    assert!(paper.combined_low.unwrap() < ours.difference && paper.combined_high.unwrap() > ours.difference);
}

#[test]
fn what_cannot_be_compared_is_refused_in_a_sentence() {
    let refused = |a: &[f64], b: &[f64], margin| compare(a, b, None, margin).unwrap_err();
    assert!(matches!(refused(&[1.0], &[1.0], None), StatsError::TooFew { n: 1, .. }));
    assert!(matches!(refused(&[], &[], None), StatsError::TooFew { n: 0, .. }));
    assert!(matches!(refused(&[1.0, 2.0], &[1.0], None), StatsError::Unpaired { a: 2, b: 1 }));
    assert!(matches!(refused(&[1.0, f64::NAN], &[1.0, 2.0], None), StatsError::NotFinite { sample: "a", .. }));
    assert!(matches!(refused(&[1.0, 2.0], &[1.0, f64::INFINITY], None), StatsError::NotFinite { sample: "b", .. }));
    assert!(matches!(refused(&[1e308, 0.0], &[-1e308, 0.0], None), StatsError::Overflow { .. }));
    for margin in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(refused(&[1.0, 2.0], &[1.0, 1.0], Some(margin)), StatsError::BadMargin(_)), "{margin}");
    }
    for (mean, std, n) in [
        (f64::NAN, 1.0, 3.0),
        (1.0, -1.0, 3.0),
        (1.0, f64::INFINITY, 3.0),
        (1.0, 1.0, 1.0),
        (1.0, 1.0, 2.5),
        (1.0, 1.0, f64::INFINITY),
    ] {
        let error = Summary::new("a", mean, std, n).unwrap_err().to_string();
        assert!(error.contains("sample a"), "{error}");
    }
}

fn results() -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    // Whole numbers and tenths bring ties.
    let value = || prop_oneof![(-20..20i32).prop_map(|v| f64::from(v) / 10.0), -100.0..100.0f64];
    (2..13usize).prop_flat_map(move |n| (prop::collection::vec(value(), n), prop::collection::vec(value(), n)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_depends_on_the_unit((a, b) in results(), power in prop::sample::select(vec![-600, 600])) {
        let unit = 2f64.powi(power);
        let times = |values: &[f64]| values.iter().map(|v| v * unit).collect::<Vec<_>>();
        let paper = |unit: f64| [[1.5 * unit, unit, 3.0], [0.5 * unit, 2.0 * unit, 10.0]];
        let (one, to_paper) = published(&a, &b, paper(1.0), Some(0.75));
        let (other, to_scaled) = published(&times(&a), &times(&b), paper(unit), Some(0.75 * unit));
        prop_assert_eq!(one.p_paired, other.p_paired);
        prop_assert_eq!(one.p_sign_flip, other.p_sign_flip);
        prop_assert_eq!(one.equivalent_p, other.equivalent_p);
        prop_assert_eq!(one.bca_low * unit, other.bca_low);
        prop_assert_eq!(one.ci_high * unit, other.ci_high);
        prop_assert_eq!(to_paper.p_orig, to_scaled.p_orig);
        prop_assert_eq!(to_paper.equivalent_to_paper_p, to_scaled.equivalent_to_paper_p);
        prop_assert_eq!(to_paper.combined_p, to_scaled.combined_p);
        prop_assert_eq!(to_paper.prediction_t_low * unit, to_scaled.prediction_t_low);
    }

    #[test]
    fn exchanging_the_lists_turns_everything_around((a, b) in results()) {
        let (one, other) = (unpublished(&a, &b, Some(1.0)), unpublished(&b, &a, Some(1.0)));
        prop_assert_eq!(one.difference, -other.difference);
        prop_assert_eq!(one.p_sign_flip, other.p_sign_flip);
        prop_assert!((one.probability_of_improvement + other.probability_of_improvement - 1.0).abs() < 1e-12);
        prop_assert!((one.p_paired - other.p_paired).abs() < 1e-12);
        prop_assert!((one.equivalent_p.unwrap() - other.equivalent_p.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn a_list_of_trials_in_another_order_says_the_same((a, b) in results()) {
        let reversed = |values: &[f64]| values.iter().rev().copied().collect::<Vec<_>>();
        let (one, other) = (unpublished(&a, &b, None), unpublished(&reversed(&a), &reversed(&b), None));
        prop_assert_eq!(one.p_sign_flip, other.p_sign_flip);
        prop_assert_eq!(one.probability_of_improvement, other.probability_of_improvement);
        prop_assert!((one.p_paired - other.p_paired).abs() < 1e-9);
    }
}
