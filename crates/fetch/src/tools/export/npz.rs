//! NumPy's `.npz`: a zip archive, without compression, of `.npy` files.

use std::io::{self, Write};
use std::path::Path;

use flate2::Crc;
use flooding_core::store::Store;

use super::{ExportError, pixels};
use crate::load::Images;

pub(super) fn write(images: &Images, store: &Store, path: &Path) -> Result<(), ExportError> {
    let mut arrays = Vec::new();
    for (name, examples) in [("train", &images.train), ("test", &images.test)] {
        let ([channels, height, width], bytes) = pixels(examples)?;
        let count = examples.len();
        let shape = if channels == 1 {
            format!("({count}, {height}, {width})")
        } else {
            format!("({count}, {channels}, {height}, {width})")
        };
        let labels: Vec<u8> = examples.labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        arrays.push((format!("x_{name}.npy"), npy("|u1", &shape), bytes.to_vec()));
        arrays.push((format!("y_{name}.npy"), npy("<u2", &format!("({count},)")), labels));
    }
    let mut file = store.create(path)?;
    zip(&mut file, &arrays).map_err(|source| ExportError::Io { path: path.to_owned(), source })?;
    Ok(file.commit()?)
}

/// The head of a `.npy` file, version 1: filled up so that the data begin at a multiple of 64 bytes.
fn npy(kind: &str, shape: &str) -> Vec<u8> {
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}");
    let padding = 64 - (10 + text.len() + 1) % 64;
    text.push_str(&" ".repeat(padding % 64));
    text.push('\n');
    let mut head = b"\x93NUMPY\x01\x00".to_vec();
    head.extend((text.len() as u16).to_le_bytes());
    head.extend(text.as_bytes());
    head
}

/// A zip archive of stored files. Names are ASCII; all sizes must fit 32 bits, which NumPy's reader asks for too.
fn zip(out: &mut impl Write, files: &[(String, Vec<u8>, Vec<u8>)]) -> io::Result<()> {
    let too_large = |_| io::Error::other("too large for a zip archive of 4 GiB: export as parquet");
    let number = |n: usize| u32::try_from(n).map_err(too_large);
    let mut directory = Vec::new();
    let mut offset = 0_usize;
    for (name, head, data) in files {
        let mut crc = Crc::new();
        crc.update(head);
        crc.update(data);
        let size = number(head.len() + data.len())?;
        let mut common = Vec::new();
        // Version 2.0, no flags, stored, 1 January 1980.
        for half in [20_u16, 0, 0, 0, 0x21] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc.sum(), size, size] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(number(offset)?.to_le_bytes());
        directory.extend(name.as_bytes());
        for part in [b"PK\x03\x04", &*common, name.as_bytes(), head, data] {
            out.write_all(part)?;
            offset += part.len();
        }
    }
    out.write_all(&directory)?;
    let count = (files.len() as u16).to_le_bytes();
    out.write_all(b"PK\x05\x06\0\0\0\0")?;
    out.write_all(&count)?;
    out.write_all(&count)?;
    out.write_all(&number(directory.len())?.to_le_bytes())?;
    out.write_all(&number(offset)?.to_le_bytes())?;
    out.write_all(&[0, 0])
}
