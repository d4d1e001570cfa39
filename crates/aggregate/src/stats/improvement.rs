//! The probability of improvement: how often a is above b.

use super::pairs::Pairs;

/// Over all pairs of an a and a b: the share with a above b, equal ones counted half (the Mann-Whitney statistic).
pub(super) fn over_all_pairs(pairs: &Pairs) -> f64 {
    let mut b = pairs.b.clone();
    b.sort_by(f64::total_cmp);
    let twice: f64 = (pairs.a.iter())
        .map(|a| {
            // Both conditions hold for a first part of the ascending b.
            let below = b.partition_point(|b| a - b > pairs.tolerance);
            let not_above = b.partition_point(|b| a - b >= -pairs.tolerance);
            (below + not_above) as f64
        })
        .sum();
    twice / (2.0 * (pairs.n() as f64).powi(2))
}

/// Over the trials: the share with a above b, equal ones counted half.
pub(super) fn over_trials(pairs: &Pairs) -> f64 {
    let one = |difference: &f64| match *difference {
        d if d > pairs.tolerance => 1.0,
        d if d >= -pairs.tolerance => 0.5,
        _ => 0.0,
    };
    pairs.differences.iter().map(one).sum::<f64>() / pairs.n() as f64
}
