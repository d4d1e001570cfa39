//! Checkpoints. The first byte chooses: a file as it is, or a state in a file with its checksum.
#![no_main]

use std::collections::BTreeMap;

use flooding_train::checkpoint::{Checkpoint, State};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&mode, body)) = data.split_first() else { return };
    if mode & 1 == 0 {
        if let Ok(read) = Checkpoint::from_bytes(body) {
            assert_eq!(Checkpoint::from_bytes(&read.to_bytes()).unwrap().state, read.state);
        }
        return;
    }
    let Ok(state) = serde_json::from_slice::<State>(body) else { return };
    let tensors = BTreeMap::from([("network.weight".to_owned(), vec![0.5; body.len() % 7])]);
    let written = Checkpoint { state, tensors };
    if let Ok(read) = Checkpoint::from_bytes(&written.to_bytes()) {
        assert_eq!(read, written);
    }
});
