//! Linear layers with ReLU between them, with or without batch normalisation (paper, Section 4.1; the authors' demo).

use dfdx::prelude::{Device, NoneTape, Tape};
use flooding_core::seeds::Stream;

use super::{Network, uniform};
use crate::backend::{Backend, DeviceError, Recording, T2, T3};
use crate::layers::{BatchNorm, Linear, Parameter, Role};

/// Linear, \[batch normalisation,\] ReLU, repeated; then Linear.
#[derive(Clone, Debug)]
pub struct Mlp<D: Device<f32>> {
    layers: Vec<Layer<D>>,
}

#[derive(Clone, Debug)]
struct Layer<D: Device<f32>> {
    linear: Linear<D>,
    /// After a hidden layer, where the network has it.
    norm: Option<BatchNorm<D>>,
    /// ReLU follows, on all but the last layer.
    hidden: bool,
}

impl<D: Device<f32>> Mlp<D> {
    /// Draws PyTorch's default initialisation, layer by layer, weight then bias; `sizes` are inputs, hidden, outputs.
    pub fn new<B: Backend<Dev = D>>(
        backend: &B,
        sizes: (usize, &[usize], usize),
        batch_norm: bool,
        members: usize,
        stream: &mut Stream,
    ) -> Result<Self, D::Err> {
        let (inputs, hidden, outputs) = sizes;
        let widths: Vec<usize> = [inputs].iter().chain(hidden).chain(&[outputs]).copied().collect();
        let device = backend.device();
        // The place in PyTorch's `Sequential` of Linear, [BatchNorm1d,] ReLU, ...
        let stride = if batch_norm { 3 } else { 2 };
        let layers = widths.windows(2).enumerate().map(|(i, pair)| {
            let (fan_in, units) = (pair[0], pair[1]);
            let place = i * stride;
            let mut draw = |name: &str, shape: Vec<usize>, role| {
                let values = uniform(shape.iter().product(), fan_in, stream);
                Parameter::new(device, format!("{place}.{name}"), (shape, role), members, &values)
            };
            let weight = draw("weight", vec![units, fan_in], Role::Weight)?;
            let bias = draw("bias", vec![units], Role::Vector)?;
            let is_hidden = i < hidden.len();
            let norm = if is_hidden && batch_norm {
                Some(BatchNorm::new(device, &(place + 1).to_string(), units, members)?)
            } else {
                None
            };
            Ok(Layer { linear: Linear { weight, bias }, norm, hidden: is_hidden })
        });
        Ok(Self { layers: layers.collect::<Result<_, D::Err>>()? })
    }

    /// One pass; `normalise` says how batch normalisation is done.
    fn pass<B: Backend<Dev = D>, T: Tape<f32, D>>(
        &self,
        backend: &B,
        inputs: T2<D>,
        tape: T,
    ) -> Result<T3<D, T>, D::Err> {
        let (first, rest) = self.layers.split_first().expect("an MLP has an output layer");
        let relu = |layer: &Layer<D>| layer.hidden && layer.norm.is_none();
        let mut x = backend.linear_input(inputs, tape, &first.linear, relu(first))?;
        if let Some(norm) = &first.norm {
            x = backend.batch_norm_relu_running(x, norm)?;
        }
        for layer in rest {
            x = backend.linear(x, &layer.linear, relu(layer))?;
            if let Some(norm) = &layer.norm {
                x = backend.batch_norm_relu_running(x, norm)?;
            }
        }
        Ok(x)
    }
}

impl<B: Backend> Network<B> for Mlp<B::Dev> {
    fn parameters(&self) -> Vec<&Parameter<B::Dev>> {
        self.layers
            .iter()
            .flat_map(|layer| {
                let norm = layer.norm.iter().flat_map(BatchNorm::parameters);
                [&layer.linear.weight, &layer.linear.bias].into_iter().chain(norm)
            })
            .collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter<B::Dev>> {
        self.layers
            .iter_mut()
            .flat_map(|layer| {
                let norm = layer.norm.iter_mut().flat_map(BatchNorm::parameters_mut);
                [&mut layer.linear.weight, &mut layer.linear.bias].into_iter().chain(norm)
            })
            .collect()
    }

    fn train(
        &mut self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>> {
        if !self.has_norm() {
            return self.pass(backend, inputs, tape);
        }
        let (first, rest) = self.layers.split_first_mut().expect("an MLP has an output layer");
        let mut x = backend.linear_input(inputs, tape, &first.linear, first.hidden && first.norm.is_none())?;
        if let Some(norm) = &mut first.norm {
            x = backend.batch_norm_relu(x, norm)?;
        }
        for layer in rest {
            x = backend.linear(x, &layer.linear, layer.hidden && layer.norm.is_none())?;
            if let Some(norm) = &mut layer.norm {
                x = backend.batch_norm_relu(x, norm)?;
            }
        }
        Ok(x)
    }

    fn evaluate(&self, backend: &B, inputs: T2<B::Dev>) -> Result<T3<B::Dev>, DeviceError<B>> {
        self.pass(backend, inputs, NoneTape)
    }

    fn probe(
        &self,
        backend: &B,
        inputs: T2<B::Dev>,
        tape: Recording<B>,
    ) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>> {
        self.pass(backend, inputs, tape)
    }

    fn same_in_both_modes(&self) -> bool {
        !self.has_norm()
    }

    fn smallest_batch(&self) -> usize {
        if self.has_norm() { 2 } else { 1 }
    }
}

impl<D: Device<f32>> Mlp<D> {
    fn has_norm(&self) -> bool {
        self.layers.iter().any(|layer| layer.norm.is_some())
    }
}
