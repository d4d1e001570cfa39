//! What types alone cannot check in a manifest.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use flooding_core::config::{InvalidValue, Located};

use super::{Dataset, Format, Role};

/// No image of a published dataset has more numbers than this.
const LARGEST_IMAGE: u64 = 1 << 20;

/// Checks one block; the error names its line.
pub(super) fn dataset(dataset: &Dataset, text: &str, path: &Path) -> Result<(), Box<InvalidValue>> {
    let located = Located::new(path, text);
    let invalid = |key: &[&str], value: &str, problem: &str, remedy: &str| {
        Err(Box::new(located.invalid_value(&[&["dataset", &dataset.name], key].concat(), value, problem, remedy)))
    };
    if !plain_name(&dataset.name) {
        return invalid(&[], &dataset.name, "the name cannot become a folder's", "use letters, digits, `-` and `_`");
    }
    let [channels, height, width] = dataset.image.map(u64::from);
    if !matches!(channels, 1 | 3) || height == 0 || width == 0 || height * width > LARGEST_IMAGE {
        let value = format!("{:?}", dataset.image);
        return invalid(&["image"], &value, "not an image's shape", "write [channels, rows, columns], 1 or 3 channels");
    }
    for (key, count) in [("train", dataset.train), ("test", dataset.test)] {
        if !(1..=100_000_000).contains(&count) {
            return invalid(&[key], &count.to_string(), "not a number of images", "write how many images there are");
        }
    }
    let distinct: BTreeSet<&String> = dataset.classes.iter().collect();
    if dataset.classes.len() < 2 || dataset.classes.len() > 65_536 || distinct.len() != dataset.classes.len() {
        let value = format!("{} names, {} of them distinct", dataset.classes.len(), distinct.len());
        return invalid(&["classes"], &value, "not a list of classes", "name each class once, two at least");
    }
    for mirror in &dataset.mirrors {
        if !(mirror.starts_with("http://") || mirror.starts_with("https://")) || !mirror.ends_with('/') {
            return invalid(&["mirrors"], mirror, "not an address to append a name to", "write http(s)://HOST/PATH/");
        }
    }
    let mut names = BTreeSet::new();
    let mut roles = Vec::new();
    for (index, file) in dataset.files.iter().enumerate() {
        let index = index.to_string();
        let at = ["file", index.as_str()];
        if !plain_name(&file.name) || !names.insert(&file.name) {
            let remedy = "use a plain file name, each once";
            return invalid(&[&at[..], &["name"]].concat(), &file.name, "not usable as a file's name", remedy);
        }
        if file.bytes == 0 {
            return invalid(&[&at[..], &["bytes"]].concat(), "0", "no file is empty", "write its size in bytes");
        }
        if file.role.is_some() != file.members.is_empty() {
            let value = format!("{:?}", file.role);
            let remedy = "a file has either a role or members with roles";
            return invalid(&[&at[..], &["role"]].concat(), &value, "does not say what is used of it", remedy);
        }
        roles.extend(file.role);
        for (number, member) in file.members.iter().enumerate() {
            let number = number.to_string();
            let at = [&at[..], &["member", &number, "name"]].concat();
            if !relative_path(&member.name) || !names.insert(&member.name) {
                let remedy = "use a path below the archive's root, each once";
                return invalid(&at, &member.name, "not usable as a member's path", remedy);
            }
            roles.push(member.role);
        }
    }
    if !roles_fit(dataset.format, &roles) {
        let remedy = match dataset.format {
            Format::Idx => "idx needs train-images, train-labels, test-images and test-labels, each once",
            Format::Svhn | Format::Cifar10 | Format::Cifar100 => "this format needs files for train and for test",
        };
        return invalid(&["format"], &format!("{:?}", dataset.format), "does not fit the files' roles", remedy);
    }
    Ok(())
}

fn roles_fit(format: Format, roles: &[Role]) -> bool {
    let count = |role| roles.iter().filter(|r| **r == role).count();
    let known = match format {
        Format::Idx => {
            let wanted = [Role::TrainImages, Role::TrainLabels, Role::TestImages, Role::TestLabels];
            return roles.len() == 4 && wanted.iter().all(|&role| count(role) == 1);
        }
        Format::Svhn => count(Role::Train) == 1 && count(Role::Test) == 1,
        Format::Cifar10 | Format::Cifar100 => count(Role::Train) >= 1 && count(Role::Test) >= 1,
    };
    known && count(Role::Train) + count(Role::Test) == roles.len()
}

/// One path component that is not hidden and leads nowhere else.
fn plain_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 100 && name.bytes().all(good) && !name.starts_with(['.', '-'])
}

fn relative_path(name: &str) -> bool {
    name.split('/').all(plain_name) && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}
