//! In how many cells each criterion is met.

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, Count, Criteria, Quantity, ScorecardCountRow, ScorecardRow};

use crate::paper::row_count;

/// One row a table, reading, checkpoint selection (and both together) and quantity that has cells.
pub(crate) fn counts(cells: &[ScorecardRow], margin: Option<f64>) -> Vec<ScorecardCountRow> {
    let mut families: Vec<(TableId, &str)> = Vec::new();
    for cell in cells {
        if !families.contains(&(cell.table, &cell.reading)) {
            families.push((cell.table, &cell.reading));
        }
    }
    let mut rows = Vec::new();
    for (table, reading) in families {
        for quantity in [Quantity::Difference, Quantity::Without, Quantity::With] {
            for checkpoint in [Some(Checkpoint::LastEpoch), Some(Checkpoint::BestValidation), None] {
                let of = |cell: &&ScorecardRow| {
                    cell.table == table
                        && cell.reading == *reading
                        && cell.quantity == quantity
                        && checkpoint.is_none_or(|checkpoint| cell.checkpoint == checkpoint)
                };
                let cells: Vec<&ScorecardRow> = cells.iter().filter(of).collect();
                let count = |criterion: fn(&Criteria) -> Option<bool>| {
                    let of: Vec<bool> = cells.iter().filter_map(|cell| criterion(&cell.criterion)).collect();
                    Count { met: of.iter().filter(|met| **met).count() as u32, of: of.len() as u32 }
                };
                rows.push(ScorecardCountRow {
                    table,
                    reading: reading.to_owned(),
                    checkpoint,
                    quantity,
                    paper_rows: row_count(table) as u32 * if checkpoint.is_none() { 2 } else { 1 },
                    same_direction: count(|c| c.same_direction),
                    significant: count(|c| c.significant),
                    paper_in_ours: count(|c| c.paper_in_ours),
                    ours_in_paper: count(|c| c.ours_in_paper),
                    predicted: count(|c| c.predicted),
                    equivalent: count(|c| c.equivalent),
                    margin,
                });
            }
        }
    }
    rows
}
