//! `pipeline data check`: is a user's own dataset fit to be trained on?

use std::collections::HashSet;

use flooding_core::dataset::{Examples, InputShape, Inputs};
use flooding_core::store::Store;
use serde::Serialize;

use super::histogram;
use crate::load::{LoadError, load};
use crate::manifest::{LeftOut, Manifest};

/// What a dataset was found to hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Channels, rows, columns of an image.
    pub image: [usize; 3],
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Training images of each class.
    pub train: Vec<u32>,
    /// Test images of each class.
    pub test: Vec<u32>,
    /// What lies among the files and is not used.
    pub left_out: Vec<LeftOut>,
    /// What is allowed and probably not meant, each in a sentence.
    pub warnings: Vec<String>,
}

/// Decodes all of a dataset and looks for what would spoil an experiment.
///
/// # Errors
/// Whatever makes it unusable; see [`load`].
pub fn check(name: &str, store: &Store, manifest: &Manifest) -> Result<Checked, LoadError> {
    let images = load(name, store, manifest)?;
    let [train, test] = [&images.train, &images.test].map(|set| histogram(&set.labels, images.classes.len()));
    let mut warnings = Vec::new();
    for (set, counts) in [("training", &train), ("test", &test)] {
        let empty: Vec<&str> =
            (images.classes.iter().zip(counts)).filter(|(_, n)| **n == 0).map(|(c, _)| &**c).collect();
        if !empty.is_empty() {
            warnings.push(format!("no {set} image of the class {}", empty.join(", ")));
        }
    }
    let smallest = train.iter().copied().filter(|&n| n > 0).min().unwrap_or(0);
    if smallest < 5 {
        warnings.push(format!("a class has {smallest} training images: holding a fifth out for validation leaves few"));
    }
    let seen: HashSet<&[u8]> = each(&images.train).collect();
    if seen.len() < images.train.len() {
        warnings.push(format!("{} training images are there more than once", images.train.len() - seen.len()));
    }
    let leaked = each(&images.test).filter(|image| seen.contains(image)).count();
    if leaked > 0 {
        warnings.push(format!("{leaked} test images are training images too: test accuracy will be too good"));
    }
    let image = match images.train.shape {
        InputShape::Image { channels, height, width } => [channels, height, width],
        InputShape::Vector(n) => [1, 1, n],
    };
    Ok(Checked {
        name: name.to_owned(),
        image,
        classes: images.classes,
        train,
        test,
        left_out: images.left_out,
        warnings,
    })
}

fn each(examples: &Examples) -> impl Iterator<Item = &[u8]> {
    let bytes: &[u8] = match &examples.inputs {
        Inputs::Bytes(bytes) => bytes,
        Inputs::Real(_) => &[],
    };
    bytes.chunks_exact(examples.shape.len())
}
