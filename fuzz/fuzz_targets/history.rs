//! A run's history: what can be read is written back as what reads the same.
#![no_main]

use flooding_core::record::History;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(history) = History::from_csv(text) {
        let written = history.to_csv();
        // By its text, because a history may hold numbers that are not equal to themselves.
        assert_eq!(History::from_csv(&written).unwrap().to_csv(), written);
    }
});
