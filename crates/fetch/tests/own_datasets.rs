//! A user's own datasets: digests that tell them apart, files that change, and everything that is not used.

mod support;

use std::path::Path;

use flooding_core::digest::Digest;
use flooding_fetch::manifest::{Entry, Reason};
use flooding_fetch::tools::{SetState, card, check, list};
use flooding_fetch::{LoadError, Manifest, load};
use support::own::{idx, idx_file, manifest, png, write, write_idx, write_pngs};
use support::store;

fn digest(folder: &Path) -> Digest {
    manifest(folder).user_digest("colours").unwrap().clone()
}

fn problem(manifest: &Manifest) -> String {
    let (_folder, store) = store();
    load("colours", &store, manifest).unwrap_err().to_string()
}

#[test]
fn a_folder_of_pngs_by_class_becomes_a_dataset_and_its_digest_follows_its_bytes() {
    let (folder, store) = store();
    write_pngs(folder.path());
    let first = manifest(folder.path());
    let checked = check("colours", &store, &first).unwrap();
    assert_eq!((checked.image, checked.classes.clone()), ([3, 8, 8], vec!["blue".to_owned(), "red".to_owned()]));
    assert_eq!((checked.train, checked.test, checked.left_out), (vec![6, 6], vec![2, 2], vec![]));
    std::fs::copy(folder.path().join("train/red/0.png"), folder.path().join("test/red/9.png")).unwrap();
    let changed = manifest(folder.path());
    assert_ne!(changed.user_digest("colours"), first.user_digest("colours"));
    let checked = check("colours", &store, &changed).unwrap();
    assert!(checked.warnings.iter().any(|w| w.contains("test images are training images too")), "{checked:?}");
}

#[test]
fn an_image_moved_to_another_class_changes_the_digest_whatever_the_names_are() {
    let folder = tempfile::tempdir().unwrap();
    write_pngs(folder.path());
    for class in ["dog", "dog b"] {
        for set in ["train", "test"] {
            write(&folder.path().join(set).join(class).join("0.png"), &png(8, [9, 9, 9]));
        }
    }
    let image = folder.path().join("train/dog/b 1.png");
    write(&image, &png(8, [1, 2, 3]));
    let before = digest(folder.path());
    std::fs::rename(&image, folder.path().join("train/dog b/1.png")).unwrap();
    assert_ne!(digest(folder.path()), before);
}

#[test]
fn class_names_of_an_idx_block_are_distinguished_even_with_line_breaks_in_them() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let digest = |classes: &[&str]| idx(folder.path(), classes).user_digest("colours").unwrap().clone();
    let all =
        [digest(&["a", "b"]), digest(&["a\nclass b"]), digest(&["a", "b", ""]), digest(&["", "a", "b"]), digest(&[])];
    for (i, one) in all.iter().enumerate() {
        assert!(!all[..i].contains(one), "the lists {i} and an earlier one have one digest");
    }
}

#[test]
fn a_file_that_changes_after_it_was_digested_is_not_trained_on() {
    let (folder, store) = store();
    write_pngs(folder.path());
    let manifest = manifest(folder.path());
    manifest.user_digest("colours").unwrap();
    write(&folder.path().join("train/red/3.png"), &png(8, [1, 2, 3]));
    let error = load("colours", &store, &manifest).unwrap_err().to_string();
    assert!(error.contains("train/red/3.png") && error.contains("changed while it was in use"), "{error}");
    assert!(error.contains("run the same command again"), "{error}");
}

#[test]
fn an_idx_file_that_changes_after_it_was_digested_is_not_trained_on() {
    let (folder, store) = store();
    write_idx(folder.path());
    let manifest = idx(folder.path(), &[]);
    assert_eq!(load("colours", &store, &manifest).unwrap().train.labels, [0, 1, 0, 1]);
    write(&folder.path().join("train_labels"), &idx_file(&[4], &[1, 1, 0, 0]));
    let error = load("colours", &store, &manifest).unwrap_err().to_string();
    assert!(error.contains("train_labels") && error.contains("changed while it was in use"), "{error}");
}

#[test]
fn images_that_are_added_after_the_digest_are_not_used() {
    let (folder, store) = store();
    write_pngs(folder.path());
    let manifest = manifest(folder.path());
    manifest.user_digest("colours").unwrap();
    write(&folder.path().join("train/red/99.png"), &png(8, [1, 2, 3]));
    assert_eq!(load("colours", &store, &manifest).unwrap().train.len(), 12);
}

#[cfg(unix)]
#[test]
fn whatever_is_not_used_is_counted_and_named_by_reason() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    let (folder, store) = store();
    write_pngs(folder.path());
    let image = png(8, [1, 2, 3]);
    let train = folder.path().join("train");
    let latin1 = train.join(OsStr::from_bytes(b"caf\xe9"));
    for path in
        ["red/a.jpg", "red/b.JPEG", "red/c.bmp", "red/d.webp", "outside.png", "red/deep/e.png", "red/deep/er/f.png"]
    {
        write(&train.join(path), &image);
    }
    for path in ["red/notes.txt", "README.md", "red/.g.png", "__MACOSX/red/._0.png", ".git/config"] {
        write(&train.join(path), &image);
    }
    for i in 0..5 {
        write(&latin1.join(format!("{i}.png")), &image);
    }
    write(&train.join("red").join(OsStr::from_bytes(b"\xff.png")), &image);
    symlink("nowhere", train.join("red/h.png")).unwrap();
    symlink("nowhere", train.join("green")).unwrap();
    std::fs::create_dir(train.join("red/folder.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(train.join("red/pipe.png")).status().unwrap().success());

    let checked = check("colours", &store, &manifest(folder.path())).unwrap();
    assert_eq!((checked.train, checked.classes.len()), (vec![6, 6], 2));
    let found: Vec<(Reason, u64, u64)> = checked.left_out.iter().map(|l| (l.reason, l.count, l.files_within)).collect();
    assert_eq!(
        found,
        [
            (Reason::OtherFormat, 4, 0),
            (Reason::NameNotUtf8, 2, 5),
            (Reason::DanglingLink, 2, 0),
            (Reason::NestedFolder, 2, 2),
            (Reason::NotAFile, 1, 0),
            (Reason::BesideTheClasses, 1, 0),
            (Reason::Hidden, 2, 1),
            (Reason::MacOsx, 1, 1),
            (Reason::NotAnImage, 2, 0),
        ]
    );
    let said: Vec<String> = checked.left_out.iter().map(ToString::to_string).collect();
    let formats = said[0].replace(&train.display().to_string(), "");
    let expected =
        "not used: 4 of another image format: /red/a.jpg, /red/b.JPEG, /red/c.bmp and 1 more (convert to PNG)";
    assert_eq!(formats, expected);
    assert!(said[1].contains("(5 files in it)") && said[1].contains("UTF-8"), "{}", said[1]);
}

#[test]
fn a_link_to_an_image_or_to_a_class_folder_is_used() {
    let (folder, store) = store();
    write_pngs(folder.path());
    std::fs::rename(folder.path().join("train/red"), folder.path().join("elsewhere")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), folder.path().join("train/red")).unwrap();
    #[cfg(unix)]
    assert_eq!(check("colours", &store, &manifest(folder.path())).unwrap().train, [6, 6]);
}

#[test]
fn datasets_that_cannot_be_read_are_found_when_they_are_needed_and_not_before() {
    let (folder, store) = store();
    let manifest = manifest(folder.path());
    assert!(manifest.user_digest("colours").is_none());
    let LoadError::Own(problem) = load("colours", &store, &manifest).unwrap_err() else {
        panic!("not a problem of ours")
    };
    let text = problem.to_string();
    assert!(text.contains("[dataset.colours] train = ") && text.contains("check the path"), "{text}");
    assert!(card("mnist", &store, &manifest).is_ok());
    assert_eq!(list(&store, &manifest).last().unwrap().state, SetState::Own);
    assert!(matches!(manifest.get("colours"), Some(Entry::User(_))));
}

#[test]
fn classes_that_make_no_dataset_are_refused_with_their_folder_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    write_pngs(folder.path());
    std::fs::create_dir(folder.path().join("train/green")).unwrap();
    let text = problem(&manifest(folder.path()));
    assert!(text.contains("train/green") && text.contains("no PNG file"), "{text}");
    std::fs::remove_dir(folder.path().join("train/green")).unwrap();
    std::fs::rename(folder.path().join("test/red"), folder.path().join("test/green")).unwrap();
    let text = problem(&manifest(folder.path()));
    assert!(text.contains("only in train: red;") && text.contains("only in test: green;"), "{text}");
    std::fs::remove_dir_all(folder.path().join("test/green")).unwrap();
    let text = problem(&manifest(folder.path()));
    assert!(text.contains("test = ") && text.contains("add a folder per class"), "{text}");
}

#[test]
fn class_names_that_differ_in_their_normal_form_alone_are_distinguished_by_code_points() {
    let folder = tempfile::tempdir().unwrap();
    write_pngs(folder.path());
    for (set, name) in [("train", "caf\u{e9}"), ("test", "cafe\u{301}")] {
        std::fs::rename(folder.path().join(set).join("red"), folder.path().join(set).join(name)).unwrap();
    }
    let text = problem(&manifest(folder.path()));
    assert!(text.contains("(U+00E9)") && text.contains("(U+0301)") && text.contains("normal forms"), "{text}");
}

#[test]
fn an_image_of_another_size_is_refused_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    write_pngs(folder.path());
    write(&folder.path().join("train/red/7.png"), &png(9, [0, 0, 0]));
    let text = problem(&manifest(folder.path()));
    assert!(text.contains("train/red/7.png") && text.contains("expected 8 x 8 pixels"), "{text}");
}

#[test]
fn a_class_that_is_named_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    let text = problem(&idx(folder.path(), &["a", "a"]));
    assert!(text.contains("`a` is named twice"), "{text}");
}

#[test]
fn images_without_a_row_or_a_column_are_refused_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    write_idx(folder.path());
    for (dimensions, what) in [([4, 0, 2], "row"), ([4, 2, 0], "column"), ([4, 0, 0], "row")] {
        write(&folder.path().join("train_images"), &idx_file(&dimensions, &[]));
        let text = problem(&idx(folder.path(), &[]));
        assert!(text.contains("train_images") && text.contains(&format!("at least one {what}, found 0")), "{text}");
    }
    write(&folder.path().join("train_images"), &idx_file(&[0, 2, 2], &[]));
    write(&folder.path().join("train_labels"), &idx_file(&[0], &[]));
    let text = problem(&idx(folder.path(), &[]));
    assert!(text.contains("an image to train"), "{text}");
}
