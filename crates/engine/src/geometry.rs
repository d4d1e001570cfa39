//! Sizes of images, and which pixels a sliding window connects.

use std::ops::Range;

use flooding_core::dataset::InputShape;

/// The size of an image: channels, rows, columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// 1 for grey, 3 for red, green, blue.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl From<InputShape> for ImageSize {
    /// A vector is an image of one pixel.
    fn from(shape: InputShape) -> Self {
        match shape {
            InputShape::Image { channels, height, width } => Self { channels, height, width },
            InputShape::Vector(channels) => Self { channels, height: 1, width: 1 },
        }
    }
}

/// A square window that slides over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Pixels on a side.
    pub kernel: usize,
    /// Pixels from one position to the next.
    pub stride: usize,
    /// Rows and columns of padding on every side.
    pub pad: usize,
}

impl Window {
    /// A window of `kernel` x `kernel` pixels.
    pub const fn new(kernel: usize, stride: usize, pad: usize) -> Self {
        Self { kernel, stride, pad }
    }

    /// Positions along a side of `size` pixels.
    pub const fn out(self, size: usize) -> usize {
        (size + 2 * self.pad - self.kernel) / self.stride + 1
    }

    /// Pixels that the window sees.
    pub const fn taps(self) -> usize {
        self.kernel * self.kernel
    }

    /// Pairs of an output and an input row (or column) that it reads, along a side of `size` pixels.
    pub fn connections(self, size: usize) -> usize {
        let reads = |at| (0..self.kernel).filter(move |&tap| self.reads(at, tap, size).is_some()).count();
        (0..self.out(size)).map(reads).sum()
    }

    /// The input row (or column) that tap row `tap` reads at output row `at`, unless that is padding.
    fn reads(self, at: usize, tap: usize, size: usize) -> Option<usize> {
        (at * self.stride + tap).checked_sub(self.pad).filter(|&y| y < size)
    }
}

/// One connection: the tap (row-major in the window) and the pixel at its other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tap {
    pub(crate) tap: u32,
    pub(crate) pixel: u32,
}

/// For every pixel of one image the taps that reach it, in ascending order; padding has none.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    starts: Vec<u32>,
    taps: Vec<Tap>,
    /// One more than the largest tap and the largest pixel at the other end.
    ends: (usize, usize),
}

impl Table {
    fn new(lists: &[Vec<Tap>]) -> Self {
        let mut starts = vec![0];
        starts.extend(lists.iter().scan(0, |end, list| {
            *end += list.len() as u32;
            Some(*end)
        }));
        let taps = lists.concat();
        let end = |of: fn(&Tap) -> u32| taps.iter().map(of).max().map_or(0, |last| last as usize + 1);
        let ends = (end(|tap| tap.tap), end(|tap| tap.pixel));
        Self { starts, taps, ends }
    }

    /// The pixels that it has taps for.
    pub(crate) const fn pixels(&self) -> usize {
        self.starts.len() - 1
    }

    /// Every tap of it is less than the first, every pixel at the other end less than the second.
    pub(crate) const fn ends(&self) -> (usize, usize) {
        self.ends
    }

    /// The taps of one pixel.
    pub(crate) fn of(&self, pixel: usize) -> &[Tap] {
        &self.taps[self.starts[pixel] as usize..self.starts[pixel + 1] as usize]
    }
}

/// A window's positions on images of one size.
#[derive(Clone, Debug)]
pub struct Geometry {
    /// The window.
    pub window: Window,
    /// Rows and columns of the input.
    pub input: (usize, usize),
    /// Rows and columns of the output.
    pub output: (usize, usize),
    /// For every output pixel the input pixels that it reads.
    pub(crate) reads: Table,
    /// For every input pixel the output pixels that read it.
    pub(crate) read_by: Table,
    /// The taps that read anything but padding.
    pub(crate) used: Vec<bool>,
}

impl Geometry {
    /// The positions of `window` on images of `height` x `width` pixels.
    pub fn new(window: Window, height: usize, width: usize) -> Self {
        let (oh, ow) = (window.out(height), window.out(width));
        let mut reads = vec![Vec::new(); oh * ow];
        let mut read_by = vec![Vec::new(); height * width];
        let mut used = vec![false; window.taps()];
        for (tap, used) in used.iter_mut().enumerate() {
            for (out, reads) in reads.iter_mut().enumerate() {
                let row = window.reads(out / ow, tap / window.kernel, height);
                let column = window.reads(out % ow, tap % window.kernel, width);
                if let (Some(y), Some(x)) = (row, column) {
                    let pixel = y * width + x;
                    reads.push(Tap { tap: tap as u32, pixel: pixel as u32 });
                    read_by[pixel].push(Tap { tap: tap as u32, pixel: out as u32 });
                    *used = true;
                }
            }
        }
        Self {
            window,
            input: (height, width),
            output: (oh, ow),
            reads: Table::new(&reads),
            read_by: Table::new(&read_by),
            used,
        }
    }

    /// Input pixels of one image.
    pub const fn input_pixels(&self) -> usize {
        self.input.0 * self.input.1
    }

    /// Output pixels of one image.
    pub const fn output_pixels(&self) -> usize {
        self.output.0 * self.output.1
    }

    /// Pairs of an output pixel and an input pixel that it reads.
    pub fn connections(&self) -> usize {
        self.reads.taps.len()
    }

    /// The input rows that these output rows read.
    pub(crate) fn input_rows(&self, rows: Range<usize>) -> Range<usize> {
        let Window { kernel, stride, pad } = self.window;
        let first = (rows.start * stride).saturating_sub(pad);
        let last = ((rows.end - 1) * stride + kernel).saturating_sub(pad);
        first..last.min(self.input.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resnet18s_windows_shrink_a_32_pixel_image_as_in_torchvision() {
        assert_eq!(Window::new(7, 2, 3).out(32), 16);
        assert_eq!(Window::new(3, 2, 1).out(16), 8);
        assert_eq!(Window::new(1, 2, 0).out(8), 4);
        assert_eq!(Window::new(3, 1, 1).out(1), 1);
    }

    #[test]
    fn a_corner_reads_four_pixels_and_both_tables_hold_the_same_connections() {
        let geometry = Geometry::new(Window::new(3, 1, 1), 4, 5);
        assert_eq!(geometry.reads.of(0).iter().map(|t| t.pixel).collect::<Vec<_>>(), [0, 1, 5, 6]);
        for pixel in 0..20 {
            for tap in geometry.reads.of(pixel) {
                let back = Tap { tap: tap.tap, pixel: pixel as u32 };
                assert!(geometry.read_by.of(tap.pixel as usize).contains(&back));
            }
        }
    }

    #[test]
    fn the_connections_of_an_image_are_those_of_its_rows_times_those_of_its_columns() {
        for (window, height, width) in [
            (Window::new(3, 1, 1), 4, 5),
            (Window::new(7, 2, 3), 32, 32),
            (Window::new(1, 2, 0), 7, 8),
            (Window::new(3, 2, 1), 1, 9),
        ] {
            let geometry = Geometry::new(window, height, width);
            assert_eq!(geometry.connections(), window.connections(height) * window.connections(width), "{window:?}");
        }
    }

    #[test]
    fn a_one_pixel_image_uses_the_middle_tap_alone() {
        let geometry = Geometry::new(Window::new(3, 1, 1), 1, 1);
        assert_eq!(geometry.used.iter().filter(|u| **u).count(), 1);
        assert!(geometry.used[4]);
    }
}
