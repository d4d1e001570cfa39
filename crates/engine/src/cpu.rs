//! The CPU's own differentiable operations, put on dfdx's tape from outside.
//!
//! Against dfdx's: gemm with the widest vectors, bias and ReLU in one pass, no input gradient for the first layer, one
//! pass for each optimiser step, and no pass of zeros over a weight's gradient.
#![allow(clippy::inline_always)] // How a loop takes on its caller's instruction set; see `simd`.

mod batch_norm;
mod buffer;
mod conv;
mod elementwise;
mod gemm;
mod update;

use std::cell::RefCell;
use std::sync::Arc;

use dfdx::prelude::{
    Backward as _, Cpu, CpuError, HasShape as _, PutTape as _, SplitTape as _, SumTo as _, Tape, Trace as _,
};
use dfdx::prelude::{OwnedTape, TensorFromVec as _};
use flooding_core::dataset::Splits;

use crate::backend::{AdamStep, Backend, SgdStep, T1, T2, T3};
use crate::data::{Placement, Split, gather};
use crate::layers::{BatchNorm, Linear, Parameter};
use crate::losses::{add_gradient, example_loss};
use crate::simd::{self, dispatch};
use buffer::{Grads, accumulate, put, recycle, scratch, slice, slice_mut, take};
use conv::CpuConv;
use gemm::{Matrix, product};

/// The name of the vector instructions in use, for provenance.
pub fn vector_instructions() -> &'static str {
    match simd::level() {
        simd::Level::Baseline => "baseline",
        simd::Level::Avx2 => "AVX2+FMA",
        simd::Level::Avx512 => "AVX-512",
    }
}

/// Gives this thread's unused buffers back to the allocator; worth calling when a training run is over.
pub fn release_buffers() {
    buffer::release();
    conv::release_buffers();
}

/// The CPU with operations of our own, one thread.
#[derive(Clone, Debug, Default)]
pub struct FastCpu {
    device: Cpu,
    conv: CpuConv,
    slots: Slots,
}

/// Empty gradient buffers of all parameters recorded so far. A tape that starts with them spares a pass of zeros over
/// each parameter's gradient: an empty buffer stands for zeros, and the first operation to add to it writes instead.
#[derive(Clone, Debug)]
struct Slots(RefCell<Grads>);

impl Default for Slots {
    fn default() -> Self {
        Self(RefCell::new(Grads::leaky()))
    }
}

impl FastCpu {
    fn tensor3(&self, values: Vec<f32>, shape: (usize, usize, usize)) -> Result<T3<Cpu>, CpuError> {
        self.device.try_tensor_from_vec(values, shape)
    }
}

/// `y = relu?(x w^T + bias)` of one member, all row-major.
fn forward(x: &[f32], layer: (&[f32], &[f32]), (n, fan_in): (usize, usize), relu: bool, y: &mut [f32]) {
    let (weight, bias) = layer;
    let x = Matrix::new(x, n, fan_in);
    product(x, Matrix::new(weight, bias.len(), fan_in).transposed(), y, false);
    dispatch(elementwise::AddBias { y, bias, relu });
}

impl Backend for FastCpu {
    type Dev = Cpu;
    type Set = (Arc<Splits>, Split);
    type Conv = CpuConv;

    fn device(&self) -> &Cpu {
        &self.device
    }

    fn conv(&self) -> &CpuConv {
        &self.conv
    }

    fn upload(&self, splits: &Arc<Splits>, split: Split) -> Result<Self::Set, CpuError> {
        Ok((splits.clone(), split))
    }

    fn batch(
        &self,
        (splits, split): &Self::Set,
        indices: &[u32],
        placements: Option<&[Placement]>,
    ) -> Result<T2<Cpu>, CpuError> {
        let examples = split.of(splits);
        let mut rows = Vec::new();
        gather(examples, indices, placements, &mut rows);
        self.device.try_tensor_from_vec(rows, (indices.len(), examples.shape.len()))
    }

    fn record(&self, parameters: &[&Parameter<Cpu>]) -> Result<OwnedTape<f32, Cpu>, CpuError> {
        let mut slots = self.slots.0.borrow_mut();
        for parameter in parameters.iter().filter(|parameter| parameter.role.is_trained()) {
            // Only a parameter's first recording finds a buffer here.
            std::mem::take(&mut **slots.get_or_alloc_mut(&parameter.tensor)?);
        }
        let anything: T1<Cpu> = self.device.try_tensor_from_vec(vec![0.0], (1,))?;
        Ok(anything.traced(slots.clone()).split_tape().1)
    }

    fn linear_input<T: Tape<f32, Cpu>>(
        &self,
        x: T2<Cpu>,
        mut tape: T,
        layer: &Linear<Cpu>,
        relu: bool,
    ) -> Result<T3<Cpu, T>, CpuError> {
        let (n, _) = *x.shape();
        let (k, outputs, inputs) = layer.dimensions();
        let mut y = scratch(k * n * outputs);
        let members =
            slice(&layer.weight.tensor).chunks(outputs * inputs).zip(slice(&layer.bias.tensor).chunks(outputs));
        for (layer, y) in members.zip(y.chunks_mut(n * outputs)) {
            forward(slice(&x), layer, (n, inputs), relu, y);
        }
        let y = self.tensor3(y, (k, n, outputs))?;
        if T::OWNS_TAPE {
            let (weight, bias, out) = (layer.weight.tensor.clone(), layer.bias.tensor.clone(), y.clone());
            tape.add_backward_op(move |grads| {
                let mut dy = take(grads, &out)?;
                mask(grads, &mut dy, relu.then_some(&out), &bias, outputs)?;
                let x = Matrix::new(slice(&x), n, inputs);
                accumulate(grads, &weight, |dw, add| {
                    for (dw, dy) in dw.chunks_mut(outputs * inputs).zip(dy.chunks(n * outputs)) {
                        product(Matrix::new(dy, n, outputs).transposed(), x, dw, add);
                    }
                })?;
                recycle(dy);
                Ok(())
            });
        }
        Ok(y.put_tape(tape))
    }

    fn linear<T: Tape<f32, Cpu>>(
        &self,
        x: T3<Cpu, T>,
        layer: &Linear<Cpu>,
        relu: bool,
    ) -> Result<T3<Cpu, T>, CpuError> {
        let (x, mut tape) = x.split_tape();
        let (_, n, _) = *x.shape();
        let (k, outputs, inputs) = layer.dimensions();
        let mut y = scratch(k * n * outputs);
        let members =
            slice(&layer.weight.tensor).chunks(outputs * inputs).zip(slice(&layer.bias.tensor).chunks(outputs));
        for ((layer, x), y) in members.zip(slice(&x).chunks(n * inputs)).zip(y.chunks_mut(n * outputs)) {
            forward(x, layer, (n, inputs), relu, y);
        }
        let y = self.tensor3(y, (k, n, outputs))?;
        if T::OWNS_TAPE {
            let (weight, bias, out) = (layer.weight.tensor.clone(), layer.bias.tensor.clone(), y.clone());
            tape.add_backward_op(move |grads| {
                let mut dy = take(grads, &out)?;
                mask(grads, &mut dy, relu.then_some(&out), &bias, outputs)?;
                accumulate(grads, &weight, |dw, add| {
                    let members = dy.chunks(n * outputs).zip(slice(&x).chunks(n * inputs));
                    for (dw, (dy, x)) in dw.chunks_mut(outputs * inputs).zip(members) {
                        product(Matrix::new(dy, n, outputs).transposed(), Matrix::new(x, n, inputs), dw, add);
                    }
                })?;
                accumulate(grads, &x, |dx, add| {
                    let members = dy.chunks(n * outputs).zip(slice(&weight).chunks(outputs * inputs));
                    for (dx, (dy, weight)) in dx.chunks_mut(n * inputs).zip(members) {
                        product(Matrix::new(dy, n, outputs), Matrix::new(weight, outputs, inputs), dx, add);
                    }
                })?;
                recycle(dy);
                Ok(())
            });
        }
        Ok(y.put_tape(tape))
    }

    fn batch_norm_relu<T: Tape<f32, Cpu>>(
        &self,
        x: T3<Cpu, T>,
        norm: &mut BatchNorm<Cpu>,
    ) -> Result<T3<Cpu, T>, CpuError> {
        let (_, n, features) = *x.shape();
        let mut statistics = batch_norm::Statistics { mean: Vec::new(), variance: Vec::new() };
        for x in slice(&x).chunks(n * features) {
            let member = dispatch(batch_norm::Measure { x, features });
            statistics.mean.extend(member.mean);
            statistics.variance.extend(member.variance);
        }
        let momentum = BatchNorm::<Cpu>::MOMENTUM as f32;
        let unbiased = n as f32 / (n as f32 - 1.0);
        for (running, mean) in slice_mut(&mut norm.mean.tensor).iter_mut().zip(&statistics.mean) {
            *running = (1.0 - momentum) * *running + momentum * mean;
        }
        for (running, variance) in slice_mut(&mut norm.variance.tensor).iter_mut().zip(&statistics.variance) {
            *running = (1.0 - momentum) * *running + momentum * (variance * unbiased);
        }
        self.normalise(x, norm, statistics, true)
    }

    fn batch_norm_relu_running<T: Tape<f32, Cpu>>(
        &self,
        x: T3<Cpu, T>,
        norm: &BatchNorm<Cpu>,
    ) -> Result<T3<Cpu, T>, CpuError> {
        let statistics = batch_norm::Statistics { mean: norm.mean.to_host(), variance: norm.variance.to_host() };
        self.normalise(x, norm, statistics, false)
    }

    fn cross_entropy<T: Tape<f32, Cpu>>(&self, logits: T3<Cpu, T>, labels: &[u16]) -> Result<T1<Cpu, T>, CpuError> {
        let (logits, mut tape) = logits.split_tape();
        let (k, n, classes) = *logits.shape();
        let losses = slice(&logits).chunks(n * classes).map(|member| {
            let sum: f64 = member.chunks(classes).zip(labels).map(|(row, &label)| example_loss(row, label)).sum();
            (sum / n as f64) as f32
        });
        let losses: T1<Cpu> = self.device.try_tensor_from_vec(losses.collect(), (k,))?;
        if T::OWNS_TAPE {
            let (out, labels) = (losses.clone(), labels.to_vec());
            tape.add_backward_op(move |grads| {
                let loss_weights = take(grads, &out)?;
                accumulate(grads, &logits, |gradient, add| {
                    if !add {
                        gradient.fill(0.0);
                    }
                    let rows = slice(&logits).chunks(classes).zip(gradient.chunks_mut(classes)).enumerate();
                    for (i, (row, gradient)) in rows {
                        let weight = f64::from(loss_weights[i / n]) / n as f64;
                        add_gradient(row, labels[i % n], weight, gradient);
                    }
                })
            });
        }
        Ok(losses.put_tape(tape))
    }

    fn backward(&self, losses: T1<Cpu, OwnedTape<f32, Cpu>>, loss_weights: &[f32]) -> Result<Grads, CpuError> {
        let (losses, mut tape) = losses.split_tape();
        let loss_weights = loss_weights.to_vec();
        let inner = losses.clone();
        let total: T1<Cpu> = self.device.try_tensor_from_vec(vec![loss_weights.iter().sum()], (1,))?;
        // The loss weights go in as they are; the number at the end of the tape is not used.
        tape.add_backward_op(move |grads| put(grads, &inner, loss_weights));
        total.put_tape(tape).try_sum::<dfdx::prelude::Rank0, _>()?.try_backward()
    }

    fn adam(
        &self,
        step: &AdamStep,
        parameter: &mut T2<Cpu>,
        (first, second): (&mut crate::backend::Buffer<Self>, &mut crate::backend::Buffer<Self>),
        gradient: &crate::backend::Buffer<Self>,
    ) -> Result<(), CpuError> {
        dispatch(update::Adam { step: *step, parameter: slice_mut(parameter), first, second, gradient });
        Ok(())
    }

    fn sgd(
        &self,
        step: &SgdStep,
        parameter: &mut T2<Cpu>,
        velocity: &mut crate::backend::Buffer<Self>,
        gradient: &crate::backend::Buffer<Self>,
    ) -> Result<(), CpuError> {
        dispatch(update::Sgd { step: *step, parameter: slice_mut(parameter), velocity, gradient });
        Ok(())
    }

    fn restore(&self, state: &mut Grads, parameter: &Parameter<Cpu>, saved: T2<Cpu>) -> Result<(), CpuError> {
        put(state, &parameter.tensor, saved.as_vec())
    }

    fn recycle(&self, mut gradients: Grads, parameters: &[&Parameter<Cpu>]) {
        for parameter in parameters {
            if let Ok(gradient) = gradients.get_or_alloc_mut(&parameter.tensor) {
                recycle(std::mem::take(&mut **gradient));
            }
        }
    }
}

/// Masks `dy` by ReLU's result and adds its sums over examples to the bias's gradient.
fn mask(
    grads: &mut Grads,
    dy: &mut [f32],
    result: Option<&T3<Cpu>>,
    bias: &T2<Cpu>,
    outputs: usize,
) -> Result<(), CpuError> {
    let (k, _) = *bias.shape();
    let per_member = dy.len() / k;
    accumulate(grads, bias, |sums, add| {
        if !add {
            sums.fill(0.0);
        }
        for (i, (gradient, sums)) in dy.chunks_mut(per_member).zip(sums.chunks_mut(outputs)).enumerate() {
            let result = result.map(|all| &slice(all)[i * per_member..(i + 1) * per_member]);
            dispatch(elementwise::MaskAndSum { gradient, result, sums });
        }
    })
}

impl FastCpu {
    fn normalise<T: Tape<f32, Cpu>>(
        &self,
        x: T3<Cpu, T>,
        norm: &BatchNorm<Cpu>,
        statistics: batch_norm::Statistics,
        own_statistics: bool,
    ) -> Result<T3<Cpu, T>, CpuError> {
        let (x, mut tape) = x.split_tape();
        let shape @ (k, n, features) = *x.shape();
        let batch_norm::Statistics { mean, variance } = statistics;
        let epsilon = BatchNorm::<Cpu>::EPSILON as f32;
        let inverse: Vec<f32> = variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        let gain: Vec<f32> = slice(&norm.scale.tensor).iter().zip(&inverse).map(|(s, i)| s * i).collect();
        let mut y = scratch(k * n * features);
        for (i, (x, y)) in slice(&x).chunks(n * features).zip(y.chunks_mut(n * features)).enumerate() {
            let of = i * features..(i + 1) * features;
            let shift = &slice(&norm.shift.tensor)[of.clone()];
            dispatch(batch_norm::Apply { x, mean: &mean[of.clone()], gain: &gain[of], shift, y });
        }
        let y = self.tensor3(y, shape)?;
        if T::OWNS_TAPE {
            let (scale, shift, out) = (norm.scale.tensor.clone(), norm.shift.tensor.clone(), y.clone());
            tape.add_backward_op(move |grads| {
                let dy = take(grads, &out)?;
                let (mut dscale, mut dshift) = (Vec::new(), Vec::new());
                accumulate(grads, &x, |dx, add| {
                    for (i, dx) in dx.chunks_mut(n * features).enumerate() {
                        let (of, at) = (i * features..(i + 1) * features, i * n * features..(i + 1) * n * features);
                        let (ds, db) = dispatch(batch_norm::Backward {
                            x: &slice(&x)[at.clone()],
                            y: &slice(&out)[at.clone()],
                            dy: &dy[at],
                            mean: &mean[of.clone()],
                            inverse: &inverse[of.clone()],
                            scale: &slice(&scale)[of],
                            dx,
                            add,
                            own_statistics,
                        });
                        dscale.extend(ds);
                        dshift.extend(db);
                    }
                })?;
                recycle(dy);
                for (t, sums) in [(&scale, dscale), (&shift, dshift)] {
                    accumulate(grads, t, |gradient, add| {
                        for (gradient, sum) in gradient.iter_mut().zip(&sums) {
                            *gradient = if add { *gradient + sum } else { *sum };
                        }
                    })?;
                }
                Ok(())
            });
        }
        Ok(y.put_tape(tape))
    }
}
