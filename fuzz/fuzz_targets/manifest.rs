//! `data/datasets.toml`: no name in it leads out of `data/raw/DATASET/`.
#![no_main]

use std::path::{Component, Path};

use flooding_fetch::Manifest;
use flooding_fetch::manifest::Entry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(manifest) = Manifest::parse(text, Path::new("datasets.toml")) else { return };
    let inside = |name: &str| Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    for name in manifest.names() {
        let Some(Entry::Published(dataset)) = manifest.get(name) else { panic!("{name} is listed and not there") };
        assert!(inside(name) && !name.contains('/'));
        for file in &dataset.files {
            assert!(inside(&file.name) && !file.name.contains('/'));
            assert!(file.members.iter().all(|member| inside(&member.name)));
        }
        let _ = (dataset.digest(), dataset.bytes());
    }
});
