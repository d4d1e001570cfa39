//! A user's own images: a folder of PNG files per class.

use std::io::Cursor;

use flooding_core::digest::Digest;
use flooding_core::files;
use flooding_core::memory::reserve;
use flooding_core::shown;
use png::{BitDepth, ColorType, DecodeOptions, Decoder, Limits};

use super::{DecodeError, Decoded, Problem, sniff};
use crate::manifest::Side;

/// No PNG may take more memory than this while it is read.
const MEMORY_LIMIT: usize = 64 << 20;
/// No PNG file of that size can decode to as much.
const LARGEST_FILE: u64 = 2 * MEMORY_LIMIT as u64;
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The images of a side, class after class, each file as it was when it was digested. Every image must have the first
/// one's size and colour; 8 bits a channel, grey or RGB.
pub(crate) fn folder(side: &Side) -> Result<Decoded, DecodeError> {
    let count: usize = side.classes.iter().map(|class| class.images.len()).sum();
    let mut all = Decoded { image: [0; 3], pixels: Vec::new(), labels: Vec::new() };
    for (label, class) in side.classes.iter().enumerate() {
        for file in &class.images {
            let path = side.folder.join(&class.name).join(&file.name);
            let failure = |problem| DecodeError::of_file(&path, problem);
            let bytes = files::read_at_most(&path, LARGEST_FILE).map_err(|e| failure(Problem::Unreadable(e)))?;
            let found = Digest::of(&bytes);
            if found != file.sha256 {
                return Err(failure(Problem::Changed { expected: file.sha256.clone(), found }));
            }
            let (image, pixels) = png(Cursor::new(bytes), &shown::path(&path))?;
            if all.is_empty() {
                all.image = image;
                let total = (count as u64).saturating_mul(pixels.len() as u64);
                all.pixels = reserve(total).map_err(|error| failure(error.into()))?;
                all.labels = reserve(count as u64).map_err(|error| failure(error.into()))?;
            }
            if image != all.image {
                let text = |[c, h, w]: [u32; 3]| format!("{w} x {h} pixels of {c} channel(s)");
                return Err(failure(Problem::unexpected(text(all.image), text(image))));
            }
            all.pixels.extend_from_slice(&pixels);
            all.labels.push(label as u16);
        }
    }
    Ok(all)
}

/// One PNG file: channels, rows, columns, and the pixels in that order. Checksums are compared, and what one image without
/// transparency cannot show (a transparent colour, further frames) is refused.
pub fn png(mut reader: impl std::io::BufRead + std::io::Seek, file: &str) -> Result<([u32; 3], Vec<u8>), DecodeError> {
    let failure = |problem| DecodeError { file: file.to_owned(), offset: 0, decompressed: false, problem };
    let unreadable = |error: png::DecodingError| failure(Problem::Unreadable(std::io::Error::other(error)));
    let start = reader.fill_buf().map_err(|error| failure(Problem::Unreadable(error)))?;
    if !start.starts_with(SIGNATURE) {
        let found = sniff::describe(&start[..start.len().min(sniff::ENOUGH)]);
        return Err(failure(Problem::unexpected("a PNG file", found)));
    }
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(false);
    options.set_ignore_text_chunk(true);
    options.set_ignore_iccp_chunk(true);
    let mut decoder = Decoder::new_with_options(reader, options);
    decoder.set_limits(Limits { bytes: MEMORY_LIMIT });
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let info = reader.info();
    let (width, height) = (info.width, info.height);
    let frames = info.animation_control.map_or(1, |animation| animation.num_frames);
    let transparent = if info.trns.is_some() { ", with a transparent colour" } else { "" };
    let channels = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) if transparent.is_empty() => 1,
        (ColorType::Rgb, BitDepth::Eight) if transparent.is_empty() => 3,
        (color, depth) => {
            let found = format!("{color:?}, {} bits{transparent}", depth as u8);
            return Err(failure(Problem::unexpected("8-bit grey or RGB without transparency", found)));
        }
    };
    if frames != 1 {
        return Err(failure(Problem::unexpected("a single image", format!("an animation of {frames} frames"))));
    }
    let size = reader.output_buffer_size().unwrap_or(usize::MAX);
    if size > MEMORY_LIMIT {
        return Err(failure(Problem::TooLarge { limit: MEMORY_LIMIT as u64, found: size as u128 }));
    }
    let room = || reserve(size as u64).map_err(|error| failure(error.into()));
    let (mut interleaved, mut pixels): (Vec<u8>, Vec<u8>) = (room()?, room()?);
    interleaved.resize(size, 0);
    reader.next_frame(&mut interleaved).map_err(unreadable)?;
    // Up to the end of the file: what is cut off after the pixels is damaged too.
    reader.finish().map_err(unreadable)?;
    pixels.extend((0..channels).flat_map(|c| interleaved[c..].iter().step_by(channels).copied()));
    Ok(([channels as u32, height, width], pixels))
}
