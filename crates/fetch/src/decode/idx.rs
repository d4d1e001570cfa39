//! IDX, the format of MNIST's files: a magic number, a big-endian count for each dimension, and bytes.

use std::io::BufRead;

use super::gzip::MaybeGzip;
use flooding_core::memory::reserve;

use super::reader::Located;
use super::{DecodeError, Problem, sniff};

/// The size of one read; memory beyond the decoded size.
const CHUNK: usize = 1 << 16;

/// Pixels of an IDX file of images (gzipped or not): how many images, rows, columns, and all bytes.
///
/// `file_size` is the size of what `reader` delivers; a header that promises more than so many bytes can hold is
/// refused before memory is taken, and so is another count than `expected`, where that is known. `file` is for messages.
pub fn images(
    reader: impl BufRead,
    file_size: u64,
    file: &str,
    expected: Option<[u32; 3]>,
) -> Result<([u32; 3], Vec<u8>), DecodeError> {
    decode::<3>(reader, file_size, file, expected)
}

/// Labels of an IDX file of labels (gzipped or not), each checked to be less than `classes`.
pub fn labels(
    reader: impl BufRead,
    file_size: u64,
    file: &str,
    expected: Option<u32>,
    classes: u32,
) -> Result<Vec<u16>, DecodeError> {
    const HEADER: u64 = 8;
    let (_, bytes) = decode::<1>(reader, file_size, file, expected.map(|count| [count]))?;
    if let Some(index) = bytes.iter().position(|&label| u32::from(label) >= classes) {
        let found = u32::from(bytes[index]);
        let problem = Problem::Label { lowest: 0, highest: classes.saturating_sub(1), found, index: index as u64 };
        return Err(DecodeError { file: file.to_owned(), offset: HEADER + index as u64, decompressed: true, problem });
    }
    let failure =
        |error| DecodeError { file: file.to_owned(), offset: 0, decompressed: false, problem: Problem::Memory(error) };
    let mut labels: Vec<u16> = reserve(bytes.len() as u64).map_err(failure)?;
    labels.extend(bytes.into_iter().map(u16::from));
    Ok(labels)
}

fn decode<const D: usize>(
    reader: impl BufRead,
    file_size: u64,
    file: &str,
    expected: Option<[u32; D]>,
) -> Result<([u32; D], Vec<u8>), DecodeError> {
    let unreadable = |error| DecodeError {
        file: file.to_owned(),
        offset: 0,
        decompressed: false,
        problem: Problem::Unreadable(error),
    };
    let stream = MaybeGzip::new(reader).map_err(unreadable)?;
    let capacity = stream.capacity(file_size);
    let gzip = stream.is_gzip();
    let mut reader = Located::new(stream, file, gzip);
    let magic = reader.array::<4>("magic number")?;
    let wanted = [0, 0, 8, D as u8];
    if magic != wanted {
        let hex = |bytes: [u8; 4]| format!("0x{:08x}", u32::from_be_bytes(bytes));
        let expected = format!("the magic number {} ({})", hex(wanted), kind(wanted).unwrap_or_default());
        let mut start = [0; sniff::ENOUGH];
        start[..4].copy_from_slice(&magic);
        let more = reader.fill(&mut start[4..])?;
        let start = &start[..4 + more];
        let other = sniff::kind(start).or_else(|| sniff::plain(start)).map(str::to_owned);
        let found = other.or_else(|| Some(format!("{} ({})", hex(magic), kind(magic)?))).unwrap_or_else(|| hex(magic));
        return Err(reader.error_at(0, Problem::unexpected(expected, found)));
    }
    let mut dimensions = [0; D];
    for size in &mut dimensions {
        *size = u32::from_be_bytes(reader.array("dimension")?);
    }
    if let Some(expected) = expected
        && let Some(axis) = (0..D).find(|&axis| dimensions[axis] != expected[axis])
    {
        let what = ["images or labels", "rows", "columns"][axis];
        let problem = Problem::unexpected(format!("{} {what}", expected[axis]), dimensions[axis].to_string());
        return Err(reader.error_at(4 + 4 * axis as u64, problem));
    }
    // The first dimension is their number; an image without a row or a column is none.
    if let Some(axis) = (1..D).find(|&axis| dimensions[axis] == 0) {
        let what = ["images", "row", "column"][axis];
        return Err(reader.error_at(4 + 4 * axis as u64, Problem::unexpected(format!("at least one {what}"), "0")));
    }
    let found: u128 = dimensions.iter().map(|&size| u128::from(size)).product();
    let limit = capacity.saturating_sub(reader.offset());
    let Some(total) = u64::try_from(found).ok().filter(|&total| total <= limit) else {
        return Err(reader.error_at(4, Problem::TooLarge { limit, found }));
    };
    let bytes = read_all(&mut reader, total)?;
    reader.end()?;
    if reader.get_mut().has_trailing().map_err(unreadable)? {
        return Err(DecodeError {
            file: file.to_owned(),
            offset: file_size,
            decompressed: false,
            problem: Problem::Trailing,
        });
    }
    Ok((dimensions, bytes))
}

/// Reads exactly `total` bytes; the pages of the vector are touched only as bytes arrive.
fn read_all<R: BufRead>(reader: &mut Located<'_, MaybeGzip<R>>, total: u64) -> Result<Vec<u8>, DecodeError> {
    let start = reader.offset();
    let mut bytes: Vec<u8> = reserve(total).map_err(|error| reader.error(error.into()))?;
    while (bytes.len() as u64) < total {
        let filled = bytes.len();
        let n = (total - filled as u64).min(CHUNK as u64) as usize;
        bytes.resize(filled + n, 0);
        let got = reader.fill(&mut bytes[filled..])?;
        if got < n {
            let found = (filled + got) as u64;
            return Err(reader.error_at(start, Problem::Truncated { what: "data", expected: total, found }));
        }
    }
    Ok(bytes)
}

/// What an IDX file with this magic number holds.
fn kind([zero, also_zero, values, dimensions]: [u8; 4]) -> Option<String> {
    let values = match values {
        0x08 => "bytes",
        0x09 => "signed bytes",
        0x0b => "16-bit integers",
        0x0c => "32-bit integers",
        0x0d => "32-bit floats",
        0x0e => "64-bit floats",
        _ => return None,
    };
    let what = match (values, dimensions) {
        ("bytes", 1) => ": labels",
        ("bytes", 3) => ": images",
        _ => "",
    };
    let plural = if dimensions == 1 { "" } else { "s" };
    (zero == 0 && also_zero == 0).then(|| format!("{values} in {dimensions} dimension{plural}{what}"))
}
