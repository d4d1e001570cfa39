//! Batch normalisation on maps of one member, laid out (pixel, channel, image), with what follows it: an optional
//! residual and an optional ReLU.

use std::ops::Range;
use std::sync::Mutex;

use crate::simd::lanes::Lanes;
use crate::simd::{Kernel, dispatch};
use crate::threads::{Shared, for_each_task};

/// Parts into which the pixels are divided for sums, whatever the number of threads.
const GROUPS: usize = 8;
/// Partial sums side by side, which the compiler turns into vectors.
const WIDTH: usize = 16;

/// (pixel, channel, image).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) pixels: usize,
    pub(super) channels: usize,
    pub(super) images: usize,
}

impl Shape {
    pub(super) const fn len(self) -> usize {
        self.pixels * self.channels * self.images
    }

    /// Values per channel.
    pub(super) const fn per_channel(self) -> usize {
        self.pixels * self.images
    }

    /// The values of some group of pixels.
    fn group(self, group: usize, groups: usize) -> Range<usize> {
        let size = self.channels * self.images;
        group * self.pixels / groups * size..(group + 1) * self.pixels / groups * size
    }
}

/// Two running sums in double precision, each in lanes that the compiler turns into vectors.
type Lanes2 = [[f64; WIDTH]; 2];

/// Two sums for every channel, over all pixels and images, in an order that follows from the shape alone; `add` adds a
/// group of pixels to its channels' lanes.
fn channel_sums(shape: Shape, add: impl Fn(Range<usize>, &mut [Lanes2]) + Sync + Send) -> Vec<[f64; 2]> {
    let groups = GROUPS.min(shape.pixels);
    let mut partial = vec![[[0f64; WIDTH]; 2]; groups * shape.channels];
    {
        let parts: Vec<_> = partial.chunks_mut(shape.channels).map(Mutex::new).collect();
        for_each_task(groups, |group| {
            let mut lanes = parts[group].lock().expect("a task does not panic");
            add(shape.group(group, groups), &mut lanes);
        });
    }
    let mut total = vec![[0f64; 2]; shape.channels];
    for part in partial.chunks(shape.channels) {
        for (total, lanes) in total.iter_mut().zip(part) {
            for (total, lanes) in total.iter_mut().zip(lanes) {
                *total += lanes.iter().sum::<f64>();
            }
        }
    }
    total
}

/// Sums of values and of their squares.
struct Squares<'a> {
    images: usize,
    x: &'a [f32],
    lanes: &'a mut [Lanes2],
}

impl Kernel for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let channels = self.lanes.len();
        for (row, x) in self.x.chunks_exact(self.images).enumerate() {
            let [sums, squares] = &mut self.lanes[row % channels];
            let (full, rest) = x.as_chunks::<WIDTH>();
            for x in full {
                for ((sum, square), x) in sums.iter_mut().zip(&mut *squares).zip(x) {
                    let x = f64::from(*x);
                    *sum += x;
                    *square += x * x;
                }
            }
            for ((sum, square), x) in sums.iter_mut().zip(&mut *squares).zip(rest) {
                let x = f64::from(*x);
                *sum += x;
                *square += x * x;
            }
        }
    }
}

/// Each channel's mean and biased variance.
pub(super) fn statistics(x: &[f32], shape: Shape) -> Vec<(f32, f32)> {
    assert_eq!(x.len(), shape.len());
    let m = shape.per_channel() as f64;
    channel_sums(shape, |range, lanes| dispatch(Squares { images: shape.images, x: &x[range], lanes }))
        .into_iter()
        .map(|[sum, squares]| {
            let mean = sum / m;
            (mean as f32, (squares / m - mean * mean).max(0.0) as f32)
        })
        .collect()
}

/// A channel's `x * gain + shift`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Affine {
    pub(super) gain: f32,
    pub(super) shift: f32,
}

/// `y = x * gain + shift [+ residual]`, and with `relu` the larger of that and 0.
pub(super) fn apply(x: &[f32], shape: Shape, affine: &[Affine], residual: Option<&[f32]>, relu: bool, y: &mut [f32]) {
    assert!(x.len() == shape.len() && y.len() == shape.len() && residual.is_none_or(|r| r.len() == shape.len()));
    let floor = if relu { 0.0 } else { f32::NEG_INFINITY };
    let groups = GROUPS.min(shape.pixels);
    let shared = Shared::new(y);
    for_each_task(groups, |group| {
        let range = shape.group(group, groups);
        #[allow(unsafe_code)] // the groups are disjoint
        // SAFETY: each task has its own group of pixels, and borrows it once.
        let y = unsafe { shared.part(range.start, range.len()) };
        let residual = residual.map(|r| &r[range.clone()]);
        dispatch(Apply { images: shape.images, x: &x[range], affine, residual, floor, y });
    });
}

struct Apply<'a> {
    images: usize,
    x: &'a [f32],
    affine: &'a [Affine],
    residual: Option<&'a [f32]>,
    floor: f32,
    y: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.images;
        let rows = self.y.chunks_exact_mut(n).zip(self.x.chunks_exact(n)).zip(self.affine.iter().cycle());
        if let Some(residual) = self.residual {
            for (((y, x), &Affine { gain, shift }), residual) in rows.zip(residual.chunks_exact(n)) {
                for ((y, x), r) in y.iter_mut().zip(x).zip(residual) {
                    *y = floor_at(x * gain + shift + r, self.floor);
                }
            }
        } else {
            for ((y, x), &Affine { gain, shift }) in rows {
                for (y, x) in y.iter_mut().zip(x) {
                    *y = floor_at(x * gain + shift, self.floor);
                }
            }
        }
    }
}

/// The larger one; a value that is not a number stays so, for divergence must show.
#[inline(always)]
fn floor_at(value: f32, floor: f32) -> f32 {
    if value < floor { floor } else { value }
}

/// Where a ReLU let nothing through, nothing comes back.
#[inline(always)]
fn masked(dz: f32, z: f32) -> f32 {
    if z <= 0.0 { 0.0 } else { dz }
}

/// Sums of the gradient g before the ReLU, and of g (x - mean).
struct Products<'a> {
    images: usize,
    dz: &'a [f32],
    z: Option<&'a [f32]>,
    x: &'a [f32],
    channels: &'a [Normalised],
    lanes: &'a mut [Lanes2],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let n = self.images;
        let channels = self.lanes.len();
        for (row, (dz, x)) in self.dz.chunks_exact(n).zip(self.x.chunks_exact(n)).enumerate() {
            let mean = self.channels[row % channels].mean;
            let lanes = &mut self.lanes[row % channels];
            let ((dz, dz_rest), (x, x_rest)) = (dz.as_chunks::<WIDTH>(), x.as_chunks::<WIDTH>());
            if let Some(z) = self.z {
                let (z, z_rest) = z[row * n..][..n].as_chunks::<WIDTH>();
                for ((dz, x), z) in dz.iter().zip(x).zip(z) {
                    let mut g = *dz;
                    for (g, z) in g.iter_mut().zip(z) {
                        *g = masked(*g, *z);
                    }
                    add_products(lanes, &g, x, mean);
                }
                let mut g = [0.0; WIDTH];
                for (g, (dz, z)) in g.iter_mut().zip(dz_rest.iter().zip(z_rest)) {
                    *g = masked(*dz, *z);
                }
                add_products(lanes, &g[..dz_rest.len()], x_rest, mean);
            } else {
                for (dz, x) in dz.iter().zip(x) {
                    add_products(lanes, dz, x, mean);
                }
                add_products(lanes, dz_rest, x_rest, mean);
            }
        }
    }
}

/// Adds up to [`WIDTH`] values of g and g (x - mean).
#[inline(always)]
fn add_products([sums, products]: &mut Lanes2, g: &[f32], x: &[f32], mean: f32) {
    for ((sum, product), (g, x)) in sums.iter_mut().zip(products).zip(g.iter().zip(x)) {
        *sum += f64::from(*g);
        *product += f64::from(g * (x - mean));
    }
}

/// What a channel's normalisation used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalised {
    /// The mean subtracted.
    pub(super) mean: f32,
    /// What it was divided by, inverted.
    pub(super) inverse_std: f32,
    /// gamma.
    pub(super) scale: f32,
}

/// The gradient of a normalisation.
pub(super) struct Gradient<'a> {
    pub(super) shape: Shape,
    /// The normalisation's input.
    pub(super) x: &'a [f32],
    /// The output of the ReLU that follows, if one does.
    pub(super) z: Option<&'a [f32]>,
    pub(super) channels: &'a [Normalised],
    /// Do mean and variance depend on the input?
    pub(super) batch_statistics: bool,
}

impl Gradient<'_> {
    /// Turns the gradient of the output in `dz` into that of the input, adds what flows into the residual to
    /// `residual`, and returns each channel's gradients of gamma and beta.
    pub(super) fn apply(&self, dz: &mut [f32], residual: Option<Residual<'_>>) -> Vec<[f32; 2]> {
        let Self { shape, x, z, channels, batch_statistics } = *self;
        assert!(x.len() == shape.len() && dz.len() == shape.len() && z.is_none_or(|z| z.len() == shape.len()));
        let images = shape.images;
        let sums = {
            let dz = &*dz;
            channel_sums(shape, |range, lanes| {
                let z = z.map(|z| &z[range.clone()]);
                dispatch(Products { images, dz: &dz[range.clone()], z, x: &x[range], channels, lanes });
            })
        };
        let m = shape.per_channel() as f64;
        let back: Vec<Back> = channels
            .iter()
            .zip(&sums)
            .map(|(c, [beta, gamma])| {
                let inverse = f64::from(c.inverse_std);
                let (offset, slope) =
                    if batch_statistics { (beta / m, gamma * inverse * inverse / m) } else { (0.0, 0.0) };
                let gain = c.scale * c.inverse_std;
                Back { mean: c.mean, gain, offset: offset as f32, slope: slope as f32 }
            })
            .collect();
        let groups = GROUPS.min(shape.pixels);
        let shared = Shared::new(dz);
        let residual = residual.map(|r| (Shared::new(r.values), r.add));
        for_each_task(groups, |group| {
            let range = shape.group(group, groups);
            #[allow(unsafe_code)] // the groups are disjoint
            // SAFETY: each task has its own group of pixels, and borrows it once in each of the two.
            let (dz, residual) = unsafe {
                let (start, len) = (range.start, range.len());
                let residual = residual.map(|(values, add)| Residual { values: values.part(start, len), add });
                (shared.part(start, len), residual)
            };
            let z = z.map(|z| &z[range.clone()]);
            dispatch(ApplyGradient { images: shape.images, x: &x[range], z, back: &back, dz, residual });
        });
        let gamma = |c: &Normalised, sum: f64| (sum * f64::from(c.inverse_std)) as f32;
        channels.iter().zip(&sums).map(|(c, sums)| [gamma(c, sums[1]), sums[0] as f32]).collect()
    }
}

/// Where the residual's gradient goes.
pub(super) struct Residual<'a> {
    pub(super) values: &'a mut [f32],
    /// Is there a gradient to add to?
    pub(super) add: bool,
}

/// `dx = gain * (g - offset - (x - mean) * slope)` of a channel.
#[derive(Clone, Copy)]
struct Back {
    mean: f32,
    gain: f32,
    offset: f32,
    slope: f32,
}

struct ApplyGradient<'a> {
    images: usize,
    x: &'a [f32],
    z: Option<&'a [f32]>,
    back: &'a [Back],
    dz: &'a mut [f32],
    residual: Option<Residual<'a>>,
}

impl Kernel for ApplyGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let n = self.images;
        for (row, (dz, x)) in self.dz.chunks_exact_mut(n).zip(self.x.chunks_exact(n)).enumerate() {
            let Back { mean, gain, offset, slope } = self.back[row % self.back.len()];
            if let Some(z) = self.z {
                for (dz, z) in dz.iter_mut().zip(&z[row * n..]) {
                    *dz = masked(*dz, *z);
                }
            }
            if let Some(Residual { values, add }) = &mut self.residual {
                let values = &mut values[row * n..][..n];
                if *add {
                    for (value, g) in values.iter_mut().zip(&*dz) {
                        *value += g;
                    }
                } else {
                    values.copy_from_slice(dz);
                }
            }
            for (dz, x) in dz.iter_mut().zip(x) {
                *dz = gain * (*dz - offset - (x - mean) * slope);
            }
        }
    }
}
