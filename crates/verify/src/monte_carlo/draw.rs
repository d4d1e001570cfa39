//! Drawing empirical risks: n independent losses each, and their mean.

use flooding_core::config::Scenario;
use flooding_core::progress::StopFlag;
use flooding_core::seeds::Stream;
use rand::RngExt as _;
use rand_distr::{Exp1, StandardNormal};

use super::bits::Bits;
use crate::exact::{Margin, decimal, softplus};

/// Up to this n the counts of ones are gathered in a histogram before they are turned into numbers.
const HISTOGRAM: u32 = 4096;

/// Losses drawn between two looks at the stop flag.
const BETWEEN_STOPS: u32 = 1 << 20;

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

    /// Draws the means of a chunk; `visit(mean, count)` sees each, equal ones perhaps together. `None` when asked to stop.
    pub(crate) fn draw(&self, chunk: Chunk, stream: &mut Stream, mut visit: impl FnMut(f64, u64)) -> Option<()> {
        let size = f64::from(chunk.n);
        match *self {
            Self::ZeroOne { p, c } => zero_one(p, c, chunk, stream, visit),
            Self::Constant(c) => {
                visit(c, chunk.repetitions);
                Some(())
            }
            Self::Exponential(theta) => {
                chunk.sums(|| theta * stream.sample::<f64, _>(Exp1), |sum| visit(sum / size, 1))
            }
            // The mean of a constant must not differ from it by rounding.
            Self::Gaussian(mu, s) => {
                chunk.sums(|| stream.sample::<f64, _>(StandardNormal), |sum| visit(mu + s * sum / size, 1))
            }
            Self::CrossEntropy(margin) if margin.spread == 0.0 => {
                visit(softplus(0.0), chunk.repetitions);
                Some(())
            }
            Self::CrossEntropy(margin) => cross_entropy(margin, chunk, stream, |sum| visit(sum / size, 1)),
        }
    }
}

/// How much to draw at a time, and the flag that ends it early.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    /// Losses averaged.
    pub(crate) n: u32,
    /// Means to draw.
    pub(crate) repetitions: u64,
    /// Looked at between two means, and within a long one.
    pub(crate) stop: &'a StopFlag,
}

impl Chunk<'_> {
    /// Draws the sums of n losses one after another; `None` when asked to stop.
    fn sums(self, mut loss: impl FnMut() -> f64, mut visit: impl FnMut(f64)) -> Option<()> {
        for _ in 0..self.repetitions {
            let (mut sum, mut left) = (0.0, self.n);
            while left > 0 {
                if self.stop.is_raised() {
                    return None;
                }
                let some = left.min(BETWEEN_STOPS);
                for _ in 0..some {
                    sum += loss();
                }
                left -= some;
            }
            visit(sum);
        }
        Some(())
    }
}

fn zero_one(p: f64, c: f64, chunk: Chunk, stream: &mut Stream, mut visit: impl FnMut(f64, u64)) -> Option<()> {
    let Chunk { n, repetitions, stop } = chunk;
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
            let (mut ones, mut left) = (0, n);
            while left > 0 {
                if stop.is_raised() {
                    return None;
                }
                let some = left.min(BETWEEN_STOPS);
                ones += bits.ones(some);
                left -= some;
            }
            visit(mean(ones), 1);
        }
    }
    Some(())
}

/// Flips come 64 at a time from their own stream, split off the first.
fn cross_entropy(margin: Margin, chunk: Chunk, stream: &mut Stream, visit: impl FnMut(f64)) -> Option<()> {
    let mut flips = stream.clone();
    // Another of ChaCha's 2^64 streams under the same key: the two never meet.
    flips.set_stream(1);
    let mut flips = Bits::new(margin.eps, &mut flips);
    let loss = || {
        let centre = if flips.ones(1) == 1 { margin.centre } else { -margin.centre };
        softplus(centre + margin.spread * stream.sample::<f64, _>(StandardNormal))
    };
    chunk.sums(loss, visit)
}
