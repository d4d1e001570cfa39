//! `pipeline data show`: a contact sheet, images with their labels, as a PNG file.

use std::collections::{BTreeSet, HashMap};

use flooding_core::dataset::{InputShape, Inputs};
use flooding_core::shown;

use super::font;
use crate::load::Images;

/// Images a sheet may hold.
const MOST: usize = 4096;
/// Sheets are about so much wider than high, in cells.
const ASPECT: f64 = 1.6;
const GAP: usize = 4;
const PAPER: [u8; 3] = [250, 250, 250];
const INK: [u8; 3] = [20, 20, 20];
const CHANNELS: usize = 3;

/// Which images a sheet shows: the first ones in the original order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Test images instead of training images.
    pub test: bool,
    /// Only this class, by name or number.
    pub class: Option<String>,
    /// How many at most.
    pub count: usize,
}

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// A class that the dataset does not have.
    #[error("--class {class}: no such class; the classes are: {known}")]
    Class {
        /// As asked for.
        class: String,
        /// What there is.
        known: String,
    },
    /// None or too many images.
    #[error("--n {count}: a sheet holds 1 to {MOST} images")]
    Count {
        /// As asked for.
        count: usize,
    },
    /// Inputs that are no images.
    #[error("these examples are no images")]
    NoImages,
    /// The PNG encoder's word.
    #[error("cannot encode the sheet: {0}")]
    Encoding(#[from] png::EncodingError),
}

/// A drawn sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The bytes of a PNG file.
    pub png: Vec<u8>,
    /// A line for each class that the sheet cannot spell: what stands there, and the class's name.
    pub legend: String,
}

/// Draws a sheet.
pub fn sheet(images: &Images, choice: &Choice) -> Result<Sheet, SheetError> {
    if !(1..=MOST).contains(&choice.count) {
        return Err(SheetError::Count { count: choice.count });
    }
    let examples = if choice.test { &images.test } else { &images.train };
    let class = choice.class.as_ref().map(|class| find_class(images, class)).transpose()?;
    let chosen: Vec<usize> = (0..examples.len())
        .filter(|&i| class.is_none_or(|class| usize::from(examples.labels[i]) == class))
        .take(choice.count)
        .collect();
    let (InputShape::Image { channels, height, width }, Inputs::Bytes(pixels)) = (examples.shape, &examples.inputs)
    else {
        return Err(SheetError::NoImages);
    };
    let scale = (64 / width.max(height)).max(1);
    let cell = [width * scale + GAP, height * scale + font::HEIGHT + 3 + GAP];
    let columns = ((chosen.len() as f64 * ASPECT).sqrt().round() as usize).clamp(1, chosen.len().max(1));
    let rows = chosen.len().div_ceil(columns).max(1);
    let captions = captions(&images.classes, (width * scale / font::ADVANCE).max(1));
    let mut canvas = Canvas::new(columns * cell[0] + GAP, rows * cell[1] + GAP);
    for (place, &index) in chosen.iter().enumerate() {
        let [x, y] = [GAP + place % columns * cell[0], GAP + place / columns * cell[1]];
        let image = &pixels[index * channels * height * width..][..channels * height * width];
        for row in 0..height * scale {
            for column in 0..width * scale {
                let at = row / scale * width + column / scale;
                let color = std::array::from_fn(|c| image[c.min(channels - 1) * height * width + at]);
                canvas.dot(x + column, y + row, color);
            }
        }
        canvas.text(x, y + height * scale + 2, &captions[usize::from(examples.labels[index])]);
    }
    let shown: BTreeSet<usize> = chosen.iter().map(|&index| usize::from(examples.labels[index])).collect();
    let abbreviated = shown.into_iter().filter(|&class| captions[class] != images.classes[class]);
    let legend = abbreviated
        .map(|class| format!("  {} is {}\n", captions[class], shown::line(&images.classes[class])))
        .collect();
    Ok(Sheet { png: canvas.encode()?, legend })
}

/// What stands below an image of each class, at most `fits` letters: its name, or as much of it as tells it apart; where
/// the sheet has no letters for it or two would look the same, its number.
fn captions(classes: &[String], fits: usize) -> Vec<String> {
    let cut: Vec<String> = classes.iter().map(|class| class.chars().take(fits).collect()).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for caption in &cut {
        *counts.entry(caption).or_default() += 1;
    }
    let caption = |(class, caption): (usize, &String)| {
        if counts[caption.as_str()] == 1 && !caption.is_empty() && caption.chars().all(font::has) {
            caption.clone()
        } else {
            format!("#{class}")
        }
    };
    cut.iter().enumerate().map(caption).collect()
}

fn find_class(images: &Images, class: &str) -> Result<usize, SheetError> {
    let by_name = images.classes.iter().position(|name| name == class);
    let by_number = || class.parse().ok().filter(|&number: &usize| number < images.classes.len());
    by_name.or_else(by_number).ok_or_else(|| SheetError::Class {
        class: shown::line(class),
        known: images.classes.iter().map(|name| shown::line(name)).collect::<Vec<_>>().join(", "),
    })
}

/// Red, green and blue dots.
struct Canvas {
    width: usize,
    dots: Vec<u8>,
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, dots: PAPER.repeat(width * height) }
    }

    fn dot(&mut self, x: usize, y: usize, color: [u8; CHANNELS]) {
        let at = (y * self.width + x) * CHANNELS;
        self.dots[at..at + CHANNELS].copy_from_slice(&color);
    }

    fn text(&mut self, x: usize, y: usize, text: &str) {
        for (place, letter) in text.chars().enumerate() {
            for (column, bits) in font::columns(letter).into_iter().enumerate() {
                for row in (0..font::HEIGHT).filter(|row| bits >> row & 1 == 1) {
                    self.dot(x + place * font::ADVANCE + column, y + row, INK);
                }
            }
        }
    }

    fn encode(&self) -> Result<Vec<u8>, SheetError> {
        let height = self.dots.len() / CHANNELS / self.width;
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.dots)?;
        writer.finish()?;
        Ok(bytes)
    }
}
