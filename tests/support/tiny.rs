//! The smallest project that uses all six stages: two datasets (one drawn, one fetched), two levels that part in the
//! middle of an epoch, two seeds, three epochs.

use std::fs;
use std::path::{Path, PathBuf};

use flooding_core::digest::Digest;
use tempfile::TempDir;

/// Its configuration; the profile is the default one, so that no command needs to name it.
pub const CONFIGURATION: &str = r#"
master_seed = 7

[model.tiny]
kind = "mlp"
hidden = [8]

[reading.paper]
summary = "Tiny."
model = "tiny"
batch_size = 5
flip = "exact"

[reading.paper.data.gaussians]
distribution = { kind = "gaussians", dimension = 10, mean = 1.0 }
train = 20
validation = 20
test = 40

[protocol.drawn]
epochs = 3
trials = 2
levels = [0.0, 0.65]
optimiser = { kind = "adam", lr = 0.001 }

[protocol.fetched]
epochs = 3
trials = 2
levels = [0.0, 0.65]
optimiser = { kind = "sgd", lr = 0.1, momentum = 0.9 }
batch_size = 5
validation_fraction = 0.2

[setting.gaussians-high]
protocol = "drawn"
table = "table2"
row = ["Two Gaussians", "High"]
dataset = "gaussians"
label_noise = 0.1
observe = { test_every = 1, test_points = 20, gradients_every = 1, weights = true, trials = 1 }
probes = 1

[setting.tiles]
protocol = "fetched"
table = "table3"
row = ["Tiles", "MLP"]
dataset = "tiles"
model = "tiny"

[theorem]
repetitions = 100
sample_sizes = [1, 10]
levels_over_risk = [0.0, 0.5, 1.0]
scenario = [{ kind = "bernoulli", p = 0.3 }, { kind = "exponential", theta = 0.5 }]

[profile.quick]
summary = "Everything there is, and there is little."

[[profile.quick.grid]]
settings = ["*"]
"#;

/// The files of the fetched dataset `tiles`, as a mirror would hold them: 4 x 4 grey images of two classes.
fn tiles() -> [(&'static str, &'static str, Vec<u8>); 4] {
    let label = |i: u32| (i % 2) as u8;
    let images = |n: u32, salt: u32| {
        let mut bytes = vec![0, 0, 8, 3];
        for size in [n, 4, 4] {
            bytes.extend(size.to_be_bytes());
        }
        for i in 0..n * 16 {
            let noise = (i.wrapping_mul(2_654_435_761).wrapping_add(salt) >> 25) as u8;
            bytes.push(noise + 120 * label(i / 16));
        }
        bytes
    };
    let labels = |n: u32| {
        let mut bytes = vec![0, 0, 8, 1];
        bytes.extend(n.to_be_bytes());
        bytes.extend((0..n).map(label));
        bytes
    };
    [
        ("train-images", "train-images", images(30, 1)),
        ("train-labels", "train-labels", labels(30)),
        ("test-images", "test-images", images(20, 2)),
        ("test-labels", "test-labels", labels(20)),
    ]
}

/// `data/datasets.toml` with `tiles` alone.
pub fn manifest() -> String {
    let mut text = r#"
[dataset.tiles]
title = "Tiles"
description = "Dark and bright."
format = "idx"
image = [1, 4, 4]
train = 30
test = 20
classes = ["dark", "bright"]
homepage = "https://example.org/"
licence = "none needed"
citation = "@misc{tiles}"
mirrors = ["https://nowhere.invalid/tiles/"]
"#
    .to_owned();
    for (name, role, bytes) in tiles() {
        let (size, digest) = (bytes.len(), Digest::of(&bytes));
        text += &format!(
            "\n[[dataset.tiles.file]]\nname = \"{name}\"\nrole = \"{role}\"\nbytes = {size}\nsha256 = \"{digest}\"\n"
        );
    }
    text
}

/// Makes the project in `folder`, which must exist and be empty.
pub fn make(folder: &Path) {
    fs::write(folder.join("pipeline.toml"), CONFIGURATION).unwrap();
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/datasets.toml"), manifest()).unwrap();
    let mirror = folder.join("mirror/tiles");
    fs::create_dir_all(&mirror).unwrap();
    for (name, _, bytes) in tiles() {
        fs::write(mirror.join(name), bytes).unwrap();
    }
}

/// The project in a temporary folder.
pub fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    make(folder.path());
    folder
}

/// Its arguments for a whole run.
pub const RUN: [&str; 6] = ["run", "--offline", "--mirror", "mirror", "--jobs", "1"];

/// Every file below `data/` and `reports/` that a finished run leaves, by its path in the project, sorted.
pub fn files(project: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["data", "reports"] {
        walk(&project.join(folder), &mut found);
    }
    let relative = |path: PathBuf| path.strip_prefix(project).unwrap().to_owned();
    let mut found: Vec<PathBuf> = found.into_iter().map(relative).collect();
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}
