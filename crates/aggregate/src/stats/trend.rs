//! Jonckheere's test of a trend over ordered groups, with ties, stratified.

use super::normal;

/// Jonckheere's statistic of one or several strata, with its moments when there is no trend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Pairs of an earlier and a later group's value in which the later one is larger; a tie counts half.
    pub concordant: f64,
    /// All such pairs.
    pub pairs: f64,
    /// Variance of `concordant` without a trend, corrected for ties (Hollander and Wolfe 1999, equation 6.19).
    pub variance: f64,
}

impl Trend {
    /// The statistic of groups in order; `None` for fewer than two groups with values, or where all values are equal.
    pub fn of(groups: &[Vec<f64>]) -> Option<Self> {
        let groups: Vec<&Vec<f64>> = groups.iter().filter(|values| !values.is_empty()).collect();
        if groups.len() < 2 {
            return None;
        }
        let (mut concordant, mut pairs) = (0.0, 0.0);
        for (i, earlier) in groups.iter().enumerate() {
            for later in &groups[i + 1..] {
                pairs += (earlier.len() * later.len()) as f64;
                for a in *earlier {
                    for b in *later {
                        concordant += if b > a {
                            1.0
                        } else if b == a {
                            0.5
                        } else {
                            0.0
                        };
                    }
                }
            }
        }
        let sizes: Vec<f64> = groups.iter().map(|values| values.len() as f64).collect();
        let mut all: Vec<f64> = groups.iter().flat_map(|values| values.iter().copied()).collect();
        all.sort_by(f64::total_cmp);
        let ties: Vec<f64> = all.chunk_by(|a, b| a == b).map(|equal| equal.len() as f64).collect();
        let variance = null_variance(all.len() as f64, &sizes, &ties);
        (variance > 0.0).then_some(Self { concordant, pairs, variance })
    }

    /// The statistic of independent strata together; `None` without one.
    pub fn stratified(strata: &[Self]) -> Option<Self> {
        let sum = |of: fn(&Self) -> f64| strata.iter().map(of).sum::<f64>();
        let all = Self { concordant: sum(|t| t.concordant), pairs: sum(|t| t.pairs), variance: sum(|t| t.variance) };
        (!strata.is_empty()).then_some(all)
    }

    /// Standard deviations above what no trend gives.
    pub fn z(&self) -> f64 {
        (self.concordant - self.pairs / 2.0) / self.variance.sqrt()
    }

    /// The share of concordant pairs: 1/2 without a trend, 1 where every later value is larger.
    pub fn share(&self) -> f64 {
        self.concordant / self.pairs
    }

    /// One-sided p-value of "no growth", by the normal approximation.
    pub fn p_growth(&self) -> f64 {
        normal::cdf(-self.z())
    }
}

fn null_variance(n: f64, sizes: &[f64], ties: &[f64]) -> f64 {
    let sum = |of: fn(f64) -> f64, values: &[f64]| values.iter().map(|v| of(*v)).sum::<f64>();
    let cubic: fn(f64) -> f64 = |v| v * (v - 1.0) * (2.0 * v + 5.0);
    let triples: fn(f64) -> f64 = |v| v * (v - 1.0) * (v - 2.0);
    let doubles: fn(f64) -> f64 = |v| v * (v - 1.0);
    let mut variance = (cubic(n) - sum(cubic, sizes) - sum(cubic, ties)) / 72.0;
    if n > 2.0 {
        variance += sum(triples, sizes) * sum(triples, ties) / (36.0 * triples(n));
    }
    variance + sum(doubles, sizes) * sum(doubles, ties) / (8.0 * doubles(n))
}
