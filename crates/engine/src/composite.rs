//! Any dfdx device, by dfdx's public operations alone: those of them that need no compiler where they run.

mod conv;
mod placed;

use std::sync::Arc;

use dfdx::prelude::{
    AdamConfig, Axes2, Axes3, Axis, Backward as _, BroadcastTo as _, Device, GatherTo as _, Gradients, HasShape as _,
    MeanTo as _, Momentum, OwnedTape, PermuteTo as _, PutTape as _, Rank0, ReshapeTo as _, SgdConfig, SplitTape as _,
    SumTo as _, Tape, Tensor, TryAdd as _, TryDiv as _, TryMatMul as _, TryMul as _, TrySub as _, WeightDecay,
};
use flooding_core::dataset::Splits;

use crate::backend::{AdamStep, Backend, Buffer, DeviceError, SgdStep, T1, T2, T3};
use crate::data::{Placement, Split, gather};
use crate::geometry::ImageSize;
use crate::layers::{BatchNorm, Linear, Parameter};
use conv::CompositeConv;

/// Any dfdx device, with its public operations alone.
#[derive(Clone, Debug)]
pub struct Composite<D: Device<f32>> {
    device: D,
    conv: CompositeConv<D>,
}

impl<D: Device<f32>> Composite<D> {
    /// Works on this device.
    pub fn new(device: D) -> Self {
        let conv = CompositeConv::new(device.clone());
        Self { device, conv }
    }
}

/// A set on the device.
pub struct CompositeSet<D: Device<f32>> {
    /// `(examples, numbers of an example)`.
    inputs: T2<D>,
    size: ImageSize,
}

/// The vectors `(K, features)` of a layer, repeated for N examples.
fn spread<D: Device<f32>, T: Tape<f32, D>>(
    vectors: T2<D, T>,
    shape: (usize, usize, usize),
) -> Result<T3<D, T>, D::Err> {
    vectors.try_broadcast_like::<_, Axis<1>>(&shape)
}

impl<D: Device<f32>> Backend for Composite<D> {
    type Dev = D;
    type Set = CompositeSet<D>;
    type Conv = CompositeConv<D>;

    fn device(&self) -> &D {
        &self.device
    }

    fn conv(&self) -> &CompositeConv<D> {
        &self.conv
    }

    fn upload(&self, splits: &Arc<Splits>, split: Split) -> Result<Self::Set, D::Err> {
        let examples = split.of(splits);
        let all: Vec<u32> = (0..examples.len() as u32).collect();
        let mut rows = Vec::new();
        gather(examples, &all, None, &mut rows);
        let inputs = self.device.try_tensor_from_vec(rows, (examples.len(), examples.shape.len()))?;
        Ok(CompositeSet { inputs, size: examples.shape.into() })
    }

    fn batch(&self, set: &Self::Set, indices: &[u32], placements: Option<&[Placement]>) -> Result<T2<D>, D::Err> {
        if let Some(placements) = placements {
            return placed::batch(&self.device, set, indices, placements);
        }
        let rows = indices.iter().map(|&i| i as usize).collect();
        let rows: Tensor<(usize,), usize, D> = self.device.try_tensor_from_vec(rows, (indices.len(),))?;
        set.inputs.clone().try_gather(rows)
    }

    fn record(&self, _: &[&Parameter<D>]) -> Result<OwnedTape<f32, D>, D::Err> {
        Ok(OwnedTape::default())
    }

    fn linear_input<T: Tape<f32, D>>(
        &self,
        x: T2<D>,
        tape: T,
        layer: &Linear<D>,
        relu: bool,
    ) -> Result<T3<D, T>, D::Err> {
        // All members' units side by side, so that what they share is not repeated: cuBLAS refuses to.
        let (n, inputs) = *x.shape();
        let (k, outputs, _) = layer.dimensions();
        let units = layer.weight.tensor.clone().put_tape(tape).try_reshape_like(&(k * outputs, inputs))?;
        let y = units.try_matmul(x.try_permute::<_, Axes2<1, 0>>()?)?.try_reshape_like(&(k, outputs, n))?;
        add_bias(y.try_permute::<_, Axes3<0, 2, 1>>()?, layer, relu)
    }

    fn linear<T: Tape<f32, D>>(&self, x: T3<D, T>, layer: &Linear<D>, relu: bool) -> Result<T3<D, T>, D::Err> {
        let weight = layer.weight.tensor.retaped::<T>().try_reshape_like(&layer.dimensions())?;
        add_bias(x.try_matmul(weight.try_permute::<_, Axes3<0, 2, 1>>()?)?, layer, relu)
    }

    fn batch_norm_relu<T: Tape<f32, D>>(&self, x: T3<D, T>, norm: &mut BatchNorm<D>) -> Result<T3<D, T>, D::Err> {
        let shape @ (_, n, _) = *x.shape();
        let mean = x.retaped::<T>().try_mean::<_, Axis<1>>()?;
        let (kept_mean, tape) = mean.split_tape();
        let centred = x.try_sub(spread(kept_mean.clone().put_tape(tape), shape)?)?;
        let variance = centred.retaped::<T>().try_square()?.try_mean::<_, Axis<1>>()?;
        let (kept_variance, tape) = variance.split_tape();
        let deviation = kept_variance.clone().put_tape(tape).try_add(BatchNorm::<D>::EPSILON as f32)?.try_sqrt()?;

        let momentum = BatchNorm::<D>::MOMENTUM;
        let unbiased = n as f64 / (n as f64 - 1.0);
        norm.mean.tensor.try_axpy(1.0 - momentum, &kept_mean, momentum)?;
        norm.variance.tensor.try_axpy(1.0 - momentum, &kept_variance, momentum * unbiased)?;

        finish(centred.try_div(spread(deviation, shape)?)?, norm)
    }

    fn batch_norm_relu_running<T: Tape<f32, D>>(&self, x: T3<D, T>, norm: &BatchNorm<D>) -> Result<T3<D, T>, D::Err> {
        let shape = *x.shape();
        let centred = x.try_sub(spread(norm.mean.tensor.clone(), shape)?)?;
        let deviation = norm.variance.tensor.clone().try_add(BatchNorm::<D>::EPSILON as f32)?.try_sqrt()?;
        finish(centred.try_div(spread(deviation, shape)?)?, norm)
    }

    fn cross_entropy<T: Tape<f32, D>>(&self, logits: T3<D, T>, labels: &[u16]) -> Result<T1<D, T>, D::Err> {
        let shape @ (_, n, classes) = *logits.shape();
        let mut hits = vec![0.0; n * classes];
        for (i, &label) in labels.iter().enumerate() {
            hits[i * classes + usize::from(label)] = -1.0 / n as f32;
        }
        let hits: T2<D> = self.device.try_tensor_from_vec(hits, (n, classes))?;
        let hits = hits.try_broadcast_like::<_, Axis<0>>(&shape)?;
        logits.try_log_softmax::<Axis<2>>()?.try_mul(hits)?.try_sum::<_, Axes2<1, 2>>()
    }

    fn backward(&self, losses: T1<D, OwnedTape<f32, D>>, loss_weights: &[f32]) -> Result<Gradients<f32, D>, D::Err> {
        let loss_weights: T1<D> = self.device.try_tensor_from_vec(loss_weights.to_vec(), (loss_weights.len(),))?;
        losses.try_mul(loss_weights)?.try_sum::<Rank0, _>()?.try_backward()
    }

    fn adam(
        &self,
        step: &AdamStep,
        parameter: &mut T2<D>,
        (first, second): (&mut Buffer<Self>, &mut Buffer<Self>),
        gradient: &Buffer<Self>,
    ) -> Result<(), DeviceError<Self>> {
        let config = AdamConfig {
            lr: step.lr,
            betas: [step.beta1, step.beta2],
            eps: step.epsilon,
            weight_decay: decay(step.weight_decay),
        };
        config.try_update(step.t as i32, parameter, first, second, gradient)
    }

    fn sgd(
        &self,
        step: &SgdStep,
        parameter: &mut T2<D>,
        velocity: &mut Buffer<Self>,
        gradient: &Buffer<Self>,
    ) -> Result<(), DeviceError<Self>> {
        let momentum = Some(Momentum::Classic(step.momentum));
        let config = SgdConfig { lr: step.lr, momentum, weight_decay: decay(step.weight_decay) };
        config.try_update(parameter, velocity, gradient)
    }

    fn recycle(&self, _: Gradients<f32, D>, _: &[&Parameter<D>]) {}
}

fn decay(rate: f64) -> Option<WeightDecay> {
    (rate != 0.0).then_some(WeightDecay::L2(rate))
}

/// `relu?(y + bias)`, contiguous.
fn add_bias<D: Device<f32>, T: Tape<f32, D>>(y: T3<D, T>, layer: &Linear<D>, relu: bool) -> Result<T3<D, T>, D::Err> {
    let shape = *y.shape();
    let y = y.try_add(spread(layer.bias.tensor.retaped::<T>(), shape)?)?;
    if relu { y.try_relu() } else { Ok(y) }
}

/// Scale, shift and ReLU.
fn finish<D: Device<f32>, T: Tape<f32, D>>(x: T3<D, T>, norm: &BatchNorm<D>) -> Result<T3<D, T>, D::Err> {
    let shape = *x.shape();
    let scaled = x.try_mul(spread(norm.scale.tensor.retaped::<T>(), shape)?)?;
    scaled.try_add(spread(norm.shift.tensor.retaped::<T>(), shape)?)?.try_relu()
}
