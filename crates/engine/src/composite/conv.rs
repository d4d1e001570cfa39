//! The same operations on any dfdx device, from its public ones: maps are `(K, channels, N * pixels + 1)`, so that a
//! convolution is one gather and one batched matrix product, and the normalisation reduces over the last axis.
//!
//! The last number of every channel is zero: it is what a window reads in its padding, and what fills the channels that a
//! shortcut adds. Every operation keeps it zero. Concatenation would do the same, but dfdx's CUDA kernel of it is compiled
//! when it is first used, from headers that a machine without the toolkit lacks; so are the reshape of a tensor that is
//! not contiguous, and stacking. None of the three is used here. The zero's own gradient means nothing; a ReLU, whose
//! slope at zero is zero, keeps it from reaching the layers before.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use dfdx::prelude::{
    Axis, BroadcastTo as _, ChooseFrom as _, Device, GatherTo as _, HasShape as _, MaxTo as _, MeanTo as _,
    PermuteTo as _, PutTape as _, ReshapeTo as _, SumTo as _, Tape, Tensor, TryAdd as _, TryDiv as _, TryEq as _,
    TryMatMul as _, TryMul as _, TrySub as _, WithEmptyTape as _,
};

use crate::convolution::{Moments, Operations, Statistics, WithMoments};
use crate::geometry::{Geometry, ImageSize, Window};
use crate::layers::{BatchNorm, ConvNorm};
use crate::tensor::{T1, T2, T3};

/// A gather's index: (what is gathered, number of images).
type Key = (Gathered, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gathered {
    /// What each tap of a window reads on images of this size.
    Taps(Window, (usize, usize)),
    /// Images in rows to maps of K members: channels, pixels.
    Images(usize, usize, usize),
    /// What a shortcut reads on images of this size: channels before and after.
    Shortcut(Window, (usize, usize), usize, usize),
    /// This number of numbers of each image, without the zero.
    Pixels(usize),
}

/// What a gather reads.
type Index<D> = Tensor<(usize,), usize, D>;

/// Convolutional operations of any dfdx device.
#[derive(Clone, Debug)]
pub struct CompositeConv<D: Device<f32>> {
    device: D,
    /// Index tensors met so far, on the device.
    indices: RefCell<HashMap<Key, Index<D>>>,
    /// `(members, 1, length)`: one everywhere but in the last place.
    masks: RefCell<HashMap<(usize, usize), T3<D>>>,
}

impl<D: Device<f32>> CompositeConv<D> {
    /// Works on this device.
    pub fn new(device: D) -> Self {
        Self { device, indices: RefCell::default(), masks: RefCell::default() }
    }

    fn index(&self, key: Key, make: impl FnOnce() -> Vec<usize>) -> Result<Index<D>, D::Err> {
        if let Some(index) = self.indices.borrow().get(&key) {
            return Ok(index.clone());
        }
        let index = make();
        let shape = (index.len(),);
        let index = self.device.try_tensor_from_vec(index, shape)?;
        self.indices.borrow_mut().insert(key, index.clone());
        Ok(index)
    }

    fn mask(&self, members: usize, length: usize) -> Result<T3<D>, D::Err> {
        if let Some(mask) = self.masks.borrow().get(&(members, length)) {
            return Ok(mask.clone());
        }
        let mut one = vec![1.0; length];
        one[length - 1] = 0.0;
        let mask: T3<D> = self.device.try_tensor_from_vec(one.repeat(members), (members, 1, length))?;
        self.masks.borrow_mut().insert((members, length), mask.clone());
        Ok(mask)
    }

    /// A number a channel `(K, channels)` to maps `(K, channels, length)`: repeated, but for the zero at the end.
    fn spread<T: Tape<f32, D>>(&self, numbers: T2<D, T>, length: usize) -> Result<T3<D, T>, D::Err> {
        let (k, channels) = *numbers.shape();
        numbers.try_reshape_like(&(k, channels, 1))?.try_matmul(self.mask(k, length)?)
    }

    /// `(K * channels, taps * (N * output pixels + 1))`: what each tap reads, the zero in the padding.
    ///
    /// A gather does shift, stride and padding at once. Slices would not do: dfdx 0.13's CPU slice overwrites its
    /// input's gradient, so that two slices of one tensor lose one of two gradients.
    fn taps<T: Tape<f32, D>>(&self, x: CompositeMaps<D, T>, geometry: &Geometry) -> Result<T2<D, T>, D::Err> {
        let (k, channels, length) = *x.data.shape();
        let flat = x.data.try_reshape_like(&(k * channels, length))?;
        let index =
            self.index((Gathered::Taps(geometry.window, geometry.input), x.images), || taps_index(geometry, x.images))?;
        let shape = (k * channels, index.shape().0);
        flat.try_gather(index.try_broadcast_like::<_, Axis<0>>(&shape)?)
    }

    /// Normalises `(K, channels, numbers and a zero)` over the last axis.
    fn normalise<T: Tape<f32, D>>(
        &self,
        x: T3<D, T>,
        norm: &BatchNorm<D>,
        statistics: Statistics,
    ) -> Result<WithMoments<T3<D, T>, D>, D::Err> {
        let shape @ (_, _, length) = *x.shape();
        let count = length - 1;
        let (scale, shift) = (norm.scale.tensor.retaped::<T>(), norm.shift.tensor.retaped::<T>());
        let epsilon = BatchNorm::<D>::EPSILON as f32;
        let (centred, variance, moments) = match statistics {
            Statistics::Batch => {
                let mean: T2<D, T> = x.retaped::<T>().try_sum::<_, Axis<2>>()?.try_div(count as f32)?;
                let batch_mean = mean.retaped();
                let centred = x.try_sub(self.spread(mean, length)?)?;
                let squares = centred.retaped::<T>().try_square()?;
                let variance: T2<D, T> = squares.try_sum::<_, Axis<2>>()?.try_div(count as f32)?;
                let moments = Moments { mean: batch_mean, variance: variance.retaped(), count };
                (centred, variance, Some(moments))
            }
            Statistics::Running => {
                let mean = self.spread(norm.mean.tensor.clone(), length)?;
                (x.try_sub(mean)?, norm.variance.tensor.retaped::<T>(), None)
            }
        };
        let gain = scale.try_div(variance.try_add(epsilon)?.try_sqrt()?)?;
        let y = centred.try_mul(gain.try_broadcast_like::<_, Axis<2>>(&shape)?)?;
        Ok((y.try_add(self.spread(shift, length)?)?, moments))
    }
}

/// For every tap, image and output pixel, in this order, the flat input pixel, and the zero for the padding; every tap
/// ends with the zero.
fn taps_index(geometry: &Geometry, images: usize) -> Vec<usize> {
    let (from, to) = (geometry.input_pixels(), geometry.output_pixels());
    let length = images * to + 1;
    let mut index = vec![images * from; geometry.window.taps() * length];
    for pixel in 0..to {
        for tap in geometry.reads.of(pixel) {
            for image in 0..images {
                index[tap.tap as usize * length + image * to + pixel] = image * from + tap.pixel as usize;
            }
        }
    }
    index
}

/// For every channel `after`, image and output pixel the place in maps of `before` channels; zeros for the channels that
/// are new, the same number in front and behind.
fn shortcut_index(geometry: &Geometry, images: usize, (before, after): (usize, usize)) -> Vec<usize> {
    let from = images * geometry.input_pixels() + 1;
    let one = taps_index(geometry, images);
    let first = (after - before) / 2;
    let of_channel = |channel: usize| {
        let source = channel.checked_sub(first).filter(|&source| source < before);
        // New channels read the zeros of all old ones in turn, so that no single zero is everybody's.
        let zero = channel % before * from + from - 1;
        one.iter().map(move |&at| source.map_or(zero, |source| source * from + at))
    };
    (0..after).flat_map(of_channel).collect()
}

/// Feature maps `(K, channels, N * pixels + 1)`, zero at the end of every channel.
pub struct CompositeMaps<D: Device<f32>, T> {
    data: T3<D, T>,
    images: usize,
}

impl<D: Device<f32>> Operations<D> for CompositeConv<D> {
    type Maps<T: Tape<f32, D>> = CompositeMaps<D, T>;

    fn images<T: Tape<f32, D>>(
        &self,
        inputs: T2<D>,
        size: ImageSize,
        members: usize,
        tape: T,
    ) -> Result<CompositeMaps<D, T>, D::Err> {
        let (images, width) = *inputs.shape();
        let pixels = size.height * size.width;
        let index = self.index((Gathered::Images(members, size.channels, pixels), images), || {
            let channel = |channel: usize| {
                let starts = (0..images).map(move |image| image * width + channel * pixels);
                // Any number will do for the last place: it is masked below.
                starts.flat_map(move |start| start..start + pixels).chain([0])
            };
            (0..members).flat_map(|_| 0..size.channels).flat_map(channel).collect()
        })?;
        let flat: Tensor<(usize,), f32, D> = inputs.try_reshape_like(&(images * width,))?;
        let shape = (members, size.channels, images * pixels + 1);
        let mask: T1<D> = self.mask(1, shape.2)?.try_reshape_like(&(shape.2,))?;
        let mask: T3<D> = mask.try_broadcast_like::<_, dfdx::prelude::Axes2<0, 1>>(&shape)?;
        let data = flat.try_gather(index)?.try_reshape_like(&shape)?.try_mul(mask)?;
        Ok(CompositeMaps { data: data.put_tape(tape), images })
    }

    fn fork<T: Tape<f32, D>>(&self, x: CompositeMaps<D, T>) -> (CompositeMaps<D, T>, CompositeMaps<D, T>) {
        let other = CompositeMaps { data: x.data.with_empty_tape(), images: x.images };
        (x, other)
    }

    fn conv_norm<T: Tape<f32, D>>(
        &self,
        x: CompositeMaps<D, T>,
        layer: &ConvNorm<D>,
        residual: Option<CompositeMaps<D, T>>,
        relu: bool,
        statistics: Statistics,
    ) -> Result<WithMoments<CompositeMaps<D, T>, D>, D::Err> {
        let images = x.images;
        let ((k, _, _), (inputs, outputs)) = (*x.data.shape(), layer.channels());
        let rows = inputs * layer.geometry.window.taps();
        let length = images * layer.geometry.output_pixels() + 1;
        let weight = layer.weight.tensor.retaped::<T>().try_reshape_like(&(k, outputs, rows))?;
        let columns = if layer.geometry.window == Window::new(1, 1, 0) {
            x.data
        } else {
            self.taps(x, &layer.geometry)?.try_reshape_like(&(k, rows, length))?
        };
        let y = weight.try_matmul(columns)?;
        let (y, moments) = self.normalise(y, &layer.norm, statistics)?;
        let y = match residual {
            Some(residual) => y.try_add(residual.data)?,
            None => y,
        };
        let data = if relu { y.try_relu()? } else { y };
        Ok((CompositeMaps { data, images }, moments))
    }

    fn max_pool<T: Tape<f32, D>>(
        &self,
        x: CompositeMaps<D, T>,
        geometry: &Arc<Geometry>,
    ) -> Result<CompositeMaps<D, T>, D::Err> {
        let ((k, channels, _), images) = (*x.data.shape(), x.images);
        let length = images * geometry.output_pixels() + 1;
        let count = geometry.window.taps();
        let shape = (k * channels, count, length);
        let taps = self.taps(x, geometry)?.try_reshape_like(&shape)?;
        // The lowest number rather than minus infinity, since it is multiplied by zero below.
        let zero = images * geometry.input_pixels();
        let is_padding = |(place, &at): (usize, &usize)| at == zero && (place + 1) % length != 0;
        let index = taps_index(geometry, images);
        let padding = index.iter().enumerate().map(|tap| if is_padding(tap) { f32::MIN } else { 0.0 }).collect();
        let padding: T2<D> = self.device.try_tensor_from_vec(padding, (count, length))?;
        let taps = taps.try_add(padding.try_broadcast_like::<_, Axis<0>>(&shape)?)?;
        // A weight of 1 for the first of the largest: later taps have lower ranks.
        let values: T3<D> = taps.retaped();
        let largest: T2<D> = values.clone().try_max::<_, Axis<1>>()?;
        let ties = values.try_eq(&largest.try_broadcast_like::<_, Axis<1>>(&shape)?)?;
        let ranks: Vec<f32> = (0..count).map(|tap| (count - tap) as f32).collect();
        let ranks: Tensor<(usize,), f32, D> = self.device.try_tensor_from_vec(ranks, (count,))?;
        let ranks: T3<D> = ranks.try_broadcast_like::<_, dfdx::prelude::Axes2<0, 2>>(&shape)?;
        let ranks: T3<D> = ties.try_choose(ranks, self.device.try_zeros_like(&shape)?)?;
        let highest: T2<D> = ranks.clone().try_max::<_, Axis<1>>()?;
        let first = ranks.try_eq(&highest.try_broadcast_like::<_, Axis<1>>(&shape)?)?;
        let first: T3<D> = first.try_choose(self.device.try_ones_like(&shape)?, self.device.try_zeros_like(&shape)?)?;
        let y: T2<D, T> = taps.try_mul(first)?.try_sum::<_, Axis<1>>()?;
        Ok(CompositeMaps { data: y.try_reshape_like(&(k, channels, length))?, images })
    }

    fn pad_channels<T: Tape<f32, D>>(
        &self,
        x: CompositeMaps<D, T>,
        geometry: &Arc<Geometry>,
        channels: usize,
    ) -> Result<CompositeMaps<D, T>, D::Err> {
        let ((k, before, from), images) = (*x.data.shape(), x.images);
        let key = Gathered::Shortcut(geometry.window, geometry.input, before, channels);
        let index = self.index((key, images), || shortcut_index(geometry, images, (before, channels)))?;
        let index = index.clone().try_broadcast_like::<_, Axis<0>>(&(k, index.shape().0))?;
        let flat: T2<D, T> = x.data.try_reshape_like(&(k, before * from))?.try_gather(index)?;
        let length = images * geometry.output_pixels() + 1;
        Ok(CompositeMaps { data: flat.try_reshape_like(&(k, channels, length))?, images })
    }

    fn average<T: Tape<f32, D>>(&self, x: CompositeMaps<D, T>) -> Result<T3<D, T>, D::Err> {
        let ((k, channels, length), images) = (*x.data.shape(), x.images);
        let count = length - 1;
        let index = self.index((Gathered::Pixels(count), images), || (0..count).collect())?;
        let index = index.try_broadcast_like::<_, Axis<0>>(&(k * channels, count))?;
        let flat: T2<D, T> = x.data.try_reshape_like(&(k * channels, length))?.try_gather(index)?;
        let images = flat.try_reshape_like(&(k, channels, images, count / images))?;
        images.try_mean::<_, Axis<3>>()?.try_permute::<_, dfdx::prelude::Axes3<0, 2, 1>>()
    }
}
