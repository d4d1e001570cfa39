//! Learning curves with the shapes of real ones: the training loss floats around the level, the test loss rises and, with
//! flooding, falls again. No number means anything.

use flooding_core::record::{EpochRow, GradientNorms, Measure};
use flooding_core::spec::RunSpec;

/// What makes one run differ from another.
pub struct Curve {
    level: f64,
    epochs: f64,
    /// Test accuracy at the end, from 0 to 1.
    pub accuracy: f64,
    seed: u64,
}

impl Curve {
    pub fn new(spec: &RunSpec) -> Self {
        let level = spec.level.value();
        let (base, gain) = if spec.setting.contains("high") {
            (0.79, 0.06)
        } else if spec.setting.contains("middle") {
            (0.86, 0.03)
        } else {
            (0.93, 0.01)
        };
        let demo = if spec.reading == "demo" { 0.02 } else { 0.0 };
        let hill = (-((level - 0.2) / 0.15).powi(2)).exp() - (-(0.2f64 / 0.15).powi(2)).exp();
        let seed = u64::from(spec.trial) * 1009 + u64::from(spec.level.millionths() / 10_000);
        let noise = 0.015 * (wave(u64::from(spec.trial)) - 0.5) + 0.008 * (wave(seed) - 0.5);
        Self { level, epochs: f64::from(spec.epochs), accuracy: base + demo + gain * hill + noise, seed }
    }

    pub fn train(&self, epoch: u32) -> Measure {
        let descent = 0.7 * (-12.0 * f64::from(epoch) / self.epochs).exp() + 1e-4;
        let floating = self.level * (1.0 + 0.1 * (self.noise(epoch) - 0.5));
        let loss = descent.max(floating);
        measure(loss, (1.0 - 0.3 * loss).min(1.0))
    }

    pub fn test(&self, epoch: u32) -> Measure {
        let share = f64::from(epoch) / self.epochs;
        let rise = 0.45 + 1.6 * (share * 8.0 - 1.0).clamp(0.0, 1.0) * (1.0 - 1.5 * self.level).max(0.2);
        let fall = if self.level > 0.0 { 0.9 * (share - 0.3).max(0.0) * (1.0 + self.level) } else { 0.0 };
        let early = 0.02 * (-(share * 10.0 - 1.0).powi(2)).exp();
        let reached = self.accuracy - 0.25 * (-20.0 * share).exp() + early;
        measure((rise - fall + 0.05 * self.noise(epoch)).max(0.2), reached + 0.004 * (self.noise(epoch) - 0.5))
    }

    pub fn validation(&self, epoch: u32) -> Measure {
        let test = self.test(epoch);
        measure(test.loss, test.accuracy + 0.02 * (self.noise(epoch + 7919) - 0.5))
    }

    pub fn row(&self, epoch: u32, is_tested: bool) -> EpochRow {
        let train = self.train(epoch);
        EpochRow {
            epoch,
            batch_loss: train.loss * 1.02,
            train: Some(train),
            validation: self.validation(epoch),
            test: is_tested.then(|| self.test(epoch)),
            gradients: None,
        }
    }

    pub fn gradients(&self, epoch: u32) -> GradientNorms {
        let test = self.test(epoch);
        let train_filter = self.train(epoch).loss * (1.0 + self.noise(epoch));
        let test_filter = test.loss * (0.5 + self.noise(epoch));
        GradientNorms { train_filter, train_tensor: train_filter, test_filter, test_tensor: test_filter }
    }

    fn noise(&self, epoch: u32) -> f64 {
        wave(self.seed * 100_003 + u64::from(epoch))
    }
}

/// From 0 to 1, without a pattern (splitmix64).
fn wave(index: u64) -> f64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

fn measure(loss: f64, accuracy: f64) -> Measure {
    let accuracy = accuracy.clamp(0.0, 1.0);
    Measure { loss, accuracy, clean_accuracy: accuracy }
}
