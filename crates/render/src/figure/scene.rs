//! A drawing as a list of strokes, fills and texts, before it becomes SVG or PDF.
//!
//! Lengths are tenths of a CSS pixel, so that plotters' whole-pixel coordinates are fine enough for smooth curves.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};

use super::style::Style;

/// Tenths of a pixel in a pixel.
pub const UNIT: i32 = 10;

/// Where a text's point lies along its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The point is the text's left end.
    Start,
    /// The point is its middle.
    Middle,
    /// The point is its right end.
    End,
}

/// One mark on the scene.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// What follows, up to [`Item::EndGroup`], belongs together.
    BeginGroup(Group),
    /// Ends the innermost group.
    EndGroup,
    /// An open line.
    Line {
        /// Its meaning.
        style: Style,
        /// Its width.
        width: u32,
        /// Its corners.
        points: Vec<(i32, i32)>,
    },
    /// A filled polygon.
    Area {
        /// Its meaning.
        style: Style,
        /// Its corners.
        points: Vec<(i32, i32)>,
    },
    /// A circle.
    Circle {
        /// Its meaning.
        style: Style,
        /// Its centre.
        center: (i32, i32),
        /// Its radius.
        radius: u32,
        /// Filled, or a ring.
        fill: bool,
    },
    /// A text.
    Text {
        /// Its meaning.
        style: Style,
        /// The anchor, on the base line.
        at: (i32, i32),
        /// Where the anchor lies.
        anchor: Anchor,
        /// Font size.
        size: u32,
        /// Bold?
        bold: bool,
        /// Turned a quarter to the left?
        upright: bool,
        /// What it says.
        text: String,
    },
}

/// Marks that belong together, such as all of one level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// The flood level that can be hidden, as printed.
    pub level: Option<String>,
    /// What it is, for those who point at it.
    pub title: String,
}

/// A drawing of a fixed size.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width in tenths of a pixel.
    pub width: u32,
    /// Height in tenths of a pixel.
    pub height: u32,
    /// What is on it, from back to front.
    pub items: Vec<Item>,
}

/// A scene being drawn on, by plotters and by us.
#[derive(Clone)]
pub struct Canvas(Rc<RefCell<Scene>>);

impl Canvas {
    /// An empty scene of this size in pixels.
    pub fn new(width: u32, height: u32) -> Self {
        let unit = UNIT as u32;
        Self(Rc::new(RefCell::new(Scene { width: width * unit, height: height * unit, items: Vec::new() })))
    }

    /// Adds a mark.
    pub fn push(&self, item: Item) {
        self.0.borrow_mut().items.push(item);
    }

    /// Draws a group around what `draw` draws.
    pub fn group<T>(&self, group: Group, draw: impl FnOnce() -> T) -> T {
        self.push(Item::BeginGroup(group));
        let result = draw();
        self.push(Item::EndGroup);
        result
    }

    /// Writes a text; coordinates and size in pixels.
    pub fn text(&self, style: Style, (x, y): (i32, i32), anchor: Anchor, size: u32, bold: bool, text: &str) {
        self.push(Item::Text {
            style,
            at: (x * UNIT, y * UNIT),
            anchor,
            size: size * UNIT as u32,
            bold,
            upright: false,
            text: text.to_owned(),
        });
    }

    /// What was drawn.
    pub fn finish(self) -> Scene {
        self.0.take()
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self { width: 1, height: 1, items: Vec::new() }
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Canvas {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let scene = self.0.borrow();
        (scene.width, scene.height)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let points = vec![(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)];
        self.push(Item::Area { style: Style::of(color), points });
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Drawn {
        let corners = [a, (b.0, a.1), b, (a.0, b.1)];
        if fill { self.fill_polygon(corners, style) } else { self.draw_path(corners.into_iter().chain([a]), style) }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        if style.color().alpha > 0.0 {
            let points = path.into_iter().collect();
            self.push(Item::Line { style: Style::of(style.color()), width: style.stroke_width(), points });
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        self.push(Item::Circle { style: Style::of(style.color()), center, radius, fill });
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        if style.color().alpha > 0.0 {
            self.push(Item::Area { style: Style::of(style.color()), points: path.into_iter().collect() });
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, pos: BackendCoord) -> Drawn {
        let size = style.size().round() as u32;
        let upright = matches!(style.transform(), FontTransform::Rotate270);
        // Base lines: plotters anchors boxes, SVG and PDF anchor base lines.
        let drop = match style.anchor().v_pos {
            VPos::Top => size as i32 * 8 / 10,
            VPos::Center => size as i32 * 36 / 100,
            VPos::Bottom => 0,
        };
        let anchor = match style.anchor().h_pos {
            HPos::Left => Anchor::Start,
            HPos::Center => Anchor::Middle,
            HPos::Right => Anchor::End,
        };
        self.push(Item::Text {
            style: Style::of(style.color()),
            at: if upright { (pos.0 + drop, pos.1) } else { (pos.0, pos.1 + drop) },
            anchor,
            size,
            bold: matches!(style.style(), FontStyle::Bold),
            upright,
            text: text.to_owned(),
        });
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = style.size();
        Ok(((text.chars().count() as f64 * size * 0.55) as u32, size as u32))
    }
}
