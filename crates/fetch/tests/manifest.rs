//! The manifest: complete, strict, and clear about what is wrong with it.

#[path = "../../core/tests/support/hostile.rs"]
mod hostile;
mod support;

use std::path::Path;

use flooding_fetch::Manifest;

fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/datasets.toml");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_five_datasets_are_there_with_a_digest_each() {
    let catalogue = support::manifest().catalogue();
    assert_eq!(catalogue.keys().collect::<Vec<_>>(), ["cifar10", "cifar100", "kmnist", "mnist", "svhn"]);
    let digests: std::collections::BTreeSet<_> = catalogue.values().collect();
    assert_eq!(digests.len(), 5);
}

#[test]
fn every_senseless_value_names_file_line_key_and_remedy() {
    for (from, to, key) in [
        ("name = \"t10k-images-idx3-ubyte.gz\"", "name = \"../escape.gz\"", "file.2.name"),
        ("cifar-10-batches-bin/data_batch_2.bin", "cifar-10-batches-bin/../../x.bin", "member.1.name"),
        ("image = [1, 28, 28]", "image = [2, 28, 28]", "image"),
        ("train = 60000", "train = 0", "train"),
        ("https://www.cs.toronto.edu/~kriz/\",", "ftp://www.cs.toronto.edu/~kriz/\",", "mirrors"),
        ("role = \"train-labels\"", "role = \"train-images\"", "format"),
        ("bytes = 9_912_422", "bytes = 0", "bytes"),
    ] {
        let changed = text().replacen(from, to, 1);
        assert_ne!(changed, text(), "{from}");
        let error = Manifest::parse(&changed, Path::new("datasets.toml")).unwrap_err().to_string();
        assert!(error.starts_with("datasets.toml:") && error.contains(key), "{error}");
    }
}

#[test]
fn unknown_keys_and_bad_digests_are_refused_with_their_line() {
    for (from, to) in [("licence = ", "license = "), ("sha256 = \"440fca", "sha256 = \"xyz")] {
        let error = Manifest::parse(&text().replacen(from, to, 1), Path::new("datasets.toml")).unwrap_err().to_string();
        assert!(error.contains("line "), "{error}");
    }
}

#[test]
fn nothing_in_the_place_of_a_number_or_a_text_makes_the_reader_panic_or_leads_out_of_the_folder() {
    let text = text();
    let numbers = hostile::numbers(&text).into_iter().flat_map(|place| hostile::NUMBERS.map(|by| (place.clone(), by)));
    let texts = hostile::texts(&text).into_iter().flat_map(|place| hostile::TEXTS.map(|by| (place.clone(), by)));
    // A prime stride: all kinds of places, and all that may stand there.
    for (place, by) in numbers.chain(texts).step_by(7) {
        match Manifest::parse(&hostile::replaced(&text, &place, by), Path::new("datasets.toml")) {
            Ok(manifest) => assert!(manifest.names().all(|name| !name.contains(['/', '.']))),
            Err(error) => {
                let message = error.to_string();
                assert!(message.starts_with("datasets.toml:") && message.len() < 4000, "{message}");
                assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message:?}");
            }
        }
    }
}
