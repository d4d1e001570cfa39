//! One effect over the settings of a table.

use flooding_core::config::TableId;
use flooding_tables::{AccuracyRow, Interval, OverallRow, SelectionRow};

use super::cells::{grouped, order, values};
use crate::paper::{TABLE2_TRIALS, row_count};
use crate::stats::overall;

/// Phi^-1(0.975).
const Z_95: f64 = 1.959_963_984_540_054;

/// One row a table of the paper, reading and checkpoint selection with a complete trial.
pub(crate) fn overall_effects(rows: &[AccuracyRow], selections: &[SelectionRow]) -> Vec<OverallRow> {
    let number = |table: TableId| match table {
        TableId::Table2 => 2,
        TableId::Table3 => 3,
    };
    let groups = grouped(rows, |row| {
        row.table.map(|table| (number(table), row.reading.clone(), order(row.checkpoint)))
    });
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
    Some(OverallRow {
        table,
        reading: first.reading.clone(),
        checkpoint: first.checkpoint,
        settings: measured.len() as u32,
        paper_rows: row_count(table) as u32,
        trials: differences.iter().map(|values| values.len() as u32).sum(),
        effect: ours.effect,
        ci: ours.interval.map(Into::into),
        paper_effect: paper.map(|paper| paper.0),
        paper_ci: paper.and_then(|paper| paper.1),
    })
}

/// The paper's mean difference over these rows, with an interval where all have standard deviations; `None` if one has
/// no number. A dash is a difference of 0.
fn published(rows: &[&AccuracyRow]) -> Option<(f64, Option<Interval>)> {
    let count = rows.len() as f64;
    let (mut sum, mut variance) = (0.0, Some(0.0));
    for row in rows {
        let paper = row.paper?;
        let without = paper.without?;
        let with = paper.with.unwrap_or(without);
        sum += with.mean - without.mean;
        let own = with.std.zip(without.std).map(|(a, b)| a.hypot(b).powi(2) / f64::from(TABLE2_TRIALS));
        variance = variance.zip(own).map(|(sum, own)| sum + own);
    }
    let effect = sum / count;
    let around = |variance: f64| {
        let half = Z_95 * variance.sqrt() / count;
        Interval { low: effect - half, high: effect + half }
    };
    Some((effect, variance.map(around)))
}
