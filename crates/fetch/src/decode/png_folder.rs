//! A user's own images: a folder of PNG files per class.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use png::{BitDepth, ColorType, Decoder, Limits};

use super::{DecodeError, Decoded, Problem};
use crate::manifest::{class_folders, class_images};

/// No PNG may take more memory than this while it is read.
const MEMORY_LIMIT: usize = 64 << 20;

/// All PNG files below `folder`, class after class in the order of their names, each class's files likewise; and the
/// classes' names. Every image must have the first one's size and colour; 8 bits a channel, grey or RGB.
pub fn folder(folder: &Path) -> Result<(Decoded, Vec<String>), DecodeError> {
    let unreadable = |path: &Path, error| failure(path, Problem::Unreadable(error));
    let classes = class_folders(folder).map_err(|error| unreadable(folder, error))?;
    if classes.len() < 2 {
        let found = format!("{} folders", classes.len());
        return Err(failure(folder, Problem::unexpected("a folder per class, two at least", found)));
    }
    if classes.len() > usize::from(u16::MAX) {
        return Err(failure(folder, Problem::unexpected("at most 65,535 classes", classes.len().to_string())));
    }
    let mut all = Decoded { image: [0; 3], pixels: Vec::new(), labels: Vec::new() };
    for (label, class) in classes.iter().enumerate() {
        let folder = folder.join(class);
        let names = class_images(&folder).map_err(|error| unreadable(&folder, error))?;
        if names.is_empty() {
            return Err(failure(&folder, Problem::Missing("a PNG file".to_owned())));
        }
        for name in names {
            let path = folder.join(name);
            let file = File::open(&path).map_err(|error| unreadable(&path, error))?;
            let (image, pixels) = png(BufReader::new(file), &path.display().to_string())?;
            if all.is_empty() {
                all.image = image;
            }
            if image != all.image {
                let text = |[c, h, w]: [u32; 3]| format!("{w} x {h} pixels of {c} channel(s)");
                return Err(failure(&path, Problem::unexpected(text(all.image), text(image))));
            }
            all.pixels.extend_from_slice(&pixels);
            all.labels.push(label as u16);
        }
    }
    Ok((all, classes))
}

/// One PNG file: channels, rows, columns, and the pixels in that order.
pub fn png(reader: impl std::io::BufRead + std::io::Seek, file: &str) -> Result<([u32; 3], Vec<u8>), DecodeError> {
    let failure = |problem| failure(Path::new(file), problem);
    let unreadable = |error: png::DecodingError| failure(Problem::Unreadable(std::io::Error::other(error)));
    let mut reader =
        Decoder::new_with_limits(reader, Limits { bytes: MEMORY_LIMIT }).read_info().map_err(unreadable)?;
    let (info_width, info_height) = (reader.info().width, reader.info().height);
    let channels = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => 1,
        (ColorType::Rgb, BitDepth::Eight) => 3,
        (color, depth) => {
            return Err(failure(Problem::unexpected(
                "8-bit grey or RGB without alpha",
                format!("{color:?}, {depth:?}"),
            )));
        }
    };
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    if size > MEMORY_LIMIT {
        return Err(failure(Problem::TooLarge { limit: MEMORY_LIMIT as u64, found: size as u128 }));
    }
    let mut interleaved = vec![0; size];
    reader.next_frame(&mut interleaved).map_err(unreadable)?;
    let pixels = (0..channels).flat_map(|c| interleaved[c..].iter().step_by(channels).copied()).collect();
    Ok(([channels as u32, info_height, info_width], pixels))
}

fn failure(path: &Path, problem: Problem) -> DecodeError {
    DecodeError { file: path.display().to_string(), offset: 0, decompressed: false, problem }
}
