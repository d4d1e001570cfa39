//! Members of a gzipped tar. The first byte chooses: as it is, or gzipped first.
#![no_main]

mod stored;

use flooding_fetch::decode::{self, DecodeError, Wanted};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    let file = if mode & 1 == 0 { body.to_vec() } else { stored::gzip(body) };
    let wanted = [Wanted { name: "a/one", bytes: 5 }, Wanted { name: "two", bytes: 0 }];
    let mut visited = [0, 0];
    let result = decode::members(&file[..], "fuzz", &wanted, |index, reader| {
        visited[index] += 1;
        let mut bytes = Vec::new();
        if reader.read_to_end(&mut bytes).is_ok() {
            assert!(bytes.len() as u64 <= wanted[index].bytes);
        }
        Ok::<(), DecodeError>(())
    });
    assert!(visited.iter().all(|&count| count <= 1));
    assert!(result.is_err() || visited == [1, 1]);
});
