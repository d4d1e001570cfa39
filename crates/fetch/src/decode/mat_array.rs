//! The two arrays of an SVHN file.
//!
//! An array is an element of sub-elements: flags, dimensions, name, values. `X` is rows x columns x channels x images
//! in column-major order; `y` holds a label an image, 10 standing for the digit 0. Values may be stored in a smaller type
//! than the array's own class, as MATLAB does with `y`: of class double, stored as bytes.

use std::io::Read;

use flooding_core::memory::reserve;

use super::reader::Located;
use super::{DecodeError, Decoded, Problem};

const MI_INT8: u32 = 1;
const MI_UINT8: u32 = 2;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_DOUBLE: u32 = 9;
const CLASS_DOUBLE: u8 = 6;
const CLASS_UINT8: u8 = 9;
const COMPLEX: u8 = 0x08;
/// The greatest label, which stands for the digit 0.
const ZERO: u32 = 10;

/// Type and size out of an element's tag.
pub(super) fn tag(bytes: [u8; 8]) -> (u32, u32) {
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (number(0), number(4))
}

/// What has been found so far.
pub(super) struct Arrays {
    image: [u32; 3],
    expected: Option<u32>,
    pixels: Option<Vec<u8>>,
    labels: Option<Vec<u16>>,
}

/// A sub-element's head: its type, its size, and its data where they are small enough to stand in the tag.
struct Part {
    kind: u32,
    size: u64,
    small: Option<[u8; 4]>,
}

impl Arrays {
    pub(super) fn new(image: [u32; 3], expected: Option<u32>) -> Self {
        Self { image, expected, pixels: None, labels: None }
    }

    /// Reads an array of `length` bytes; `false`, with most of it unread, when it is not one of ours.
    pub(super) fn read<R: Read>(&mut self, reader: &mut Located<'_, R>, length: u64) -> Result<bool, DecodeError> {
        let end = reader.offset() + length;
        let flags_at = reader.offset();
        let flags = bytes(reader, end, MI_UINT32, 8, "array flags")?;
        let (class, complex) = (flags[0], flags[1] & COMPLEX != 0);
        let dimensions_at = reader.offset();
        let dimensions: Vec<u32> = bytes(reader, end, MI_INT32, 32, "dimensions")?
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        let name_at = reader.offset();
        let name = bytes(reader, end, MI_INT8, 64, "name")?;
        let wanted = match &*name {
            b"X" => class == CLASS_UINT8,
            b"y" => class == CLASS_UINT8 || class == CLASS_DOUBLE,
            _ => return Ok(false),
        };
        if !wanted || complex {
            let found = format!("class {class}{}", if complex { ", complex" } else { "" });
            return Err(reader.error_at(flags_at, Problem::unexpected("class uint8 (9), or double (6) for y", found)));
        }
        let images = self.images(&name, &dimensions).map_err(|problem| reader.error_at(dimensions_at, problem))?;
        let duplicate = if name == b"X" { self.pixels.is_some() } else { self.labels.is_some() };
        if duplicate {
            let problem = Problem::Duplicate(format!("the array {}", String::from_utf8_lossy(&name)));
            return Err(reader.error_at(name_at, problem));
        }
        if name == b"X" {
            self.pixels = Some(self.read_pixels(reader, end, images)?);
        } else {
            self.labels = Some(read_labels(reader, end, images)?);
        }
        let left = end.saturating_sub(reader.offset());
        if left >= 8 {
            return Err(reader.error(Problem::unexpected("the array's end", format!("{left} bytes more"))));
        }
        reader.skip(left, "padding")?;
        Ok(true)
    }

    /// The number of images that the dimensions say.
    fn images(&self, name: &[u8], dimensions: &[u32]) -> Result<u32, Problem> {
        let [channels, height, width] = self.image;
        let count = if name == b"X" {
            match *dimensions {
                [h, w, c, n] if [h, w, c] == [height, width, channels] => Some(n),
                // MATLAB drops a last dimension of one.
                [h, w, c] if [h, w, c] == [height, width, channels] => Some(1),
                _ => None,
            }
        } else {
            match *dimensions {
                [n, 1] | [1, n] => Some(n),
                _ => None,
            }
        };
        let shape = if name == b"X" { format!("{height} x {width} x {channels} x ") } else { "1 x ".to_owned() };
        let number = self.expected.map_or_else(|| "images".to_owned(), |n| n.to_string());
        match (count, self.expected) {
            (Some(n), None) => Ok(n),
            (Some(n), Some(expected)) if n == expected => Ok(n),
            _ => Err(Problem::unexpected(format!("dimensions {shape}{number}"), format!("{dimensions:?}"))),
        }
    }

    fn read_pixels<R: Read>(&self, reader: &mut Located<'_, R>, end: u64, images: u32) -> Result<Vec<u8>, DecodeError> {
        let [channels, height, width] = self.image.map(|n| n as usize);
        let each = channels * height * width;
        let at = reader.offset();
        let part = head(reader, end)?;
        let total = u64::from(images) * each as u64;
        if part.kind != MI_UINT8 || part.size != total || part.small.is_some() {
            let found = format!("type {}, {} bytes", part.kind, part.size);
            return Err(reader.error_at(at, Problem::unexpected(format!("type 2 (uint8), {total} bytes"), found)));
        }
        let mut pixels: Vec<u8> = reserve(total).map_err(|error| reader.error_at(at, error.into()))?;
        let mut columns = vec![0; each];
        for _ in 0..images {
            reader.exact(&mut columns, "an image")?;
            // Columns follow one another: row r of a plane is every `height`-th byte from r.
            for plane in columns.chunks_exact(height * width) {
                for row in 0..height {
                    pixels.extend(plane[row..].iter().step_by(height));
                }
            }
        }
        Ok(pixels)
    }

    pub(super) fn finish(self, file: &str) -> Result<Decoded, DecodeError> {
        let error = |problem| DecodeError { file: file.to_owned(), offset: 0, decompressed: false, problem };
        let missing = |name: &str| error(Problem::Missing(format!("an array {name}")));
        let pixels = self.pixels.ok_or_else(|| missing("X"))?;
        let labels = self.labels.ok_or_else(|| missing("y"))?;
        let each: usize = self.image.iter().map(|&n| n as usize).product();
        if labels.len() * each != pixels.len() {
            let expected = format!("{} labels in y, one an image of X", pixels.len() / each);
            return Err(error(Problem::unexpected(expected, labels.len().to_string())));
        }
        Ok(Decoded { image: self.image, pixels, labels })
    }
}

fn read_labels<R: Read>(reader: &mut Located<'_, R>, end: u64, count: u32) -> Result<Vec<u16>, DecodeError> {
    let at = reader.offset();
    let part = head(reader, end)?;
    let width = match part.kind {
        MI_UINT8 => 1,
        MI_DOUBLE => 8,
        _ => {
            let problem = Problem::unexpected("labels of type 2 (uint8) or 9 (double)", format!("type {}", part.kind));
            return Err(reader.error_at(at, problem));
        }
    };
    let total = u64::from(count) * width;
    if part.size != total {
        return Err(reader.error_at(at, Problem::unexpected(format!("{total} bytes"), part.size.to_string())));
    }
    let mut labels: Vec<u16> = reserve(count.into()).map_err(|error| reader.error_at(at, error.into()))?;
    for index in 0..u64::from(count) {
        let at = reader.offset();
        let value = match (part.small, width) {
            (Some(small), 1) => f64::from(small[index as usize]),
            (None, 1) => f64::from(reader.array::<1>("a label")?[0]),
            _ => f64::from_le_bytes(reader.array("a label")?),
        };
        let label = value as u32;
        if f64::from(label) != value || !(1..=ZERO).contains(&label) {
            let problem = Problem::Label { lowest: 1, highest: ZERO, found: label, index };
            return Err(reader.error_at(at, problem));
        }
        labels.push((label % ZERO) as u16);
    }
    if part.small.is_none() {
        reader.skip(padding(total).min(end.saturating_sub(reader.offset())), "padding")?;
    }
    Ok(labels)
}

/// Reads a sub-element's tag, in its long or its short form, and checks that its data fit before `end`.
fn head<R: Read>(reader: &mut Located<'_, R>, end: u64) -> Result<Part, DecodeError> {
    let at = reader.offset();
    let bytes = reader.array::<8>("a part's tag")?;
    let (kind, size) = tag(bytes);
    if kind >> 16 != 0 {
        let size = u64::from(kind >> 16);
        if size > 4 {
            return Err(reader.error_at(at, Problem::unexpected("at most 4 bytes in a tag", size.to_string())));
        }
        return Ok(Part { kind: kind & 0xffff, size, small: Some([bytes[4], bytes[5], bytes[6], bytes[7]]) });
    }
    let (size, left) = (u64::from(size), end.saturating_sub(reader.offset()));
    if size > left {
        return Err(reader.error_at(at, Problem::Truncated { what: "a part's data", expected: size, found: left }));
    }
    Ok(Part { kind, size, small: None })
}

/// A short sub-element of the given type, of at most `limit` bytes.
fn bytes<R: Read>(
    reader: &mut Located<'_, R>,
    end: u64,
    kind: u32,
    limit: u64,
    what: &'static str,
) -> Result<Vec<u8>, DecodeError> {
    let at = reader.offset();
    let part = head(reader, end)?;
    // Flags are always eight bytes.
    if part.kind != kind || part.size > limit || (kind == MI_UINT32 && part.size != limit) {
        let found = format!("type {}, {} bytes", part.kind, part.size);
        return Err(reader.error_at(at, Problem::unexpected(format!("{what}: type {kind}, {limit} bytes"), found)));
    }
    if let Some(small) = part.small {
        return Ok(small[..part.size as usize].to_vec());
    }
    let mut data = vec![0; part.size as usize];
    reader.exact(&mut data, what)?;
    reader.skip(padding(part.size), "padding")?;
    Ok(data)
}

/// Data are filled up to a multiple of eight bytes.
const fn padding(size: u64) -> u64 {
    (8 - size % 8) % 8
}
