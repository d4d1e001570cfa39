//! Calibration: how far confidence is from accuracy, with and without flooding.

use std::fmt::Write as _;

use flooding_core::probes::{CalibrationRow, ConfidenceBin, ProbedModel};

use super::axis::Axis;
use super::ink::Ink;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::sheet::{Canvas, Group};
use super::{Figure, Sheet};
use crate::slug::slug;

const fn look(model: ProbedModel) -> (Ink, Sample) {
    match model {
        ProbedModel::With => (Ink::Series(0), Sample::RingLine),
        ProbedModel::Without => (Ink::Series(1), Sample::Line),
        ProbedModel::FirstBelow => (Ink::Series(2), Sample::Line),
    }
}

/// Two panels: accuracy against confidence, and how often each confidence occurs.
pub fn calibration(setting: &str, label: &str, rows: &[&CalibrationRow]) -> Result<Figure, DrawError> {
    Ok(Figure {
        id: slug(&format!("calibration-{setting}")),
        label: "Calibration".to_owned(),
        title: format!("Confidence against accuracy on the test set, {label}"),
        description: "Left, the accuracy of the test examples in each bin of confidence; on the dashed diagonal confidence is \
            right, below it the network is overconfident. Right, the share of the examples in each bin. Rings with flooding, \
            plain line without."
            .to_owned(),
        sheet: draw(rows)?,
        csv: csv(rows),
        settings: vec![setting.to_owned()],
    })
}

fn center(index: usize, bins: usize) -> f64 {
    (index as f64 + 0.5) / bins as f64
}

fn draw(rows: &[&CalibrationRow]) -> Result<Sheet, DrawError> {
    let canvas = Canvas::new(940, 320);
    let x = Axis::between("confidence", 0.0, 1.0, 5);
    let share = |bin: &ConfidenceBin, row: &CalibrationRow| {
        let all: u64 = row.bins.iter().map(|bin| bin.examples).sum();
        100.0 * bin.examples as f64 / all.max(1) as f64
    };
    let shares = rows.iter().flat_map(|row| row.bins.iter().map(|bin| share(bin, row)));
    let panels = [
        ("accuracy of the bin", Axis::between("accuracy", 0.0, 1.0, 5)),
        ("share of the examples (%)", Axis::linear("share (%)", shares, 5)),
    ];
    for (index, (title, y)) in panels.iter().enumerate() {
        let frame = Frame { x: 4 + index as i32 * 466, y: 4, width: 466, height: 280 };
        let mut panel = Panel::new(&canvas, frame, title, &x, y)?;
        if index == 0 {
            panel.line(Ink::Guide, 10, &[(0.0, 0.0), (1.0, 1.0)])?;
        }
        for row in rows {
            let (ink, sample) = look(row.model);
            let points: Vec<_> = row
                .bins
                .iter()
                .enumerate()
                .filter(|(_, bin)| index == 1 || bin.examples > 0)
                .map(|(i, bin)| {
                    let accuracy = bin.hits as f64 / bin.examples.max(1) as f64;
                    (center(i, row.bins.len()), if index == 0 { accuracy } else { share(bin, row) })
                })
                .collect();
            canvas.group(Group { level: None, title: row.model.describe().to_owned() }, || {
                panel.line(ink, 18, &points)?;
                if matches!(sample, Sample::RingLine) { panel.circles(ink, 28, false, &points) } else { Ok(()) }
            })?;
        }
    }
    let entries: Vec<_> = rows
        .iter()
        .map(|row| {
            let (ink, sample) = look(row.model);
            (ink, sample, row.model.describe())
        })
        .collect();
    legend(&canvas, (60, 308), &entries);
    Ok(canvas.finish())
}

fn csv(rows: &[&CalibrationRow]) -> String {
    let mut csv = String::from("setting,model,bin_from,bin_to,examples,hits,mean_confidence\n");
    for row in rows {
        let width = 1.0 / row.bins.len().max(1) as f64;
        for (index, bin) in row.bins.iter().enumerate() {
            let (from, to) = (index as f64 * width, (index + 1) as f64 * width);
            let mean =
                if bin.examples == 0 { String::new() } else { (bin.confidence / bin.examples as f64).to_string() };
            let setting = crate::csv::field(&row.setting);
            writeln!(csv, "{setting},{},{from:.4},{to:.4},{},{},{mean}", row.model.describe(), bin.examples, bin.hits)
                .expect("writing to a string cannot fail");
        }
    }
    csv
}
