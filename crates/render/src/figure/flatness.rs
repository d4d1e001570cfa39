//! Figures 5 and 8: losses along random filter-normalised directions, for three models.

use flooding_tables::probes::ProbedModel;
use flooding_tables::{Band, FlatnessRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

/// Band, line and whether points are marked: three models that differ in more than colour.
const MODELS: [(ProbedModel, Style, Style, bool); 3] = [
    (ProbedModel::FirstCrossing, Style::Band(2), Style::Guide, false),
    (ProbedModel::With, Style::Band(0), Style::Series(0), true),
    (ProbedModel::Without, Style::Band(1), Style::Series(1), false),
];

/// Two panels, training and test loss, for the rows of one setting.
pub fn flatness(setting: &str, label: &str, rows: &[&FlatnessRow]) -> Result<Figure, DrawError> {
    let first = rows.first();
    let (train, test) = first.map_or((0, 0), |row| (row.train_examples, row.test_examples));
    let directions = first.map_or(0, |row| row.directions);
    Ok(Figure {
        id: slug(&format!("figure-5-{setting}")),
        label: "Figures 5 and 8".to_owned(),
        title: format!("Loss along random filter-normalised directions, {label}"),
        description: format!(
            "Training loss (left) and test loss (right), logarithmic above and linear below, against the distance along a direction, for the model at \
             the first mini-batch below the flood level (dashed), at the end of training with flooding (rings) and without \
             (plain line): means over {directions} directions a trial with a band from the least to the greatest, over {train} \
             training and {test} test examples.",
        ),
        scene: draw(rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: vec![setting.to_owned()],
    })
}

fn draw(rows: &[&FlatnessRow]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 600);
    let x = Axis::linear("distance along the direction", rows.iter().map(|row| row.alpha), 5);
    let bands = rows.iter().flat_map(|row| [row.train_loss, row.test_loss]).flatten();
    let ends: Vec<f64> = bands.flat_map(|band| [band.min, band.max]).collect();
    let axes = [Axis::logarithmic("loss", ends.iter().copied()), Axis::linear("loss, linear", ends, 5)];
    let train: fn(&FlatnessRow) -> Option<Band> = |row| row.train_loss;
    let sides = [("training loss", train), ("test loss", |row: &FlatnessRow| row.test_loss)];
    for (index, (title, of)) in sides.into_iter().cycle().take(2 * axes.len()).enumerate() {
        let (column, line) = (index % 2, index / 2);
        let frame = Frame { x: 4 + column as i32 * 466, y: 4 + line as i32 * 284, width: 466, height: 280 };
        let mut panel = Panel::new(&canvas, frame, title, &x, &axes[line])?;
        for (model, area, line, marked) in MODELS {
            let mut points: Vec<(f64, Band)> = rows
                .iter()
                .filter(|row| row.model == model)
                .filter_map(|row| of(row).map(|band| (row.alpha, band)))
                .collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            if points.is_empty() {
                continue;
            }
            let title = model.describe().to_owned();
            canvas.group(Group { level: None, title }, || {
                panel.band(area, &points.iter().map(|(x, band)| (*x, band.min, band.max)).collect::<Vec<_>>())?;
                let means: Vec<_> = points.iter().map(|(x, band)| (*x, band.mean)).collect();
                panel.line(line, 18, &means)?;
                if marked { panel.circles(line, 28, false, &means) } else { Ok(()) }
            })?;
        }
    }
    let entries = MODELS
        .map(|(model, _, line, marked)| (line, if marked { Sample::RingLine } else { Sample::Line }, model.describe()));
    legend(&canvas, (60, 588), &entries);
    Ok(canvas.finish())
}
