//! A made-up scorecard for the made-up accuracies.

use flooding_core::config::TableId;
use flooding_tables::{
    AccuracyRow, Checkpoint, Combined, Compared, Count, Criteria, Estimated, Interval, OverallRow, PairedRow, Quantity,
    ScorecardCountRow, ScorecardRow,
};

fn around(mean: f64, half: f64) -> Interval {
    Interval { low: mean - half, high: mean + half }
}

fn estimated(mean: f64, half: f64) -> Estimated {
    Estimated { mean, ci: Some(around(mean, half)) }
}

/// Three cells for each row of the accuracy table.
pub fn cells(rows: &[AccuracyRow]) -> Vec<ScorecardRow> {
    let mut cells = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let (with, without) = (row.with.unwrap().mean, row.without.unwrap().mean);
        let paper = row.paper.as_ref().unwrap();
        let (their_with, their_without) = (paper.with.unwrap().mean, paper.without.unwrap().mean);
        for (quantity, ours, theirs) in [
            (Quantity::Difference, with - without, their_with - their_without),
            (Quantity::Without, without, their_without),
            (Quantity::With, with, their_with),
        ] {
            let gain = quantity == Quantity::Difference;
            cells.push(ScorecardRow {
                setting: row.setting.clone(),
                reading: row.reading.clone(),
                table: row.table.unwrap(),
                data: row.data.clone(),
                setup: row.setup.clone(),
                checkpoint: row.checkpoint,
                quantity,
                trials: row.complete_trials,
                ours: Some(estimated(ours, 0.9)),
                paper: Some(estimated(theirs, 0.8)),
                criterion: Criteria {
                    same_direction: gain.then_some(ours > 0.0),
                    significant: gain.then_some(index.is_multiple_of(3)),
                    paper_in_ours: Some(false),
                    ours_in_paper: Some(false),
                    predicted: Some(index.is_multiple_of(2)),
                    equivalent: Some(false),
                },
                compared: Some(Compared {
                    prediction_normal: around(theirs, 1.0),
                    prediction_t: around(theirs, 1.2),
                    difference: ours - theirs,
                    p: 0.02,
                    p_beyond_margin: Some(0.8),
                    combined: Some(Combined {
                        mean: f64::midpoint(ours, theirs),
                        ci: around(f64::midpoint(ours, theirs), 0.6),
                        p: 0.001,
                    }),
                }),
                our_prediction: None,
                unavailable: None,
            });
        }
    }
    cells
}

/// Counts of those cells, by reading and checkpoint selection.
pub fn counts(cells: &[ScorecardRow]) -> Vec<ScorecardCountRow> {
    let mut rows = Vec::new();
    let tables = [(TableId::Table2, "paper", 9), (TableId::Table2, "demo", 9), (TableId::Table3, "paper", 12)];
    for (table, reading, paper_rows) in tables {
        for quantity in [Quantity::Difference, Quantity::Without, Quantity::With] {
            for checkpoint in [Some(Checkpoint::LastEpoch), Some(Checkpoint::BestValidation), None] {
                let of: Vec<&ScorecardRow> = cells
                    .iter()
                    .filter(|cell| cell.table == table && cell.reading == reading && cell.quantity == quantity)
                    .filter(|cell| checkpoint.is_none_or(|checkpoint| cell.checkpoint == checkpoint))
                    .collect();
                let count = |met: fn(&Criteria) -> Option<bool>| {
                    let known: Vec<bool> = of.iter().filter_map(|cell| met(&cell.criterion)).collect();
                    Count { met: known.iter().filter(|met| **met).count() as u32, of: known.len() as u32 }
                };
                if of.is_empty() {
                    continue;
                }
                rows.push(ScorecardCountRow {
                    table,
                    reading: reading.to_owned(),
                    checkpoint,
                    quantity,
                    paper_rows: if checkpoint.is_none() { 2 * paper_rows } else { paper_rows },
                    same_direction: count(|c| c.same_direction),
                    significant: count(|c| c.significant),
                    paper_in_ours: count(|c| c.paper_in_ours),
                    ours_in_paper: count(|c| c.ours_in_paper),
                    predicted: count(|c| c.predicted),
                    equivalent: count(|c| c.equivalent),
                    margin: Some(1.0),
                });
            }
        }
    }
    rows
}

/// One effect for each reading and checkpoint selection.
pub fn overall() -> Vec<OverallRow> {
    let row = |reading: &str, checkpoint, effect: f64| OverallRow {
        table: TableId::Table2,
        reading: reading.to_owned(),
        checkpoint,
        settings: 6,
        paper_rows: 9,
        trials: 18,
        effect,
        ci: Some(around(effect, 0.3)),
        paper_effect: Some(3.4),
        paper_ci: Some(around(3.4, 0.4)),
        minus_paper: Some(effect - 3.4),
        minus_paper_ci: Some(around(effect - 3.4, 0.5)),
        same_direction: 6,
    };
    vec![
        row("paper", Checkpoint::LastEpoch, 1.9),
        row("paper", Checkpoint::BestValidation, 0.4),
        row("demo", Checkpoint::LastEpoch, 3.3),
    ]
}

/// Paired tests of each row of the accuracy table.
pub fn paired(rows: &[AccuracyRow]) -> Vec<PairedRow> {
    let row = |row: &AccuracyRow| {
        let difference = row.difference.as_ref().unwrap().mean;
        PairedRow {
            setting: row.setting.clone(),
            reading: row.reading.clone(),
            checkpoint: row.checkpoint,
            trials: row.complete_trials,
            difference,
            ci: around(difference, 0.8),
            split_overlap: None,
            ci_corrected: None,
            p_corrected: None,
            p_paired: 0.006,
            p_sign_flip: Some(0.25),
            bca: around(difference, 0.6),
            probability_of_improvement: 0.9,
            paired_improvement: 1.0,
            margin: Some(1.0),
            p_beyond_margin: Some(0.99),
            constant: false,
        }
    };
    rows.iter().map(row).collect()
}
