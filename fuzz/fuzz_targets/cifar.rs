//! CIFAR records: the first byte chooses the format, the second how many images there is room for.
#![no_main]

use flooding_fetch::decode::{self, Decoded, Records};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let [mode, room, body @ ..] = data else { return };
    let records = if mode & 1 == 0 { Records::Cifar10 } else { Records::Cifar100 };
    let mut decoded = Decoded::zeroed([3, 32, 32], usize::from(*room % 4), "fuzz").unwrap();
    // The size that a directory says and the bytes that come may differ.
    let size = body.len() as u64 + u64::from(mode >> 1) * records.size() / 4;
    if let Ok(count) = decode::cifar(records, body, size, "fuzz", &mut decoded, 0) {
        assert_eq!(count as u64 * records.size(), body.len() as u64);
        assert!(decoded.labels.iter().all(|&label| label < 100));
    }
});
