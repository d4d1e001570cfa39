//! A scene as SVG: classes for colours, relative integer coordinates, text as text.

use std::fmt::Write as _;

use super::scene::{Anchor, Group, Item, Scene, UNIT};
use super::style::{Style, Theme, rules, variables};

/// The drawing as an `<svg>` element for a page that has the style sheet; `id` makes its names unique in the page.
pub fn inline(scene: &Scene, id: &str, title: &str, description: &str) -> String {
    element(scene, id, title, description, "")
}

/// The drawing as a standalone file, with these rules inside.
pub fn file(scene: &Scene, id: &str, title: &str, description: &str, rules_of_file: &str) -> String {
    let style = format!(
        "<style>svg{{{}}}@media(prefers-color-scheme:dark){{svg{{{}background:#14171a}}}}{}{rules_of_file}</style>",
        variables(Theme::Light),
        variables(Theme::Dark),
        rules(),
    );
    let body = element(scene, id, title, description, &style);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}\n")
}

fn element(scene: &Scene, id: &str, title: &str, description: &str, style: &str) -> String {
    let (width, height) = (scene.width / UNIT as u32, scene.height / UNIT as u32);
    let mut svg = format!(
        "<svg class=\"figure\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\">\
         <title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>{style}",
        scene.width,
        scene.height,
        escape(title),
        escape(description),
    );
    let mut before: Option<&Item> = None;
    for item in &scene.items {
        match (before, item) {
            // Lines of one look share an element: grids, ticks and marks are many short ones.
            (Some(Item::Line { style, width, .. }), Item::Line { style: same, width: wide, points })
                if (style, width) == (same, wide) && svg.ends_with("\"/>") =>
            {
                svg.truncate(svg.len() - "\"/>".len());
                svg.push_str(&path(points));
                svg.push_str("\"/>");
            }
            _ => draw(&mut svg, item),
        }
        before = Some(item);
    }
    svg.push_str("</svg>");
    svg
}

fn draw(svg: &mut String, item: &Item) {
    match item {
        Item::BeginGroup(Group { level, title }) => {
            svg.push_str("<g");
            if let Some(level) = level {
                write!(svg, " data-b=\"{}\"", escape(level)).expect("writing to a string cannot fail");
            }
            write!(svg, "><title>{}</title>", escape(title))
        }
        Item::EndGroup => {
            svg.push_str("</g>");
            Ok(())
        }
        Item::Line { style, width, points } => {
            let class = style.class();
            write!(svg, "<path class=\"l {class}\"")
                .and_then(|()| if *width == 10 { Ok(()) } else { write!(svg, " stroke-width=\"{width}\"") })
                .and_then(|()| write!(svg, " d=\"{}\"/>", path(points)))
        }
        Item::Area { style, points } => write!(svg, "<path class=\"f {}\" d=\"{}z\"/>", style.class(), path(points)),
        Item::Circle { style, center: (x, y), radius, fill } => {
            let kind = if *fill { 'f' } else { 'l' };
            write!(svg, "<circle class=\"{kind} {}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>", style.class())
        }
        Item::Text { style, at: (x, y), anchor, size, bold, upright, text } => {
            let anchor = match anchor {
                Anchor::Start => "",
                Anchor::Middle => " m",
                Anchor::End => " e",
            };
            let class = if *style == Style::Axis { "t ia" } else { "t it" };
            let bold = if *bold { " bold" } else { "" };
            let turn = if *upright { format!(" transform=\"rotate(-90 {x} {y})\"") } else { String::new() };
            let text = escape(text);
            write!(
                svg,
                "<text class=\"{class}{anchor}{bold}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{turn}>{text}</text>"
            )
        }
    }
    .expect("writing to a string cannot fail");
}

/// Path data with relative coordinates: a third of the bytes of absolute ones.
fn path(points: &[(i32, i32)]) -> String {
    let mut data = String::with_capacity(points.len() * 7);
    let mut last: Option<(i32, i32)> = None;
    for &(x, y) in points {
        match last {
            None => write!(data, "M{x} {y}l"),
            Some((px, py)) => {
                let (dx, dy) = (x - px, y - py);
                let before = if data.ends_with('l') || dx < 0 { "" } else { " " };
                let between = if dy < 0 { "" } else { " " };
                write!(data, "{before}{dx}{between}{dy}")
            }
        }
        .expect("writing to a string cannot fail");
        last = Some((x, y));
    }
    if data.ends_with('l') {
        // A single point: a stroke of no length, which round caps make a dot.
        data.push_str("0 0");
    }
    data
}

/// Text for SVG and HTML, in content and in attributes.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_data_is_relative_and_leaves_out_what_svg_does_not_need() {
        assert_eq!(path(&[(10, 20), (13, 15), (11, 15), (11, 30)]), "M10 20l3-5-2 0 0 15");
        assert_eq!(path(&[(10, 20)]), "M10 20l0 0");
    }
}
