//! What networks are made of: named tensors of all members, and the layers that hold them.

use std::sync::Arc;

use dfdx::prelude::{Device, HasShape as _};

use crate::allocation::reserve;
use crate::geometry::Geometry;
use crate::tensor::T2;

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

    /// Replaces all members' numbers.
    pub fn set(&mut self, values: &[f32]) {
        D::copy_from(&mut self.tensor, values);
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

/// A linear layer's parameters: weight `(out, in)` and bias `(out)` of each member.
#[derive(Clone, Debug)]
pub struct Linear<D: Device<f32>> {
    /// Named `...weight`.
    pub weight: Parameter<D>,
    /// Named `...bias`.
    pub bias: Parameter<D>,
}

impl<D: Device<f32>> Linear<D> {
    /// (members, outputs, inputs).
    pub fn dimensions(&self) -> (usize, usize, usize) {
        (self.weight.members(), self.weight.shape[0], self.weight.shape[1])
    }
}

/// A convolution without bias and the batch normalisation after it.
#[derive(Clone, Debug)]
pub struct ConvNorm<D: Device<f32>> {
    /// `(output channels, input channels, rows, columns)` of each member, as PyTorch has it.
    pub weight: Parameter<D>,
    /// One feature a channel; over the examples and all pixels.
    pub norm: BatchNorm<D>,
    /// Where the convolution's window goes.
    pub geometry: Arc<Geometry>,
}

impl<D: Device<f32>> ConvNorm<D> {
    /// Input and output channels.
    pub fn channels(&self) -> (usize, usize) {
        (self.weight.shape[1], self.weight.shape[0])
    }
}
