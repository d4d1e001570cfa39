//! The bias-corrected and accelerated bootstrap interval of a mean difference (Efron 1987).

use flooding_core::seeds::{Purpose, Streams};
use rand::RngExt as _;

use super::exact::Whole;
use super::normal;
use super::pairs::Pairs;

/// Differences drawn for all resamples together, where these cannot be listed, within [`RESAMPLES`].
const DRAWS: usize = 1 << 24;

/// The least and the largest number of resamples. The Monte Carlo error of an end is 0.4% of half the interval's width
/// for the least, 0.1% for the largest.
const RESAMPLES: (usize, usize) = (100_000, 1_000_000);

/// Largest number of pairs whose resamples are listed: 352,716 distinct ones for 11 pairs.
const MOST_LISTED: usize = 11;

/// The seed of the resamples. Any fixed number serves; the same pairs give the same interval.
const SEED: u64 = 1987;

/// Sums of resamples in ascending order, each with how often it occurs.
struct Distribution {
    sums: Vec<(i128, u64)>,
    total: u64,
}

/// The 95% interval, on the scale of the pairs.
pub(super) fn bca_interval(pairs: &Pairs, whole: &Whole) -> (f64, f64) {
    if pairs.constant() {
        return (pairs.sample.mean, pairs.sample.mean);
    }
    let distribution = if pairs.n() <= MOST_LISTED { listed(whole) } else { drawn(whole) };
    let bias = normal::quantile(distribution.share_below(whole));
    let acceleration = acceleration(pairs);
    let end = |z: f64| {
        let from_bias = bias + z;
        let level = normal::cdf(bias + from_bias / (1.0 - acceleration * from_bias));
        whole.mean(distribution.quantile(level))
    };
    (end(-normal::Z_95), end(normal::Z_95))
}

/// By the jackknife: for a mean a sixth of the skewness of the deviations over the square root of n.
fn acceleration(pairs: &Pairs) -> f64 {
    let deviation = |difference: &f64| (difference - pairs.sample.mean) / pairs.sample.std;
    let moment = |power| pairs.differences.iter().map(|d| deviation(d).powi(power)).sum::<f64>();
    moment(3) / (6.0 * moment(2).powf(1.5))
}

impl Distribution {
    fn sorted(mut sums: Vec<(i128, u64)>) -> Self {
        sums.sort_unstable();
        let total = sums.iter().map(|(_, count)| count).sum();
        Self { sums, total }
    }

    /// The share of resamples whose mean lies below the observed one, those equal to it counted half.
    fn share_below(&self, whole: &Whole) -> f64 {
        let mut twice = 0;
        for (sum, count) in &self.sums {
            twice += match sum - whole.sum {
                apart if apart.abs() <= whole.tolerance => *count,
                apart if apart < 0 => 2 * count,
                _ => break,
            };
        }
        twice as f64 / (2.0 * self.total as f64)
    }

    /// The least sum that at least this share of the resamples does not exceed.
    fn quantile(&self, share: f64) -> i128 {
        let wanted = share * self.total as f64;
        let mut passed = 0;
        for (sum, count) in &self.sums {
            passed += count;
            if passed as f64 >= wanted {
                return *sum;
            }
        }
        self.sums.last().map_or(0, |(sum, _)| *sum)
    }
}

/// All resamples: each multiset of differences once, with the number of orders in which it can be drawn.
fn listed(whole: &Whole) -> Distribution {
    fn extend(left: &[i128], draws: u64, sum: i128, orders: u64, sums: &mut Vec<(i128, u64)>) {
        let (first, rest) = left.split_first().expect("there is a difference for every draw that is left");
        if rest.is_empty() {
            sums.push((sum + first * i128::from(draws), orders));
            return;
        }
        // Which of the remaining draws took this difference: draws over `times` ways.
        let mut ways = 1;
        for times in 0..=draws {
            extend(rest, draws - times, sum + first * i128::from(times), orders * ways, sums);
            ways = ways * (draws - times) / (times + 1);
        }
    }
    let mut sums = Vec::new();
    extend(&whole.differences, whole.differences.len() as u64, 0, 1, &mut sums);
    Distribution::sorted(sums)
}

fn drawn(whole: &Whole) -> Distribution {
    let n = whole.differences.len();
    let mut stream = Streams::new(SEED, "bca", 0).stream(Purpose::Bootstrap, n as u64);
    let mut one = || -> i128 { (0..n).map(|_| whole.differences[stream.random_range(0..n as u32) as usize]).sum() };
    let resamples = (DRAWS / n).clamp(RESAMPLES.0, RESAMPLES.1);
    Distribution::sorted((0..resamples).map(|_| (one(), 1)).collect())
}
