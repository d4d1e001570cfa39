//! One panel of a figure: a plotters chart with our axes on a part of the canvas.

use std::convert::Infallible;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, Circle, DrawingArea, DrawingAreaErrorKind, LineSeries, Polygon,
};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, ShapeStyle, TextStyle};

use super::axis::Axis;
use super::scene::{Anchor, Canvas, UNIT};
use super::style::Style;

/// What drawing can fail with; the canvas itself never does.
pub type DrawError = DrawingAreaErrorKind<Infallible>;

/// A linear scale whose ticks are ours: plotters' own are sparse on short logarithmic axes.
#[derive(Clone, Debug)]
struct Scale {
    range: (f64, f64),
    ticks: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let (low, high) = self.range;
        from + ((value - low) / (high - low) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.0..self.range.1
    }
}

/// A panel's place on the canvas in pixels: left, top, width, height, axis labels included.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A panel to draw data on.
pub struct Panel<'a> {
    chart: ChartContext<'a, Canvas, Cartesian2d<Scale, Scale>>,
    x: Axis,
    y: Axis,
}

const TICK_FONT: u32 = 11;
const TITLE: u32 = 22;

impl Panel<'_> {
    /// Draws the title, axes, ticks and grid.
    pub fn new(canvas: &Canvas, frame: Frame, title: &str, x: &Axis, y: &Axis) -> Result<Self, DrawError> {
        let Frame { x: left, y: top, width, height } = frame;
        let unit = UNIT as u32;
        let root: DrawingArea<Canvas, Shift> = canvas.clone().into();
        let area = root.shrink((left * UNIT, (top + TITLE as i32) * UNIT), (width * unit, (height - TITLE) * unit));
        let y_width = if y.label.is_empty() { 12 } else { 54 };
        canvas.text(Style::Text, (left + y_width, top + 14), Anchor::Start, 12, true, title);
        let scale = |axis: &Axis| Scale { range: axis.range, ticks: axis.ticks.iter().map(|(at, _)| *at).collect() };
        let mut chart = ChartBuilder::on(&area)
            .x_label_area_size(if x.label.is_empty() { 10 } else { 38 } * unit)
            .y_label_area_size(y_width as u32 * unit)
            .margin_right(10 * unit)
            .margin_top(2 * unit)
            .build_cartesian_2d(scale(x), scale(y))?;
        let label = |axis: &Axis, value: f64| {
            let tick = axis.ticks.iter().find(|(at, _)| *at == value);
            tick.map_or_else(String::new, |(_, label)| label.clone())
        };
        chart
            .configure_mesh()
            .axis_style(stroke(Style::Axis, 8))
            .bold_line_style(stroke(Style::Grid, 6))
            .light_line_style(stroke(Style::Grid, 6))
            .x_desc(&x.label)
            .y_desc(&y.label)
            .axis_desc_style(font(TICK_FONT, Style::Text))
            .label_style(font(TICK_FONT, Style::Axis))
            .x_label_formatter(&|v| label(x, *v))
            .y_label_formatter(&|v| label(y, *v))
            .draw()?;
        Ok(Self { chart, x: x.clone(), y: y.clone() })
    }

    /// A line through these points, in the units of the axes.
    pub fn line(&mut self, style: Style, width: u32, points: &[(f64, f64)]) -> Result<(), DrawError> {
        let points: Vec<_> = points.iter().map(|&(x, y)| (self.x.place(x), self.y.place(y))).collect();
        self.chart.draw_series(LineSeries::new(points, stroke(style, width)))?;
        Ok(())
    }

    /// A band between `low` and `high` of each (x, low, high).
    pub fn band(&mut self, style: Style, points: &[(f64, f64, f64)]) -> Result<(), DrawError> {
        let up = points.iter().map(|&(x, low, _)| (x, low));
        let down = points.iter().rev().map(|&(x, _, high)| (x, high));
        let outline: Vec<_> = up.chain(down).map(|(x, y)| (self.x.place(x), self.y.place(y))).collect();
        self.chart.draw_series([Polygon::new(outline, style.color().filled())])?;
        Ok(())
    }

    /// Circles around these points; `radius` in tenths of a pixel.
    pub fn circles(&mut self, style: Style, radius: u32, fill: bool, points: &[(f64, f64)]) -> Result<(), DrawError> {
        let style = ShapeStyle { color: style.color().to_rgba(), filled: fill, stroke_width: 10 };
        let circles = points.iter().map(|&(x, y)| Circle::new((self.x.place(x), self.y.place(y)), radius, style));
        self.chart.draw_series(circles)?;
        Ok(())
    }

    /// Crosses at these points; `radius` in tenths of a pixel.
    pub fn crosses(&mut self, canvas: &Canvas, style: Style, radius: i32, points: &[(f64, f64)]) {
        for &(x, y) in points {
            let (x, y) = self.chart.backend_coord(&(self.x.place(x), self.y.place(y)));
            for points in [[(x - radius, y), (x + radius, y)], [(x, y - radius), (x, y + radius)]] {
                canvas.push(super::scene::Item::Line { style, width: 10, points: points.to_vec() });
            }
        }
    }

    /// A vertical guide through the whole panel.
    pub fn vertical(&mut self, at: f64) -> Result<(), DrawError> {
        let x = self.x.place(at);
        let (low, high) = self.y.range;
        self.chart.draw_series(LineSeries::new([(x, low), (x, high)], stroke(Style::Guide, 10)))?;
        Ok(())
    }

    /// A horizontal guide through the whole panel.
    pub fn horizontal(&mut self, at: f64) -> Result<(), DrawError> {
        let y = self.y.place(at);
        let (left, right) = self.x.range;
        self.chart.draw_series(LineSeries::new([(left, y), (right, y)], stroke(Style::Guide, 10)))?;
        Ok(())
    }
}

fn stroke(style: Style, width: u32) -> ShapeStyle {
    ShapeStyle { color: style.color().to_rgba(), filled: false, stroke_width: width }
}

fn font(size: u32, style: Style) -> TextStyle<'static> {
    let font = FontDesc::new(FontFamily::SansSerif, f64::from(size * UNIT as u32), FontStyle::Normal);
    TextStyle { color: style.color().to_backend_color(), ..TextStyle::from(font) }
}
