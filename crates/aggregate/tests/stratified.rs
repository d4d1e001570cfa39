//! The pooled effect and Jonckheere's test against worked examples.

use flooding_aggregate::stats::{Pooled, Sample, Stratum, Trend, critical_t, proportion_interval};

#[test]
fn jonckheeres_statistic_is_that_of_hollander_and_wolfes_example() {
    // Hollander and Wolfe 1999, Section 6.2, knowledge of performance: J = 79. By hand: E = 54, and with the ties 38, 40, 43
    // and 44 (2, 4, 2 and 3 times) the variance is 10,758 / 72 + 10,800 / 176,256 + 1,980 / 2,448.
    let groups = [
        vec![40.0, 35.0, 38.0, 43.0, 44.0, 41.0],
        vec![38.0, 40.0, 47.0, 44.0, 40.0, 42.0],
        vec![48.0, 40.0, 45.0, 43.0, 46.0, 44.0],
    ];
    let trend = Trend::of(&groups).unwrap();
    assert_eq!((trend.concordant, trend.pairs), (79.0, 108.0));
    assert!((trend.variance - 150.286).abs() < 1e-3, "{}", trend.variance);
    assert!((trend.z() - 2.0393).abs() < 1e-3 && (trend.p_growth() - 0.0207).abs() < 1e-3);
    let twice = Trend::stratified(&[trend, trend]).unwrap();
    assert!((twice.z() - trend.z() * 2.0_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn equal_values_and_a_single_group_have_no_trend() {
    assert_eq!(Trend::of(&[vec![1.0, 1.0], vec![1.0]]), None);
    assert_eq!(Trend::of(&[vec![1.0, 2.0]]), None);
    assert_eq!(Trend::of(&[vec![], vec![1.0, 2.0]]), None);
}

#[test]
fn strata_count_alike_whatever_their_size_and_their_distance_is_no_error() {
    // Means 2 and 102, variances of the mean 1 and 1/4: effect 52, error sqrt(1.25) / 2.
    let pooled = Pooled::of(&[vec![1.0, 3.0], vec![101.0, 102.0, 103.0, 102.0]]).unwrap();
    let second = Sample::of(&[101.0, 102.0, 103.0, 102.0]);
    let variance = second.std.powi(2) / 4.0;
    assert_eq!((pooled.effect, pooled.values), (52.0, 6));
    assert!((pooled.error - (1.0 + variance).sqrt() / 2.0).abs() < 1e-12);
    let df = (1.0 + variance).powi(2) / (1.0 + variance.powi(2) / 3.0);
    assert!((pooled.df - df).abs() < 1e-9);
    let (low, high) = pooled.interval(0.95);
    assert!((high - low - 2.0 * critical_t(0.05, df) * pooled.error).abs() < 1e-9);
    assert!((pooled.p(pooled.effect) - 1.0).abs() < 1e-12 && pooled.p(low) - 0.05 < 1e-9);
}

#[test]
fn where_each_stratum_is_a_single_run_the_strata_are_the_sample() {
    let pooled = Pooled::of(&[vec![1.0], vec![3.0], vec![2.0]]).unwrap();
    assert_eq!((pooled.effect, pooled.df), (2.0, 2.0));
    assert!((pooled.error - 1.0 / 3.0_f64.sqrt()).abs() < 1e-12);
    assert_eq!(Pooled::of(&[vec![1.0]]), None);
    assert_eq!(Pooled::of(&[]), None);
    assert_eq!(Pooled::of(&[vec![1.0, f64::NAN]]), None);
}

#[test]
fn values_without_spread_have_an_interval_of_no_width() {
    let pooled = Pooled::of(&[vec![0.5, 0.5], vec![0.5, 0.5]]).unwrap();
    assert_eq!(pooled.interval(0.95), (0.5, 0.5));
    assert_eq!((pooled.p(0.5), pooled.p(0.0)), (1.0, 0.0));
}

#[test]
fn a_difference_of_summaries_is_welchs() {
    let (a, b) = (Sample { n: 10, mean: 92.13, std: 0.48 }, Sample { n: 10, mean: 90.52, std: 0.71 });
    let stratum = Stratum::difference(a, b);
    assert!((stratum.mean - 1.61).abs() < 1e-12 && (stratum.variance - 0.073_45).abs() < 1e-9);
    assert!((stratum.df - 15.80).abs() < 0.01, "{}", stratum.df);
}

#[test]
fn the_exact_interval_of_a_share_is_clopper_and_pearsons() {
    for ((hits, n), (low, high)) in
        [((9, 10), (0.5550, 0.9975)), ((0, 10), (0.0, 0.3085)), ((12, 12), (0.7354, 1.0)), ((0, 0), (0.0, 1.0))]
    {
        let found = proportion_interval(hits, n);
        assert!((found.0 - low).abs() < 1e-4 && (found.1 - high).abs() < 1e-4, "{hits} of {n}: {found:?}");
    }
}
