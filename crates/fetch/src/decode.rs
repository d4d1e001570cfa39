//! From published bytes to examples in memory.
//!
//! Every decoder checks sizes before it takes memory, reads no further than its file may reach, and says of anything
//! unexpected where it is, what should be there and what is. A decoded set takes its own size in memory and a small,
//! fixed buffer more.

mod archive;
mod cifar;
mod error;
mod gzip;
mod idx;
mod mat;
mod mat_array;
mod png_folder;
mod reader;
mod sniff;

pub use archive::{Wanted, members};
pub use cifar::{Records, cifar};
pub use error::{DecodeError, Problem};
pub use idx::{images, labels};
pub use mat::svhn;
pub(crate) use png_folder::folder;
pub use png_folder::png;

use flooding_core::dataset::{Examples, InputShape, Inputs};
use flooding_core::memory::reserve;

/// Images and their labels as a decoder delivers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Channels, rows, columns.
    pub image: [u32; 3],
    /// All pixels: image after image, channel after channel, row after row.
    pub pixels: Vec<u8>,
    /// One label an image, from 0.
    pub labels: Vec<u16>,
}

impl Decoded {
    /// Room for this number of images; the system's refusal is an error, not an abort.
    pub fn zeroed(image: [u32; 3], count: usize, file: &str) -> Result<Self, DecodeError> {
        let width = image.iter().map(|&n| n as usize).product::<usize>();
        let failed = |error| DecodeError {
            file: file.to_owned(),
            offset: 0,
            decompressed: false,
            problem: Problem::Memory(error),
        };
        let mut pixels: Vec<u8> = reserve((count as u64).saturating_mul(width as u64)).map_err(failed)?;
        pixels.resize(count * width, 0);
        let mut labels: Vec<u16> = reserve(count as u64).map_err(failed)?;
        labels.resize(count, 0);
        Ok(Self { image, pixels, labels })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// No images?
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The same as examples for the training stage.
    pub fn into_examples(self) -> Examples {
        let [channels, height, width] = self.image.map(|n| n as usize);
        Examples {
            shape: InputShape::Image { channels, height, width },
            inputs: Inputs::Bytes(self.pixels),
            labels: self.labels,
            clean_labels: None,
        }
    }
}
