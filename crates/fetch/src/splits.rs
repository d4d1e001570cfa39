//! The three sets of a run, cut from a dataset's images by the run's own random stream.

use flooding_core::dataset::Splits;
use flooding_core::digest::{Digest, Hasher};
use flooding_core::seeds::Purpose;
use flooding_core::spec::{DataSpec, ImagesSpec, RunSpec};
use flooding_core::split::{Split, permutation};

use crate::load::Images;

/// Which of the original images a run uses, and for what; each list ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indices {
    /// Into the original training images: learned from and held out.
    pub split: Split,
    /// Into the original test images.
    pub test: Vec<u32>,
}

impl Indices {
    /// A digest over all three lists.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new().chain(self.split.digest().as_str().as_bytes());
        for index in &self.test {
            hasher.update(&index.to_le_bytes());
        }
        hasher.finish()
    }
}

/// Draws the indices of a run out of `train` training and `test` test images.
///
/// Of the training images, `train_size` are drawn without replacement from the run's stream `Split` 0 and
/// `validation_fraction` of them held out; of the test images, `test_size` are drawn from the stream `Split` 1, or all
/// taken. The flood level is no part of the streams: all levels of a trial have the same indices.
pub fn indices(spec: &RunSpec, data: &ImagesSpec, train: u32, test: u32) -> Indices {
    let streams = spec.streams();
    let used = data.train_size.map_or(train, |size| size.min(train));
    let split = Split::draw(train, used, data.validation_fraction, &mut streams.stream(Purpose::Split, 0));
    let test = match data.test_size.filter(|&size| size < test) {
        None => (0..test).collect(),
        Some(size) => {
            let mut chosen = permutation(test, &mut streams.stream(Purpose::Split, 1));
            chosen.truncate(size as usize);
            chosen.sort_unstable();
            chosen
        }
    };
    Indices { split, test }
}

/// The training, validation and test set of a run over `images`.
///
/// # Panics
/// For a specification of synthetic data, which has no images: the caller picks the source by `spec.data`.
pub fn splits(spec: &RunSpec, images: &Images) -> Splits {
    let DataSpec::Images(data) = &spec.data else {
        panic!("{}: a run over synthetic data asks for images", spec.setting);
    };
    let indices = indices(spec, data, images.train.len() as u32, images.test.len() as u32);
    Splits {
        train: images.train.select(&indices.split.train),
        validation: images.train.select(&indices.split.validation),
        test: if indices.test.len() == images.test.len() {
            images.test.clone()
        } else {
            images.test.select(&indices.test)
        },
        classes: images.classes.len(),
    }
}
