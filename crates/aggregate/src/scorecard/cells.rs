//! The scorecard: each quantity of each row of Tables 2 and 3.

use std::collections::BTreeMap;

use flooding_core::plan::Plan;
use flooding_core::spec::DataSpec;
use flooding_tables::{AccuracyRow, Printed, Quantity, ScorecardRow, SelectionRow};

use super::criteria::{Judged, Published, accuracy, difference};

/// Three rows a setting of the paper and checkpoint selection: the difference and the two accuracies.
pub(crate) fn scorecard(plan: &Plan, rows: &[AccuracyRow], selections: &[SelectionRow]) -> Vec<ScorecardRow> {
    rows.iter().flat_map(|row| cells(plan, row, selections)).collect()
}

fn cells(plan: &Plan, row: &AccuracyRow, selections: &[SelectionRow]) -> Vec<ScorecardRow> {
    let Some(table) = row.table else { return Vec::new() };
    let [with, without] = values(row, selections);
    let published = |printed: Printed| match printed.std {
        Some(std) => Published::Summary { mean: printed.mean, std },
        None => Published::Single(printed.mean),
    };
    let paper_without = row.paper.and_then(|paper| paper.without).map(published);
    // A dash says that b = 0 was selected: with flooding is the run without.
    let paper_with = row.paper.and_then(|paper| paper.with).map(published).or(paper_without);
    let overlap = split_overlap(plan, &row.setting).unwrap_or(0.0);
    let both = paper_with.zip(paper_without).map(|(with, without)| [with, without]);
    let judged = [
        (Quantity::Difference, difference([&with, &without], both, plan.margin, overlap)),
        (Quantity::Without, accuracy(&without, paper_without, plan.margin, overlap)),
        (Quantity::With, accuracy(&with, paper_with, plan.margin, overlap)),
    ];
    let cell = |(quantity, judged): (Quantity, Judged)| ScorecardRow {
        setting: row.setting.clone(),
        reading: row.reading.clone(),
        table,
        data: row.data.clone(),
        setup: row.setup.clone(),
        checkpoint: row.checkpoint,
        quantity,
        trials: with.len() as u32,
        ours: judged.ours,
        paper: judged.paper,
        criterion: judged.criterion,
        compared: judged.compared,
        our_prediction: judged.our_prediction,
        unavailable: judged.unavailable,
    };
    judged.map(cell).into()
}

/// Test accuracies with and without flooding, trial by trial.
pub(super) fn values(row: &AccuracyRow, selections: &[SelectionRow]) -> [Vec<f64>; 2] {
    let of: Vec<&SelectionRow> =
        selections.iter().filter(|s| s.setting == row.setting && s.checkpoint == row.checkpoint).collect();
    [of.iter().map(|s| s.with).collect(), of.iter().map(|s| s.without).collect()]
}

/// For settings whose trials redraw splits of one pool of images: the part held out over the part learned from. Drawn
/// data are drawn for each trial, and their trials are independent.
pub(super) fn split_overlap(plan: &Plan, setting: &str) -> Option<f64> {
    let setting = plan.settings.iter().find(|one| one.id == setting)?;
    match &setting.data {
        DataSpec::Synthetic(_) => None,
        DataSpec::Images(spec) => Some(spec.validation_fraction / (1.0 - spec.validation_fraction)),
    }
}

/// Rows that belong together, in the order of their first appearance.
pub(super) fn grouped<K: Ord + Clone>(
    rows: &[AccuracyRow],
    key: impl Fn(&AccuracyRow) -> Option<K>,
) -> Vec<(K, Vec<&AccuracyRow>)> {
    let mut at: BTreeMap<K, usize> = BTreeMap::new();
    let mut groups: Vec<(K, Vec<&AccuracyRow>)> = Vec::new();
    for row in rows {
        let Some(key) = key(row) else { continue };
        let index = *at.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        groups[index].1.push(row);
    }
    groups
}
