//! Real inputs, changed in every way that someone might: for readers that must refuse them and never panic.

// Each test file uses its own part of this.
#![allow(dead_code)]

use std::ops::Range;

/// What may stand where a number stood.
pub const NUMBERS: [&str; 16] = [
    "-1",
    "0",
    "1",
    "-0.0",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-320",
    "0.1",
    "4294967296",
    "9223372036854775807",
    "\"1\"",
    "[]",
    "{}",
    "true",
];

/// What may stand where a text stood, with its quotes.
pub const TEXTS: [&str; 14] = [
    r#""""#,
    r#""../../x""#,
    r#""/etc/passwd""#,
    r#""a/b""#,
    r#""\u0000""#,
    r#""\n""#,
    r#""\u202e""#,
    r#""*""#,
    r#""[""#,
    r#""CON""#,
    r#""<script>""#,
    "1",
    "[]",
    "{}",
];

/// Where numbers stand in a text of TOML or JSON.
pub fn numbers(text: &str) -> Vec<Range<usize>> {
    let part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'+');
    let words = text.as_bytes().split(|&b| !part(b)).filter(|word| word.first().is_some_and(u8::is_ascii_digit));
    let start = |word: &[u8]| word.as_ptr() as usize - text.as_ptr() as usize;
    words.map(|word| start(word)..start(word) + word.len()).collect()
}

/// Where texts stand in a text of TOML or JSON whose texts hold no quotes themselves.
pub fn texts(text: &str) -> Vec<Range<usize>> {
    let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
    quotes.chunks_exact(2).map(|pair| pair[0]..pair[1] + 1).collect()
}

/// The text with one range replaced.
pub fn replaced(text: &str, range: &Range<usize>, by: &str) -> String {
    [&text[..range.start], by, &text[range.end..]].concat()
}

/// Every truncation, and every byte changed in a few ways; a step above 1 leaves some out.
pub fn damaged(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let places = (0..bytes.len()).step_by(step);
    let cut = places.clone().map(|at| bytes[..at].to_vec());
    let changed = places.flat_map(move |at| {
        [0x01, 0x20, 0x80, 0xff].map(|change| {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= change;
            bytes
        })
    });
    cut.chain(changed)
}

/// A safetensors file with headers that lie about it.
pub fn lying_safetensors(bytes: &[u8]) -> Vec<Vec<u8>> {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let mut all: Vec<Vec<u8>> = Vec::new();
    for lie in [0, 1, 7, length - 1, length + 1, bytes.len(), u32::MAX as usize, i64::MAX as usize, usize::MAX] {
        all.push([&(lie as u64).to_le_bytes(), &bytes[8..]].concat());
    }
    // Shapes and offsets: overlapping, beyond the end, backwards, and whose product overflows.
    for range in numbers(header) {
        for lie in ["0", "1", "2", "-1", "1e3", "4294967295", "4611686018427387904", "18446744073709551615"] {
            let header = replaced(header, &range, lie);
            all.push([&(header.len() as u64).to_le_bytes(), header.as_bytes(), &bytes[8 + length..]].concat());
        }
    }
    let deep = "[".repeat(100_000);
    all.push([&(deep.len() as u64).to_le_bytes(), deep.as_bytes()].concat());
    all
}
