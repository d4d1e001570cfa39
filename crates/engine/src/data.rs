//! Batches: which examples, in which order, moved and mirrored how.

use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::Augment;
use flooding_core::split::permutation;
use rand::RngExt as _;

/// One of a trial's three sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Learned from.
    Train,
    /// Selects the level and the epoch.
    Validation,
    /// Reported.
    Test,
}

impl Split {
    /// The examples.
    pub fn of(self, splits: &Splits) -> &Examples {
        match self {
            Self::Train => &splits.train,
            Self::Validation => &splits.validation,
            Self::Test => &splits.test,
        }
    }
}

/// Zero padding around an image before it is cropped back to its size.
pub const PADDING: u8 = 4;

/// Where a crop lies in its padded image, and whether it is mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Row of the padded image that becomes row 0, from 0 to twice [`PADDING`].
    pub row: u8,
    /// The same for columns.
    pub column: u8,
    /// Left and right swapped.
    pub mirrored: bool,
}

impl Placement {
    /// The row of an image of `height` rows that row `y` of the result shows; `None` for padding.
    pub fn source_row(self, y: usize, height: usize) -> Option<usize> {
        inside(y, self.row, height)
    }

    /// The same for columns.
    pub fn source_column(self, x: usize, width: usize) -> Option<usize> {
        inside(if self.mirrored { width - 1 - x } else { x }, self.column, width)
    }
}

fn inside(at: usize, offset: u8, size: usize) -> Option<usize> {
    (at + usize::from(offset)).checked_sub(usize::from(PADDING)).filter(|&source| source < size)
}

/// The mini-batches of one epoch: a random order of all examples, cut every `batch_size`; the last batch may be
/// smaller. An epoch of a single batch takes the examples in their own order, since a batch is a set.
pub struct Epoch {
    order: Vec<u32>,
    placements: Option<Vec<Placement>>,
    batch_size: usize,
}

impl Epoch {
    /// The batches of `epoch` (counted from 0) over `examples` examples.
    ///
    /// A last batch smaller than `smallest` is left out of this epoch: batch normalisation cannot train on a single
    /// example (PyTorch refuses it too), and each epoch's order leaves out another one.
    pub fn draw(streams: &Streams, epoch: u32, examples: usize, batch: (usize, usize), augment: Augment) -> Self {
        let (batch_size, smallest) = batch;
        let mut order = if examples <= batch_size {
            (0..examples as u32).collect()
        } else {
            permutation(examples as u32, &mut streams.stream(Purpose::BatchOrder, epoch.into()))
        };
        let remainder = examples % batch_size;
        if remainder != 0 && remainder < smallest && examples > batch_size {
            order.truncate(examples - remainder);
        }
        let placements = (augment == Augment::CropFlip).then(|| {
            let mut stream = streams.stream(Purpose::Augmentation, epoch.into());
            let mut place = |_| Placement {
                row: stream.random_range(0..=2 * PADDING),
                column: stream.random_range(0..=2 * PADDING),
                mirrored: stream.random(),
            };
            (0..order.len()).map(&mut place).collect()
        });
        Self { order, placements, batch_size }
    }

    /// The batches in order: indices of examples, and their placements.
    pub fn batches(&self) -> impl Iterator<Item = (&[u32], Option<&[Placement]>)> {
        self.order.chunks(self.batch_size).enumerate().map(|(i, indices)| {
            let from = i * self.batch_size;
            (indices, self.placements.as_ref().map(|all| &all[from..from + indices.len()]))
        })
    }
}

/// Copies the inputs of these examples into one buffer, an example after another.
pub fn gather(examples: &Examples, indices: &[u32], placements: Option<&[Placement]>, out: &mut Vec<f32>) {
    let width = examples.shape.len();
    out.clear();
    out.reserve(indices.len() * width);
    for &index in indices {
        let range = index as usize * width..(index as usize + 1) * width;
        match &examples.inputs {
            Inputs::Real(values) => out.extend_from_slice(&values[range]),
            Inputs::Bytes(values) => out.extend(values[range].iter().map(|&byte| f32::from(byte) / 255.0)),
        }
    }
    if let (Some(placements), InputShape::Image { channels, height, width }) = (placements, examples.shape) {
        let mut moved = vec![0.0; channels * height * width];
        for (image, placement) in out.chunks_mut(channels * height * width).zip(placements) {
            place(image, (height, width), *placement, &mut moved);
            image.copy_from_slice(&moved);
        }
    }
}

/// Writes `image` (channels, rows, columns), padded with zeros, cropped and mirrored, into `moved`.
fn place(image: &[f32], (height, width): (usize, usize), placement: Placement, moved: &mut [f32]) {
    for (plane, target) in image.chunks(height * width).zip(moved.chunks_mut(height * width)) {
        for (y, row) in target.chunks_mut(width).enumerate() {
            let source_row = placement.source_row(y, height);
            for (x, pixel) in row.iter_mut().enumerate() {
                let source = source_row.zip(placement.source_column(x, width));
                *pixel = source.map_or(0.0, |(y, x)| plane[y * width + x]);
            }
        }
    }
}
