//! Batch normalisation on maps of one member, laid out (pixel, channel, image), with what follows it: an optional
//! residual and an optional ReLU.

use super::simd::{Kernel, Lanes, run};
use super::threads::{Shared, for_each_task};

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
    fn group(self, group: usize, groups: usize) -> std::ops::Range<usize> {
        let size = self.channels * self.images;
        group * self.pixels / groups * size..(group + 1) * self.pixels / groups * size
    }
}

/// Two sums for every channel, over all pixels and images, in an order that follows from the shape alone.
fn channel_sums<'a, T: Terms>(shape: Shape, terms: impl Fn(usize) -> T + Sync + Send + 'a) -> Vec<[f64; 2]> {
    let groups = GROUPS.min(shape.pixels);
    let mut partial = vec![[0f64; 2]; groups * shape.channels];
    {
        let parts: Vec<_> = partial.chunks_mut(shape.channels).map(std::sync::Mutex::new).collect();
        for_each_task(groups, |group| {
            let mut sums = parts[group].lock().expect("a task does not panic");
            run(Sums { shape, range: shape.group(group, groups), terms: &terms, sums: &mut sums });
        });
    }
    let mut total = vec![[0f64; 2]; shape.channels];
    for part in partial.chunks(shape.channels) {
        for (total, part) in total.iter_mut().zip(part) {
            total[0] += part[0];
            total[1] += part[1];
        }
    }
    total
}

/// What is summed: two numbers for each value of a channel.
trait Terms {
    fn at(&self, index: usize) -> [f64; 2];
}

struct Sums<'a, F> {
    shape: Shape,
    range: std::ops::Range<usize>,
    terms: &'a F,
    sums: &'a mut [[f64; 2]],
}

impl<T: Terms, F: Fn(usize) -> T> Kernel for Sums<'_, F> {
    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Shape { channels, images, .. } = self.shape;
        let mut lanes = vec![[[0f64; WIDTH]; 2]; channels];
        for pixel in self.range.step_by(channels * images) {
            for (channel, [first, second]) in lanes.iter_mut().enumerate() {
                let terms = (self.terms)(channel);
                let start = pixel + channel * images;
                let full = images / WIDTH * WIDTH;
                for i in (start..start + full).step_by(WIDTH) {
                    for lane in 0..WIDTH {
                        let [a, b] = terms.at(i + lane);
                        first[lane] += a;
                        second[lane] += b;
                    }
                }
                for i in start + full..start + images {
                    let [a, b] = terms.at(i);
                    first[0] += a;
                    second[0] += b;
                }
            }
        }
        for (sums, [first, second]) in self.sums.iter_mut().zip(&lanes) {
            *sums = [first.iter().sum(), second.iter().sum()];
        }
    }
}

struct Squares<'a>(&'a [f32]);

impl Terms for Squares<'_> {
    #[inline(always)]
    fn at(&self, index: usize) -> [f64; 2] {
        let value = f64::from(self.0[index]);
        [value, value * value]
    }
}

/// Each channel's mean and biased variance.
pub(super) fn statistics(x: &[f32], shape: Shape) -> Vec<(f32, f32)> {
    assert_eq!(x.len(), shape.len());
    let m = shape.per_channel() as f64;
    channel_sums(shape, |_| Squares(x))
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
        // SAFETY: each task has a group of pixels of its own.
        let y = unsafe { shared.part(range.start, range.len()) };
        let residual = residual.map(|r| &r[range.clone()]);
        run(Apply { images: shape.images, x: &x[range], affine, residual, floor, y });
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

/// The gradient that arrives at a normalised map, before it went through the ReLU (if there is one).
#[derive(Clone, Copy)]
struct Arriving<'a> {
    dz: &'a [f32],
    /// The ReLU's output.
    z: Option<&'a [f32]>,
}

impl Arriving<'_> {
    #[inline(always)]
    fn at(&self, index: usize) -> f32 {
        match self.z {
            Some(z) if z[index] <= 0.0 => 0.0,
            _ => self.dz[index],
        }
    }
}

struct Products<'a> {
    arriving: Arriving<'a>,
    x: &'a [f32],
    mean: f32,
}

impl Terms for Products<'_> {
    #[inline(always)]
    fn at(&self, index: usize) -> [f64; 2] {
        let g = self.arriving.at(index);
        [f64::from(g), f64::from(g * (self.x[index] - self.mean))]
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
        let sums = {
            let arriving = Arriving { dz, z };
            channel_sums(shape, |channel| Products { arriving, x, mean: channels[channel].mean })
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
            // SAFETY: each task has a group of pixels of its own.
            let (dz, residual) = unsafe {
                let part = |s: Shared| s.part(range.start, range.len());
                (part(shared), residual.map(|(values, add)| Residual { values: part(values), add }))
            };
            let z = z.map(|z| &z[range.clone()]);
            run(ApplyGradient { images: shape.images, x: &x[range], z, back: &back, dz, residual });
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
    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let n = self.images;
        for (row, (dz, x)) in self.dz.chunks_exact_mut(n).zip(self.x.chunks_exact(n)).enumerate() {
            let Back { mean, gain, offset, slope } = self.back[row % self.back.len()];
            if let Some(z) = self.z {
                for (dz, z) in dz.iter_mut().zip(&z[row * n..]) {
                    *dz = if *z <= 0.0 { 0.0 } else { *dz };
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
