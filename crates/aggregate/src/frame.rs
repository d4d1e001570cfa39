//! The flat frame of runs that every table is queried from: two rows a complete run, one for each checkpoint selection.

use flooding_core::plan::Plan;
use flooding_core::record::Outcome;
use flooding_tables::Checkpoint;
use polars::prelude::*;

use crate::scan::Found;

/// Columns of the runs frame. Accuracies are percentages.
pub(crate) const RUN: &str = "run";
pub(crate) const SETTING: &str = "setting";
pub(crate) const TRIAL: &str = "trial";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const LEVEL: &str = "level";
pub(crate) const LEVEL_VALUE: &str = "level_value";
pub(crate) const EPOCH: &str = "epoch";
pub(crate) const TRAIN_ACCURACY: &str = "train_accuracy";
pub(crate) const VALIDATION_ACCURACY: &str = "validation_accuracy";
pub(crate) const VALIDATION_CLEAN: &str = "validation_clean_accuracy";
pub(crate) const TEST_ACCURACY: &str = "test_accuracy";
pub(crate) const TRAIN_LOSS: &str = "train_loss";
pub(crate) const TEST_LOSS: &str = "test_loss";

/// Both checkpoint selections, at their codes in the frame's `checkpoint` column.
pub(crate) const CHECKPOINTS: [Checkpoint; 2] = [Checkpoint::LastEpoch, Checkpoint::BestValidation];

/// A fraction as a percentage, rounded to 1e-9: 0.925 becomes 92.5, not 92.50000000000001.
pub(crate) fn percent(fraction: f64) -> f64 {
    (fraction * 1e11).round() / 1e9
}

/// A run's index, the run, the code of a checkpoint selection, and the results at that epoch.
type Row<'a> = (usize, &'a Found, u32, &'a Outcome);

/// The runs frame; `run` is the index into `runs`, `setting` that into the plan's settings, `level` is in millionths.
pub(crate) fn runs_frame(runs: &[Found]) -> PolarsResult<DataFrame> {
    let rows: Vec<Row> = (runs.iter().enumerate())
        .filter_map(|(i, run)| run.complete().map(|(_, summary)| (i, run, summary)))
        .flat_map(|(i, run, summary)| [(i, run, 0, &summary.last), (i, run, 1, &summary.best)])
        .collect();
    let whole =
        |name: &str, of: &dyn Fn(&Row) -> u32| Column::new(name.into(), rows.iter().map(of).collect::<Vec<u32>>());
    let real = |name: &str, of: &dyn Fn(&Outcome) -> f64| {
        Column::new(name.into(), rows.iter().map(|row| of(row.3)).collect::<Vec<f64>>())
    };
    let level_values: Vec<f64> = rows.iter().map(|row| row.1.spec.level.value()).collect();
    DataFrame::new(
        rows.len(),
        vec![
            whole(RUN, &|row| row.0 as u32),
            whole(SETTING, &|row| row.1.setting as u32),
            whole(TRIAL, &|row| row.1.spec.trial),
            whole(CHECKPOINT, &|row| row.2),
            whole(LEVEL, &|row| row.1.spec.level.millionths()),
            Column::new(LEVEL_VALUE.into(), level_values),
            whole(EPOCH, &|row| row.3.epoch),
            real(TRAIN_ACCURACY, &|o| percent(o.train.accuracy)),
            real(VALIDATION_ACCURACY, &|o| percent(o.validation.accuracy)),
            real(VALIDATION_CLEAN, &|o| percent(o.validation.clean_accuracy)),
            real(TEST_ACCURACY, &|o| percent(o.test.accuracy)),
            real(TRAIN_LOSS, &|o| o.train.loss),
            real(TEST_LOSS, &|o| o.test.loss),
        ],
    )
}

/// How many levels the plan asks of each setting.
pub(crate) fn settings_frame(plan: &Plan) -> PolarsResult<DataFrame> {
    let indices: Vec<u32> = (0..plan.settings.len() as u32).collect();
    let levels: Vec<u32> = plan.settings.iter().map(|setting| setting.levels.len() as u32).collect();
    DataFrame::new(indices.len(), vec![Column::new(SETTING.into(), indices), Column::new("levels".into(), levels)])
}
