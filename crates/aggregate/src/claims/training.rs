//! What the records of all runs say: training loss and accuracy, test loss.

use flooding_tables::Checkpoint;

use super::block::{Judged, Sampled};
use crate::frame::percent;

/// Is the selected run's training accuracy 100%? One value (1 or 0) for each trial with a selected level above 0.
pub(super) fn zero_training_error(judged: Judged<'_>, checkpoint: Checkpoint) -> Sampled<'_> {
    let chosen = judged.choices(checkpoint).into_iter().filter(|choice| !choice.level.is_zero());
    let values = chosen.map(|choice| f64::from(u8::from(choice.train_accuracy >= 100.0))).collect();
    Sampled { judged, values, zeros: 0, paper: None }
}

/// Does the training loss of the compared level end within this share of b?
pub(super) fn loss_floats(judged: Judged<'_>, within: f64) -> Sampled<'_> {
    let of_trial = |trial: super::block::WholeTrial<'_>| {
        let (level, _) = trial.compared()?;
        let ends = &judged.evidence.ends[judged.index];
        let end = ends.iter().find(|end| end.trial == trial.trial && end.level == level)?;
        let floats = (end.train_loss? / level.value() - 1.0).abs() <= within;
        Some(f64::from(u8::from(floats)))
    };
    let values = judged.trials().into_iter().filter_map(of_trial).collect();
    Sampled { judged, values, zeros: 0, paper: None }
}

/// Training accuracy at b = 0 minus that at the highest level, in points.
pub(super) fn training_accuracy_fall(judged: Judged<'_>) -> Sampled<'_> {
    let of_trial = |trial: super::block::WholeTrial<'_>| {
        let (_, highest) = trial.flooded.last()?;
        Some(percent(trial.baseline.last.train.accuracy) - percent(highest.last.train.accuracy))
    };
    let values = judged.trials().into_iter().filter_map(of_trial).collect();
    Sampled { judged, values, zeros: 0, paper: None }
}

/// ln(without / with) of the test loss at the last epoch, at the compared level.
pub(super) fn test_loss(judged: Judged<'_>) -> Sampled<'_> {
    let of_trial = |trial: super::block::WholeTrial<'_>| {
        let (_, with) = trial.compared()?;
        let ratio = trial.baseline.last.test.loss / with.last.test.loss;
        (ratio.is_finite() && ratio > 0.0).then(|| ratio.ln())
    };
    let values = judged.trials().into_iter().filter_map(of_trial).collect();
    Sampled { judged, values, zeros: 0, paper: None }
}
