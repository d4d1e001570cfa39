//! Accuracy and loss against the flood level (Figure 3).

use flooding_core::level::Level;
use flooding_core::plan::Plan;
use flooding_tables::{Interval, LevelRow, MeanStd};
use polars::prelude::*;

use crate::accuracy::MeanStdColumns;
use crate::error::AggregateError;
use crate::frame::{CHECKPOINT, CHECKPOINTS, LEVEL, SETTING};
use crate::select::{LEVEL_MOMENTS, MAIN_RULE, by_level, selected};
use crate::stats::{Sample, mean_interval};

/// One row a setting, level and checkpoint selection: the mean over every complete run (their number stands beside it), and
/// in how many complete trials the level was selected.
pub(crate) fn level_rows(plan: &Plan, runs: &LazyFrame, whole: &LazyFrame) -> Result<Vec<LevelRow>, AggregateError> {
    rows(plan, by_level(runs, selected(whole, MAIN_RULE))).map_err(AggregateError::query("levels"))
}

fn rows(plan: &Plan, query: LazyFrame) -> PolarsResult<Vec<LevelRow>> {
    let frame = query.collect()?;
    let whole = |name: &str| frame.column(name)?.u32();
    let (setting, checkpoint, level) = (whole(SETTING)?, whole(CHECKPOINT)?, whole(LEVEL)?);
    let (trials, selected_in) = (whole("trials")?, whole("selected_in")?);
    let columns =
        LEVEL_MOMENTS.iter().map(|name| MeanStdColumns::new(&frame, name)).collect::<PolarsResult<Vec<_>>>()?;
    let mut rows = Vec::with_capacity(frame.height());
    for i in 0..frame.height() {
        let at = |column: &UInt32Chunked| column.get(i).unwrap_or(0);
        let n = at(trials);
        let optional = |which: usize| columns[which].get(i, n);
        let moments = |which: usize| optional(which).unwrap_or(MeanStd { n, mean: 0.0, std: None });
        rows.push(LevelRow {
            setting: plan.settings[at(setting) as usize].id.clone(),
            reading: plan.settings[at(setting) as usize].reading.clone(),
            level: Level::from_millionths(at(level)),
            checkpoint: CHECKPOINTS[at(checkpoint) as usize],
            selected_in: at(selected_in),
            train_accuracy: moments(0),
            validation_accuracy: moments(1),
            test_accuracy: moments(2),
            test_accuracy_ci: interval(moments(2)),
            train_loss: moments(3),
            test_loss: moments(4),
            fit_flipped: optional(6),
            fit_unflipped: optional(7),
            test_clean_accuracy: moments(5),
        });
    }
    Ok(rows)
}

fn interval(value: MeanStd) -> Option<Interval> {
    let sample = Sample { n: value.n, mean: value.mean, std: value.std? };
    mean_interval(sample).map(Into::into)
}
