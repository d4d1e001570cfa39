//! Pooling, option-A shortcuts and changes of layout, on maps of one member laid out (pixel, channel, image).

use super::correlate::transpose;
use super::norm::Shape;
use crate::geometry::Geometry;
use crate::simd::lanes::Lanes;
use crate::simd::{Kernel, dispatch};

/// The largest pixel of each window into `y`, and which one it was into `winners`.
pub(super) struct MaxPool<'a> {
    pub(super) geometry: &'a Geometry,
    pub(super) channels: usize,
    pub(super) images: usize,
    pub(super) x: &'a [f32],
    pub(super) y: &'a mut [f32],
    pub(super) winners: &'a mut [u32],
}

impl Kernel for MaxPool<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let size = self.channels * self.images;
        let pixels = self.y.chunks_exact_mut(size).zip(self.winners.chunks_exact_mut(size)).enumerate();
        for (pixel, (y, winners)) in pixels {
            let taps = self.geometry.reads.of(pixel);
            y.copy_from_slice(&self.x[taps[0].pixel as usize * size..][..size]);
            winners.fill(taps[0].pixel);
            for tap in &taps[1..] {
                let x = &self.x[tap.pixel as usize * size..][..size];
                for ((y, winner), x) in y.iter_mut().zip(&mut *winners).zip(x) {
                    // What is not a number wins, as in PyTorch: divergence must show.
                    let wins = *x > *y || x.is_nan();
                    *winner = if wins { tap.pixel } else { *winner };
                    *y = if wins { *x } else { *y };
                }
            }
        }
    }
}

/// Adds each output pixel's gradient to that of the pixel that won it.
pub(super) fn max_pool_gradient(shape: Shape, winners: &[u32], dy: &[f32], dx: &mut [f32]) {
    let size = shape.channels * shape.images;
    for (winners, dy) in winners.chunks_exact(size).zip(dy.chunks_exact(size)) {
        for (i, (winner, dy)) in winners.iter().zip(dy).enumerate() {
            dx[*winner as usize * size + i] += dy;
        }
    }
}

/// `y` (fewer pixels, more channels) gets the pixels that the geometry reads, in the middle channels; zeros around.
pub(super) fn pad_channels(geometry: &Geometry, channels: (usize, usize), images: usize, x: &[f32], y: &mut [f32]) {
    let (from, to) = channels;
    let before = (to - from) / 2 * images;
    for (pixel, y) in y.chunks_exact_mut(to * images).enumerate() {
        let source = geometry.reads.of(pixel)[0].pixel as usize;
        let (low, rest) = y.split_at_mut(before);
        let (middle, high) = rest.split_at_mut(from * images);
        low.fill(0.0);
        middle.copy_from_slice(&x[source * from * images..][..from * images]);
        high.fill(0.0);
    }
}

/// Adds the gradient of [`pad_channels`]' output to that of its input.
pub(super) fn pad_channels_gradient(
    geometry: &Geometry,
    channels: (usize, usize),
    images: usize,
    dy: &[f32],
    dx: &mut [f32],
) {
    let (from, to) = channels;
    let before = (to - from) / 2 * images;
    for (pixel, dy) in dy.chunks_exact(to * images).enumerate() {
        let source = geometry.reads.of(pixel)[0].pixel as usize;
        let dx = &mut dx[source * from * images..][..from * images];
        for (dx, dy) in dx.iter_mut().zip(&dy[before..]) {
            *dx += dy;
        }
    }
}

/// The mean over pixels, turned into rows of images: `y` is (image, channel).
pub(super) fn average(shape: Shape, x: &[f32], y: &mut [f32]) {
    let size = shape.channels * shape.images;
    let mut sums = vec![0f32; size];
    for pixel in x.chunks_exact(size) {
        for (sum, x) in sums.iter_mut().zip(pixel) {
            *sum += x;
        }
    }
    let share = 1.0 / shape.pixels as f32;
    for (i, sum) in sums.into_iter().enumerate() {
        y[i % shape.images * shape.channels + i / shape.images] = sum * share;
    }
}

/// Adds the gradient of [`average`]'s output to that of its input, or writes it there.
pub(super) fn average_gradient(shape: Shape, dy: &[f32], dx: &mut [f32], add: bool) {
    let share = 1.0 / shape.pixels as f32;
    let at = |i: usize| dy[i % shape.images * shape.channels + i / shape.images] * share;
    let pixel: Vec<f32> = (0..shape.channels * shape.images).map(at).collect();
    for dx in dx.chunks_exact_mut(pixel.len()) {
        if add {
            for (dx, value) in dx.iter_mut().zip(&pixel) {
                *dx += value;
            }
        } else {
            dx.copy_from_slice(&pixel);
        }
    }
}

/// Images in rows (image, channel, pixel) to maps (pixel, channel, image).
pub(super) fn maps_of_images(shape: Shape, rows: &[f32], maps: &mut [f32]) {
    dispatch(ImagesToMaps { shape, rows, maps });
}

struct ImagesToMaps<'a> {
    shape: Shape,
    rows: &'a [f32],
    maps: &'a mut [f32],
}

impl Kernel for ImagesToMaps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Shape { pixels, channels, images } = self.shape;
        for channel in 0..channels {
            let (from, to) = (&self.rows[channel * pixels..], &mut self.maps[channel * images..]);
            transpose::<L>(from, (images, pixels, channels * pixels), to, (images, channels * images));
        }
    }
}
