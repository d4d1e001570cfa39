//! A scene as a one-page PDF: vectors and Helvetica, which every reader has. For LaTeX and for print.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::scene::{Anchor, Item, Scene};
use super::style::{Style, Theme};

/// A tenth of a CSS pixel in points.
const SCALE: f64 = 0.075;

/// The drawing as a PDF file.
pub fn file(scene: &Scene, title: &str) -> Vec<u8> {
    let (width, height) = (f64::from(scene.width) * SCALE, f64::from(scene.height) * SCALE);
    // The page's origin is below, the scene's is above.
    let mut page = format!("{SCALE} 0 0 -{SCALE} 0 {height:.2} cm 1 J 1 j\n");
    for item in &scene.items {
        draw(&mut page, item);
    }
    let font = |face: &str| format!("<</Type/Font/Subtype/Type1/BaseFont/{face}/Encoding/WinAnsiEncoding>>");
    let page = compressed(page.as_bytes());
    let objects: [Vec<u8>; 7] = [
        "<</Type/Catalog/Pages 2 0 R>>".into(),
        "<</Type/Pages/Kids[3 0 R]/Count 1>>".into(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 {width:.2} {height:.2}]/Contents 4 0 R\
             /Resources<</Font<</F 5 0 R/B 6 0 R>>/ExtGState<</T<</ca 0.22>>/O<</ca 1>>>>>>>>"
        )
        .into(),
        [format!("<</Filter/FlateDecode/Length {}>>stream\n", page.len()).as_bytes(), &page, b"\nendstream"].concat(),
        font("Helvetica").into(),
        font("Helvetica-Bold").into(),
        format!("<</Title({})>>", literal(title)).into(),
    ];
    // The second line says to programs that copy files that this one is not text.
    let mut file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut references = String::new();
    for (index, object) in objects.iter().enumerate() {
        writeln!(references, "{:010} 00000 n ", file.len()).expect("writing to a string cannot fail");
        file.extend([format!("{} 0 obj\n", index + 1).as_bytes(), object, b"\nendobj\n"].concat());
    }
    let (start, count) = (file.len(), objects.len() + 1);
    file.extend(format!("xref\n0 {count}\n0000000000 65535 f \n{references}").bytes());
    file.extend(format!("trailer<</Size {count}/Root 1 0 R/Info 7 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
    file
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("writing to memory cannot fail")
}

fn draw(page: &mut String, item: &Item) {
    match item {
        Item::BeginGroup(_) | Item::EndGroup => Ok(()),
        Item::Line { style, width, points } => {
            let dashes = match style {
                // Round caps turn dashes of no length into dots.
                Style::Baseline => "[0 37] 0 d",
                Style::Guide => "[60 40] 0 d",
                _ => "[] 0 d",
            };
            let width = if *style == Style::Baseline { 16 } else { *width };
            writeln!(page, "{}RG {width} w {dashes} {}S", color(*style), path(points))
        }
        Item::Area { style, points } => {
            let state = if matches!(style, Style::Band(_)) { "/T gs " } else { "" };
            writeln!(page, "{}rg {state}{}f /O gs", color(*style), path(points))
        }
        Item::Circle { style, center: (x, y), radius, fill } => {
            let (x, y, r) = (f64::from(*x), f64::from(*y), f64::from(*radius));
            // Four Bezier curves; the constant is the usual one for a quarter of a circle.
            let k = r * 0.552_285;
            let circle = format!(
                "{:.1} {y:.1} m {:.1} {:.1} {:.1} {:.1} {x:.1} {:.1} c {:.1} {:.1} {:.1} {:.1} {:.1} {y:.1} c \
                 {:.1} {:.1} {:.1} {:.1} {x:.1} {:.1} c {:.1} {:.1} {:.1} {:.1} {:.1} {y:.1} c ",
                x + r,
                x + r,
                y + k,
                x + k,
                y + r,
                y + r,
                x - k,
                y + r,
                x - r,
                y + k,
                x - r,
                x - r,
                y - k,
                x - k,
                y - r,
                y - r,
                x + k,
                y - r,
                x + r,
                y - k,
                x + r
            );
            let color = color(*style);
            if *fill {
                writeln!(page, "{color}rg {circle}f")
            } else {
                writeln!(page, "{color}RG 10 w [] 0 d {circle}S")
            }
        }
        Item::Text { style, at: (x, y), anchor, size, bold, upright, text } => {
            let length = width(text) * f64::from(*size);
            let back = match anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => length / 2.0,
                Anchor::End => length,
            };
            let (x, y) = (f64::from(*x), f64::from(*y));
            let matrix = if *upright {
                format!("0 -1 -1 0 {x:.1} {:.1}", y + back)
            } else {
                format!("1 0 0 -1 {:.1} {y:.1}", x - back)
            };
            let face = if *bold { 'B' } else { 'F' };
            writeln!(page, "BT {}rg /{face} {size} Tf {matrix} Tm ({}) Tj ET", color(*style), literal(text))
        }
    }
    .expect("writing to a string cannot fail");
}

fn color(style: Style) -> String {
    let [r, g, b] = style.rgb(Theme::Light).map(|v| f64::from(v) / 255.0);
    format!("{r:.3} {g:.3} {b:.3} ")
}

fn path(points: &[(i32, i32)]) -> String {
    let mut data = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        write!(data, "{x} {y} {} ", if index == 0 { 'm' } else { 'l' }).expect("writing to a string cannot fail");
    }
    if let [(x, y)] = points {
        write!(data, "{x} {y} l ").expect("writing to a string cannot fail");
    }
    data
}

/// A PDF string without its parentheses, in `WinAnsi`; what that does not have becomes its nearest ASCII.
fn literal(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '(' | ')' | '\\' => escaped.extend(['\\', c]),
            ' '..='~' => escaped.push(c),
            '\u{2212}' | '\u{2013}' | '\u{2014}' => escaped.push('-'),
            '\u{a0}'..='\u{ff}' => write!(escaped, "\\{:03o}", c as u32).expect("writing to a string cannot fail"),
            // Quotation marks, by their numbers there.
            '‘' => escaped.push_str("\\221"),
            '’' => escaped.push_str("\\222"),
            '“' => escaped.push_str("\\223"),
            '”' => escaped.push_str("\\224"),
            _ => escaped.push('?'),
        }
    }
    escaped
}

/// The width of a text in Helvetica, in units of its size.
fn width(text: &str) -> f64 {
    // Adobe's metrics for the printable ASCII characters, in thousandths.
    const WIDTHS: [u16; 95] = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556,
        556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667,
        556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556,
        556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722,
        500, 500, 500, 334, 260, 334, 584,
    ];
    let width = |c: char| (c as usize).checked_sub(32).and_then(|i| WIDTHS.get(i)).copied().unwrap_or(556);
    text.chars().map(|c| f64::from(width(c))).sum::<f64>() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_compressed_and_each_object_stands_where_the_table_says() {
        let scene = Scene { width: 100, height: 100, items: Vec::new() };
        let file = file(&scene, "a title");
        let text = String::from_utf8_lossy(&file);
        let start: usize = text.lines().rev().nth(1).unwrap().parse().unwrap();
        assert!(file[start..].starts_with(b"xref\n0 8\n"));
        let table = String::from_utf8(file[start..].to_vec()).unwrap();
        for (index, line) in table.lines().skip(3).take(7).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(file[offset..].starts_with(format!("{} 0 obj\n", index + 1).as_bytes()), "{line}");
        }
        let at = |mark: &[u8]| file.windows(mark.len()).position(|window| window == mark).unwrap();
        let page = &file[at(b"stream\n") + 7..at(b"\nendstream")];
        let mut drawing = String::new();
        std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(page), &mut drawing).unwrap();
        assert!(drawing.starts_with("0.075 0 0 -0.075 0 7.50 cm"), "{drawing}");
    }

    #[test]
    fn strings_are_escaped_and_ascii() {
        assert_eq!(literal("a (b) \\ é − x"), "a \\(b\\) \\\\ \\351 - x");
        assert_eq!(literal("the authors’ “demo”"), "the authors\\222 \\223demo\\224");
    }
}
