//! Is Table 3's best cell of each dataset one with flooding?

use flooding_tables::{AccuracyRow, Checkpoint};

use super::accuracy::signs;
use super::block::{Block, Judged};

/// What the best cells of a block's datasets say.
pub(super) struct BestCells<'a> {
    /// Datasets whose best cell is one with flooding, and all with a winner.
    pub with: usize,
    pub all: usize,
    pub settings: Vec<Judged<'a>>,
    pub details: Vec<String>,
}

/// A tie between the two sides is no winner; "with" counts only where a level above 0 was chosen.
pub(super) fn best_cells<'a>(block: &Block<'a>) -> BestCells<'a> {
    let mut names: Vec<&str> = block.settings.iter().map(|judged| &*judged.setting.row[0]).collect();
    names.dedup();
    let mut cells = BestCells { with: 0, all: 0, settings: Vec::new(), details: Vec::new() };
    for name in names {
        let of_set: Vec<Judged> =
            block.settings.iter().filter(|judged| judged.setting.row[0] == name).copied().collect();
        let checkpoints = [Checkpoint::LastEpoch, Checkpoint::BestValidation];
        let rows: Vec<(&AccuracyRow, &Judged)> = (of_set.iter())
            .flat_map(|judged| checkpoints.map(|checkpoint| judged.row(checkpoint).map(|row| (row, judged))))
            .flatten()
            .collect();
        let best = |of: &dyn Fn(&AccuracyRow) -> Option<f64>| {
            let values = rows.iter().filter_map(|(row, judged)| Some((of(row)?, judged.setting.row[1].clone())));
            values.max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let with = best(&|row| row.with.filter(|_| !row.dash).map(|cell| cell.mean));
        let without = best(&|row| row.without.map(|cell| cell.mean));
        let Some(without) = without else { continue };
        let (with_value, setup) = with.clone().unwrap_or((f64::NEG_INFINITY, String::new()));
        let (winner, side, setup) = if with_value > without.0 {
            (with_value, "with", setup)
        } else {
            (without.0, "without", without.1.clone())
        };
        if signs(&[with_value - without.0]) == (0, 0) {
            cells.details.push(format!("{name} {winner:.2}% both with and without flooding"));
        } else {
            cells.all += 1;
            cells.with += usize::from(side == "with");
            cells.details.push(format!("{name} {winner:.2}% {side} flooding ({setup})"));
        }
        cells.settings.extend(of_set);
    }
    cells
}
