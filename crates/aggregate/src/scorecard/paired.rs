//! With against without flooding, trial by trial.

use flooding_core::plan::Plan;
use flooding_tables::{AccuracyRow, PairedRow, SelectionRow};

use super::cells::{split_overlap, values};
use crate::stats::{Sample, compare, corrected_interval};

/// One row a setting and checkpoint selection with two complete trials or more.
pub(crate) fn paired(plan: &Plan, rows: &[AccuracyRow], selections: &[SelectionRow]) -> Vec<PairedRow> {
    rows.iter().filter_map(|row| pair(plan, row, selections)).collect()
}

fn pair(plan: &Plan, row: &AccuracyRow, selections: &[SelectionRow]) -> Option<PairedRow> {
    let [with, without] = values(row, selections);
    // Accuracies are finite; fewer than two have nothing to compare.
    let comparison = compare(&with, &without, None, plan.margin).ok()?;
    let overlap = split_overlap(plan, &row.setting);
    let differences: Vec<f64> = with.iter().zip(&without).map(|(with, without)| with - without).collect();
    let corrected = overlap.map(|overlap| corrected_interval(Sample::of(&differences), overlap));
    Some(PairedRow {
        setting: row.setting.clone(),
        reading: row.reading.clone(),
        checkpoint: row.checkpoint,
        trials: comparison.n as u32,
        difference: comparison.difference,
        ci: (comparison.ci_low, comparison.ci_high).into(),
        split_overlap: overlap,
        ci_corrected: corrected.map(|corrected| corrected.interval.into()),
        p_corrected: corrected.map(|corrected| corrected.p),
        p_paired: comparison.p_paired,
        p_sign_flip: comparison.p_sign_flip,
        bca: (comparison.bca_low, comparison.bca_high).into(),
        probability_of_improvement: comparison.probability_of_improvement,
        paired_improvement: comparison.paired_improvement,
        margin: comparison.margin,
        p_beyond_margin: comparison.equivalent_p,
        constant: comparison.constant,
    })
}
