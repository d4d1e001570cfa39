//! What a file is that is not what it should be, by its first bytes: a person has to see a name, not hexadecimal.

/// Bytes from a file's beginning that are enough to tell.
pub(super) const ENOUGH: usize = 512;

/// What begins like this, and what to do about it; `None` where nothing is known.
pub(super) fn kind(start: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 22] = [
        (b"\x1f\x8b", "a gzip file"),
        (b"\xfd7zXZ\0", "an xz file (decompress it: xz -d)"),
        (b"PK\x03\x04", "a zip archive (unpack it)"),
        (b"PK\x05\x06", "an empty zip archive"),
        (b"BZh", "a bzip2 file (decompress it: bunzip2)"),
        (b"\x28\xb5\x2f\xfd", "a zstd file (decompress it: zstd -d)"),
        (b"\x04\x22\x4d\x18", "an lz4 file (decompress it: lz4 -d)"),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive (unpack it)"),
        (b"Rar!\x1a\x07", "a RAR archive (unpack it)"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\xff\xd8\xff", "a JPEG image (convert it to PNG)"),
        (b"GIF8", "a GIF image (convert it to PNG)"),
        (b"BM", "a BMP image (convert it to PNG)"),
        (b"II*\0", "a TIFF image (convert it to PNG)"),
        (b"MM\0*", "a TIFF image (convert it to PNG)"),
        (b"%PDF-", "a PDF document"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a MAT-file of version 7.3 is one: save it as version 7)"),
        (b"MATLAB 7.3 MAT-file", "a MAT-file of version 7.3 (save it as version 7)"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer instead of the file (get it: git lfs pull)"),
        (b"/annex/objects/", "a git-annex pointer instead of the file (get it: git annex get)"),
        (b"SIMPLE  =", "a FITS file"),
    ];
    if start.is_empty() {
        return Some("an empty file");
    }
    if let Some((_, name)) = MAGICS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(name);
    }
    if start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP") {
        return Some("a WebP image (convert it to PNG)");
    }
    if start.get(257..262) == Some(b"ustar") {
        return Some("a tar archive (unpack it)");
    }
    if start.get(4..8) == Some(b"ftyp") {
        return Some("an AVIF, HEIC or MP4 file (convert it to PNG)");
    }
    markup(start)
}

fn markup(start: &[u8]) -> Option<&'static str> {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins = |word: &str| text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    if ["<!doctype html", "<html", "<head", "<body"].into_iter().any(begins) {
        return Some("a web page instead of the file (download it again)");
    }
    if begins("<?xml") || begins("<svg") || begins("<Error>") {
        return Some("an XML document, perhaps a server's error message");
    }
    None
}

/// Is it text that a person reads, or nothing but zeros? Asked last: several formats begin with a line of text.
pub(super) fn plain(start: &[u8]) -> Option<&'static str> {
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    match start {
        [] => None,
        zeros if zeros.iter().all(|&byte| byte == 0) => Some("nothing but zeros (copy the file again)"),
        text if text.iter().all(is_text) => Some("a text file"),
        _ => None,
    }
}

/// The same for a message: what it is, or its first bytes in hexadecimal.
pub(super) fn describe(start: &[u8]) -> String {
    let known = kind(start).or_else(|| plain(start));
    known.map_or_else(|| format!("{:02x?}", &start[..start.len().min(8)]), str::to_owned)
}
