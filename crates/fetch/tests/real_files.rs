//! Golden facts about the real files: first pixels, labels, class counts, and which files are whole.

mod support;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use flooding_core::dataset::{Examples, Inputs};
use flooding_core::digest::Digest;
use flooding_fetch::decode::{self, DecodeError, Decoded, Problem, Records};
use flooding_fetch::{LoadError, load};
use support::{manifest, mirrored, real_data, store};

fn counts(labels: &[u16]) -> Vec<u32> {
    let mut counts = BTreeMap::new();
    for label in labels {
        *counts.entry(*label).or_insert(0) += 1;
    }
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), (0..counts.len() as u16).collect::<Vec<_>>());
    counts.into_values().collect()
}

fn pixels(examples: &Examples) -> &[u8] {
    match &examples.inputs {
        Inputs::Bytes(bytes) => bytes,
        Inputs::Real(_) => panic!("images are bytes"),
    }
}

fn open(path: &Path) -> (BufReader<File>, u64) {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    (BufReader::new(file), size)
}

#[test]
fn mnist_has_its_published_labels_and_class_counts() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    let report = flooding_fetch::fetch(&["mnist"], &store, &mirrored(&data), &manifest).unwrap();
    assert_eq!((report.done, report.missing.len()), (1, 0));
    let images = load("mnist", &store, &manifest).unwrap();
    assert_eq!(images.train.labels[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert_eq!(images.test.labels[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    assert_eq!(counts(&images.train.labels), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert_eq!(counts(&images.test.labels), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    assert_eq!(pixels(&images.train).len(), 60_000 * 784);
    // The first training image is the well-known five: its sixth row begins with these numbers.
    assert_eq!(pixels(&images.train)[5 * 28 + 12..5 * 28 + 18], [3, 18, 18, 18, 126, 136]);
}

#[test]
fn cifar10_is_put_together_from_unpacked_members_in_the_order_of_the_batches() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    let report = flooding_fetch::fetch(&["cifar10"], &store, &mirrored(&data), &manifest).unwrap();
    assert_eq!((report.done, report.missing.len()), (1, 0));
    let images = load("cifar10", &store, &manifest).unwrap();
    assert_eq!(counts(&images.train.labels), [5000; 10]);
    assert_eq!(counts(&images.test.labels), [1000; 10]);
    let first_labels: Vec<&str> = images.train.labels[..5].iter().map(|&l| &*images.classes[l as usize]).collect();
    assert_eq!(first_labels, ["frog", "truck", "truck", "deer", "automobile"]);
    assert_eq!(images.test.labels[..5], [3, 8, 8, 0, 6]);
    // Each batch must stand where it belongs: image 10,000 is the second batch's first record.
    let second = std::fs::read(data.join("cifar-10-batches-bin/data_batch_2.bin")).unwrap();
    assert_eq!(images.train.labels[10_000], u16::from(second[0]));
    assert_eq!(pixels(&images.train)[10_000 * 3072..10_001 * 3072], second[1..3073]);
    assert_eq!(pixels(&images.train)[..3], [59, 43, 50]);
}

#[test]
fn kmnist_without_its_training_images_is_unavailable_and_not_broken() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    let report = flooding_fetch::fetch(&["kmnist"], &store, &mirrored(&data), &manifest).unwrap();
    assert_eq!(report.missing.len(), 1);
    assert!(
        report.missing[0].why.contains("train-images-idx3-ubyte.gz could not be fetched"),
        "{}",
        report.missing[0].why
    );
    let Err(LoadError::Unavailable { why, .. }) = load("kmnist", &store, &manifest) else { panic!("not unavailable") };
    assert!(why.contains("train-images-idx3-ubyte.gz"), "{why}");
}

#[test]
fn the_kmnist_test_images_have_a_thousand_of_each_class() {
    let Some(data) = real_data() else { return };
    let (reader, size) = open(&data.join("kmnist/t10k-images-idx3-ubyte.gz"));
    let (shape, pixels) = decode::images(reader, size, "images", Some([10_000, 28, 28])).unwrap();
    let (reader, size) = open(&data.join("kmnist/t10k-labels-idx1-ubyte.gz"));
    let labels = decode::labels(reader, size, "labels", Some(10_000), 10).unwrap();
    assert_eq!((shape, pixels.len()), ([10_000, 28, 28], 7_840_000));
    assert_eq!(counts(&labels), [1000; 10]);
    assert_eq!(labels[..5], [2, 9, 3, 8, 3]);
}

#[test]
fn the_svhn_images_come_out_row_by_row_with_ten_as_zero() {
    let Some(data) = real_data() else { return };
    let (reader, size) = open(&data.join("svhn/train_32x32_first1083.mat"));
    let decoded = decode::svhn(reader, size, "svhn", [3, 32, 32], Some(1083)).unwrap();
    assert_eq!(counts(&decoded.labels), [66, 227, 141, 134, 110, 112, 78, 70, 78, 67]);
    assert_eq!(decoded.labels[..10], [1, 9, 2, 3, 2, 5, 9, 3, 3, 1]);
    // As scipy.io.loadmat gives X[0, 0:4, 0, 0] and X[0, 0:4, 1, 0].
    assert_eq!(decoded.pixels[..4], [33, 15, 15, 42]);
    assert_eq!(decoded.pixels[1024..1028], [30, 23, 17, 44]);
}

#[test]
fn the_truncated_svhn_file_is_refused_with_both_sizes() {
    let Some(data) = real_data() else { return };
    let (reader, size) = open(&data.join("svhn/train_32x32.mat.truncated"));
    let error = decode::svhn(reader, size, "train_32x32.mat", [3, 32, 32], Some(73_257)).unwrap_err();
    let Problem::Truncated { expected, found, .. } = error.problem else { panic!("{error}") };
    assert_eq!(found, 2_686_976 - 136);
    assert!(expected > 181_000_000, "{expected}");
}

#[test]
fn a_thousand_cifar100_images_keep_their_fine_labels() {
    let Some(data) = real_data() else { return };
    let (reader, size) = open(&data.join("cifar-100-binary/test_first1000.bin"));
    let mut decoded = Decoded::zeroed([3, 32, 32], 1000, "test").unwrap();
    let count = decode::cifar(Records::Cifar100, reader, size, "test", &mut decoded, 0).unwrap();
    assert_eq!(count, 1000);
    assert_eq!(decoded.labels[..5], [49, 33, 72, 51, 71]);
}

#[test]
fn cifar10_read_as_cifar100_is_refused_by_its_size() {
    let Some(data) = real_data() else { return };
    let (reader, size) = open(&data.join("cifar-10-batches-bin/test_batch.bin"));
    let mut decoded = Decoded::zeroed([3, 32, 32], 10_000, "test").unwrap();
    let error: DecodeError = decode::cifar(Records::Cifar100, reader, size, "test", &mut decoded, 0).unwrap_err();
    assert!(matches!(error.problem, Problem::Unexpected { .. }), "{error}");
}

#[test]
fn the_real_files_are_the_ones_that_were_published() {
    let Some(data) = real_data() else { return };
    let labels = File::open(data.join("mnist/t10k-labels-idx1-ubyte.gz")).unwrap();
    let published = "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6";
    assert_eq!(Digest::of_reader(labels).unwrap().as_str(), published);
}
