//! One effect over the settings of a table.

use flooding_tables::{AccuracyRow, Interval, OverallRow, SelectionRow};

use super::cells::{grouped, values};
use crate::paper::{TABLE2_TRIALS, row_count};
use crate::stats::{Sample, Z_95, overall};

/// One row a table of the paper, reading and checkpoint selection with a complete trial.
pub(crate) fn overall_effects(rows: &[AccuracyRow], selections: &[SelectionRow]) -> Vec<OverallRow> {
    let groups = grouped(rows, |row| row.table.map(|table| (table, row.reading.clone(), row.checkpoint)));
    groups.into_iter().filter_map(|(_, rows)| effect(&rows, selections)).collect()
}

fn effect(rows: &[&AccuracyRow], selections: &[SelectionRow]) -> Option<OverallRow> {
    let first = rows.first()?;
    let table = first.table?;
    let measured: Vec<(&AccuracyRow, Vec<f64>)> = (rows.iter())
        .map(|row| {
            let [with, without] = values(row, selections);
            (*row, with.iter().zip(&without).map(|(with, without)| with - without).collect())
        })
        .filter(|(_, differences): &(_, Vec<f64>)| !differences.is_empty())
        .collect();
    let differences: Vec<Vec<f64>> = measured.iter().map(|(_, differences)| differences.clone()).collect();
    let ours = overall(&differences)?;
    let paper = published(&measured.iter().map(|(row, _)| *row).collect::<Vec<_>>());
    let minus_paper = paper.map(|paper| ours.effect - paper.effect);
    let variance = paper.and_then(|paper| paper.variance).zip(variance(&differences)).map(|(a, b)| a + b);
    let same_direction = measured
        .iter()
        .filter(|(row, values)| difference(row).is_some_and(|theirs| theirs * Sample::of(values).mean > 0.0));
    Some(OverallRow {
        table,
        reading: first.reading.clone(),
        checkpoint: first.checkpoint,
        settings: measured.len() as u32,
        paper_rows: row_count(table) as u32,
        trials: differences.iter().map(|values| values.len() as u32).sum(),
        effect: ours.effect,
        ci: ours.interval.map(Into::into),
        paper_effect: paper.map(|paper| paper.effect),
        paper_ci: paper.and_then(|paper| Some(around(paper.effect, paper.variance?))),
        minus_paper,
        minus_paper_ci: minus_paper.zip(variance).map(|(difference, variance)| around(difference, variance)),
        same_direction: same_direction.count() as u32,
    })
}

/// The paper's mean difference over some rows.
#[derive(Clone, Copy)]
struct Published {
    effect: f64,
    /// The square of its standard error; `None` where a row has no standard deviations.
    variance: Option<f64>,
}

/// With minus without in the paper; a dash is a difference of 0.
fn difference(row: &AccuracyRow) -> Option<f64> {
    let paper = row.paper?;
    let without = paper.without?;
    Some(paper.with.unwrap_or(without).mean - without.mean)
}

/// The square of the standard error of a mean over settings; `None` where one has a single trial.
fn variance(settings: &[Vec<f64>]) -> Option<f64> {
    let one = |values: &Vec<f64>| {
        let sample = Sample::of(values);
        (sample.n > 1).then(|| sample.std * sample.std / f64::from(sample.n))
    };
    let sum: f64 = settings.iter().map(one).sum::<Option<f64>>()?;
    Some(sum / (settings.len() as f64).powi(2))
}

fn around(effect: f64, variance: f64) -> Interval {
    let half = Z_95 * variance.sqrt();
    Interval { low: effect - half, high: effect + half }
}

/// The paper's mean difference over these rows; `None` if one has no number.
fn published(rows: &[&AccuracyRow]) -> Option<Published> {
    let count = rows.len() as f64;
    let (mut sum, mut variance) = (0.0, Some(0.0));
    for row in rows {
        sum += difference(row)?;
        let stds = row.paper.and_then(|paper| paper.with?.std.zip(paper.without?.std));
        let own = stds.map(|(a, b)| a.hypot(b).powi(2) / f64::from(TABLE2_TRIALS));
        variance = variance.zip(own).map(|(sum, own)| sum + own);
    }
    Some(Published { effect: sum / count, variance: variance.map(|variance| variance / (count * count)) })
}
