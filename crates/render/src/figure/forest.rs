//! The forest plot: the published gain and ours, row by row of the tables, last epoch beside early stopping.

use flooding_tables::{AccuracyRow, Checkpoint, Estimated, Interval, Quantity, ScorecardRow, to_csv};

use super::axis::Axis;
use super::scene::{Anchor, Canvas, Group, Item, UNIT};
use super::style::Style;
use super::{Figure, Scene};
use crate::format::{count, interval, signed};

const WIDTH: i32 = 720;
const LABELS: i32 = 128;
const GAP: i32 = 14;
/// Height of one line of the legend.
const LINE: i32 = 18;
/// Height of a mark and of the space between two rows, in pixels.
const MARK: i32 = 11;
const SPACE: i32 = 10;

const PANELS: [(Checkpoint, &str); 2] =
    [(Checkpoint::LastEpoch, "(A) Last epoch"), (Checkpoint::BestValidation, "(B) With early stopping")];

/// The paper's level of its t-tests.
const SIGNIFICANCE: f64 = 0.01;

/// A reading and what the report calls it.
pub type Named<'a> = (&'a str, &'a str);

/// The plot of the scorecard's differences under these readings, at most four, with the tests of the accuracy table; `None`
/// without a row.
pub fn forest(readings: &[Named], scorecard: &[ScorecardRow], accuracy: &[AccuracyRow]) -> Option<Figure> {
    let drawn = |row: &&ScorecardRow| {
        row.quantity == Quantity::Difference && readings.iter().any(|(reading, _)| *reading == row.reading)
    };
    let rows: Vec<&ScorecardRow> = scorecard.iter().filter(drawn).collect();
    let mut labels: Vec<(&str, &str)> = Vec::new();
    for row in &rows {
        if !labels.contains(&(&row.data, &row.setup)) {
            labels.push((&row.data, &row.setup));
        }
    }
    let names = readings.iter().map(|(_, label)| format!("“{label}”")).collect::<Vec<_>>().join(", ");
    (!labels.is_empty()).then(|| Figure {
        id: "forest".to_owned(),
        label: "Forest plot".to_owned(),
        title: "Flooding’s gain, published and ours".to_owned(),
        description: format!(
            "Test accuracy with minus without flooding in percentage points, for each row that was run, with 95% intervals: \
             published in grey, ours in colour, {names}. A filled mark is a gain in the published direction that is \
             significant at 1% by the t-test, a ring is not or could not be tested. An interval that reaches beyond the axis is cut at its end."
        ),
        scene: draw(readings, &labels, &rows, accuracy),
        csv: to_csv(rows.iter().copied()),
        settings: Vec::new(),
    })
}

/// One interval on the plot.
struct Mark {
    style: Style,
    estimate: Estimated,
    fill: bool,
    title: String,
}

fn marks(
    readings: &[Named],
    (rows, accuracy): (&[&ScorecardRow], &[AccuracyRow]),
    (data, setup): (&str, &str),
    (checkpoint, panel): (Checkpoint, &str),
) -> Vec<Mark> {
    let of = |row: &&&ScorecardRow| row.data == data && row.setup == setup && row.checkpoint == checkpoint;
    let name = format!("{data}, {setup}, {panel}");
    let mut marks = Vec::new();
    if let Some(paper) = rows.iter().filter(of).find_map(|row| row.paper) {
        let title = format!("{name}, published: {}", written(paper));
        marks.push(Mark { style: Style::Axis, estimate: paper, fill: true, title });
    }
    for (index, (reading, label)) in readings.iter().enumerate() {
        let Some(row) = rows.iter().filter(of).find(|row| row.reading == *reading) else { continue };
        let Some(ours) = row.ours else { continue };
        let tested = accuracy.iter().find(|one| one.setting == row.setting && one.checkpoint == row.checkpoint);
        let p = tested.and_then(|one| one.difference).and_then(|difference| difference.p_student);
        let fill = row.criterion.same_direction == Some(true) && p.is_some_and(|p| p < SIGNIFICANCE);
        let word = match (fill, p) {
            (true, _) => "published direction, significant at 1%",
            (false, Some(_)) => "not significant in that direction at 1%",
            (false, None) => "significance not tested",
        };
        marks.push(Mark {
            style: Style::Series(index as u8),
            estimate: ours,
            fill,
            title: format!("{name}, {label}: {}; {word}; {}", written(ours), count(row.trials.into(), "trial")),
        });
    }
    marks
}

fn written(estimate: Estimated) -> String {
    let range = estimate.ci.map_or_else(String::new, |ci| format!(" {}", interval(ci)));
    format!("{}{range} points", signed(estimate.mean))
}

fn draw(readings: &[Named], labels: &[(&str, &str)], rows: &[&ScorecardRow], accuracy: &[AccuracyRow]) -> Scene {
    let row_height = MARK * (readings.len() as i32 + 1) + SPACE;
    let legend = legend(readings, rows);
    // The legend, the key below it, and the panels' titles.
    let top_of_rows = 44 + LINE * (1 + legend.last().map_or(0, |entry| entry.line));
    let bottom = top_of_rows + row_height * labels.len() as i32;
    let canvas = Canvas::new(WIDTH as u32, (bottom + 44) as u32);
    let axis = axis(rows);
    let width = (WIDTH - LABELS - GAP - 8) / 2;
    draw_legend(&canvas, &legend);
    for (at, (data, setup)) in labels.iter().enumerate() {
        let top = top_of_rows + row_height * at as i32;
        let first = at == 0 || labels[at - 1].0 != *data;
        let rule = if first { Style::Axis } else { Style::Grid };
        canvas.push(Item::Line { style: rule, width: 6, points: vec![px((0, top)), px((WIDTH, top))] });
        let text = format!("{data}, {setup}");
        canvas.text(Style::Text, (0, top + row_height / 2 + 4), Anchor::Start, 12, false, &text);
    }
    for (index, panel) in PANELS.into_iter().enumerate() {
        let left = LABELS + index as i32 * (width + GAP);
        let place = |value: f64| {
            let share = (axis.place(value) - axis.range.0) / (axis.range.1 - axis.range.0);
            left * UNIT + (share * f64::from(width * UNIT)).round() as i32
        };
        canvas.text(Style::Text, (left, top_of_rows - 8), Anchor::Start, 12, true, panel.1);
        for (value, label) in &axis.ticks {
            let style = if *value == 0.0 { Style::Text } else { Style::Grid };
            let width = if *value == 0.0 { 10 } else { 6 };
            let points = vec![(place(*value), top_of_rows * UNIT), (place(*value), (bottom + 4) * UNIT)];
            canvas.push(Item::Line { style, width, points });
            canvas.text(Style::Axis, (place(*value) / UNIT, bottom + 17), Anchor::Middle, 11, false, label);
        }
        canvas.text(Style::Text, (left + width / 2, bottom + 34), Anchor::Middle, 11, false, &axis.label);
        for (at, label) in labels.iter().enumerate() {
            for (line, mark) in marks(readings, (rows, accuracy), *label, panel).into_iter().enumerate() {
                let y = (top_of_rows + row_height * at as i32 + SPACE / 2 + MARK * line as i32 + MARK / 2) * UNIT;
                canvas.group(Group { level: None, title: mark.title.clone() }, || draw_mark(&canvas, &mark, y, place));
            }
        }
    }
    canvas.finish()
}

fn draw_mark(canvas: &Canvas, mark: &Mark, y: i32, place: impl Fn(f64) -> i32) {
    let at = place(mark.estimate.mean);
    if let Some(Interval { low, high }) = mark.estimate.ci {
        let (low, high) = (place(low), place(high));
        // A ring stays open: the line ends at its edge.
        for (from, to) in [(low, at - 38), (at + 38, high)] {
            if from < to {
                canvas.push(Item::Line { style: mark.style, width: 20, points: vec![(from, y), (to, y)] });
            }
        }
    }
    canvas.push(Item::Circle { style: mark.style, center: (at, y), radius: 38, fill: mark.fill });
    if !mark.fill {
        canvas.push(Item::Circle { style: mark.style, center: (at, y), radius: 30, fill: false });
    }
}

/// Every mean with its interval is on it, except for the far ends of intervals that three trials leave wide.
fn axis(rows: &[&ScorecardRow]) -> Axis {
    let estimates: Vec<Estimated> = rows.iter().flat_map(|row| [row.ours, row.paper]).flatten().collect();
    let means = || estimates.iter().map(|estimate| estimate.mean).chain([0.0]);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let reach = (0.5 * (high - low)).max(1.0);
    let ends = estimates.iter().filter_map(|estimate| estimate.ci).flat_map(|ci| [ci.low, ci.high]);
    let within = ends.map(|end| end.clamp(low - reach, high + reach)).chain(means());
    Axis::linear("percentage points", within, 6)
}

/// An entry of the legend and its place.
struct Entry {
    style: Style,
    text: String,
    left: i32,
    line: i32,
}

/// Entries that do not fit into the line begin another one. A reading without a complete trial has no mark yet, and says so.
fn legend(readings: &[Named], rows: &[&ScorecardRow]) -> Vec<Entry> {
    let (mut left, mut line) = (0, 0);
    let named = readings.iter().enumerate().map(|(index, (reading, label))| {
        let is_there = rows.iter().any(|row| row.reading == *reading && row.ours.is_some());
        let text = if is_there { (*label).to_owned() } else { format!("{label} (no complete trial yet)") };
        (Style::Series(index as u8), text)
    });
    std::iter::once((Style::Axis, "published".to_owned()))
        .chain(named)
        .map(|(style, text)| {
            let width = 30 + (text.chars().count() as f64 * 6.4) as i32;
            if left > 0 && left + width > WIDTH {
                (left, line) = (0, line + 1);
            }
            let entry = Entry { style, text, left, line };
            left += width + 16;
            entry
        })
        .collect()
}

fn draw_legend(canvas: &Canvas, entries: &[Entry]) {
    for Entry { style, text, left, line } in entries {
        let y = 14 + LINE * line;
        canvas.push(Item::Line { style: *style, width: 20, points: vec![px((*left, y)), px((left + 24, y))] });
        canvas.push(Item::Circle { style: *style, center: px((left + 12, y)), radius: 38, fill: true });
        canvas.text(Style::Text, (left + 30, y + 4), Anchor::Start, 12, false, text);
    }
    let key = "filled: significant at 1% in the published direction; ring: not, or not tested; bar: 95% interval";
    let y = LINE * (2 + entries.last().map_or(0, |entry| entry.line));
    canvas.text(Style::Axis, (0, y), Anchor::Start, 11, false, key);
}

const fn px((x, y): (i32, i32)) -> (i32, i32) {
    (x * UNIT, y * UNIT)
}
