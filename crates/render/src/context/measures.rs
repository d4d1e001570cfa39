//! Small tables beside the figures: second descents, sharpness, calibration.

use flooding_tables::{Interval, Sharpness, SharpnessRow};
use serde::Serialize;

use super::facts::Index;
use crate::figure::shown_levels;
use crate::format::{NONE, mean_std, significant};
use crate::tables::Tables;

/// A table of words.
#[derive(Clone, Debug, Serialize)]
pub struct MeasureTable {
    /// The stem of its files.
    pub file: &'static str,
    /// Its caption.
    pub caption: &'static str,
    /// Column heads.
    pub head: Vec<&'static str>,
    /// How many columns from the left are words; the others are numbers.
    pub words: usize,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

fn range(interval: Option<Interval>) -> String {
    interval.map_or_else(|| NONE.to_owned(), |ci| format!("[{}, {}]", significant(ci.low), significant(ci.high)))
}

fn label(index: &Index, id: &str) -> String {
    index.get(id).map_or_else(|| id.to_owned(), |facts| facts.label.clone())
}

/// The deepest second descent of each setting, and b = 0 beside it.
pub fn descents(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let all = tables.descents.as_deref()?;
    let mut rows = Vec::new();
    for facts in index.iter() {
        let of: Vec<_> = all.iter().filter(|row| row.setting == facts.id).collect();
        let baseline = of.iter().find(|row| row.level.is_zero());
        let deepest = of.iter().filter(|row| !row.level.is_zero()).max_by(|a, b| a.depth.total_cmp(&b.depth));
        for row in baseline.into_iter().chain(deepest) {
            let peak = if row.depth > 0.0 { row.peak_epoch.to_string() } else { "none".to_owned() };
            rows.push(vec![
                facts.label.clone(),
                if row.level.is_zero() { "0 (baseline)".to_owned() } else { format!("{} (deepest)", row.level) },
                peak,
                range(row.peak_epoch_ci),
                significant(row.depth),
                range(row.depth_ci),
                significant(row.valley_loss),
            ]);
        }
    }
    (!rows.is_empty()).then_some(MeasureTable {
        file: "second_descents",
        caption: "Second descent of the test loss, without flooding and at the level where it is deepest: the epoch of the \
            local maximum, and the depth, which is the smaller of the rise before it and the fall after it; 95% bootstrap \
            intervals over trials. The deepest of many levels is selected after the fact; a depth of 0 is no second descent.",
        head: vec!["Setting", "b", "Peak at epoch", "95% interval", "Depth", "95% interval", "Least loss after it"],
        words: 2,
        rows,
    })
}

/// Where the training loss of each setting's shown levels ended.
pub fn final_losses(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let all = tables.final_losses.as_deref()?;
    let mut rows = Vec::new();
    for facts in index.iter() {
        let of: Vec<_> = all.iter().filter(|row| row.setting == facts.id).collect();
        let shown = shown_levels(of.iter().map(|row| row.level));
        for row in of.into_iter().filter(|row| shown.contains(&row.level)) {
            let share = if row.level.is_zero() {
                NONE.to_owned()
            } else {
                format!("{:.2}", row.train_loss.mean / row.level.value())
            };
            rows.push(vec![
                facts.label.clone(),
                row.level.to_string(),
                format!("{} to {}", row.first_epoch, row.last_epoch),
                row.train_loss.n.to_string(),
                significant(row.batch_loss.mean),
                significant(row.train_loss.mean),
                range(Some(Interval { low: row.train_loss_min, high: row.train_loss_max })),
                share,
                mean_std(row.train_accuracy),
            ]);
        }
    }
    (!rows.is_empty()).then_some(MeasureTable {
        file: "final_training_loss",
        caption: "Where the training loss ended, without flooding and at up to five levels of each setting: means over the \
            last epochs and over trials of the un-flooded mini-batch loss before each update and of the loss of the whole \
            training set after each epoch, the least and the greatest of the latter, its mean as a multiple of b, and the \
            training accuracy in percent (standard deviation over trials).",
        head: vec![
            "Setting",
            "b",
            "Epochs",
            "Trials",
            "Mini-batch loss",
            "Training loss",
            "Least and greatest",
            "Loss over b",
            "Training accuracy",
        ],
        words: 1,
        rows,
    })
}

/// Sharpness of each model.
pub fn sharpness(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let cells = |value: Option<Sharpness>| match value {
        Some(s) => [
            format!("{} {}", significant(s.change), range(s.change_ci)),
            match s.minus_without {
                Some(minus) => format!("{} {}", significant(minus), range(s.minus_without_ci)),
                None => NONE.to_owned(),
            },
        ],
        None => ["not finite".to_owned(), NONE.to_owned()],
    };
    let row = |row: &SharpnessRow| {
        let mut fields = vec![label(index, &row.setting), row.model.describe().to_owned(), row.trials.to_string()];
        fields.extend(cells(row.train));
        fields.extend(cells(row.test));
        fields
    };
    let rows: Vec<_> = tables.sharpness.iter().flatten().map(row).collect();
    (!rows.is_empty()).then_some(MeasureTable {
        file: "sharpness",
        caption: "Sharpness: the mean of |L(x) - L(0)| over the distances within half a filter’s norm, with 95% intervals over \
            trials; and the same minus the sharpness without flooding. It has no sign: a model on a maximum of the loss is not \
            flat. Smaller is flatter.",
        head: vec![
            "Setting",
            "Model",
            "Trials",
            "Training loss",
            "minus without flooding",
            "Test loss",
            "minus without flooding",
        ],
        words: 2,
        rows,
    })
}

/// Expected calibration errors.
pub fn calibration(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let rows: Vec<_> = tables
        .calibration
        .iter()
        .flatten()
        .map(|row| {
            vec![
                label(index, &row.setting),
                row.model.describe().to_owned(),
                mean_std(row.expected_calibration_error),
                mean_std(row.accuracy),
                mean_std(row.confidence),
            ]
        })
        .collect();
    (!rows.is_empty()).then_some(MeasureTable {
        file: "calibration",
        caption: "Expected calibration error on the test set (15 bins of confidence), accuracy and mean confidence, in \
            percent; standard deviation over trials in parentheses.",
        head: vec!["Setting", "Model", "Calibration error", "Accuracy", "Mean confidence"],
        words: 2,
        rows,
    })
}
