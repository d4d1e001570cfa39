//! Does every cell of a published accuracy table follow from the runs beside it? Recomputed here in its own way: the
//! tables are made by Polars queries, this by hand.

use std::collections::BTreeMap;

use flooding_core::level::Level;
use flooding_tables::{AccuracyRow, Checkpoint, MeanStd, PublishedRunRow};
use serde::Serialize;

/// Two numbers that were computed in different orders agree to this, in percentage points and in b.
const ROUNDING: f64 = 1e-9;

/// A cell that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellDifference {
    /// The row: setting and checkpoint selection.
    pub row: String,
    /// The column.
    pub column: String,
    /// One side, or what the table says.
    pub one: Option<f64>,
    /// The other side, or what follows from the runs.
    pub other: Option<f64>,
}

/// How many cells were checked, and those that do not follow from the runs.
pub fn check(accuracy: &[AccuracyRow], runs: &[PublishedRunRow]) -> (usize, Vec<CellDifference>) {
    let mut by_trial: BTreeMap<(&str, u32), Vec<&PublishedRunRow>> = BTreeMap::new();
    for run in runs {
        by_trial.entry((&run.setting, run.trial)).or_default().push(run);
    }
    let (mut checked, mut differences) = (0, Vec::new());
    for row in accuracy {
        let complete = by_trial
            .range((row.setting.as_str(), 0)..=(row.setting.as_str(), u32::MAX))
            .map(|(_, runs)| runs)
            .filter(|runs| runs.len() == row.levels as usize);
        let (mut without, mut with, mut levels) = (Vec::new(), Vec::new(), Vec::new());
        for runs in complete {
            let Some((plain, selected)) = select(runs, row.checkpoint) else { continue };
            without.push(plain);
            with.push(selected.0);
            levels.push(selected.1.value());
        }
        let name = format!("{} {}", row.setting, checkpoint(row.checkpoint));
        for (column, stored, values) in [
            ("without", row.without, &without),
            ("with", row.with, &with),
            ("selected_level", row.selected_level, &levels),
        ] {
            for (part, one, other) in parts(stored, values) {
                checked += 1;
                let same = match (one, other) {
                    (Some(one), Some(other)) => (one - other).abs() <= ROUNDING,
                    (one, other) => one.is_none() && other.is_none(),
                };
                if !same {
                    differences.push(CellDifference {
                        row: name.clone(),
                        column: format!("{column}_{part}"),
                        one,
                        other,
                    });
                }
            }
        }
    }
    (checked, differences)
}

/// The word of a checkpoint selection.
pub const fn checkpoint(checkpoint: Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::LastEpoch => "(A) last epoch",
        Checkpoint::BestValidation => "(B) early stopping",
    }
}

/// The test accuracy of b = 0, and that of the level with the best validation accuracy (the smallest of equals).
fn select(runs: &[&PublishedRunRow], checkpoint: Checkpoint) -> Option<(f64, (f64, Level))> {
    let at = |run: &PublishedRunRow| match checkpoint {
        Checkpoint::LastEpoch => run.at_last,
        Checkpoint::BestValidation => run.at_best_validation,
    };
    let plain = runs.iter().find(|run| run.level.is_zero())?;
    let best = runs.iter().copied().reduce(|best, run| {
        let (a, b) = (at(run).validation_accuracy, at(best).validation_accuracy);
        if a > b || (a == b && run.level < best.level) { run } else { best }
    })?;
    Some((at(plain).test_accuracy, (at(best).test_accuracy, best.level)))
}

type Part = (&'static str, Option<f64>, Option<f64>);

fn parts(stored: Option<MeanStd>, values: &[f64]) -> [Part; 3] {
    let n = values.len();
    let mean = (n > 0).then(|| values.iter().sum::<f64>() / n as f64);
    let std = mean.filter(|_| n > 1).map(|mean| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (n - 1) as f64).sqrt()
    });
    [
        ("n", stored.map(|cell| f64::from(cell.n)), Some(n as f64).filter(|_| n > 0)),
        ("mean", stored.map(|cell| cell.mean), mean),
        ("std", stored.and_then(|cell| cell.std), std),
    ]
}
