//! What the tests share: stores in temporary folders, the real data, and a misbehaving server.

// A skipped test says so.
#![allow(clippy::print_stdout)]
#![allow(dead_code, reason = "each test file uses its own part of it")]

pub mod own;
pub mod server;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::progress::Progress;
use flooding_core::store::Store;
use flooding_fetch::Manifest;

/// The repository's own manifest.
pub fn manifest() -> Manifest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/datasets.toml");
    Manifest::load(&path).unwrap()
}

/// A store in a new temporary folder.
pub fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    (folder, store)
}

/// The folder of real data; without it the test says so and returns, or fails where the data are required.
pub fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("PIPELINE_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        let required = std::env::var_os("PIPELINE_REQUIRE_TEST_DATA").is_some_and(|value| value == "1");
        assert!(!required, "PIPELINE_TEST_DATA is not set");
        println!("skipped: PIPELINE_TEST_DATA is not set");
    }
    folder
}

/// Offline, with a mirror folder.
pub fn mirrored(mirror: &Path) -> Context {
    Context { offline: true, mirror: Some(mirror.into()), ..Context::default() }
}

/// A manifest of one dataset `toy` with one file, served from `mirrors`; 2 classes, 1 + 1 images of CIFAR's format.
pub fn toy_manifest(content: &[u8], mirrors: &[String]) -> Manifest {
    toy_manifest_of(content.len(), &Digest::of(content), mirrors)
}

/// As [`toy_manifest`], of a published size and digest.
pub fn toy_manifest_of(bytes: usize, sha256: &Digest, mirrors: &[String]) -> Manifest {
    let text = format!(
        r#"
        [dataset.toy]
        title = "Toy"
        description = "For tests."
        format = "cifar10"
        image = [3, 32, 32]
        train = 1
        test = 1
        classes = ["a", "b"]
        homepage = "http://localhost/"
        licence = "none"
        citation = "none"
        mirrors = {mirrors:?}
        [[dataset.toy.file]]
        name = "toy.tar.gz"
        bytes = {bytes}
        sha256 = "{sha256}"
        [[dataset.toy.file.member]]
        name = "toy/train.bin"
        role = "train"
        bytes = 3073
        sha256 = "{sha256}"
        [[dataset.toy.file.member]]
        name = "toy/test.bin"
        role = "test"
        bytes = 3073
        sha256 = "{sha256}"
        "#
    );
    Manifest::parse(&text, Path::new("toy.toml")).unwrap()
}

/// Keeps the warnings and the steps of each item.
#[derive(Default)]
pub struct Listener {
    pub warnings: Mutex<Vec<String>>,
    pub advanced: Mutex<Vec<u64>>,
    /// Tasks that each stage announced, and what it calls them.
    pub stages: Mutex<Vec<(u64, String)>>,
    /// Tasks that ended, with their notes.
    pub finished: Mutex<Vec<String>>,
}

impl Progress for Listener {
    fn stage_started(&self, _: &str, total: u64, unit: &str) {
        self.stages.lock().unwrap().push((total, unit.to_owned()));
    }
    fn item_started(&self, _: &str, _: u64) {}
    fn item_advanced(&self, _: &str, done: u64) {
        self.advanced.lock().unwrap().push(done);
    }
    fn item_finished(&self, id: &str, note: &str) {
        self.finished.lock().unwrap().push(format!("{id} {note}"));
    }
    fn stage_finished(&self) {}
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}

/// A context with a listener.
pub fn listening() -> (Context, Arc<Listener>) {
    let listener = Arc::new(Listener::default());
    (Context { progress: listener.clone(), ..Context::default() }, listener)
}
