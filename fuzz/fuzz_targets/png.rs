//! A user's PNG files.
#![no_main]

use std::io::Cursor;

use flooding_fetch::decode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok((shape, pixels)) = decode::png(Cursor::new(data), "fuzz") {
        assert_eq!(pixels.len() as u64, shape.iter().map(|&n| u64::from(n)).product::<u64>());
    }
});
