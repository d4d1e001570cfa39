//! Figures 4 and 7: test loss and accuracy against the filter-normalised gradient's norm, a point an epoch.

use flooding_core::level::Level;
use flooding_tables::probes::ProbedModel;
use flooding_tables::{CurveRow, GradientNorms, Measured, ReplayRow};

use super::axis::Axis;
use super::legend::{Sample, color_bar, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

/// As in the paper: the first epochs are left out.
const SKIPPED_EPOCHS: u32 = 10;

/// One side of the comparison.
#[derive(Clone, Debug)]
pub struct Side {
    /// Text of its level or levels; empty without flooding.
    pub level: String,
    /// The epoch that early stopping selects, rounded over trials.
    pub stop: Option<u32>,
    /// Its measured epochs.
    pub points: Vec<Point>,
}

/// One measured epoch.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub epoch: u32,
    pub gradients: GradientNorms,
    pub test: Measured,
}

impl Point {
    /// The drawn points of a level's curves: means over trials.
    pub fn of_curves(rows: &[&CurveRow], level: Level) -> Vec<Self> {
        let of = rows.iter().filter(|row| row.level == level);
        of.filter_map(|row| Some(Self { epoch: row.epoch, gradients: row.gradient_norm?, test: row.test? })).collect()
    }

    /// The points of the compared runs, trained again.
    pub fn of_replays(rows: &[&ReplayRow], model: ProbedModel) -> Vec<Self> {
        let of = rows.iter().filter(|row| row.model == model);
        of.filter_map(|row| {
            let test = Measured { loss: row.test_loss.mean, accuracy: row.test_accuracy.mean };
            Some(Self { epoch: row.epoch, gradients: row.gradient_norm?, test })
        })
        .collect()
    }
}

/// Four panels of without and with flooding, over this number of trials, with the rows that they come from as CSV;
/// `None` where there are no gradients.
pub fn gradient_amplitude(
    setting: &str,
    label: &str,
    sides: [Side; 2],
    trials: u32,
    csv: Vec<u8>,
) -> Result<Option<Figure>, DrawError> {
    let sides = sides.map(|side| {
        let points = side.points.into_iter().filter(|point| point.epoch > SKIPPED_EPOCHS).collect();
        Side { points, ..side }
    });
    if sides.iter().all(|side| side.points.is_empty()) {
        return Ok(None);
    }
    Ok(Some(Figure {
        id: slug(&format!("figure-4-{setting}")),
        label: "Figures 4 and 7".to_owned(),
        title: format!("Gradient amplitude against test performance, {label}"),
        description: format!(
            "Test loss (above) and test accuracy (below) against the L2 norm of the filter-normalised gradient of the \
             training loss (left) and of the test loss (right); a point {} after the first {SKIPPED_EPOCHS}, {}; rings \
             with flooding at {}, crosses without; coloured by epoch; large dark marks at the measured epoch nearest to \
             the mean one that early stopping selects.",
            interval(&sides),
            if trials == 1 { "of one trial".to_owned() } else { format!("the mean over {trials} trials") },
            sides[1].level
        ),
        scene: draw(&sides)?,
        csv,
        settings: vec![setting.to_owned()],
    }))
}

/// How often there is a point.
fn interval(sides: &[Side; 2]) -> String {
    let steps = sides.iter().flat_map(|side| side.points.windows(2)).map(|pair| pair[1].epoch - pair[0].epoch);
    match steps.filter(|step| *step > 0).min() {
        None | Some(1) => "an epoch".to_owned(),
        Some(step) => format!("every {step} epochs"),
    }
}

fn draw(sides: &[Side; 2]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 540);
    let all = || sides.iter().flat_map(|side| &side.points);
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
            for (index, side) in sides.iter().enumerate() {
                let points = &side.points;
                let at = |p: &Point| {
                    let x = if train { p.gradients.train } else { p.gradients.test };
                    (x, if loss { p.test.loss } else { p.test.accuracy })
                };
                let name = if index == 0 { "without flooding" } else { "with flooding" };
                let mark = |panel: &mut Panel, style: Style, radius: u32, p: &Point| {
                    if index == 0 {
                        panel.crosses(&canvas, style, radius as i32, &[at(p)]);
                        Ok(())
                    } else {
                        panel.circles(style, radius, false, &[at(p)])
                    }
                };
                canvas.group(Group { level: None, title: name.to_owned() }, || {
                    for p in points {
                        mark(&mut panel, Style::scale(f64::from(p.epoch) / f64::from(last)), 30, p)?;
                    }
                    let nearest = side.stop.and_then(|e| points.iter().min_by_key(|p| p.epoch.abs_diff(e)));
                    nearest.map_or(Ok(()), |p| mark(&mut panel, Style::Text, 90, p))
                })?;
            }
        }
    }
    let ticks = Axis::between("", 0.0, f64::from(last), 5).ticks;
    let ticks: Vec<_> = ticks.into_iter().map(|(at, label)| (at / f64::from(last), label)).collect();
    color_bar(&canvas, (866, 60), 160, "epoch", &ticks);
    let entries = [(Style::Text, Sample::Ring, "with flooding"), (Style::Text, Sample::Cross, "without flooding")];
    legend(&canvas, (60, 528), &entries);
    Ok(canvas.finish())
}
