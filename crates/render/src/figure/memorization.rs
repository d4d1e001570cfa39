//! Figure 3: training accuracy against b, the selected flood levels marked, without and with early stopping.

use flooding_tables::{Checkpoint, LevelRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

const COLUMNS: usize = 3;
const CHECKPOINTS: [(Checkpoint, Style, &str); 2] = [
    (Checkpoint::LastEpoch, Style::Series(0), "(A) last epoch"),
    (Checkpoint::BestValidation, Style::Series(1), "(B) early stopping"),
];

/// A panel for each of these settings (id, label), all with the same axes; named by id and by words.
pub fn memorization([id, group]: [&str; 2], settings: &[(&str, &str)], rows: &[LevelRow]) -> Result<Figure, DrawError> {
    let rows: Vec<&LevelRow> = rows.iter().filter(|r| settings.iter().any(|(id, _)| *id == r.setting)).collect();
    Ok(Figure {
        id: slug(&format!("figure-3-{id}")),
        label: "Figure 3".to_owned(),
        title: format!("Memorisation: training accuracy against the flood level, {group}"),
        description: format!(
            "One panel for each of {} settings with the same axes: training accuracy in percent, the mean over the trials \
             that have the level, against b, a line for the \
             last epoch and one for early stopping, with a mark on every level that the validation accuracy chose in some \
             trial, larger the more trials chose it.",
            settings.len()
        ),
        scene: draw(settings, &rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: settings.iter().map(|(id, _)| (*id).to_owned()).collect(),
    })
}

fn draw(settings: &[(&str, &str)], rows: &[&LevelRow]) -> Result<Scene, DrawError> {
    let lines = settings.len().div_ceil(COLUMNS) as u32;
    let canvas = Canvas::new(940, 30 + lines * 204 + 10);
    let highest = rows.iter().map(|row| row.level.value()).fold(0.0, f64::max).max(0.01);
    let x = Axis::between("flood level b", 0.0, highest * 1.03, 5);
    let y = Axis::linear("training accuracy (%)", rows.iter().map(|row| row.train_accuracy.mean).chain([100.0]), 4);
    legend(
        &canvas,
        (58, 18),
        &[
            (CHECKPOINTS[0].1, Sample::Line, CHECKPOINTS[0].2),
            (CHECKPOINTS[1].1, Sample::Line, CHECKPOINTS[1].2),
            (Style::Text, Sample::Ring, "levels chosen by validation accuracy: (A) filled, (B) rings"),
        ],
    );
    for (index, (id, label)) in settings.iter().enumerate() {
        let frame = Frame {
            x: 4 + (index % COLUMNS) as i32 * 310,
            y: 30 + (index / COLUMNS) as i32 * 204,
            width: 310,
            height: 190,
        };
        let mut panel = Panel::new(&canvas, frame, label, &x, &y)?;
        for (checkpoint, style, name) in CHECKPOINTS {
            let mut of_setting: Vec<&&LevelRow> =
                rows.iter().filter(|row| row.setting == *id && row.checkpoint == checkpoint).collect();
            of_setting.sort_by_key(|row| row.level);
            let points: Vec<_> = of_setting.iter().map(|row| (row.level.value(), row.train_accuracy.mean)).collect();
            let group = Group { level: None, title: format!("{label}, {name}") };
            canvas.group(group, || {
                panel.line(style, 16, &points)?;
                for row in of_setting.iter().filter(|row| row.selected_in > 0) {
                    let share = f64::from(row.selected_in) / f64::from(row.train_accuracy.n.max(1));
                    let radius = (28.0 + 40.0 * share.min(1.0)) as u32;
                    let fill = checkpoint == Checkpoint::LastEpoch;
                    panel.circles(style, radius, fill, &[(row.level.value(), row.train_accuracy.mean)])?;
                }
                Ok::<_, DrawError>(())
            })?;
        }
    }
    Ok(canvas.finish())
}
