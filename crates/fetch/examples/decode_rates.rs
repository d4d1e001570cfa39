//! Decode and verify rates over a folder of originals, one line of JSON each: `decode_rates FOLDER`.
#![allow(clippy::print_stdout, reason = "a benchmark's result is its output")]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use flooding_core::digest::Digest;
use flooding_fetch::decode::{self, Decoded, Records};

fn main() {
    let folder = std::env::args().nth(1).expect("usage: decode_rates FOLDER");
    let folder = Path::new(&folder);
    let open = |name: &str| {
        let file = File::open(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let size = file.metadata().expect("an open file has a size").len();
        (BufReader::with_capacity(1 << 17, file), size)
    };
    best("mnist-train-images", || {
        let (reader, size) = open("mnist/train-images-idx3-ubyte.gz");
        decode::images(reader, size, "mnist", Some([60_000, 28, 28])).expect("whole").1.len()
    });
    best("cifar10-60000", || {
        let mut decoded = Decoded::zeroed([3, 32, 32], 60_000, "cifar10").expect("memory");
        let mut first = 0;
        for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
            let (reader, size) = open(&format!("cifar-10-batches-bin/{name}.bin"));
            first += decode::cifar(Records::Cifar10, reader, size, name, &mut decoded, first).expect("whole");
        }
        decoded.pixels.len()
    });
    best("svhn-1083", || {
        let (reader, size) = open("svhn/train_32x32_first1083.mat");
        decode::svhn(reader, size, "svhn", [3, 32, 32], Some(1083)).expect("whole").pixels.len()
    });
    best("sha256-cifar10-batch-1", || {
        let (reader, size) = open("cifar-10-batches-bin/data_batch_1.bin");
        Digest::of_reader(reader.into_inner()).expect("readable");
        size as usize
    });
}

/// The best of five: other work on the machine only ever adds time.
fn best(what: &str, mut work: impl FnMut() -> usize) {
    let mut seconds = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..5 {
        let started = Instant::now();
        bytes = work();
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    println!(
        "{{\"what\": \"{what}\", \"seconds\": {seconds:.4}, \"bytes\": {bytes}, \"mb_per_s\": {:.0}}}",
        bytes as f64 / seconds / 1e6
    );
}
