//! Test accuracy against the flood level, with its band over trials and the selected levels as a rug.

use flooding_tables::{Checkpoint, LevelRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

const COLUMNS: usize = 3;
const PANEL: (u32, u32) = (310, 176);
const CHECKPOINTS: [(Checkpoint, u8, &str); 2] =
    [(Checkpoint::LastEpoch, 0, "(A) last epoch"), (Checkpoint::BestValidation, 1, "(B) early stopping")];

/// A panel for each of these settings (id, label); named by id and by words.
pub fn accuracy_by_level(
    [id, group]: [&str; 2],
    settings: &[(&str, &str)],
    rows: &[LevelRow],
) -> Result<Figure, DrawError> {
    let rows: Vec<&LevelRow> = rows.iter().filter(|r| settings.iter().any(|(id, _)| *id == r.setting)).collect();
    Ok(Figure {
        id: slug(&format!("accuracy-by-level-{id}")),
        label: "Accuracy against b".to_owned(),
        title: format!("Test accuracy against the flood level, {group}"),
        description:
            "Test accuracy in percent, the mean over the trials that have the level, with its 95% confidence interval as a \
            band where there are several; the ticks at the foot are the levels that the validation sets chose, one row of ticks for each line, longer the more trials \
            chose a level."
                .to_owned(),
        scene: draw(settings, &rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: settings.iter().map(|(id, _)| (*id).to_owned()).collect(),
    })
}

fn draw(settings: &[(&str, &str)], rows: &[&LevelRow]) -> Result<Scene, DrawError> {
    let lines = settings.len().div_ceil(COLUMNS) as u32;
    let canvas = Canvas::new(940, 30 + lines * (PANEL.1 + 14));
    let highest = rows.iter().map(|row| row.level.value()).fold(0.0, f64::max).max(0.01);
    let x = Axis::between("flood level b", 0.0, highest * 1.03, 5);
    let entry = |(_, style, name): (Checkpoint, u8, &'static str)| (Style::Series(style), Sample::Line, name);
    legend(&canvas, (58, 18), &CHECKPOINTS.map(entry));
    for (index, (id, label)) in settings.iter().enumerate() {
        let of: Vec<&LevelRow> = rows.iter().filter(|row| row.setting == *id).copied().collect();
        let ends = of.iter().flat_map(|row| {
            let (low, high) = interval(row);
            [low, high]
        });
        // Room for the rug at the foot.
        let means: Vec<f64> = of.iter().map(|row| row.test_accuracy.mean).collect();
        let (least, most) = (fold(&means, f64::min), fold(&means, f64::max));
        let reach = (most - least).max(1.0);
        let near = ends.map(|end| end.clamp(least - reach, most + reach));
        let y = Axis::linear("test accuracy (%)", near.chain([least - 0.2 * reach]), 4);
        let frame = Frame {
            x: 4 + (index % COLUMNS) as i32 * PANEL.0 as i32,
            y: 30 + (index / COLUMNS) as i32 * (PANEL.1 as i32 + 14),
            width: PANEL.0,
            height: PANEL.1,
        };
        let mut panel = Panel::new(&canvas, frame, label, &x, &y)?;
        for (line, (checkpoint, style, name)) in CHECKPOINTS.into_iter().enumerate() {
            let mut of: Vec<&&LevelRow> = of.iter().filter(|row| row.checkpoint == checkpoint).collect();
            of.sort_by_key(|row| row.level);
            let at = |row: &LevelRow| (row.level.value(), row.test_accuracy.mean);
            let band = of.iter().map(|row| {
                let (low, high) = interval(row);
                (row.level.value(), low, high)
            });
            let group = Group { level: None, title: format!("{label}, {name}") };
            canvas.group(group, || {
                panel.band(Style::Band(style), &band.collect::<Vec<_>>())?;
                panel.line(Style::Series(style), 16, &of.iter().map(|row| at(row)).collect::<Vec<_>>())
            })?;
            let foot = y.range.0 + (0.01 + 0.06 * line as f64) * (y.range.1 - y.range.0);
            for row in of.iter().filter(|row| row.selected_in > 0) {
                let share = f64::from(row.selected_in) / f64::from(row.test_accuracy.n.max(1));
                let length = (0.015 + 0.04 * share) * (y.range.1 - y.range.0);
                let (b, accuracy) = at(row);
                let title =
                    format!("{label}, {name}: b = {}, {accuracy:.2}%, chosen in {} trials", row.level, row.selected_in);
                canvas.group(Group { level: None, title }, || {
                    panel.line(Style::Series(style), 16, &[(b, foot), (b, foot + length)])
                })?;
            }
        }
    }
    Ok(canvas.finish())
}

fn fold(values: &[f64], better: fn(f64, f64) -> f64) -> f64 {
    values.iter().copied().reduce(better).unwrap_or(0.0)
}

/// The mean itself for one trial.
fn interval(row: &LevelRow) -> (f64, f64) {
    row.test_accuracy_ci.map_or((row.test_accuracy.mean, row.test_accuracy.mean), |ci| (ci.low, ci.high))
}
