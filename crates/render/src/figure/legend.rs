//! Legends and colour bars, outside of the data.

use super::scene::{Anchor, Canvas, Item, UNIT};
use super::style::{STEPS, Style};

/// How a legend's sample looks.
#[derive(Clone, Copy, Debug)]
pub enum Sample {
    /// A line.
    Line,
    /// A filled circle.
    Dot,
    /// A ring.
    Ring,
    /// A ring on a line.
    RingLine,
    /// A cross.
    Cross,
}

/// A row of samples with their meanings, from (`x`, `y`) in pixels to the right.
pub fn legend(canvas: &Canvas, (x, y): (i32, i32), entries: &[(Style, Sample, &str)]) {
    let mut left = x;
    for (style, sample, text) in entries {
        let (style, at) = (*style, ((left + 11) * UNIT, (y - 4) * UNIT));
        match sample {
            Sample::Line | Sample::RingLine => {
                let points = vec![(left * UNIT, at.1), ((left + 22) * UNIT, at.1)];
                canvas.push(Item::Line { style, width: 20, points });
                if matches!(sample, Sample::RingLine) {
                    canvas.push(Item::Circle { style, center: at, radius: 28, fill: false });
                }
            }
            Sample::Dot => canvas.push(Item::Circle { style, center: at, radius: 40, fill: true }),
            Sample::Ring => canvas.push(Item::Circle { style, center: at, radius: 40, fill: false }),
            Sample::Cross => {
                for (dx, dy) in [(40, 0), (0, 40)] {
                    let points = vec![(at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy)];
                    canvas.push(Item::Line { style, width: 10, points });
                }
            }
        }
        canvas.text(Style::Text, (left + 28, y), Anchor::Start, 11, false, text);
        left += 28 + (text.chars().count() as f64 * 6.0) as i32 + 22;
    }
}

/// An upright colour bar for the scale from `low` (below) to `high`, with its title above; the place in pixels.
pub fn color_bar(canvas: &Canvas, (x, y): (i32, i32), height: i32, title: &str, ticks: &[(f64, String)]) {
    let (width, steps) = (14, i32::from(STEPS));
    for step in 0..STEPS {
        let bottom = (y + height) * UNIT - i32::from(step) * height * UNIT / steps;
        // One unit of overlap hides the seams that viewers draw between neighbours.
        let top = (y + height) * UNIT - (i32::from(step) + 1) * height * UNIT / steps - 1;
        let (left, right) = (x * UNIT, (x + width) * UNIT);
        let points = vec![(left, bottom), (right, bottom), (right, top), (left, top)];
        canvas.push(Item::Area { style: Style::Scale(step), points });
    }
    canvas.text(Style::Text, (x, y - 8), Anchor::Start, 11, false, title);
    for (fraction, label) in ticks {
        let level = y + height - (fraction * f64::from(height)).round() as i32;
        let points = vec![((x + width) * UNIT, level * UNIT), ((x + width + 4) * UNIT, level * UNIT)];
        canvas.push(Item::Line { style: Style::Axis, width: 8, points });
        canvas.text(Style::Axis, (x + width + 7, level + 4), Anchor::Start, 11, false, label);
    }
}
