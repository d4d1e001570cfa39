//! Figure 1: the idea as a sketch of ours, and learning curves without and with flooding.

use flooding_core::level::Level;
use flooding_tables::{CurveRow, to_csv};

use super::axis::Axis;
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Anchor, Canvas};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

/// (a) three stages of training; (b) the flooded objective as a function of the loss: no data, a sketch.
pub fn flooded_objective() -> Result<Figure, DrawError> {
    let canvas = Canvas::new(940, 300);
    stages(&canvas)?;
    objective(&canvas)?;
    Ok(Figure {
        id: "figure-1-concept".to_owned(),
        label: "Figure 1 (a), (b)".to_owned(),
        title: "The idea: three stages of training, and the flooded objective".to_owned(),
        description: "Left, a sketch of losses against epochs: A, training and test loss fall; B, the training loss falls \
            and the test loss rises; C, the training loss is nearly zero. With flooding the training loss stays at b and \
            the test loss falls again. Right, the objective |J - b| + b against the loss J: above b it is J itself, below \
            b it is mirrored, so that descending raises J."
            .to_owned(),
        scene: canvas.finish(),
        csv: sketch_csv(),
        settings: Vec::new(),
    })
}

const FLOOD: f64 = 0.18;

fn train_loss(t: f64) -> f64 {
    1.05 * (-4.2 * t).exp()
}

fn test_loss(t: f64) -> f64 {
    0.42 + 0.66 * (-5.0 * t).exp() + 0.32 * (t - 0.25).max(0.0)
}

fn flooded_test_loss(t: f64) -> f64 {
    let turn = 0.62;
    if t <= turn { test_loss(t) } else { test_loss(turn) - 0.30 * (1.0 - (-6.0 * (t - turn)).exp()) }
}

fn times() -> impl Iterator<Item = f64> {
    (0..=200).map(|i| f64::from(i) / 200.0)
}

fn stages(canvas: &Canvas) -> Result<(), DrawError> {
    let x = Axis { label: "epochs".into(), range: (0.0, 1.0), log: false, ticks: vec![] };
    let y = Axis { label: "loss".into(), range: (0.0, 1.15), log: false, ticks: vec![(FLOOD, "b".into())] };
    let frame = Frame { x: 4, y: 4, width: 500, height: 262 };
    let mut panel = Panel::new(canvas, frame, "(a) stages of training (sketch)", &x, &y)?;
    for at in [0.25, 0.62] {
        panel.vertical(at)?;
    }
    let curve = |f: fn(f64) -> f64| times().map(|t| (t, f(t))).collect::<Vec<_>>();
    panel.line(Style::Baseline, 10, &curve(train_loss))?;
    panel.line(Style::Guide, 14, &curve(test_loss))?;
    panel.line(Style::Series(0), 18, &curve(|t| train_loss(t).max(FLOOD)))?;
    panel.line(Style::Series(1), 18, &curve(flooded_test_loss))?;
    for (x, letter) in [(108, "A"), (245, "B"), (400, "C")] {
        canvas.text(Style::Text, (x, 44), Anchor::Middle, 13, true, letter);
    }
    legend(
        canvas,
        (58, 290),
        &[
            (Style::Baseline, Sample::Line, "training, without flooding"),
            (Style::Guide, Sample::Line, "test, without"),
            (Style::Series(0), Sample::Line, "training, with"),
            (Style::Series(1), Sample::Line, "test, with"),
        ],
    );
    Ok(())
}

fn objective(canvas: &Canvas) -> Result<(), DrawError> {
    let x = Axis { label: "loss J".into(), range: (0.0, 0.6), log: false, ticks: vec![(FLOOD, "b".into())] };
    let y = Axis { label: "objective".into(), range: (0.0, 0.6), log: false, ticks: vec![(FLOOD, "b".into())] };
    let frame = Frame { x: 530, y: 4, width: 390, height: 262 };
    let mut panel = Panel::new(canvas, frame, "(b) the flooded objective |J - b| + b", &x, &y)?;
    panel.line(Style::Baseline, 10, &[(0.0, 0.0), (0.6, 0.6)])?;
    panel.line(Style::Series(0), 20, &[(0.0, 2.0 * FLOOD), (FLOOD, FLOOD), (0.6, 0.6)])?;
    canvas.text(Style::Text, (604, 110), Anchor::Start, 11, false, "ascent");
    canvas.text(Style::Text, (756, 150), Anchor::Start, 11, false, "descent");
    Ok(())
}

fn sketch_csv() -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = "writing to memory cannot fail";
    writer.write_record(["t", "train_without", "test_without", "train_with", "test_with"]).expect(failed);
    for t in times() {
        let (train, test) = (train_loss(t), test_loss(t));
        let row = [t, train, test, train.max(FLOOD), flooded_test_loss(t)];
        writer.write_record(row.map(|value| value.to_string())).expect(failed);
    }
    writer.into_inner().expect(failed)
}

/// (c), (d): training and test loss of one setting without and with flooding; `None` without test curves.
pub fn with_and_without(
    setting: &str,
    label: &str,
    rows: &[&CurveRow],
    level: Level,
) -> Result<Option<Figure>, DrawError> {
    let of = |level: Level| -> Vec<&CurveRow> { rows.iter().filter(|row| row.level == level).copied().collect() };
    let sides = [(Level::ZERO, of(Level::ZERO)), (level, of(level))];
    let tested = |rows: &[&CurveRow]| rows.iter().filter(|row| row.test.is_some()).count();
    if sides.iter().any(|(_, rows)| tested(rows) < 2) {
        return Ok(None);
    }
    Ok(Some(Figure {
        id: slug(&format!("figure-1-{setting}")),
        label: "Figure 1 (c), (d)".to_owned(),
        title: format!("Training and test loss without and with flooding, {label}"),
        description: format!(
            "Two panels with the same axes, logarithmic loss against epoch: left without flooding, right with b = {level}; \
             training and test loss, {}.",
            averaged(&sides)
        ),
        scene: draw_sides(&sides)?,
        csv: to_csv(sides.iter().flat_map(|(_, rows)| rows.iter().copied())),
        settings: vec![setting.to_owned()],
    }))
}

/// Over how many trials the two losses are means: that of the test set may be over fewer.
fn averaged(sides: &[(Level, Vec<&CurveRow>); 2]) -> String {
    let most = |of: fn(&CurveRow) -> u32| sides.iter().flat_map(|(_, rows)| rows).map(|row| of(row)).max().unwrap_or(0);
    let (train, test) = (most(|row| row.trials), most(|row| row.test_trials));
    let over =
        |trials: u32| if trials == 1 { "of one trial".to_owned() } else { format!("the mean over {trials} trials") };
    if train == test { over(train) } else { format!("the training loss {}, the test loss {}", over(train), over(test)) }
}

fn draw_sides(sides: &[(Level, Vec<&CurveRow>); 2]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 320);
    let all = || sides.iter().flat_map(|(_, rows)| rows.iter());
    let x = Axis::between("epoch", 0.0, f64::from(all().map(|row| row.epoch).max().unwrap_or(1)), 5);
    let losses = all().flat_map(|row| [row.train, row.test]).flatten().map(|measured| measured.loss);
    let y = Axis::logarithmic("loss", losses);
    for (index, (level, rows)) in sides.iter().enumerate() {
        let frame = Frame { x: 4 + index as i32 * 466, y: 4, width: 466, height: 280 };
        let title =
            if index == 0 { "(c) without flooding".to_owned() } else { format!("(d) with flooding, b = {level}") };
        let mut panel = Panel::new(&canvas, frame, &title, &x, &y)?;
        let train: Vec<_> = rows.iter().filter_map(|row| Some((f64::from(row.epoch), row.train?.loss))).collect();
        let test: Vec<_> = rows.iter().filter_map(|row| Some((f64::from(row.epoch), row.test?.loss))).collect();
        panel.line(Style::Series(0), 14, &super::decimate::m4(&train, 150))?;
        panel.line(Style::Series(1), 14, &super::decimate::m4(&test, 150))?;
    }
    let entries = [(Style::Series(0), Sample::Line, "training loss"), (Style::Series(1), Sample::Line, "test loss")];
    legend(&canvas, (60, 308), &entries);
    Ok(canvas.finish())
}
