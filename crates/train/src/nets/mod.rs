//! The networks, each over any [`Backend`].

mod cifar_resnet;
mod init;
mod mlp;
mod outline;
mod resnet;
mod resnet18;

use dfdx::prelude::{Device, HasShape as _};
use flooding_core::dataset::InputShape;
use flooding_core::seeds::Stream;
use flooding_core::spec::ModelSpec;

pub use cifar_resnet::cifar_resnet;
pub use init::{kaiming_normal, uniform};
pub use mlp::Mlp;
pub use outline::{Layer, outline};
pub use resnet::ResNet;
pub use resnet18::resnet18;

use crate::backend::{Backend, DeviceError, Recording, T2, T3};
use crate::memory::reserve;

/// What a named tensor of a network is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A weight of a linear or convolutional layer: its first axis counts the filters (output units).
    Weight,
    /// A bias, or a batch normalisation's scale or shift.
    Vector,
    /// A running statistic of batch normalisation: kept and saved, never trained.
    Statistic,
}

impl Role {
    /// Does an optimiser move it?
    pub const fn is_trained(self) -> bool {
        !matches!(self, Self::Statistic)
    }
}

/// A named tensor of a network, of all its members.
#[derive(Clone, Debug)]
pub struct Parameter<D: Device<f32>> {
    /// The name that PyTorch's `state_dict` gives it, such as `0.weight`.
    pub name: String,
    /// Its shape for one member, as PyTorch has it.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
    /// `(K members, product of shape)`; reshaping it is free and keeps its identity on the tape.
    pub tensor: T2<D>,
}

impl<D: Device<f32>> Parameter<D> {
    /// A parameter whose members all start with the same `values`.
    pub fn new(
        device: &D,
        name: impl Into<String>,
        (shape, role): (Vec<usize>, Role),
        members: usize,
        values: &[f32],
    ) -> Result<Self, D::Err> {
        let mut all = Vec::new();
        reserve(&mut all, values.len() * members);
        for _ in 0..members {
            all.extend_from_slice(values);
        }
        let tensor = device.try_tensor_from_vec(all, (members, values.len()))?;
        Ok(Self { name: name.into(), shape, role, tensor })
    }

    /// How many members it holds.
    pub fn members(&self) -> usize {
        self.tensor.shape().0
    }

    /// Numbers of one member.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Has it no numbers?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All members' numbers, on the host.
    pub fn to_host(&self) -> Vec<f32> {
        let mut values = vec![0.0; self.members() * self.len()];
        D::copy_into(&self.tensor, &mut values);
        values
    }

    /// Copies one member's numbers to the host.
    pub fn copy_member(&self, member: usize, values: &mut [f32]) {
        if self.members() == 1 {
            D::copy_into(&self.tensor, values);
        } else {
            values.copy_from_slice(&self.to_host()[member * self.len()..(member + 1) * self.len()]);
        }
    }

    /// Replaces one member's numbers.
    pub fn set_member(&mut self, member: usize, values: &[f32]) {
        if self.members() == 1 {
            D::copy_from(&mut self.tensor, values);
        } else {
            let mut all = self.to_host();
            all[member * self.len()..(member + 1) * self.len()].copy_from_slice(values);
            D::copy_from(&mut self.tensor, &all);
        }
    }
}

/// Batch normalisation's parameters and running statistics, each `(features)` of each member.
#[derive(Clone, Debug)]
pub struct BatchNorm<D: Device<f32>> {
    /// gamma, named `...weight`.
    pub scale: Parameter<D>,
    /// beta, named `...bias`.
    pub shift: Parameter<D>,
    /// Named `...running_mean`.
    pub mean: Parameter<D>,
    /// Named `...running_var`; moves by the unbiased variance.
    pub variance: Parameter<D>,
}

impl<D: Device<f32>> BatchNorm<D> {
    /// Added to the variance before its root.
    pub const EPSILON: f64 = 1e-5;
    /// Weight of the new value in the running statistics.
    pub const MOMENTUM: f64 = 0.1;

    /// The identity: scale 1, shift 0, running mean 0, running variance 1.
    pub fn new(device: &D, prefix: &str, features: usize, members: usize) -> Result<Self, D::Err> {
        let make = |name: &str, role, value: f32| {
            Parameter::new(device, format!("{prefix}.{name}"), (vec![features], role), members, &vec![value; features])
        };
        Ok(Self {
            scale: make("weight", Role::Vector, 1.0)?,
            shift: make("bias", Role::Vector, 0.0)?,
            mean: make("running_mean", Role::Statistic, 0.0)?,
            variance: make("running_var", Role::Statistic, 1.0)?,
        })
    }

    /// All four, in PyTorch's order.
    pub fn parameters(&self) -> [&Parameter<D>; 4] {
        [&self.scale, &self.shift, &self.mean, &self.variance]
    }

    /// All four, in PyTorch's order.
    pub fn parameters_mut(&mut self) -> [&mut Parameter<D>; 4] {
        [&mut self.scale, &mut self.shift, &mut self.mean, &mut self.variance]
    }
}

/// K networks of one architecture that see the same batches.
pub trait Network<B: Backend> {
    /// Every named tensor, in PyTorch's order; always the same order.
    fn parameters(&self) -> Vec<&Parameter<B::Dev>>;

    /// Every named tensor, in the same order.
    fn parameters_mut(&mut self) -> Vec<&mut Parameter<B::Dev>>;

    /// Logits `(K, N, classes)` in training mode, recorded on `tape`: inputs `(N, numbers of an example)`, an image's
    /// numbers in the order channel, row, column.
    fn train(
        &mut self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>>;

    /// Logits `(K, N, classes)` in evaluation mode.
    fn evaluate(&self, backend: &B, inputs: T2<B::Dev>) -> Result<T3<B::Dev>, DeviceError<B>>;

    /// Logits in evaluation mode, recorded on `tape`: for gradients of a reported loss.
    fn probe(
        &self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>>;

    /// Do training and evaluation mode compute the same function?
    fn same_in_both_modes(&self) -> bool;

    /// The smallest batch that training mode accepts: 2 where a batch normalisation would see one number a feature.
    fn smallest_batch(&self) -> usize;

    /// Floating-point operations of one example's forward pass, for shares of work.
    fn operations(&self) -> f64 {
        2.0 * self.parameters().iter().filter(|p| p.role == Role::Weight).map(|p| p.len() as f64).sum::<f64>()
    }
}

/// Trainable numbers of one member.
pub fn count_trainable<B: Backend>(network: &dyn Network<B>) -> u64 {
    network.parameters().iter().filter(|p| p.role.is_trained()).map(|p| p.len() as u64).sum()
}

/// A network as the specification says, all members with the same initial weights.
pub fn build<B: Backend>(
    backend: &B,
    model: &ModelSpec,
    (input, classes): (InputShape, usize),
    members: usize,
    stream: &mut Stream,
) -> Result<Box<dyn Network<B>>, DeviceError<B>> {
    match model {
        ModelSpec::Mlp { hidden, batch_norm } => {
            let hidden: Vec<usize> = hidden.iter().map(|&units| units as usize).collect();
            Ok(Box::new(Mlp::new(backend, (input.len(), &hidden, classes), *batch_norm, members, stream)?))
        }
        ModelSpec::CifarResnet { blocks, width } => {
            let sizes = (*blocks as usize, *width as usize);
            Ok(Box::new(cifar_resnet(backend, sizes, (input.into(), classes), members, stream)?))
        }
        ModelSpec::Resnet18 { width } => {
            Ok(Box::new(resnet18(backend, *width as usize, (input.into(), classes), members, stream)?))
        }
    }
}
