//! SVHN's files: the part of MATLAB's MAT-file format, level 5, that they use.
//!
//! A header of 128 bytes, then elements, each with a tag (type, size) and mostly compressed; see
//! [`array`](super::mat_array) for what they hold.

use std::io::{self, BufRead, Read};

use flate2::bufread::ZlibDecoder;

use super::mat_array::{Arrays, tag};
use super::reader::Located;
use super::{DecodeError, Decoded, Problem, sniff};

const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;
const HEADER: usize = 128;
/// Deflate makes at most this many bytes of one.
const LARGEST_RATIO: u64 = 1032;

/// Images and labels of a file laid out as SVHN's cropped digits.
///
/// `file_size` is the size of what `reader` delivers; `image` is the shape that every image must have (channels, rows,
/// columns), `expected` their number, where it is known. Both `X` and `y` must be there, once each, and of the same
/// length; other arrays are passed over.
pub fn svhn(
    reader: impl BufRead,
    file_size: u64,
    file: &str,
    image: [u32; 3],
    expected: Option<u32>,
) -> Result<Decoded, DecodeError> {
    let mut reader = Located::new(reader, file, false);
    let mut header = [0; HEADER];
    let found = reader.fill(&mut header)?;
    let wanted = "a little-endian MAT-file of level 5 (00 01 49 4d)";
    if let Some(kind) = sniff::kind(&header[..found]) {
        return Err(reader.error_at(0, Problem::unexpected(wanted, kind)));
    }
    if found < HEADER {
        let problem = Problem::Truncated { what: "header", expected: HEADER as u64, found: found as u64 };
        return Err(reader.error_at(0, problem));
    }
    let marks = &header[124..];
    if marks != [0x00, 0x01, b'I', b'M'] {
        let found = sniff::plain(&header).map_or_else(|| format!("{marks:02x?}"), str::to_owned);
        return Err(reader.error_at(124, Problem::unexpected(wanted, found)));
    }
    let mut arrays = Arrays::new(image, expected);
    while reader.offset() < file_size {
        let start = reader.offset();
        let (kind, size) = tag(reader.array::<8>("an element's tag")?);
        let left = file_size.saturating_sub(reader.offset());
        if u64::from(size) > left {
            let problem = Problem::Truncated { what: "an element's data", expected: size.into(), found: left };
            return Err(reader.error_at(start, problem));
        }
        let mut body = reader.get_mut().take(size.into());
        match kind {
            MI_COMPRESSED => compressed(&mut body, size.into(), file, &mut arrays)?,
            MI_MATRIX => {
                arrays.read(&mut Located::new(&mut body, file, false), size.into())?;
            }
            _ => {}
        }
        // Arrays of other names, and elements of other types, are passed over.
        let rest = io::copy(&mut body, &mut io::sink());
        rest.map_err(|error| reader.error_at(start, Problem::Unreadable(error)))?;
        reader.advance(size.into());
    }
    reader.end()?;
    arrays.finish(file)
}

/// Reads one compressed element, whose offsets in messages count from its own decompressed beginning.
fn compressed(
    body: &mut (impl BufRead + Sized),
    size: u64,
    file: &str,
    arrays: &mut Arrays,
) -> Result<(), DecodeError> {
    let mut inner = Located::new(ZlibDecoder::new(&mut *body), file, true);
    let (kind, length) = tag(inner.array::<8>("an element's tag")?);
    let limit = size.saturating_mul(LARGEST_RATIO);
    if u64::from(length) > limit {
        return Err(inner.error_at(4, Problem::TooLarge { limit, found: length.into() }));
    }
    if kind != MI_MATRIX || !arrays.read(&mut inner, length.into())? {
        return Ok(());
    }
    // Reading on to the end also compares the stream's checksum.
    inner.end()?;
    let trailing = body.fill_buf().map(|bytes| !bytes.is_empty());
    match trailing {
        Ok(false) => Ok(()),
        Ok(true) => {
            Err(DecodeError { file: file.to_owned(), offset: size, decompressed: false, problem: Problem::Trailing })
        }
        Err(error) => Err(DecodeError {
            file: file.to_owned(),
            offset: size,
            decompressed: false,
            problem: Problem::Unreadable(error),
        }),
    }
}
