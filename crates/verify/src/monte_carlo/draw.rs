//! Drawing empirical risks: n independent losses each, and their mean.

use flooding_core::config::Scenario;
use flooding_core::seeds::Stream;
use rand::RngExt as _;
use rand_distr::{Exp1, StandardNormal};

use super::bits::Bits;
use crate::exact::{Margin, decimal, softplus};

/// Up to this n the counts of ones are gathered in a histogram before they are turned into numbers.
const HISTOGRAM: u32 = 4096;

/// A distribution of one loss.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// c plus a Bernoulli variable.
    ZeroOne { p: f64, c: f64 },
    /// Always c.
    Constant(f64),
    /// Exponential with this mean.
    Exponential(f64),
    /// Normal: mean, standard deviation.
    Gaussian(f64, f64),
    /// Cross-entropy of a linear score on two Gaussians.
    CrossEntropy(Margin),
}

impl Source {
    /// The losses of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        match *scenario {
            Scenario::Bernoulli { p } => Self::ZeroOne { p, c: 0.0 },
            Scenario::ShiftedBernoulli { p, c } => Self::ZeroOne { p, c },
            Scenario::Constant { c } => Self::Constant(c),
            Scenario::Exponential { theta } => Self::Exponential(theta),
            Scenario::Gaussian { mu, s } => Self::Gaussian(mu, s),
            Scenario::CrossEntropy { .. } => {
                Margin::new(scenario).map_or_else(|| unreachable!("a cross-entropy scenario"), Self::CrossEntropy)
            }
        }
    }

    /// Draws `repetitions` means of `n` losses; `visit(mean, count)` sees each, equal ones perhaps together.
    pub(crate) fn draw(&self, n: u32, repetitions: u64, stream: &mut Stream, mut visit: impl FnMut(f64, u64)) {
        let size = f64::from(n);
        match *self {
            Self::ZeroOne { p, c } => zero_one(p, c, n, repetitions, stream, visit),
            Self::Constant(c) => visit(c, repetitions),
            Self::Exponential(theta) => means(n, repetitions, visit, || theta * stream.sample::<f64, _>(Exp1)),
            Self::Gaussian(mu, s) => {
                // The mean of a constant must not differ from it by rounding.
                for _ in 0..repetitions {
                    let sum: f64 = (0..n).map(|_| stream.sample::<f64, _>(StandardNormal)).sum();
                    visit(mu + s * sum / size, 1);
                }
            }
            Self::CrossEntropy(margin) if margin.spread == 0.0 => visit(softplus(0.0), repetitions),
            Self::CrossEntropy(margin) => cross_entropy(margin, n, repetitions, stream, visit),
        }
    }
}

fn means(n: u32, repetitions: u64, mut visit: impl FnMut(f64, u64), mut loss: impl FnMut() -> f64) {
    for _ in 0..repetitions {
        let sum: f64 = (0..n).map(|_| loss()).sum();
        visit(sum / f64::from(n), 1);
    }
}

fn zero_one(p: f64, c: f64, n: u32, repetitions: u64, stream: &mut Stream, mut visit: impl FnMut(f64, u64)) {
    let mean = |ones: u32| decimal(c + f64::from(ones) / f64::from(n));
    let mut bits = Bits::new(p, stream);
    if n == 1 {
        let whole: u64 = (0..repetitions / 64).map(|_| u64::from(bits.word().count_ones())).sum();
        let ones = whole + (0..repetitions % 64).map(|_| u64::from(bits.ones(1))).sum::<u64>();
        for (value, count) in [(mean(0), repetitions - ones), (mean(1), ones)] {
            if count > 0 {
                visit(value, count);
            }
        }
    } else if n <= HISTOGRAM {
        let mut counts = vec![0_u64; n as usize + 1];
        for _ in 0..repetitions {
            counts[bits.ones(n) as usize] += 1;
        }
        for (ones, count) in (0..).zip(counts).filter(|(_, count)| *count > 0) {
            visit(mean(ones), count);
        }
    } else {
        for _ in 0..repetitions {
            visit(mean(bits.ones(n)), 1);
        }
    }
}

/// Flips come 64 at a time from a stream of their own, split off the first.
fn cross_entropy(margin: Margin, n: u32, repetitions: u64, stream: &mut Stream, visit: impl FnMut(f64, u64)) {
    let mut flips = stream.clone();
    // Another of ChaCha's 2^64 streams under the same key: the two never meet.
    flips.set_stream(1);
    let mut flips = Bits::new(margin.eps, &mut flips);
    means(n, repetitions, visit, || {
        let centre = if flips.ones(1) == 1 { margin.centre } else { -margin.centre };
        softplus(centre + margin.spread * stream.sample::<f64, _>(StandardNormal))
    });
}
