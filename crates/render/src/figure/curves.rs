//! Figures 2 and 6: learning curves of a setting, all levels in a colour scale, b = 0 dotted.

use flooding_core::level::Level;
use flooding_tables::{CurveRow, Measured, to_csv};
use std::collections::BTreeMap;

use super::axis::Axis;
use super::decimate::{m4, spans};
use super::legend::{Sample, color_bar, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::format::count;
use crate::slug::slug;

/// Training, validation or test.
#[derive(Clone, Copy)]
enum Set {
    Train,
    Validation,
    Test,
}

impl Set {
    const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    const fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    fn of(self, row: &CurveRow) -> Option<Measured> {
        match self {
            Self::Train => row.train,
            Self::Validation => Some(row.validation),
            Self::Test => row.test,
        }
    }
}

/// Panels for the rows of one setting: loss above, accuracy below; training, validation, and test where that was
/// evaluated along the way: a single point at the end is no curve, and stands in the tables.
pub fn learning_curves(setting: &str, label: &str, rows: &[&CurveRow]) -> Result<Figure, DrawError> {
    let mut levels: BTreeMap<Level, Vec<&CurveRow>> = BTreeMap::new();
    for row in rows {
        levels.entry(row.level).or_default().push(row);
    }
    let is_tested = levels.values().any(|rows| rows.iter().filter(|row| row.test.is_some()).count() > 1);
    let sets = if is_tested { &Set::ALL[..] } else { &Set::ALL[..2] };
    let description = format!(
        "Loss (above, logarithmic) and accuracy in percent (below) against epoch, for {} examples of {label}; one line \
         for each of {} flood levels, the mean over {}.{}",
        if is_tested { "training, validation and test" } else { "training and validation" },
        levels.len(),
        averaged(rows, is_tested),
        if is_tested { "" } else { " The test set was not evaluated along the way." },
    );
    Ok(Figure {
        id: slug(&format!("figure-2-{setting}")),
        label: "Figures 2 and 6".to_owned(),
        title: format!("Learning curves, {label}"),
        description,
        scene: draw(rows, &levels, sets)?,
        csv: to_csv(rows.iter().copied()),
        settings: vec![setting.to_owned()],
    })
}

/// Over how many trials the curves are means: those of the test set may be fewer.
fn averaged(rows: &[&CurveRow], is_tested: bool) -> String {
    let most = |of: fn(&CurveRow) -> u32| rows.iter().map(|row| of(row)).max().unwrap_or(0).into();
    let (all, tested): (u64, u64) = (most(|row| row.trials), most(|row| row.test_trials));
    if is_tested && tested != all {
        return format!("{}, of the test set over {}", count(all, "trial"), count(tested, "trial"));
    }
    count(all, "trial")
}

fn draw(rows: &[&CurveRow], levels: &BTreeMap<Level, Vec<&CurveRow>>, sets: &[Set]) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 500);
    let epochs = rows.iter().map(|row| row.epoch).max().unwrap_or(1);
    let x = Axis::between("epoch", 0.0, f64::from(epochs), 5);
    let highest = levels.keys().last().copied().unwrap_or(Level::ZERO);
    let spans = spans(levels.len() * 6);
    let pick = |set: Set, which: fn(Measured) -> f64| rows.iter().filter_map(move |row| set.of(row)).map(which);
    let held_out = sets[1..].iter().flat_map(|&set| pick(set, |m| m.loss));
    let held_out = Axis::logarithmic("loss", held_out);
    let accuracies = sets.iter().flat_map(|&set| pick(set, |m| m.accuracy));
    let width = 852 / sets.len() as u32;
    let accuracy = Axis::linear("accuracy (%)", accuracies, 5);
    let mut panels = Vec::new();
    for (is_loss, top) in [(true, 8), (false, 240)] {
        for (column, &set) in sets.iter().enumerate() {
            let frame = Frame { x: 4 + (column as u32 * width).cast_signed(), y: top, width, height: 228 };
            let y = match set {
                _ if !is_loss => accuracy.clone(),
                Set::Train => Axis::logarithmic("loss", pick(Set::Train, |m| m.loss)),
                _ => held_out.clone(),
            };
            let title = format!("{} {}", set.name(), if is_loss { "loss" } else { "accuracy" });
            panels.push((Panel::new(&canvas, frame, &title, &x, &y)?, set, is_loss));
        }
    }
    // A level is one group over all panels. The baseline last: over the others.
    for (level, rows) in levels.iter().rev() {
        let style = level_style(*level, highest);
        let group = Group { level: Some(level.to_string()), title: format!("b = {level}") };
        canvas.group(group, || {
            for (panel, set, is_loss) in &mut panels {
                let value = |m: Measured| if *is_loss { m.loss } else { m.accuracy };
                let points: Vec<_> =
                    rows.iter().filter_map(|row| Some((f64::from(row.epoch), value(set.of(row)?)))).collect();
                if !points.is_empty() {
                    panel.line(style, 10, &m4(&points, spans))?;
                }
            }
            Ok(())
        })?;
    }
    color_bar(&canvas, (874, 60), 160, "level b", &level_ticks(highest));
    legend(&canvas, (60, 488), &[(Style::Baseline, Sample::Line, "b = 0: without flooding")]);
    Ok(canvas.finish())
}

/// The style of a level on a scale that ends at `highest`.
pub(super) fn level_style(level: Level, highest: Level) -> Style {
    if level.is_zero() { Style::Baseline } else { Style::scale(level.value() / highest.value()) }
}

/// The ticks of the scale's colour bar.
fn level_ticks(highest: Level) -> Vec<(f64, String)> {
    let axis = Axis::between("", 0.0, highest.value().max(1e-6), 5);
    axis.ticks.into_iter().map(|(at, label)| (at / highest.value().max(1e-6), label)).collect()
}
