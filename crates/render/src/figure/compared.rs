//! Figures 2 and 6, and 1 (c) and (d): test loss and accuracy of the compared runs at every epoch.

use flooding_tables::probes::ProbedModel;
use flooding_tables::{Band, ReplayRow, to_csv};

use super::axis::Axis;
use super::decimate::m4;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::format::count;
use crate::slug::slug;

const MODELS: [(ProbedModel, Style, Style); 2] =
    [(ProbedModel::Without, Style::Band(1), Style::Series(1)), (ProbedModel::With, Style::Band(0), Style::Series(0))];

/// A line is thinned to the extremes of this number of spans of epochs.
const SPANS: usize = 120;

/// Two panels for the rows of one setting.
pub fn compared_curves(setting: &str, label: &str, rows: &[&ReplayRow]) -> Result<Figure, DrawError> {
    let first = rows.first();
    let trials = first.map_or(0, |row| row.trials);
    let over = if trials > 1 {
        format!("means over {} with a band from the least to the greatest", count(trials.into(), "trial"))
    } else {
        "one trial".to_owned()
    };
    Ok(Figure {
        id: slug(&format!("figure-2-compared-{setting}")),
        label: "Figures 1 (c, d), 2 and 6".to_owned(),
        title: format!("Test loss and accuracy with and without flooding, {label}"),
        description: format!(
            "Test loss (left, logarithmic) and test accuracy in percent (right) after every epoch, with flooding at {} and \
             without: {over}, on the same {} throughout.",
            levels(rows),
            count(first.map_or(0, |row| row.test_examples).into(), "test example"),
        ),
        scene: draw(rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: vec![setting.to_owned()],
    })
}

/// The level of the runs with flooding, or the range of those of the trials.
pub fn levels(rows: &[&ReplayRow]) -> String {
    let all = rows.iter().flat_map(|row| &row.levels);
    match (all.clone().min(), all.max()) {
        (Some(low), Some(high)) if low == high => format!("the selected b = {low}"),
        (Some(low), Some(high)) => format!("each trial’s selected b ({low} to {high})"),
        _ => "no level".to_owned(),
    }
}

fn draw(rows: &[&ReplayRow]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 320);
    let x = Axis::between("epoch", 0.0, f64::from(rows.iter().map(|row| row.epoch).max().unwrap_or(1)), 5);
    let ends = |of: fn(&ReplayRow) -> Band| rows.iter().map(move |row| of(row)).flat_map(|band| [band.min, band.max]);
    let loss: fn(&ReplayRow) -> Band = |row| row.test_loss;
    let accuracy: fn(&ReplayRow) -> Band = |row| row.test_accuracy;
    let panels = [
        ("test loss", Axis::logarithmic("loss", ends(loss)), loss),
        ("test accuracy", Axis::linear("accuracy (%)", ends(accuracy), 5), accuracy),
    ];
    for (index, (title, y, of)) in panels.into_iter().enumerate() {
        let frame = Frame { x: 4 + index as i32 * 466, y: 4, width: 466, height: 280 };
        let mut panel = Panel::new(&canvas, frame, title, &x, &y)?;
        for (model, area, line) in MODELS {
            let of_model: Vec<(f64, Band)> =
                rows.iter().filter(|row| row.model == model).map(|row| (f64::from(row.epoch), of(row))).collect();
            if of_model.is_empty() {
                continue;
            }
            canvas.group(Group { level: None, title: model.describe().to_owned() }, || {
                panel.band(area, &thin(&of_model))?;
                let means: Vec<_> = of_model.iter().map(|(epoch, band)| (*epoch, band.mean)).collect();
                panel.line(line, 16, &m4(&means, SPANS))
            })?;
        }
    }
    let names = MODELS.map(|(model, _, line)| (line, Sample::Line, model.describe()));
    legend(&canvas, (60, 308), &names);
    Ok(canvas.finish())
}

/// The envelope of each span of epochs.
fn thin(points: &[(f64, Band)]) -> Vec<(f64, f64, f64)> {
    let span = points.len().div_ceil(SPANS).max(1);
    let envelope = |part: &[(f64, Band)]| {
        let low = part.iter().map(|(_, band)| band.min).fold(f64::INFINITY, f64::min);
        let high = part.iter().map(|(_, band)| band.max).fold(f64::NEG_INFINITY, f64::max);
        (part[part.len() / 2].0, low, high)
    };
    points.chunks(span).map(envelope).collect()
}
