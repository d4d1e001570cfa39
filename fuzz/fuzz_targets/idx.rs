//! IDX images and labels. The first byte chooses: as it is, or gzipped first (random bytes rarely are a gzip file).
#![no_main]

mod stored;

use flooding_fetch::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    let file = if mode & 1 == 0 { body.to_vec() } else { stored::gzip(body) };
    let size = file.len() as u64;
    let expected = (mode & 2 != 0).then_some([2, 3, 4]);
    if let Ok((shape, pixels)) = decode::images(&file[..], size, "fuzz", expected) {
        assert_eq!(pixels.len() as u64, shape.iter().map(|&n| u64::from(n)).product::<u64>());
        assert!(expected.is_none_or(|expected| shape == expected));
    }
    if let Ok(labels) = decode::labels(&file[..], size, "fuzz", None, 10) {
        assert!(labels.iter().all(|&label| label < 10));
    }
});
