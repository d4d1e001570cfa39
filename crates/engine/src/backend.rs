//! What the engine asks of a device: a handful of differentiable operations on dfdx's tape.
//!
//! [`FastCpu`](crate::cpu::FastCpu) brings its own operations; [`Composite`](crate::composite::Composite) makes them of
//! dfdx's public ones and so runs on any dfdx device. A leading ensemble axis K runs through everything: K networks of one
//! architecture that see the same batches. K = 1 is one network.

use std::sync::Arc;

use dfdx::prelude::{
    Axes2, Axis, Backward as _, Device, Gradients, HasErr, HasShape as _, OwnedTape, Rank0, Storage, SumTo as _, Tape,
    TensorFromVec as _, Trace as _, TryMul as _,
};
use flooding_core::dataset::Splits;

use crate::convolution::Operations;
use crate::data::{Placement, Split};
use crate::layers::{BatchNorm, Linear, Parameter};
pub use crate::tensor::{T1, T2, T3};

/// What a device's operations can fail with.
pub type DeviceError<B> = <<B as Backend>::Dev as HasErr>::Err;
/// The tape of a training step.
pub type Recording<B> = OwnedTape<f32, <B as Backend>::Dev>;
/// A device's buffer of numbers.
pub type Buffer<B> = <<B as Backend>::Dev as Storage<f32>>::Vec;

/// A device with the operations that the networks are made of.
pub trait Backend: Clone + 'static {
    /// The dfdx device behind it.
    type Dev: Device<f32>;
    /// One of a trial's three sets, as it is kept on the device.
    type Set;

    /// The convolutional networks' operations on it.
    type Conv: Operations<Self::Dev>;

    /// The dfdx device behind it.
    fn device(&self) -> &Self::Dev;

    /// The convolutional networks' operations on it.
    fn conv(&self) -> &Self::Conv;

    /// Makes a set available for [`batch`](Self::batch).
    fn upload(&self, splits: &Arc<Splits>, split: Split) -> Result<Self::Set, DeviceError<Self>>;

    /// The inputs of these examples, `(indices, numbers of an example)`; with `placements`, each image is moved and
    /// mirrored as its placement says.
    fn batch(
        &self,
        set: &Self::Set,
        indices: &[u32],
        placements: Option<&[Placement]>,
    ) -> Result<T2<Self::Dev>, DeviceError<Self>>;

    /// A tape for one training step of these parameters.
    fn record(&self, parameters: &[&Parameter<Self::Dev>]) -> Result<Recording<Self>, DeviceError<Self>>;

    /// The first layer, `relu?(x W^T + b)`: x `(N, in)` is shared by all members and gets no gradient.
    fn linear_input<T: Tape<f32, Self::Dev>>(
        &self,
        x: T2<Self::Dev>,
        tape: T,
        layer: &Linear<Self::Dev>,
        relu: bool,
    ) -> Result<T3<Self::Dev, T>, DeviceError<Self>>;

    /// `relu?(x W^T + b)` of each member: x `(K, N, in)`, result `(K, N, out)`.
    fn linear<T: Tape<f32, Self::Dev>>(
        &self,
        x: T3<Self::Dev, T>,
        layer: &Linear<Self::Dev>,
        relu: bool,
    ) -> Result<T3<Self::Dev, T>, DeviceError<Self>>;

    /// Batch normalisation over the examples, then ReLU; with the batch's statistics, which also move the running ones.
    fn batch_norm_relu<T: Tape<f32, Self::Dev>>(
        &self,
        x: T3<Self::Dev, T>,
        norm: &mut BatchNorm<Self::Dev>,
    ) -> Result<T3<Self::Dev, T>, DeviceError<Self>>;

    /// The same with the running statistics, which stay as they are: evaluation mode.
    fn batch_norm_relu_running<T: Tape<f32, Self::Dev>>(
        &self,
        x: T3<Self::Dev, T>,
        norm: &BatchNorm<Self::Dev>,
    ) -> Result<T3<Self::Dev, T>, DeviceError<Self>>;

    /// Mean softmax cross-entropy of each member, `(K)`: logits `(K, N, classes)`, one label an example.
    fn cross_entropy<T: Tape<f32, Self::Dev>>(
        &self,
        logits: T3<Self::Dev, T>,
        labels: &[u16],
    ) -> Result<T1<Self::Dev, T>, DeviceError<Self>>;

    /// The same with each example's loss times its weight, `(K, N)`: for objectives that flood single examples.
    fn weighted_cross_entropy<T: Tape<f32, Self::Dev>>(
        &self,
        logits: T3<Self::Dev, T>,
        labels: &[u16],
        weights: &[f32],
    ) -> Result<T1<Self::Dev, T>, DeviceError<Self>> {
        let shape @ (_, n, classes) = *logits.shape();
        let mut hits = vec![0.0; weights.len() * classes];
        for (i, weight) in weights.iter().enumerate() {
            hits[i * classes + usize::from(labels[i % n])] = -weight / n as f32;
        }
        let hits: T3<Self::Dev> = self.device().try_tensor_from_vec(hits, shape)?;
        logits.try_log_softmax::<Axis<2>>()?.try_mul(hits)?.try_sum::<_, Axes2<1, 2>>()
    }

    /// The gradients of the sum over members of each one's objective; `loss_weights[k]` is the derivative of member k's
    /// objective by its loss (see [`crate::objective`]).
    fn backward(
        &self,
        losses: T1<Self::Dev, Recording<Self>>,
        loss_weights: &[f32],
    ) -> Result<Gradients<f32, Self::Dev>, DeviceError<Self>>;

    /// One step of Adam on one tensor.
    fn adam(
        &self,
        step: &AdamStep,
        parameter: &mut T2<Self::Dev>,
        moments: (&mut Buffer<Self>, &mut Buffer<Self>),
        gradient: &Buffer<Self>,
    ) -> Result<(), DeviceError<Self>>;

    /// One step of SGD with momentum on one tensor.
    fn sgd(
        &self,
        step: &SgdStep,
        parameter: &mut T2<Self::Dev>,
        velocity: &mut Buffer<Self>,
        gradient: &Buffer<Self>,
    ) -> Result<(), DeviceError<Self>>;

    /// Puts the optimiser's memory of a parameter back; `saved` has the parameter's shape.
    ///
    /// dfdx cannot write into a `Gradients` of any device, but going backward can: the gradient of sum(p * saved) by p is
    /// `saved`, up to the sign of a zero.
    fn restore(
        &self,
        state: &mut Gradients<f32, Self::Dev>,
        parameter: &Parameter<Self::Dev>,
        saved: T2<Self::Dev>,
    ) -> Result<(), DeviceError<Self>> {
        let held = std::mem::replace(state, Gradients::leaky());
        *state = parameter.tensor.trace(held).try_mul(saved)?.try_sum::<Rank0, _>()?.try_backward()?;
        Ok(())
    }

    /// Takes back the buffers of a finished step, for the next one.
    fn recycle(&self, gradients: Gradients<f32, Self::Dev>, parameters: &[&Parameter<Self::Dev>]);
}

/// One step of Adam: Kingma and Ba's, with PyTorch's coupled weight decay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// The learning rate in force.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the corrected second moment.
    pub epsilon: f64,
    /// Coupled L2 weight decay.
    pub weight_decay: f64,
    /// Counted from 1.
    pub t: u64,
}

/// One step of SGD with classic momentum and coupled weight decay, as PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// The learning rate in force.
    pub lr: f64,
    /// Momentum.
    pub momentum: f64,
    /// Coupled L2 weight decay.
    pub weight_decay: f64,
}
