//! The CPU's operations: maps lie in buffers of our own as (ensemble member, pixel, channel, image), and carry their gradient.

mod backward;
mod buffer;
mod correlate;
mod norm;
mod pool;

use std::rc::Rc;
use std::sync::Arc;

use dfdx::prelude::{Cpu, CpuError, HasShape as _, PutTape as _, Tape, TensorFromVec as _};

use crate::convolution::{Moments, Operations, Statistics, WithMoments};
use crate::cpu::buffer::{slice, take};
use crate::geometry::{Geometry, ImageSize};
use crate::layers::{BatchNorm, ConvNorm};
use crate::simd::dispatch;
use crate::tensor::{T2, T3};
use backward::{ConvNormGradient, Slot, member, member_mut};
use buffer::Buffer;
use correlate::Convolution;
use norm::{Affine, Normalised, Shape};

pub(super) use buffer::release_buffers;

/// The CPU's convolutional operations.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuConv;

/// Feature maps `(K, pixels, channels, N)` on the CPU.
pub struct CpuMaps<T> {
    data: Rc<Buffer>,
    /// `None` for the network's input, which needs no gradient.
    gradient: Option<Slot>,
    members: usize,
    /// Of one member.
    shape: Shape,
    tape: T,
}

impl<T: Tape<f32, Cpu>> CpuMaps<T> {
    fn new(data: Buffer, members: usize, shape: Shape, tape: T) -> Self {
        Self { data: Rc::new(data), gradient: Some(Slot::default()), members, shape, tape }
    }
}

/// A result with the gradient slot that its backward operation reads.
fn result<T: Tape<f32, Cpu>>(data: Rc<Buffer>, gradient: Slot, members: usize, shape: Shape, tape: T) -> CpuMaps<T> {
    CpuMaps { data, gradient: Some(gradient), members, shape, tape }
}

impl Operations<Cpu> for CpuConv {
    type Maps<T: Tape<f32, Cpu>> = CpuMaps<T>;

    fn images<T: Tape<f32, Cpu>>(
        &self,
        inputs: T2<Cpu>,
        size: ImageSize,
        members: usize,
        tape: T,
    ) -> Result<CpuMaps<T>, CpuError> {
        let (images, _) = *inputs.shape();
        let shape = Shape { pixels: size.height * size.width, channels: size.channels, images };
        let mut data = Buffer::scratch(members * shape.len());
        let (first, others) = data.split_at_mut(shape.len());
        pool::maps_of_images(shape, slice(&inputs), first);
        for other in others.chunks_exact_mut(shape.len()) {
            other.copy_from_slice(first);
        }
        Ok(CpuMaps { gradient: None, ..CpuMaps::new(data, members, shape, tape) })
    }

    fn fork<T: Tape<f32, Cpu>>(&self, x: CpuMaps<T>) -> (CpuMaps<T>, CpuMaps<T>) {
        let other = CpuMaps { data: x.data.clone(), gradient: x.gradient.clone(), tape: T::default(), ..x };
        (x, other)
    }

    fn conv_norm<T: Tape<f32, Cpu>>(
        &self,
        x: CpuMaps<T>,
        layer: &ConvNorm<Cpu>,
        residual: Option<CpuMaps<T>>,
        relu: bool,
        statistics: Statistics,
    ) -> Result<WithMoments<CpuMaps<T>, Cpu>, CpuError> {
        let CpuMaps { data: x, gradient: dx, members, shape: from, mut tape } = x;
        let (inputs, outputs) = layer.channels();
        let geometry = layer.geometry.clone();
        let images = from.images;
        let shape = Shape { pixels: geometry.output_pixels(), channels: outputs, images };
        let (weight, scale, shift) =
            (layer.weight.tensor.clone(), layer.norm.scale.tensor.clone(), layer.norm.shift.tensor.clone());

        let mut y = Buffer::scratch(members * shape.len());
        let convolution = Convolution { geometry: &geometry, inputs, outputs, images };
        for (k, weight) in slice(&weight).chunks_exact(layer.weight.len()).enumerate() {
            convolution.forward(member(&x, k, from), weight, member_mut(&mut y, k, shape));
        }
        let measured: Vec<(f32, f32)> = match statistics {
            Statistics::Batch => y.chunks_exact(shape.len()).flat_map(|y| norm::statistics(y, shape)).collect(),
            Statistics::Running => {
                let (mean, variance) = (slice(&layer.norm.mean.tensor), slice(&layer.norm.variance.tensor));
                mean.iter().copied().zip(variance.iter().copied()).collect()
            }
        };
        let channels: Vec<Normalised> = measured
            .iter()
            .zip(slice(&scale))
            .map(|(&(mean, variance), &scale)| {
                let inverse_std = (1.0 / (f64::from(variance) + BatchNorm::<Cpu>::EPSILON).sqrt()) as f32;
                Normalised { mean, inverse_std, scale }
            })
            .collect();
        let mut z = Buffer::scratch(members * shape.len());
        let (residual, other_tape) = match residual {
            Some(r) => (Some((r.data, r.gradient)), Some(r.tape)),
            None => (None, None),
        };
        for k in 0..members {
            let of = k * outputs..(k + 1) * outputs;
            let affine = channels[of.clone()].iter().zip(&slice(&shift)[of]).map(|(c, shift)| {
                let gain = c.scale * c.inverse_std;
                Affine { gain, shift: shift - c.mean * gain }
            });
            let residual = residual.as_ref().map(|(data, _)| member(data, k, shape));
            norm::apply(
                member(&y, k, shape),
                shape,
                &affine.collect::<Vec<_>>(),
                residual,
                relu,
                member_mut(&mut z, k, shape),
            );
        }
        let moments = match statistics {
            Statistics::Running => None,
            Statistics::Batch => {
                let tensor = |values: Vec<f32>| Cpu::default().try_tensor_from_vec(values, (members, outputs));
                Some(Moments {
                    mean: tensor(measured.iter().map(|m| m.0).collect())?,
                    variance: tensor(measured.iter().map(|m| m.1).collect())?,
                    count: shape.per_channel(),
                })
            }
        };
        let (z, dz) = (Rc::new(z), Slot::default());
        if let Some(other) = other_tape {
            tape = tape.merge(other);
        }
        if T::OWNS_TAPE {
            let saved = ConvNormGradient {
                x,
                from,
                dx,
                geometry,
                weight,
                y,
                channels,
                batch_statistics: statistics == Statistics::Batch,
                scale,
                shift,
                z: relu.then(|| z.clone()),
                dz: dz.clone(),
                d_residual: residual.and_then(|(_, gradient)| gradient),
                shape,
            };
            tape.add_backward_op(move |grads| saved.backward(grads));
        }
        Ok((result(z, dz, members, shape, tape), moments))
    }

    fn max_pool<T: Tape<f32, Cpu>>(&self, x: CpuMaps<T>, geometry: &Arc<Geometry>) -> Result<CpuMaps<T>, CpuError> {
        let CpuMaps { data, gradient, members, shape: from, mut tape } = x;
        let shape = Shape { pixels: geometry.output_pixels(), ..from };
        let mut y = Buffer::scratch(members * shape.len());
        let mut winners = vec![0u32; members * shape.len()];
        for (k, (y, winners)) in y.chunks_exact_mut(shape.len()).zip(winners.chunks_exact_mut(shape.len())).enumerate()
        {
            let (channels, images) = (shape.channels, shape.images);
            dispatch(pool::MaxPool { geometry, channels, images, x: member(&data, k, from), y, winners });
        }
        let dy = Slot::default();
        if let (true, Some(dx)) = (T::OWNS_TAPE, gradient) {
            let dy = dy.clone();
            tape.add_backward_op(move |_| {
                let Some(dy) = dy.take() else { return Ok(()) };
                dx.add_to(members * from.len(), |dx| {
                    for (k, winners) in winners.chunks_exact(shape.len()).enumerate() {
                        pool::max_pool_gradient(shape, winners, member(&dy, k, shape), member_mut(dx, k, from));
                    }
                });
                Ok(())
            });
        }
        Ok(result(Rc::new(y), dy, members, shape, tape))
    }

    fn pad_channels<T: Tape<f32, Cpu>>(
        &self,
        x: CpuMaps<T>,
        geometry: &Arc<Geometry>,
        channels: usize,
    ) -> Result<CpuMaps<T>, CpuError> {
        let CpuMaps { data, gradient, members, shape: from, mut tape } = x;
        let shape = Shape { pixels: geometry.output_pixels(), channels, ..from };
        let both = (from.channels, channels);
        let mut y = Buffer::scratch(members * shape.len());
        for (k, y) in y.chunks_exact_mut(shape.len()).enumerate() {
            pool::pad_channels(geometry, both, from.images, member(&data, k, from), y);
        }
        let dy = Slot::default();
        if let (true, Some(dx)) = (T::OWNS_TAPE, gradient) {
            let (dy, geometry) = (dy.clone(), geometry.clone());
            tape.add_backward_op(move |_| {
                let Some(dy) = dy.take() else { return Ok(()) };
                dx.add_to(members * from.len(), |dx| {
                    for (k, dx) in dx.chunks_exact_mut(from.len()).enumerate() {
                        pool::pad_channels_gradient(&geometry, both, from.images, member(&dy, k, shape), dx);
                    }
                });
                Ok(())
            });
        }
        Ok(result(Rc::new(y), dy, members, shape, tape))
    }

    fn average<T: Tape<f32, Cpu>>(&self, x: CpuMaps<T>) -> Result<T3<Cpu, T>, CpuError> {
        let CpuMaps { data, gradient, members, shape, mut tape } = x;
        let size = shape.channels * shape.images;
        let mut y = vec![0.0; members * size];
        for (k, y) in y.chunks_exact_mut(size).enumerate() {
            pool::average(shape, member(&data, k, shape), y);
        }
        let y: T3<Cpu> = Cpu::default().try_tensor_from_vec(y, (members, shape.images, shape.channels))?;
        if let (true, Some(dx)) = (T::OWNS_TAPE, gradient) {
            let out = y.clone();
            tape.add_backward_op(move |grads| {
                let dy = take(grads, &out)?;
                dx.add(members * shape.len(), |dx, add| {
                    for (k, dy) in dy.chunks_exact(size).enumerate() {
                        pool::average_gradient(shape, dy, member_mut(dx, k, shape), add);
                    }
                });
                Ok(())
            });
        }
        Ok(y.put_tape(tape))
    }
}
