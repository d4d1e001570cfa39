//! Figure 1 (b), measured: the training loss floats around b while the training accuracy stays at 100%.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use flooding_core::level::Level;
use flooding_tables::{CurveRow, FinalLossRow, to_csv};

use super::axis::Axis;
use super::curves::level_style;
use super::decimate::{m4, spans};
use super::legend::{Sample, legend};
use super::panel::{DrawError, Frame, Panel};
use super::scene::{Canvas, Group};
use super::style::Style;
use super::{Figure, Scene};
use crate::slug::slug;

/// More lines than this, each around its own guide, cannot be told apart.
const MOST_FLOODED: usize = 5;

/// b = 0 and at most five of the levels above it, evenly spaced among them, the lowest and the highest included.
pub fn shown_levels(levels: impl IntoIterator<Item = Level>) -> Vec<Level> {
    let mut levels: Vec<Level> = levels.into_iter().collect();
    levels.sort_unstable();
    levels.dedup();
    let flooded: Vec<Level> = levels.iter().copied().filter(|level| !level.is_zero()).collect();
    levels.retain(|level| level.is_zero());
    if flooded.len() <= MOST_FLOODED {
        levels.extend(flooded);
    } else {
        let gaps = MOST_FLOODED - 1;
        levels.extend((0..=gaps).map(|i| flooded[(i * (flooded.len() - 1) + gaps / 2) / gaps]));
    }
    levels
}

type ByLevel<'a> = BTreeMap<Level, Vec<&'a CurveRow>>;

/// Three panels for the rows of one setting: mini-batch loss, training loss, training accuracy; `ends` are its rows of
/// where the losses ended.
pub fn floating_loss(
    setting: &str,
    label: &str,
    rows: &[&CurveRow],
    ends: &[&FinalLossRow],
    profile: &str,
) -> Result<Figure, DrawError> {
    let shown = shown_levels(rows.iter().map(|row| row.level));
    let mut levels = ByLevel::new();
    for row in rows.iter().filter(|row| shown.contains(&row.level)) {
        levels.entry(row.level).or_default().push(row);
    }
    Ok(Figure {
        id: slug(&format!("figure-1-floating-{setting}")),
        label: "Figure 1 (b), measured".to_owned(),
        title: format!("The training loss floats around the flood level, {label}"),
        description: describe(&shown, ends, profile),
        scene: draw(&levels)?,
        csv: to_csv(levels.values().flatten().copied()),
        settings: vec![setting.to_owned()],
    })
}

fn describe(shown: &[Level], ends: &[&FinalLossRow], profile: &str) -> String {
    let trials = ends.iter().map(|end| end.train_loss.n).max().unwrap_or_default();
    let over = if trials == 1 { "of one trial" } else { "the mean over trials" };
    let mut text = format!(
        "Against epoch, {over}: the un-flooded mini-batch loss before each update (left), the \
        loss of the whole training set after the epoch (middle), the training accuracy in percent (right). Losses are on \
        a logarithmic scale; a dashed line is a flood level."
    );
    if let Some(first) = ends.first() {
        let (train, validation) = (first.train_examples, first.validation_examples);
        let seeds = if trials > 1 { format!("seeds 0 to {}", trials - 1) } else { "seed 0".to_owned() };
        let epochs = first.last_epoch;
        write!(
            text,
            " Profile {profile}: {train} training examples ({validation} more held out), {epochs} epochs, {seeds}."
        )
        .expect("writing to a string cannot fail");
        write!(text, " Mean training loss and accuracy of epochs {} to {}:", first.first_epoch, first.last_epoch)
            .expect("writing to a string cannot fail");
        for (i, end) in ends.iter().filter(|end| shown.contains(&end.level)).enumerate() {
            let (separator, loss) = (if i == 0 { "" } else { ";" }, crate::format::significant(end.train_loss.mean));
            write!(text, "{separator} {loss} and {:.2}% at b = {}", end.train_accuracy.mean, end.level)
                .expect("writing to a string cannot fail");
        }
        text.push('.');
    }
    text
}

/// What a panel shows of a row.
type Quantity = fn(&CurveRow) -> Option<f64>;

fn draw(levels: &ByLevel) -> Result<Scene, DrawError> {
    let canvas = Canvas::new(940, 320);
    let all = || levels.values().flatten();
    let x = Axis::between("epoch", 0.0, f64::from(all().map(|row| row.epoch).max().unwrap_or(1)), 5);
    let flooded = || levels.keys().filter(|level| !level.is_zero()).map(|level| level.value());
    let losses = all().flat_map(|row| [row.batch_loss, row.train.map(|train| train.loss)]).flatten();
    let loss = Axis::logarithmic("loss", losses.chain(flooded()));
    let accuracy = Axis::linear("accuracy (%)", all().filter_map(|row| Some(row.train?.accuracy)).chain([100.0]), 5);
    let highest = levels.keys().last().copied().unwrap_or(Level::ZERO);
    let spans = spans(levels.len() * 3);
    let panels: [(&str, &Axis, Quantity); 3] = [
        ("mini-batch loss in training", &loss, |row| row.batch_loss),
        ("training loss after the epoch", &loss, |row| Some(row.train?.loss)),
        ("training accuracy", &accuracy, |row| Some(row.train?.accuracy)),
    ];
    for (index, (title, y, of)) in panels.into_iter().enumerate() {
        let frame = Frame { x: 4 + index as i32 * 311, y: 4, width: 311, height: 280 };
        let mut panel = Panel::new(&canvas, frame, title, &x, y)?;
        if y.log {
            for level in flooded() {
                panel.horizontal(level)?;
            }
        }
        // The baseline last: over the others.
        for (level, rows) in levels.iter().rev() {
            let points: Vec<_> = rows.iter().filter_map(|row| of(row).map(|v| (f64::from(row.epoch), v))).collect();
            let group = Group { level: Some(level.to_string()), title: format!("b = {level}") };
            canvas.group(group, || panel.line(level_style(*level, highest), 14, &m4(&points, spans)))?;
        }
    }
    let names: Vec<(Style, String)> =
        levels.keys().map(|level| (level_style(*level, highest), format!("b = {level}"))).collect();
    let mut entries: Vec<_> = names.iter().map(|(style, name)| (*style, Sample::Line, name.as_str())).collect();
    entries.push((Style::Guide, Sample::Line, "the levels"));
    legend(&canvas, (60, 308), &entries);
    Ok(canvas.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(count: u32) -> Vec<u32> {
        shown_levels((0..=count).rev().map(|i| Level::from_millionths(i * 10_000)))
            .iter()
            .map(|level| level.millionths() / 10_000)
            .collect()
    }

    #[test]
    fn few_levels_are_all_shown_and_of_many_the_lowest_the_highest_and_some_between() {
        assert_eq!(shown(3), [0, 1, 2, 3]);
        assert_eq!(shown(5), [0, 1, 2, 3, 4, 5]);
        assert_eq!(shown(10), [0, 1, 3, 6, 8, 10]);
        assert_eq!(shown(50), [0, 1, 13, 26, 38, 50]);
        assert_eq!(shown_levels([]), []);
    }
}
