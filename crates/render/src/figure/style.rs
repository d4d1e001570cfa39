//! What a stroke means, and how that looks in light and in dark.
//!
//! Plotters knows colours only; each style travels through it as a reserved RGB value and becomes a CSS class on the way
//! out, so that one drawing serves the light, dark and print style sheets.

use std::fmt::Write as _;

use plotters::style::RGBColor;
use plotters_backend::BackendColor;

/// The number of steps of the scales for levels and epochs.
pub const STEPS: u8 = 64;

/// What a stroke, a fill or a text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Titles and labels.
    Text,
    /// Axes, ticks and minor labels.
    Axis,
    /// Grid lines.
    Grid,
    /// The baseline b = 0: dotted.
    Baseline,
    /// A step of the perceptual scale, from 0 to `STEPS - 1`.
    Scale(u8),
    /// A categorical colour, from 0 to 3 (Okabe and Ito's colour-blind-safe set).
    Series(u8),
    /// A translucent area of a categorical colour.
    Band(u8),
    /// A guide such as b = R: dashed.
    Guide,
}

impl Style {
    /// The step of the scale for a fraction from 0 to 1.
    pub fn scale(fraction: f64) -> Self {
        Self::Scale((fraction.clamp(0.0, 1.0) * f64::from(STEPS - 1)).round() as u8)
    }

    /// The reserved colour that stands for this style inside plotters.
    pub const fn color(self) -> RGBColor {
        match self {
            Self::Text => RGBColor(1, 0, 0),
            Self::Axis => RGBColor(2, 0, 0),
            Self::Grid => RGBColor(3, 0, 0),
            Self::Baseline => RGBColor(4, 0, 0),
            Self::Scale(step) => RGBColor(5, step, 0),
            Self::Series(index) => RGBColor(6, index, 0),
            Self::Band(index) => RGBColor(7, index, 0),
            Self::Guide => RGBColor(8, 0, 0),
        }
    }

    /// The style behind a reserved colour; anything else is text.
    pub const fn of(color: BackendColor) -> Self {
        match color.rgb {
            (2, ..) => Self::Axis,
            (3, ..) => Self::Grid,
            (4, ..) => Self::Baseline,
            (5, step, _) => Self::Scale(step),
            (6, index, _) => Self::Series(index),
            (7, index, _) => Self::Band(index),
            (8, ..) => Self::Guide,
            _ => Self::Text,
        }
    }

    /// The CSS class.
    pub fn class(self) -> String {
        match self {
            Self::Text => "it".to_owned(),
            Self::Axis => "ia".to_owned(),
            Self::Grid => "ig".to_owned(),
            Self::Baseline => "ib".to_owned(),
            Self::Scale(step) => format!("c{step}"),
            Self::Series(index) => format!("s{index}"),
            Self::Band(index) => format!("s{index} band"),
            Self::Guide => "iu".to_owned(),
        }
    }

    /// Dash and gap in tenths of a pixel, for strokes that are not solid.
    pub const fn dashes(self) -> Option<(u32, u32)> {
        match self {
            Self::Baseline => Some((20, 30)),
            Self::Guide => Some((60, 40)),
            _ => None,
        }
    }

    /// The colour in a theme.
    pub fn rgb(self, theme: Theme) -> [u8; 3] {
        let dark = theme == Theme::Dark;
        match self {
            Self::Text | Self::Baseline if dark => [236, 236, 236],
            Self::Text | Self::Baseline => [17, 17, 17],
            Self::Axis | Self::Guide if dark => [176, 180, 186],
            Self::Axis | Self::Guide => [85, 88, 94],
            Self::Grid if dark => [52, 57, 64],
            Self::Grid => [222, 224, 228],
            Self::Scale(step) => {
                let fraction = f64::from(step) / f64::from(STEPS - 1);
                // The ends that vanish against the page are left out.
                let (low, high) = if dark { (0.3, 1.0) } else { (0.0, 0.88) };
                viridis(low + fraction * (high - low))
            }
            Self::Series(index) | Self::Band(index) => series(index, dark),
        }
    }
}

const fn series(index: u8, dark: bool) -> [u8; 3] {
    match (index, dark) {
        (0, false) => [0, 114, 178],
        (0, true) => [86, 180, 233],
        (1, false) => [184, 76, 0],
        (1, true) => [230, 159, 0],
        (2, false) => [0, 122, 92],
        (2, true) => [0, 190, 145],
        (_, false) => [165, 70, 125],
        (_, true) => [222, 145, 185],
    }
}

/// Which surroundings a colour is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// White page, and print.
    Light,
    /// Dark page.
    Dark,
}

/// Matplotlib's viridis by linear interpolation of nine of its entries.
fn viridis(fraction: f64) -> [u8; 3] {
    const STOPS: [[u8; 3]; 9] = [
        [68, 1, 84],
        [71, 45, 123],
        [59, 82, 139],
        [44, 114, 142],
        [33, 145, 140],
        [40, 174, 128],
        [94, 201, 98],
        [173, 220, 48],
        [253, 231, 37],
    ];
    let at = fraction.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let low = (at as usize).min(STOPS.len() - 2);
    let share = at - low as f64;
    std::array::from_fn(|i| {
        let (from, to) = (f64::from(STOPS[low][i]), f64::from(STOPS[low + 1][i]));
        (from + share * (to - from)).round() as u8
    })
}

fn all() -> impl Iterator<Item = Style> {
    let plain = [Style::Text, Style::Axis, Style::Grid, Style::Baseline, Style::Guide];
    plain.into_iter().chain((0..4).map(Style::Series)).chain((0..STEPS).map(Style::Scale))
}

/// The custom properties of a theme, one an style: `--c0:#440154;...`.
pub fn variables(theme: Theme) -> String {
    let mut css = String::new();
    for style in all() {
        let [r, g, b] = style.rgb(theme);
        write!(css, "--{}:#{r:02x}{g:02x}{b:02x};", style.class()).expect("writing to a string cannot fail");
    }
    css
}

/// The rules that give each style's class its custom property.
pub fn rules() -> String {
    let mut css = String::new();
    for style in all() {
        let class = style.class();
        write!(css, ".{class}{{color:var(--{class})}}").expect("writing to a string cannot fail");
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_survives_its_way_through_plotters() {
        for style in all().chain([Style::Band(1)]) {
            let RGBColor(r, g, b) = style.color();
            assert_eq!(Style::of(BackendColor { alpha: 1.0, rgb: (r, g, b) }), style);
        }
    }

    /// Relative luminance and contrast as in WCAG 2.2.
    fn contrast(a: [u8; 3], b: [u8; 3]) -> f64 {
        let luminance = |rgb: [u8; 3]| {
            let linear = rgb.map(|v| {
                let v = f64::from(v) / 255.0;
                if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (x, y) = (luminance(a), luminance(b));
        (x.max(y) + 0.05) / (x.min(y) + 0.05)
    }

    #[test]
    fn text_and_categorical_inks_have_the_contrast_of_text_in_both_themes() {
        for (theme, page) in [(Theme::Light, [255, 255, 255]), (Theme::Dark, [20, 23, 26])] {
            for style in
                [Style::Text, Style::Axis, Style::Series(0), Style::Series(1), Style::Series(2), Style::Series(3)]
            {
                let found = contrast(style.rgb(theme), page);
                assert!(found >= 4.5, "{style:?} in {theme:?}: {found:.2}");
            }
        }
    }
}
