//! Streaming means and standard errors of a cell's quantities.

use super::MonteCarlo;
use crate::exact::is_below;

/// A Monte Carlo mean and its standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// Sums of one quantity, first relative to its first value, later as mean and squared deviations.
#[derive(Clone, Copy, Debug, Default)]
struct Moments {
    shift: f64,
    sum: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, first: bool, value: f64, count: f64) {
        if first {
            self.shift = value;
        }
        // Relative to the first value a constant has sums of exactly zero, and so a standard error of zero.
        let deviation = value - self.shift;
        self.sum += count * deviation;
        self.squares += count * deviation * deviation;
    }
}

/// Mean and sum of squared deviations.
#[derive(Clone, Copy, Debug, Default)]
struct Settled {
    mean: f64,
    squares: f64,
}

/// The running sums of a chunk, or of many.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    count: u64,
    moments: [Moments; 5],
    settled: [Settled; 5],
}

impl Sums {
    /// Adds `count` equal empirical risks.
    #[inline]
    pub(crate) fn add(&mut self, risk: f64, level: f64, empirical: f64, flooded: f64, count: u64) {
        let (plain, reflected) = ((empirical - risk).powi(2), (flooded - risk).powi(2));
        let below = is_below(empirical, level);
        let shortfall = if below { level - empirical } else { 0.0 };
        let first = self.count == 0;
        let values = [plain, reflected, plain - reflected, shortfall, f64::from(u8::from(below))];
        for (moments, value) in self.moments.iter_mut().zip(values) {
            moments.add(first, value, count as f64);
        }
        self.count += count;
    }

    /// A finished chunk's means and squared deviations.
    pub(crate) fn settled(mut self) -> Self {
        let count = self.count as f64;
        for (settled, moments) in self.settled.iter_mut().zip(self.moments) {
            let mean = moments.sum / count;
            let squares = (moments.squares - moments.sum * mean).max(0.0);
            *settled = Settled { mean: moments.shift + mean, squares };
        }
        self
    }

    /// Adds a finished chunk (Chan, Golub and `LeVeque`'s formula).
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (ours, theirs) = (self.count as f64, other.count as f64);
        let total = ours + theirs;
        for (mine, other) in self.settled.iter_mut().zip(other.settled) {
            let difference = other.mean - mine.mean;
            mine.squares += other.squares + difference * difference * ours * theirs / total;
            mine.mean = if ours == 0.0 { other.mean } else { mine.mean + difference * theirs / total };
            if ours == 0.0 {
                mine.squares = other.squares;
            }
        }
        self.count += other.count;
    }

    /// Means and standard errors.
    pub(crate) fn means(&self) -> MonteCarlo {
        let count = self.count as f64;
        let mean = |settled: Settled| Mean {
            value: settled.mean,
            error: (settled.squares / (count - 1.0).max(1.0) / count).sqrt(),
        };
        let [mse_empirical, mse_flooded, gain, shortfall, prob_below] = self.settled.map(mean);
        MonteCarlo { mse_empirical, mse_flooded, gain, shortfall, prob_below }
    }
}
