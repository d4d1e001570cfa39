//! Bytes that are not what they should be: every decoder says where and what, and none panics.

mod support;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use flooding_fetch::decode::{self, DecodeError, Decoded, Problem, Records, Wanted};
use proptest::prelude::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(bytes);
    file
}

fn images(file: &[u8]) -> Result<([u32; 3], Vec<u8>), DecodeError> {
    decode::images(file, file.len() as u64, "file", None)
}

#[test]
fn a_lying_header_is_refused_before_memory_is_taken() {
    for file in [idx(&[u32::MAX, u32::MAX, u32::MAX], &[1, 2]), gzip(&idx(&[4_000_000, 1000, 1000], &[1, 2]))] {
        let error = images(&file).unwrap_err();
        assert!(matches!(error.problem, Problem::TooLarge { .. }), "{error}");
        assert_eq!(error.offset, 4);
    }
}

#[test]
fn a_gzip_bomb_is_read_no_further_than_its_header_says() {
    let mut bomb = idx(&[1, 2, 2], &[1, 2, 3, 4]);
    bomb.resize(64 << 20, 0);
    let error = images(&gzip(&bomb)).unwrap_err();
    assert!(matches!(error.problem, Problem::Trailing), "{error}");
    assert_eq!((error.offset, error.decompressed), (20, true));
}

#[test]
fn short_data_trailing_bytes_and_a_wrong_magic_are_distinguished() {
    let error = images(&gzip(&idx(&[2, 2, 2], &[0; 7]))).unwrap_err();
    assert!(matches!(error.problem, Problem::Truncated { expected: 8, found: 7, .. }), "{error}");
    let mut file = gzip(&idx(&[1, 1, 1], &[7]));
    file.push(7);
    assert!(matches!(images(&file).unwrap_err().problem, Problem::Trailing));
    let error = images(&idx(&[1], &[7])).unwrap_err().to_string();
    assert_eq!(
        error,
        "file: at byte 0: expected the magic number 0x00000803 (bytes in 3 dimensions: images), found 0x00000801 (bytes in \
         1 dimension: labels)"
    );
}

#[test]
fn all_members_of_a_gzip_file_are_read_and_zeros_after_the_last_one_are_passed_over() {
    let whole = idx(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
    let cut_anywhere = (1..whole.len()).map(|at| [gzip(&whole[..at]), gzip(&whole[at..])].concat());
    let with_an_empty_member = [gzip(b""), gzip(&whole), gzip(b"")].concat();
    for mut file in cut_anywhere.chain([with_an_empty_member]) {
        assert_eq!(images(&file).unwrap().1, [1, 2, 3, 4, 5, 6, 7, 8]);
        file.resize(file.len().next_multiple_of(512) + 512, 0);
        assert_eq!(images(&file).unwrap().1, [1, 2, 3, 4, 5, 6, 7, 8]);
        file.push(b'x');
        assert!(matches!(images(&file).unwrap_err().problem, Problem::Trailing));
    }
    let mut damaged = [gzip(&whole[..9]), gzip(&whole[9..])].concat();
    let last = damaged.len() - 5;
    damaged[last] ^= 1;
    assert!(matches!(images(&damaged).unwrap_err().problem, Problem::Unreadable(_)), "a checksum does not match");
}

#[test]
fn an_archive_of_several_gzip_members_is_read_to_its_end() {
    let mut builder = tar::Builder::new(Vec::new());
    entry(&mut builder, "toy/other", tar::EntryType::Regular, &[0; 600]);
    entry(&mut builder, "toy/a.bin", tar::EntryType::Regular, b"abc");
    let plain = builder.into_inner().unwrap();
    let archive: Vec<u8> = plain.chunks(700).flat_map(gzip).collect();
    assert_eq!(read(&archive).unwrap(), b"abc");
}

#[test]
fn what_is_something_else_is_named_and_not_reported_in_hexadecimal() {
    let lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".as_slice();
    let page = b"\n<!DOCTYPE HTML><html><title>Sign in</title>".as_slice();
    for (bytes, name) in [
        (b"\xfd7zXZ\0 and more".as_slice(), "an xz file"),
        (b"PK\x03\x04 and more", "a zip archive"),
        (b"\xff\xd8\xff\xe0 and more", "a JPEG image"),
        (lfs, "a Git LFS pointer"),
        (page, "a web page"),
        (b"import numpy as np\n".repeat(20).as_slice(), "a text file"),
        ([0; 300].as_slice(), "nothing but zeros"),
    ] {
        let errors = [
            images(bytes).unwrap_err(),
            images(&gzip(bytes)).unwrap_err(),
            svhn(bytes).unwrap_err(),
            read(bytes).unwrap_err(),
            decode::png(std::io::Cursor::new(bytes), "file").unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().contains(name), "{name}: {error}");
        }
    }
    let error = images(b"").unwrap_err().to_string();
    assert!(error.contains("found 0: it is truncated"), "{error}");
    let error = decode::png(std::io::Cursor::new(b""), "file").unwrap_err().to_string();
    assert!(error.contains("found an empty file"), "{error}");
}

/// The chunks of a PNG file: type and data.
fn chunks(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rest = &file[8..];
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        chunks.push((rest[4..8].to_vec(), rest[8..8 + length].to_vec()));
        rest = &rest[12 + length..];
    }
    chunks
}

/// A PNG file of these chunks, their checksums right.
fn png_of(chunks: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in chunks {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(kind);
        file.extend(data);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

fn read_png(file: &[u8]) -> Result<([u32; 3], Vec<u8>), DecodeError> {
    decode::png(std::io::Cursor::new(file), "file")
}

#[test]
fn a_png_with_a_transparent_colour_or_several_frames_is_refused() {
    let whole = support::own::png(4, [10, 20, 30]);
    assert_eq!(read_png(&whole).unwrap().0, [3, 4, 4]);
    assert_eq!(png_of(&chunks(&whole)), whole);
    let mut transparent = chunks(&whole);
    transparent.insert(1, (b"tRNS".to_vec(), vec![0, 10, 0, 20, 0, 30]));
    let error = read_png(&png_of(&transparent)).unwrap_err().to_string();
    assert!(error.contains("without transparency") && error.contains("a transparent colour"), "{error}");
    let mut animated = chunks(&whole);
    animated.insert(1, (b"acTL".to_vec(), vec![0, 0, 0, 2, 0, 0, 0, 0]));
    let error = read_png(&png_of(&animated)).unwrap_err().to_string();
    assert!(error.contains("an animation of 2 frames"), "{error}");
}

#[test]
fn every_checksum_of_a_png_is_compared_and_its_end_must_be_there() {
    let whole = support::own::png(4, [10, 20, 30]);
    let mut wrong = chunks(&whole);
    let data = wrong.iter_mut().find(|(kind, _)| kind == b"IDAT").unwrap();
    *data.1.last_mut().unwrap() ^= 1;
    assert!(read_png(&png_of(&wrong)).is_err(), "the last byte of the compressed data is the Adler checksum's");
    assert!(read_png(&whole[..whole.len() - 12]).is_err(), "the end is missing");
    for at in 8..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        assert!(read_png(&changed).is_err(), "byte {at}");
    }
}

#[test]
fn a_wrong_adler_checksum_of_a_mat_file_is_refused() {
    let labels = array(b'y', 9, &[2, 1], 2, &[1, 2]);
    let mut file = mat(&[pixels(), labels]);
    *file.last_mut().unwrap() ^= 1;
    assert!(matches!(svhn(&file).unwrap_err().problem, Problem::Unreadable(_)));
}

#[test]
fn another_count_than_published_is_refused() {
    let file = idx(&[2, 1, 1], &[1, 2]);
    let error = decode::images(&file[..], file.len() as u64, "file", Some([3, 1, 1])).unwrap_err();
    assert_eq!(error.to_string(), "file: at byte 4: expected 3 images or labels, found 2");
}

#[test]
fn a_label_out_of_range_names_its_image() {
    let file = gzip(&idx(&[3], &[0, 9, 10]));
    let error = decode::labels(&file[..], file.len() as u64, "file", None, 10).unwrap_err();
    assert!(matches!(error.problem, Problem::Label { highest: 9, found: 10, index: 2, .. }), "{error}");
    let mut record = vec![10_u8];
    record.resize(3073, 0);
    let mut decoded = Decoded::zeroed([3, 32, 32], 1, "file").unwrap();
    let error = decode::cifar(Records::Cifar10, &record[..], 3073, "file", &mut decoded, 0).unwrap_err();
    assert!(matches!(error.problem, Problem::Label { found: 10, index: 0, .. }), "{error}");
}

#[test]
fn a_short_record_is_refused_by_its_size() {
    let mut decoded = Decoded::zeroed([3, 32, 32], 2, "file").unwrap();
    let error = decode::cifar(Records::Cifar10, &[0; 3074][..], 3074, "file", &mut decoded, 0).unwrap_err();
    assert_eq!(error.offset, 3073);
}

fn tar(build: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    build(&mut builder);
    gzip(&builder.into_inner().unwrap())
}

/// An entry under any name whatever: the library refuses to write bad ones, so the name is put in by hand.
fn entry(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, bytes: &[u8]) {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(bytes.len() as u64);
    if kind == tar::EntryType::Symlink {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    builder.append(&header, bytes).unwrap();
}

fn read(archive: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut read = Vec::new();
    decode::members(archive, "toy.tar.gz", &[Wanted { name: "toy/a.bin", bytes: 3 }], |_, reader| {
        reader.read_to_end(&mut read).unwrap();
        Ok::<(), DecodeError>(())
    })?;
    Ok(read)
}

#[test]
fn absolute_parent_and_link_members_are_passed_over() {
    let archive = tar(|b| {
        entry(b, "/etc/toy/a.bin", tar::EntryType::Regular, b"bad");
        entry(b, "../toy/a.bin", tar::EntryType::Regular, b"bad");
        entry(b, "toy/link", tar::EntryType::Symlink, b"");
        entry(b, "toy/a.bin", tar::EntryType::Regular, b"abc");
    });
    assert_eq!(read(&archive).unwrap(), b"abc");
}

#[test]
fn a_link_in_the_place_of_a_member_is_refused() {
    let archive = tar(|b| entry(b, "toy/a.bin", tar::EntryType::Symlink, b""));
    let error = read(&archive).unwrap_err().to_string();
    assert!(error.contains("expected a regular file toy/a.bin, found Symlink"), "{error}");
}

#[test]
fn a_member_that_is_there_twice_or_not_at_all_or_of_another_size_is_refused() {
    let twice = tar(|b| (0..2).for_each(|_| entry(b, "toy/a.bin", tar::EntryType::Regular, b"abc")));
    assert!(matches!(read(&twice).unwrap_err().problem, Problem::Duplicate(_)));
    let never = tar(|b| entry(b, "toy/b.bin", tar::EntryType::Regular, b"abc"));
    assert!(matches!(read(&never).unwrap_err().problem, Problem::Missing(_)));
    let longer = tar(|b| entry(b, "toy/a.bin", tar::EntryType::Regular, b"abcd"));
    assert!(matches!(read(&longer).unwrap_err().problem, Problem::Unexpected { .. }));
}

#[test]
fn an_archive_that_decompresses_to_far_more_than_is_wanted_is_given_up() {
    let archive = tar(|b| {
        entry(b, "toy/bomb", tar::EntryType::Regular, &vec![0; 64 << 20]);
        entry(b, "toy/a.bin", tar::EntryType::Regular, b"abc");
    });
    assert!(read(&archive).is_err());
}

fn part(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.resize(out.len().next_multiple_of(8), 0);
    out
}

fn array(name: u8, class: u8, dimensions: &[u32], kind: u32, data: &[u8]) -> Vec<u8> {
    let mut body = part(6, &[class, 0, 0, 0, 0, 0, 0, 0]);
    body.extend(part(5, &dimensions.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>()));
    body.extend([1, 0, 1, 0, name, 0, 0, 0]);
    body.extend(part(kind, data));
    part(14, &body)
}

fn mat(arrays: &[Vec<u8>]) -> Vec<u8> {
    let mut file = vec![b' '; 124];
    file.extend([0, 1, b'I', b'M']);
    for array in arrays {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(array).unwrap();
        let compressed = encoder.finish().unwrap();
        file.extend(15_u32.to_le_bytes());
        file.extend((compressed.len() as u32).to_le_bytes());
        file.extend(compressed);
    }
    file
}

fn svhn(file: &[u8]) -> Result<Decoded, DecodeError> {
    decode::svhn(file, file.len() as u64, "file", [3, 2, 2], None)
}

fn pixels() -> Vec<u8> {
    array(b'X', 9, &[2, 2, 3, 2], 2, &(0..24).collect::<Vec<u8>>())
}

#[test]
fn columns_become_rows_and_ten_becomes_zero_in_bytes_and_in_doubles() {
    let doubles: Vec<u8> = [10.0_f64, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    for labels in [array(b'y', 6, &[2, 1], 2, &[10, 3]), array(b'y', 6, &[2, 1], 9, &doubles)] {
        let decoded = svhn(&mat(&[pixels(), labels])).unwrap();
        assert_eq!(decoded.labels, [0, 3]);
        assert_eq!(decoded.pixels[..8], [0, 2, 1, 3, 4, 6, 5, 7]);
    }
}

#[test]
fn a_mat_file_without_y_or_with_two_of_it_or_of_another_length_is_refused() {
    let labels = |n: u32| array(b'y', 9, &[n, 1], 2, &vec![1; n as usize]);
    assert!(matches!(svhn(&mat(&[pixels()])).unwrap_err().problem, Problem::Missing(_)));
    assert!(matches!(svhn(&mat(&[pixels(), labels(2), labels(2)])).unwrap_err().problem, Problem::Duplicate(_)));
    assert!(matches!(svhn(&mat(&[pixels(), labels(3)])).unwrap_err().problem, Problem::Unexpected { .. }));
    let out_of_range = array(b'y', 9, &[2, 1], 2, &[1, 11]);
    assert!(matches!(svhn(&mat(&[pixels(), out_of_range])).unwrap_err().problem, Problem::Label { index: 1, .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn idx_images_come_back_as_they_were_written(n in 0_u32..5, h in 1_u32..6, w in 1_u32..6, seed: u8, zip: bool) {
        let bytes: Vec<u8> = (0..n * h * w).map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed)).collect();
        let plain = idx(&[n, h, w], &bytes);
        let file = if zip { gzip(&plain) } else { plain };
        prop_assert_eq!(images(&file).unwrap(), ([n, h, w], bytes));
    }

    #[test]
    fn every_cut_of_a_file_is_an_error_and_no_panic(cut in 0.0_f64..1.0) {
        let labels = array(b'y', 6, &[2, 1], 2, &[10, 3]);
        let whole = mat(&[pixels(), labels]);
        prop_assert!(svhn(&whole[..(whole.len() as f64 * cut) as usize]).is_err());
        let whole = gzip(&idx(&[2, 3, 4], &[5; 24]));
        prop_assert!(images(&whole[..(whole.len() as f64 * cut) as usize]).is_err());
        let whole = tar(|b| entry(b, "toy/a.bin", tar::EntryType::Regular, b"abc"));
        let short = &whole[..((whole.len() - 30) as f64 * cut) as usize];
        prop_assert!(read_quietly(short).is_err());
    }

    #[test]
    fn one_changed_byte_of_a_gzipped_file_is_detected_or_changes_nothing(at in 0_usize..1000, change in 1_u8..) {
        let whole = gzip(&idx(&[2, 3, 4], &[5; 24]));
        let mut changed = whole.clone();
        changed[at % whole.len()] ^= change;
        if let Ok(read) = images(&changed) {
            prop_assert_eq!(read, images(&whole).unwrap());
        }
    }

    #[test]
    fn cifar_records_come_back_as_they_were_written(labels in prop::collection::vec(0_u8..10, 1..4), fill: u8) {
        let file: Vec<u8> = labels.iter().flat_map(|&l| std::iter::once(l).chain(std::iter::repeat_n(fill, 3072))).collect();
        let mut decoded = Decoded::zeroed([3, 32, 32], labels.len(), "file").unwrap();
        let count = decode::cifar(Records::Cifar10, &file[..], file.len() as u64, "file", &mut decoded, 0).unwrap();
        prop_assert_eq!(count, labels.len());
        prop_assert_eq!(decoded.labels, labels.iter().map(|&l| u16::from(l)).collect::<Vec<_>>());
        prop_assert!(decoded.pixels.iter().all(|&p| p == fill));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = images(&bytes);
        let _ = images(&gzip(&bytes));
        let _ = svhn(&mat(std::slice::from_ref(&bytes)));
        let _ = read_quietly(&gzip(&bytes));
        let _ = decode::png(std::io::Cursor::new(&bytes), "file");
    }
}

fn read_quietly(archive: &[u8]) -> Result<(), DecodeError> {
    decode::members(archive, "toy.tar.gz", &[Wanted { name: "toy/a.bin", bytes: 3 }], |_, reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(drop).map_err(|error| DecodeError {
            file: "toy/a.bin".to_owned(),
            offset: 0,
            decompressed: true,
            problem: Problem::Unreadable(error),
        })
    })
}
