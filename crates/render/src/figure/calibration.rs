//! Calibration: how far confidence is from accuracy, with and without flooding.

use flooding_tables::probes::{CONFIDENCE_BINS, ProbedModel};
use flooding_tables::{ReliabilityBinRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

const fn look(model: ProbedModel) -> (Style, Sample) {
    match model {
        ProbedModel::With => (Style::Series(0), Sample::RingLine),
        ProbedModel::Without => (Style::Series(1), Sample::Line),
        ProbedModel::FirstCrossing => (Style::Series(2), Sample::Line),
    }
}

/// Two panels: accuracy against confidence, and how often each confidence occurs.
pub fn calibration(setting: &str, label: &str, rows: &[&ReliabilityBinRow]) -> Result<Figure, DrawError> {
    Ok(Figure {
        id: slug(&format!("calibration-{setting}")),
        label: "Calibration".to_owned(),
        title: format!("Confidence against accuracy on the test set, {label}"),
        description: "Left, the accuracy of the test examples in each bin of confidence; on the dashed diagonal confidence is \
            right, below it the network is overconfident. Right, the share of the examples in each bin. Rings with flooding, \
            plain line without."
            .to_owned(),
        scene: draw(rows)?,
        csv: to_csv(rows.iter().copied()),
        settings: vec![setting.to_owned()],
    })
}

fn center(bin: &ReliabilityBinRow) -> f64 {
    (f64::from(bin.bin) + 0.5) / CONFIDENCE_BINS as f64
}

/// The bins of each model, in order of appearance.
fn by_model<'a>(rows: &[&'a ReliabilityBinRow]) -> Vec<(ProbedModel, Vec<&'a ReliabilityBinRow>)> {
    let mut models: Vec<(ProbedModel, Vec<&ReliabilityBinRow>)> = Vec::new();
    for &row in rows {
        match models.iter_mut().find(|(model, _)| *model == row.model) {
            Some((_, bins)) => bins.push(row),
            None => models.push((row.model, vec![row])),
        }
    }
    models
}

fn draw(rows: &[&ReliabilityBinRow]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 320);
    let x = Axis::between("confidence", 0.0, 1.0, 5);
    let models = by_model(rows);
    let share = |bin: &ReliabilityBinRow, bins: &[&ReliabilityBinRow]| {
        let all: u64 = bins.iter().map(|bin| bin.examples).sum();
        100.0 * bin.examples as f64 / all.max(1) as f64
    };
    let shares = models.iter().flat_map(|(_, bins)| bins.iter().map(|bin| share(bin, bins)));
    let panels = [
        ("accuracy of the bin", Axis::between("accuracy", 0.0, 1.0, 5)),
        ("share of the examples (%)", Axis::linear("share (%)", shares, 5)),
    ];
    for (index, (title, y)) in panels.iter().enumerate() {
        let frame = Frame { x: 4 + index as i32 * 466, y: 4, width: 466, height: 280 };
        let mut panel = Panel::new(&canvas, frame, title, &x, y)?;
        if index == 0 {
            panel.line(Style::Guide, 10, &[(0.0, 0.0), (1.0, 1.0)])?;
        }
        for (model, bins) in &models {
            let (style, sample) = look(*model);
            let points: Vec<_> = bins
                .iter()
                .filter(|bin| index == 1 || bin.examples > 0)
                .map(|bin| {
                    let accuracy = bin.hits as f64 / bin.examples.max(1) as f64;
                    (center(bin), if index == 0 { accuracy } else { share(bin, bins) })
                })
                .collect();
            canvas.group(Group { level: None, title: model.describe().to_owned() }, || {
                panel.line(style, 18, &points)?;
                if matches!(sample, Sample::RingLine) { panel.circles(style, 28, false, &points) } else { Ok(()) }
            })?;
        }
    }
    let entries: Vec<_> = models
        .iter()
        .map(|(model, _)| {
            let (style, sample) = look(*model);
            (style, sample, model.describe())
        })
        .collect();
    legend(&canvas, (60, 308), &entries);
    Ok(canvas.finish())
}
