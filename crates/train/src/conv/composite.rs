//! The same operations on any dfdx device, from its public ones: maps are `(K, channels, N * pixels)`, so that a
//! convolution is one gather and one batched matrix product, and the normalisation reduces over the last axis.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use dfdx::prelude::{
    Axis, BroadcastTo as _, ChooseFrom as _, Device, GatherTo as _, HasShape as _, MaxTo as _, MeanTo as _,
    PermuteTo as _, PutTape as _, ReshapeTo as _, SumTo as _, Tape, Tensor, TryAdd as _, TryConcatAlong as _,
    TryDiv as _, TryEq as _, TryMatMul as _, TryMul as _, TrySub as _, WithEmptyTape as _,
};

use super::{ConvNorm, Geometry, ImageSize, Moments, Operations, Statistics, Window, WithMoments};
use crate::backend::{T2, T3};
use crate::nets::BatchNorm;

/// A gather's index: (what is gathered, number of images).
type Key = (Gathered, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gathered {
    /// What each tap of a window reads on images of this size.
    Taps(Window, (usize, usize)),
    /// Images in rows to maps of so many members: channels, pixels.
    Images(usize, usize, usize),
}

/// What a gather reads.
type Index<D> = Tensor<(usize,), usize, D>;

/// Convolutional operations of any dfdx device.
#[derive(Clone, Debug)]
pub struct CompositeConv<D: Device<f32>> {
    device: D,
    /// Index tensors met so far, on the device.
    indices: RefCell<HashMap<Key, Index<D>>>,
}

impl<D: Device<f32>> CompositeConv<D> {
    /// Works on this device.
    pub fn new(device: D) -> Self {
        Self { device, indices: RefCell::default() }
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

    /// `(K * channels, taps * N * output pixels)`: what each tap reads, `fill` in the padding.
    ///
    /// A gather does shift, stride and padding at once. Slices would not do: dfdx 0.13's CPU slice overwrites its
    /// input's gradient, so that two slices of one tensor lose one of two gradients.
    fn taps<T: Tape<f32, D>>(
        &self,
        x: CompositeMaps<D, T>,
        geometry: &Geometry,
        fill: f32,
    ) -> Result<T2<D, T>, D::Err> {
        let (k, channels, length) = *x.data.shape();
        let mut flat = x.data.try_reshape_like(&(k * channels, length))?;
        if geometry.window.pad > 0 {
            let padding: T2<D> = self.device.try_tensor_from_vec(vec![fill; k * channels], (k * channels, 1))?;
            flat = (flat, padding).try_concat_along(Axis::<1>)?;
        }
        let index =
            self.index((Gathered::Taps(geometry.window, geometry.input), x.images), || taps_index(geometry, x.images))?;
        let shape = (k * channels, index.shape().0);
        flat.try_gather(index.try_broadcast_like::<_, Axis<0>>(&shape)?)
    }
}

/// For every tap, image and output pixel, in this order, the flat input pixel; one past the last in the padding.
fn taps_index(geometry: &Geometry, images: usize) -> Vec<usize> {
    let (from, to) = (geometry.input_pixels(), geometry.output_pixels());
    let mut index = vec![images * from; geometry.window.taps() * images * to];
    for pixel in 0..to {
        for tap in geometry.reads.of(pixel) {
            for image in 0..images {
                index[(tap.tap as usize * images + image) * to + pixel] = image * from + tap.pixel as usize;
            }
        }
    }
    index
}

/// Feature maps `(K, channels, N * pixels)`.
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
            let all = (0..members).flat_map(|_| 0..size.channels);
            let rows = all.flat_map(|channel| (0..images).map(move |image| image * width + channel * pixels));
            rows.flat_map(|start| start..start + pixels).collect()
        })?;
        let flat: Tensor<(usize,), f32, D> = inputs.try_reshape_like(&(images * width,))?;
        let data = flat.try_gather(index)?.try_reshape_like(&(members, size.channels, images * pixels))?;
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
        let length = images * layer.geometry.output_pixels();
        let weight = layer.weight.tensor.retaped::<T>().try_reshape_like(&(k, outputs, rows))?;
        let columns = if layer.geometry.window == Window::new(1, 1, 0) {
            x.data
        } else {
            self.taps(x, &layer.geometry, 0.0)?.try_reshape_like(&(k, rows, length))?
        };
        let y = weight.try_matmul(columns)?;
        let (y, moments) = normalise(y, &layer.norm, statistics)?;
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
        let length = images * geometry.output_pixels();
        let count = geometry.window.taps();
        let shape = (k * channels, count, length);
        // The lowest number rather than minus infinity, since it is multiplied by zero below.
        let taps = self.taps(x, geometry, f32::MIN)?.try_reshape_like(&shape)?;
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
        let ((k, from, _), images) = (*x.data.shape(), x.images);
        let length = images * geometry.output_pixels();
        let pixels = self.taps(x, geometry, 0.0)?.try_reshape_like(&(k, from, length))?;
        let before = (channels - from) / 2;
        let zeros = |count| self.device.try_zeros_like(&(k, count, length));
        let low: T3<D, T> = zeros(before)?.put_tape(T::default());
        let data = (low, pixels).try_concat_along(Axis::<1>)?;
        let data = (data, zeros(channels - from - before)?).try_concat_along(Axis::<1>)?;
        Ok(CompositeMaps { data, images })
    }

    fn average<T: Tape<f32, D>>(&self, x: CompositeMaps<D, T>) -> Result<T3<D, T>, D::Err> {
        let (k, channels, length) = *x.data.shape();
        let images = x.data.try_reshape_like(&(k, channels, x.images, length / x.images))?;
        images.try_mean::<_, Axis<3>>()?.try_permute::<_, dfdx::prelude::Axes3<0, 2, 1>>()
    }
}

/// Normalises `(K, channels, numbers)` over the last axis.
fn normalise<D: Device<f32>, T: Tape<f32, D>>(
    x: T3<D, T>,
    norm: &BatchNorm<D>,
    statistics: Statistics,
) -> Result<WithMoments<T3<D, T>, D>, D::Err> {
    let shape @ (_, _, count) = *x.shape();
    let (scale, shift) = (norm.scale.tensor.retaped::<T>(), norm.shift.tensor.retaped::<T>());
    let epsilon = BatchNorm::<D>::EPSILON as f32;
    let (centred, variance, moments) = match statistics {
        Statistics::Batch => {
            let mean: T2<D, T> = x.retaped::<T>().try_mean::<_, Axis<2>>()?;
            let batch_mean = mean.retaped();
            let centred = x.try_sub(mean.try_broadcast_like::<_, Axis<2>>(&shape)?)?;
            let variance: T2<D, T> = centred.retaped::<T>().try_square()?.try_mean::<_, Axis<2>>()?;
            let moments = Moments { mean: batch_mean, variance: variance.retaped(), count };
            (centred, variance, Some(moments))
        }
        Statistics::Running => {
            let mean = norm.mean.tensor.clone().try_broadcast_like::<_, Axis<2>>(&shape)?;
            (x.try_sub(mean)?, norm.variance.tensor.retaped::<T>(), None)
        }
    };
    let gain = scale.try_div(variance.try_add(epsilon)?.try_sqrt()?)?;
    let y = centred.try_mul(gain.try_broadcast_like::<_, Axis<2>>(&shape)?)?;
    Ok((y.try_add(shift.try_broadcast_like::<_, Axis<2>>(&shape)?)?, moments))
}
