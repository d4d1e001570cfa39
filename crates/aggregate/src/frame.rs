//! The flat frame of runs that every table is queried from: two rows a complete run, one for each checkpoint selection.

use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::record::Outcome;
use flooding_core::spec::{DataSpec, Flip, RunSpec};
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
pub(crate) const TEST_CLEAN: &str = "test_clean_accuracy";
/// Null where the number of flipped labels is not known exactly, or is zero.
pub(crate) const FIT_FLIPPED: &str = "fit_flipped";
pub(crate) const FIT_UNFLIPPED: &str = "fit_unflipped";

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
        .filter_map(|(i, run)| run.summary().map(|summary| (i, run, summary)))
        .flat_map(|(i, run, summary)| [(i, run, 0, &summary.last), (i, run, 1, &summary.best)])
        .collect();
    let whole =
        |name: &str, of: &dyn Fn(&Row) -> u32| Column::new(name.into(), rows.iter().map(of).collect::<Vec<u32>>());
    let real = |name: &str, of: &dyn Fn(&Outcome) -> f64| {
        Column::new(name.into(), rows.iter().map(|row| of(row.3)).collect::<Vec<f64>>())
    };
    let split = |name: &str, of: fn((f64, f64)) -> f64| {
        let values = rows.iter().map(|row| memorised(&row.1.spec, row.3).map(of));
        Column::new(name.into(), values.collect::<Vec<Option<f64>>>())
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
            real(TEST_CLEAN, &|o| percent(o.test.clean_accuracy)),
            split(FIT_FLIPPED, |fit| fit.0),
            split(FIT_UNFLIPPED, |fit| fit.1),
        ],
    )
}

/// The share of training labels that are flipped, where exactly so many were and the two classes are all there are.
fn flipped_share(spec: &RunSpec) -> Option<f64> {
    match &spec.data {
        DataSpec::Synthetic(data) if data.flip == Flip::Exact => {
            let n = f64::from(data.train);
            let flipped = (n * data.label_noise).floor();
            (flipped > 0.0 && flipped < n).then(|| flipped / n)
        }
        DataSpec::Synthetic(_) | DataSpec::Images(_) => None,
    }
}

/// Of the training examples with a flipped label, and of those without, the percentage that is classified as labelled.
///
/// With two classes, an example with a flipped label is right against either the noisy or the clean label: with a share f
/// flipped, of which p are fitted, accuracy - clean accuracy = f (2 p - 1).
fn memorised(spec: &RunSpec, outcome: &Outcome) -> Option<(f64, f64)> {
    let f = flipped_share(spec)?;
    let flipped = f64::midpoint(1.0, (outcome.train.accuracy - outcome.train.clean_accuracy) / f);
    let unflipped = (outcome.train.accuracy - f * flipped) / (1.0 - f);
    Some((percent(flipped), percent(unflipped)))
}

/// Is this a level of the paper's table that the setting belongs to?
pub(crate) fn is_judged(setting: &Setting, level: Level) -> bool {
    setting.table.is_some_and(|table| table.has_level(level))
}

/// The paper's levels of each setting: setting and level.
pub(crate) fn papers_levels(plan: &Plan) -> PolarsResult<DataFrame> {
    let (mut settings, mut levels) = (Vec::new(), Vec::new());
    for (index, setting) in plan.settings.iter().enumerate() {
        for level in setting.levels.iter().filter(|level| is_judged(setting, **level)) {
            settings.push(index as u32);
            levels.push(level.millionths());
        }
    }
    DataFrame::new(settings.len(), vec![Column::new(SETTING.into(), settings), Column::new(LEVEL.into(), levels)])
}

/// How many levels the plan asks of each setting, of those that count.
pub(crate) fn settings_frame(plan: &Plan, counts: fn(&Setting, Level) -> bool) -> PolarsResult<DataFrame> {
    let indices: Vec<u32> = (0..plan.settings.len() as u32).collect();
    let of = |setting: &Setting| setting.levels.iter().filter(|level| counts(setting, **level)).count() as u32;
    let levels: Vec<u32> = plan.settings.iter().map(of).collect();
    DataFrame::new(indices.len(), vec![Column::new(SETTING.into(), indices), Column::new("levels".into(), levels)])
}
