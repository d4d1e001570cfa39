//! Figures 4 and 7: test loss and accuracy against the filter-normalised gradient's norm, a point an epoch.

use flooding_core::level::Level;
use flooding_tables::{CurveRow, GradientNorms, Measured, to_csv};

use super::axis::Axis;
use super::ink::Ink;
use super::legend::{Sample, color_bar, legend};
use super::panel::{DrawError, Frame, Panel};
use super::sheet::{Canvas, Group};
use super::{Figure, Sheet};
use crate::format::count;
use crate::slug::slug;

/// As in the paper: the first epochs are left out.
const SKIPPED_EPOCHS: u32 = 10;

/// One side of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Its level; `Level::ZERO` without flooding.
    pub level: Level,
    /// The epoch that early stopping selects, rounded over trials.
    pub stop: Option<u32>,
}

struct Point {
    epoch: u32,
    gradients: GradientNorms,
    test: Measured,
}

/// The drawn points of rows that have them.
fn points(rows: &[&CurveRow]) -> Vec<Point> {
    let point = |row: &&CurveRow| Some(Point { epoch: row.epoch, gradients: row.gradient_norm?, test: row.test? });
    rows.iter().filter_map(point).collect()
}

/// Four panels, or `None` where these rows hold no gradients at the two levels.
pub fn gradient_amplitude(
    setting: &str,
    label: &str,
    rows: &[&CurveRow],
    [without, with]: [Side; 2],
) -> Result<Option<Figure>, DrawError> {
    let drawn = |side: Side| -> Vec<&CurveRow> {
        let is_drawn = |row: &&CurveRow| {
            row.level == side.level && row.epoch > SKIPPED_EPOCHS && row.gradient_norm.is_some() && row.test.is_some()
        };
        rows.iter().copied().filter(is_drawn).collect()
    };
    let sides = [(without, drawn(without)), (with, drawn(with))];
    if sides.iter().all(|(_, rows)| rows.is_empty()) {
        return Ok(None);
    }
    Ok(Some(Figure {
        id: slug(&format!("figure-4-{setting}")),
        label: "Figures 4 and 7".to_owned(),
        title: format!("Gradient amplitude against test performance, {label}"),
        description: format!(
            "Test loss (above) and test accuracy (below) against the L2 norm of the filter-normalised gradient of the \
             training loss (left) and of the test loss (right); a point {} after the first {SKIPPED_EPOCHS}, the mean over \
             {}; rings with flooding at b = {}, crosses without; coloured by epoch; large dark marks at the measured \
             epoch nearest to the mean one that early stopping selects.",
            interval(&sides),
            count(trials(&sides).into(), "trial"),
            with.level
        ),
        sheet: draw(&sides.each_ref().map(|(side, rows)| (*side, points(rows))))?,
        csv: to_csv(sides.iter().flat_map(|(_, rows)| rows.iter().copied())),
        settings: vec![setting.to_owned()],
    }))
}

/// How often there is a point.
fn interval(sides: &[(Side, Vec<&CurveRow>); 2]) -> String {
    let epochs: Vec<u32> = sides[0].1.iter().chain(&sides[1].1).map(|row| row.epoch).collect();
    let steps = epochs.windows(2).filter_map(|pair| pair[1].checked_sub(pair[0])).filter(|step| *step > 0);
    match steps.min() {
        None | Some(1) => "an epoch".to_owned(),
        Some(step) => format!("every {step} epochs"),
    }
}

fn trials(sides: &[(Side, Vec<&CurveRow>); 2]) -> u32 {
    sides.iter().flat_map(|(_, rows)| rows).map(|row| row.gradient_trials.min(row.test_trials)).max().unwrap_or(0)
}

fn draw(sides: &[(Side, Vec<Point>); 2]) -> Result<Sheet, DrawError> {
    let canvas = Canvas::new(940, 540);
    let all = || sides.iter().flat_map(|(_, points)| points);
    let last = all().map(|p| p.epoch).max().unwrap_or(1);
    let x_of = |train: bool| {
        let values = all().map(|p| if train { p.gradients.train } else { p.gradients.test });
        Axis::logarithmic(if train { "gradient norm, training loss" } else { "gradient norm, test loss" }, values)
    };
    let y_loss = Axis::logarithmic("test loss", all().map(|p| p.test.loss));
    let y_accuracy = Axis::linear("test accuracy (%)", all().map(|p| p.test.accuracy), 5);
    for (column, train) in [true, false].into_iter().enumerate() {
        for (row, loss) in [true, false].into_iter().enumerate() {
            let frame = Frame { x: 4 + column as i32 * 420, y: 8 + row as i32 * 250, width: 420, height: 250 };
            let y = if loss { &y_loss } else { &y_accuracy };
            let title = if train { "training gradient" } else { "test gradient" };
            let mut panel = Panel::new(&canvas, frame, title, &x_of(train), y)?;
            for (index, (side, points)) in sides.iter().enumerate() {
                let at = |p: &Point| {
                    let x = if train { p.gradients.train } else { p.gradients.test };
                    (x, if loss { p.test.loss } else { p.test.accuracy })
                };
                let name = if index == 0 { "without flooding" } else { "with flooding" };
                let mark = |panel: &mut Panel, ink: Ink, radius: u32, p: &Point| {
                    if index == 0 {
                        panel.crosses(&canvas, ink, radius as i32, &[at(p)]);
                        Ok(())
                    } else {
                        panel.circles(ink, radius, false, &[at(p)])
                    }
                };
                canvas.group(Group { level: None, title: name.to_owned() }, || {
                    for p in points {
                        mark(&mut panel, Ink::scale(f64::from(p.epoch) / f64::from(last)), 30, p)?;
                    }
                    let nearest = side.stop.and_then(|e| points.iter().min_by_key(|p| p.epoch.abs_diff(e)));
                    nearest.map_or(Ok(()), |p| mark(&mut panel, Ink::Text, 90, p))
                })?;
            }
        }
    }
    let ticks = Axis::between("", 0.0, f64::from(last), 5).ticks;
    let ticks: Vec<_> = ticks.into_iter().map(|(at, label)| (at / f64::from(last), label)).collect();
    color_bar(&canvas, (866, 60), 160, "epoch", &ticks);
    let entries = [(Ink::Text, Sample::Ring, "with flooding"), (Ink::Text, Sample::Cross, "without flooding")];
    legend(&canvas, (60, 528), &entries);
    Ok(canvas.finish())
}
