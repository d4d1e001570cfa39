//! The named members of a gzipped tar archive, streamed. Nothing is ever written where an archive says: names are only
//! compared, and whatever is not asked for is passed over.

use std::io::{BufRead, Read};

use tar::{Archive, EntryType};

use super::gzip::MaybeGzip;
use super::{DecodeError, Problem, sniff};

/// An archive may decompress to what is wanted of it and so much more (headers, padding, notes), and no further.
const SLACK: u64 = 16 << 20;

/// A member that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its path in the archive, exactly (a leading `./` aside).
    pub name: &'a str,
    /// Its size, exactly.
    pub bytes: u64,
}

/// Hands each wanted member to `visit`, as its index in `wanted` and a reader over its bytes, in the archive's order.
///
/// Each must be there exactly once, as a regular file of its size. Links, devices, extended headers, and members of
/// other names (absolute ones and `..` among them) are passed over.
pub fn members<E: From<DecodeError>>(
    mut reader: impl BufRead,
    file: &str,
    wanted: &[Wanted<'_>],
    mut visit: impl FnMut(usize, &mut dyn Read) -> Result<(), E>,
) -> Result<(), E> {
    let error = |offset, problem| DecodeError { file: file.to_owned(), offset, decompressed: true, problem };
    let limit = wanted.iter().fold(SLACK, |sum, member| sum.saturating_add(member.bytes));
    let unreadable = |problem| error(0, Problem::Unreadable(problem));
    let start = reader.fill_buf().map_err(unreadable)?;
    let start = start[..start.len().min(sniff::ENOUGH)].to_vec();
    let stream = MaybeGzip::new(reader).map_err(unreadable)?;
    if !stream.is_gzip() {
        let problem = Problem::unexpected("a gzipped tar archive", sniff::describe(&start));
        return Err(DecodeError { file: file.to_owned(), offset: 0, decompressed: false, problem }.into());
    }
    let mut archive = Archive::new(stream.take(limit));
    let mut seen = vec![false; wanted.len()];
    // Raw entries: GNU and PAX headers, which could rename what follows or ask for memory, are entries like any other.
    for entry in archive.entries().map_err(unreadable)?.raw(true) {
        let mut entry = entry.map_err(unreadable)?;
        let offset = entry.raw_header_position();
        let path = entry.path_bytes().into_owned();
        let name = path.strip_prefix(b"./").unwrap_or(&path);
        let Some(index) = wanted.iter().position(|member| member.name.as_bytes() == name) else { continue };
        let member = &wanted[index];
        if std::mem::replace(&mut seen[index], true) {
            return Err(error(offset, Problem::Duplicate(format!("the member {}", member.name))).into());
        }
        let kind = entry.header().entry_type();
        if !matches!(kind, EntryType::Regular | EntryType::Continuous) {
            let expected = format!("a regular file {}", member.name);
            return Err(error(offset, Problem::unexpected(expected, format!("{kind:?}"))).into());
        }
        if entry.size() != member.bytes {
            let expected = format!("{} of {} bytes", member.name, member.bytes);
            return Err(error(offset, Problem::unexpected(expected, format!("{} bytes", entry.size()))).into());
        }
        visit(index, &mut entry)?;
    }
    match seen.iter().position(|seen| !seen) {
        None => Ok(()),
        Some(index) => Err(error(0, Problem::Missing(format!("the member {}", wanted[index].name))).into()),
    }
}
