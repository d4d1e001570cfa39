//! The binary versions of CIFAR-10 and CIFAR-100: records of one or two label bytes and 3,072 pixels.

use std::io::Read;

use super::reader::Located;
use super::{DecodeError, Decoded, Problem};

/// The red, green and blue plane, each row by row.
const PIXELS: usize = 3 * 32 * 32;
/// Records read at once.
const BATCH: usize = 64;

/// Which bytes of a record are labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// One label.
    Cifar10,
    /// A coarse label, then the fine one, which is kept.
    Cifar100,
}

impl Records {
    const fn label_bytes(self) -> usize {
        match self {
            Self::Cifar10 => 1,
            Self::Cifar100 => 2,
        }
    }

    const fn classes(self) -> u32 {
        match self {
            Self::Cifar10 => 10,
            Self::Cifar100 => 100,
        }
    }

    /// Bytes of a record.
    pub const fn size(self) -> u64 {
        (self.label_bytes() + PIXELS) as u64
    }
}

/// Decodes one file into `decoded`, its first record becoming image number `first`; returns how many there were.
///
/// `file_size` is the size of what `reader` delivers, and `decoded` has room for its images
/// ([`Decoded::zeroed`]): a file that is no whole number of records, or too many, is refused before it is read.
pub fn cifar(
    records: Records,
    reader: impl Read,
    file_size: u64,
    file: &str,
    decoded: &mut Decoded,
    first: usize,
) -> Result<usize, DecodeError> {
    let mut reader = Located::new(reader, file, false);
    let size = records.size();
    if !file_size.is_multiple_of(size) {
        let found = format!("{file_size} bytes, {} over", file_size % size);
        let problem = Problem::unexpected(format!("a whole number of records of {size} bytes"), found);
        return Err(reader.error_at(file_size / size * size, problem));
    }
    let images = file_size / size;
    let room = decoded.len().saturating_sub(first) as u64;
    if images > room {
        let problem = Problem::TooLarge { limit: room * size, found: file_size.into() };
        return Err(reader.error_at(0, problem));
    }
    let (size, label_bytes) = (size as usize, records.label_bytes());
    let mut buffer = vec![0; BATCH * size];
    let mut image = first;
    let last = first + images as usize;
    while image < last {
        let count = (last - image).min(BATCH);
        let start = reader.offset();
        reader.exact(&mut buffer[..count * size], "records")?;
        for (i, record) in buffer[..count * size].chunks_exact(size).enumerate() {
            let label = record[label_bytes - 1];
            let highest = records.classes() - 1;
            if u32::from(label) > highest {
                let offset = start + (i * size + label_bytes - 1) as u64;
                let index = (image - first + i) as u64;
                return Err(reader.error_at(offset, Problem::Label { lowest: 0, highest, found: label.into(), index }));
            }
            decoded.labels[image + i] = label.into();
            decoded.pixels[(image + i) * PIXELS..][..PIXELS].copy_from_slice(&record[label_bytes..]);
        }
        image += count;
    }
    reader.end()?;
    Ok(images as usize)
}
