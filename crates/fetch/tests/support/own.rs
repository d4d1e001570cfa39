//! A user's own dataset: two folders of PNG files by class.

use std::path::Path;

use flooding_core::config::UserDataset;
use flooding_fetch::Manifest;
use indexmap::IndexMap;

/// The bytes of a PNG file of one colour.
pub fn png(side: u32, color: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&color.repeat((side * side) as usize)).unwrap();
    writer.finish().unwrap();
    bytes
}

/// Writes a file, with the folders on the way.
pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Two classes of small colour images: red ones and blue ones, six each to train and two each to test.
pub fn write_pngs(folder: &Path) {
    for (set, count) in [("train", 6), ("test", 2)] {
        for (class, channel) in [("blue", 2), ("red", 0)] {
            for i in 0..count {
                let mut color = [0; 3];
                color[channel] = 200 + i + set.len() as u8;
                write(&folder.join(set).join(class).join(format!("{i}.png")), &png(8, color));
            }
        }
    }
}

/// The repository's manifest with the dataset `colours` in `train` and `test` of this folder.
pub fn manifest(folder: &Path) -> Manifest {
    with(folder, UserDataset::Folders { train: "train".into(), test: "test".into() })
}

/// The repository's manifest with this dataset, called `colours`.
pub fn with(folder: &Path, dataset: UserDataset) -> Manifest {
    super::manifest().with_user_datasets(&IndexMap::from([("colours".to_owned(), dataset)]), folder).unwrap()
}

/// The same of four IDX files called after their keys.
pub fn idx(folder: &Path, classes: &[&str]) -> Manifest {
    let classes = classes.iter().map(|&class| class.to_owned()).collect();
    let [train_images, train_labels, test_images, test_labels] =
        ["train_images", "train_labels", "test_images", "test_labels"].map(str::to_owned);
    with(folder, UserDataset::Idx { train_images, train_labels, test_images, test_labels, classes })
}

/// An IDX file.
pub fn idx_file(dimensions: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, dimensions.len() as u8];
    file.extend(dimensions.iter().flat_map(|n| n.to_be_bytes()));
    file.extend(bytes);
    file
}

/// Writes four IDX files: 4 images to train and 2 to test, of 2 x 2 pixels and two classes.
pub fn write_idx(folder: &Path) {
    for (set, n) in [("train", 4_u32), ("test", 2)] {
        let pixels: Vec<u8> = (0..n * 4).map(|i| i as u8 + set.len() as u8).collect();
        let labels: Vec<u8> = (0..n).map(|i| (i % 2) as u8).collect();
        write(&folder.join(format!("{set}_images")), &idx_file(&[n, 2, 2], &pixels));
        write(&folder.join(format!("{set}_labels")), &idx_file(&[n], &labels));
    }
}
