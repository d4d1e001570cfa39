//! The tools over the real data and over a small set that the test makes itself.

mod support;

use std::io::Cursor;

use flooding_core::dataset::Inputs;
use flooding_fetch::manifest::Entry;
use flooding_fetch::state::FileState;
use flooding_fetch::tools::export::{ExportFormat, export};
use flooding_fetch::tools::{
    Choice, SetState, SheetError, card, list, prune, sheet, verify, verify_folder, verify_own,
};
use flooding_fetch::{Images, LoadError, Manifest, decode, load};
use support::own::{manifest as own, write_pngs};
use support::{manifest, mirrored, real_data, store};

fn published<'a>(manifest: &'a Manifest, name: &str) -> &'a flooding_fetch::manifest::Dataset {
    match manifest.get(name) {
        Some(Entry::Published(dataset)) => dataset,
        _ => panic!("{name} is published"),
    }
}

#[test]
fn a_mirror_folder_is_verified_file_by_file_and_the_broken_off_download_is_named() {
    let Some(data) = real_data() else { return };
    let manifest = manifest();
    let states = |name| -> Vec<FileState> {
        verify_folder(&data, published(&manifest, name)).files.into_iter().map(|file| file.state).collect()
    };
    let whole = FileState::Whole { unpacked: false };
    assert_eq!(states("mnist"), vec![whole.clone(); 4]);
    assert_eq!(states("cifar10"), [FileState::Whole { unpacked: true }]);
    assert_eq!(states("kmnist"), [FileState::Missing, whole.clone(), whole.clone(), whole]);
    assert_eq!(states("cifar100"), [FileState::Missing]);
    let svhn = states("svhn");
    let FileState::Damaged { why } = &svhn[0] else { panic!("{svhn:?}") };
    assert!(why.ends_with("train_32x32.mat.truncated: truncated: 2,686,976 of 182,040,794 bytes"), "{why}");
    assert_eq!(svhn[1], FileState::Missing);
}

#[test]
fn verify_reads_everything_again_and_finds_one_changed_byte_that_list_cannot_see() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    flooding_fetch::fetch(&["mnist"], &store, &mirrored(&data), &manifest).unwrap();
    assert!(verify(&store, published(&manifest, "mnist")).unwrap().is_whole());
    let path = store.layout().raw("mnist").join("t10k-labels-idx1-ubyte.gz");
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[2000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(list(&store, &manifest)[0].state, SetState::Whole);
    let verification = verify(&store, published(&manifest, "mnist")).unwrap();
    assert!(matches!(&verification.files[3].state, FileState::Damaged { why } if why.contains("SHA-256")));
    assert!(matches!(list(&store, &manifest)[0].state, SetState::Damaged { .. }));
    assert!(matches!(load("mnist", &store, &manifest), Err(LoadError::Damaged { .. })));
    let pruned = prune(&store, &manifest, false).unwrap();
    assert_eq!(pruned.iter().map(|p| &p.path).collect::<Vec<_>>(), [&path]);
    assert_eq!(list(&store, &manifest)[0].state, SetState::Partial { whole: 3, files: 4 });
}

#[test]
fn prune_removes_parts_and_strangers_and_keeps_what_is_whole() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    flooding_fetch::fetch(&["mnist"], &store, &mirrored(&data), &manifest).unwrap();
    let raw = store.layout().raw("mnist");
    for name in [".t10k-labels-idx1-ubyte.gz.partial.tmp", "notes.txt"] {
        std::fs::write(raw.join(name), "x").unwrap();
    }
    assert_eq!(prune(&store, &manifest, true).unwrap().len(), 2);
    assert!(raw.join("notes.txt").exists(), "a dry run removes nothing");
    assert_eq!(prune(&store, &manifest, false).unwrap().len(), 2);
    assert_eq!(prune(&store, &manifest, false).unwrap(), []);
    assert!(verify(&store, published(&manifest, "mnist")).unwrap().is_whole());
}

#[test]
fn a_card_counts_the_classes_when_the_files_are_here_and_says_so_when_not() {
    let Some(data) = real_data() else { return };
    let (_folder, store) = store();
    let manifest = manifest();
    let before = card("mnist", &store, &manifest).unwrap();
    assert!(before.markdown.contains("counted once the files are here"));
    flooding_fetch::fetch(&["mnist"], &store, &mirrored(&data), &manifest).unwrap();
    let card = card("mnist", &store, &manifest).unwrap();
    assert!(card.markdown.contains("| 1 | 1 | 6,742 | 1,135 |"), "{}", card.markdown);
    assert!(card.markdown.contains("CC BY-SA 3.0"));
    let croissant: serde_json::Value = serde_json::from_str(&card.croissant).unwrap();
    assert_eq!(croissant["conformsTo"], "http://mlcommons.org/croissant/1.1");
    assert_eq!(croissant["distribution"][0]["contentSize"], "9912422 B");
    assert_eq!(croissant["recordSet"][1]["data"][1]["classes/train"], 6742);
}

fn colours() -> (tempfile::TempDir, Images) {
    let (folder, store) = store();
    write_pngs(folder.path());
    let images = load("colours", &store, &own(folder.path())).unwrap();
    (folder, images)
}

#[test]
fn a_sheet_is_a_png_with_room_for_images_and_labels() {
    let (_folder, images) = colours();
    let drawn = sheet(&images, &Choice { count: 4, class: Some("red".into()), test: false }).unwrap();
    assert_eq!(drawn.legend, "");
    let ([channels, height, width], pixels) = decode::png(Cursor::new(drawn.png), "sheet").unwrap();
    assert_eq!((channels, width > 64 * 2, height > 64), (3, true, true));
    // The first image's first dot, inside the gap of four, is red.
    let at = |c: u32| pixels[(c * height * width + 5 * width + 5) as usize];
    assert_eq!((at(0), at(1), at(2)), (205, 0, 0));
    let error = sheet(&images, &Choice { count: 4, class: Some("green".into()), test: false }).unwrap_err();
    assert!(matches!(error, SheetError::Class { known, .. } if known == "blue, red"));
}

#[test]
fn an_export_as_png_reads_back_as_the_same_data_set() {
    let (folder, images) = colours();
    let out = folder.path().join("out");
    export(&images, ExportFormat::Png, &out, &[]).unwrap();
    let (_other, store) = store();
    let again = load("colours", &store, &own(&out)).unwrap();
    assert_eq!(again.train, images.train);
    assert_eq!(again.test, images.test);
}

#[test]
fn an_npz_holds_the_pixels_and_labels_where_its_directory_says() {
    let (folder, images) = colours();
    let path = &export(&images, ExportFormat::Npz, &folder.path().join("npz"), &[]).unwrap()[0];
    let bytes = std::fs::read(path).unwrap();
    let Inputs::Bytes(pixels) = &images.train.inputs else { panic!("bytes") };
    let at = bytes.windows(pixels.len()).position(|window| window == pixels).unwrap();
    let head = String::from_utf8_lossy(&bytes[at - 128..at]).into_owned();
    assert!(head.contains("'shape': (12, 3, 8, 8)"), "{head}");
    assert_eq!(bytes.windows(4).filter(|w| w == b"PK\x01\x02").count(), 4);
}

#[test]
fn a_parquet_file_has_a_row_an_image() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    let (folder, images) = colours();
    let paths = export(&images, ExportFormat::Parquet, &folder.path().join("parquet"), &[]).unwrap();
    let reader = SerializedFileReader::new(std::fs::File::open(&paths[0]).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 12);
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap().to_string();
    assert!(row.contains("label: 0") && row.contains("class: \"blue\""), "{row}");
}

#[test]
fn an_export_into_a_folder_that_holds_something_is_refused_and_changes_nothing() {
    let (folder, images) = colours();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("precious.txt"), "precious").unwrap();
    for format in [ExportFormat::Png, ExportFormat::Npz, ExportFormat::Parquet] {
        let error = export(&images, format, &out, &[]).unwrap_err().to_string();
        assert!(error.contains("is not empty") && error.contains("name a new folder"), "{error}");
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 1);
    std::fs::remove_file(out.join("precious.txt")).unwrap();
    export(&images, ExportFormat::Png, &out, &[]).unwrap();
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 2);
}

#[test]
fn an_export_into_the_datasets_own_folders_is_refused() {
    let (folder, images) = colours();
    let sources = ["train", "test"].map(|side| folder.path().join(side));
    for inside in ["train/export", "test/red/export"] {
        let error = export(&images, ExportFormat::Png, &folder.path().join(inside), &sources).unwrap_err().to_string();
        assert!(error.contains("part of this dataset"), "{error}");
        assert!(!folder.path().join(inside).exists());
    }
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let (folder, mut images) = colours();
    let before = std::fs::read_dir(folder.path()).unwrap().count();
    let out = folder.path().join("out");
    images.classes = vec!["same".to_owned(); 2];
    let error = export(&images, ExportFormat::Png, &out, &[]).unwrap_err().to_string();
    assert!(error.contains("would have one folder"), "{error}");
    images.classes[1] = "a/b".to_owned();
    assert!(export(&images, ExportFormat::Png, &out, &[]).is_err());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), before, "nothing of it is left");
}

#[test]
fn classes_that_the_sheet_cannot_spell_are_numbered_and_explained() {
    let (_folder, mut images) = colours();
    images.classes = vec!["猫".to_owned(), "犬\u{1b}[2J".to_owned()];
    let drawn = sheet(&images, &Choice { count: 12, class: None, test: false }).unwrap();
    assert_eq!(drawn.legend, "  #0 is 猫\n  #1 is 犬\\u{1b}[2J\n");
    images.classes = vec!["a long name, the first".to_owned(), "a long name, the second".to_owned()];
    let drawn = sheet(&images, &Choice { count: 12, class: None, test: false }).unwrap();
    assert!(drawn.legend.starts_with("  #0 is a long name, the first\n"), "{}", drawn.legend);
}

#[test]
fn a_users_own_files_are_verified_by_reading_them() {
    let (folder, images) = colours();
    let manifest = own(folder.path());
    let Some(Entry::User(files)) = manifest.get(&images.name) else { panic!("the user's own") };
    let verification = verify_own(files);
    assert!(verification.is_whole());
    let text = verification.own.unwrap().to_string();
    assert!(text.contains("16 files") && text.contains(manifest.user_digest("colours").unwrap().as_str()), "{text}");
    std::fs::remove_dir_all(folder.path().join("test")).unwrap();
    let manifest = own(folder.path());
    let Some(Entry::User(files)) = manifest.get(&images.name) else { panic!("the user's own") };
    assert!(!verify_own(files).is_whole());
}
