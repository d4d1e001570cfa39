//! Where the training loss of a level ends: does it stay around b? (See [`FinalLossRow`].)

use flooding_core::level::Level;
use flooding_core::plan::Setting;
use flooding_core::record::{EpochRow, History};
use flooding_tables::{FinalLossRow, MeanStd};

use crate::frame::percent;
use crate::scan::Found;
use crate::stats::Sample;

/// The least number of last epochs that are averaged: one epoch of a loss that swings says little.
const LEAST_EPOCHS: usize = 5;

/// The last epochs of a history.
fn last_epochs(history: &History) -> &[EpochRow] {
    let rows = &history.rows;
    let window = (rows.len() / 10).max(LEAST_EPOCHS).min(rows.len());
    &rows[rows.len() - window..]
}

/// Mean training loss of the last epochs; `None` where none of them evaluated the training set.
pub(crate) fn final_train_loss(history: &History) -> Option<f64> {
    let losses: Vec<f64> = last_epochs(history).iter().filter_map(|row| Some(row.train?.loss)).collect();
    (!losses.is_empty()).then(|| Sample::of(&losses).mean)
}

/// The row of one level; `None` where it has no history.
pub(crate) fn final_loss(setting: &Setting, level: Level, histories: &[(&Found, History)]) -> Option<FinalLossRow> {
    let of_level = || histories.iter().filter(|(run, history)| run.spec.level == level && !history.rows.is_empty());
    let (run, first) = of_level().next()?;
    let (record, _) = run.complete()?;
    let over_trials = |of: fn(&EpochRow) -> Option<f64>| {
        let means: Vec<f64> = of_level()
            .map(|(_, history)| last_epochs(history).iter().filter_map(of).collect::<Vec<_>>())
            .filter(|values| !values.is_empty())
            .map(|values| values.iter().sum::<f64>() / values.len() as f64)
            .collect();
        let Sample { n, mean, std } = Sample::of(&means);
        MeanStd { n, mean, std: (n > 1).then_some(std) }
    };
    let losses = || {
        let rows = of_level().flat_map(|(_, history)| last_epochs(history));
        rows.filter_map(|row| row.train.map(|train| train.loss))
    };
    let window = last_epochs(first);
    Some(FinalLossRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        level,
        train_examples: record.examples[0],
        validation_examples: record.examples[1],
        test_examples: record.examples[2],
        first_epoch: window[0].epoch,
        last_epoch: window[window.len() - 1].epoch,
        batch_loss: over_trials(|row| Some(row.batch_loss)),
        train_loss: over_trials(|row| Some(row.train?.loss)),
        train_loss_min: losses().fold(f64::INFINITY, f64::min),
        train_loss_max: losses().fold(0.0, f64::max),
        train_accuracy: over_trials(|row| Some(percent(row.train?.accuracy))),
    })
}
