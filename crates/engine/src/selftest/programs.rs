//! Small computations that go through one convolutional operation each, on any device: a convolution, the operation, the
//! average over the image, a linear layer. The crate's tests hold them against finite differences, the self-test a
//! device against the CPU.

use std::sync::Arc;

use dfdx::prelude::{Device, TensorFromVec as _};
use flooding_core::seeds::{Purpose, Stream, Streams};
use rand::RngExt as _;

use crate::backend::{Backend, DeviceError, Recording, T2, T3};
use crate::convolution::{Operations as _, Statistics};
use crate::geometry::{Geometry, ImageSize, Window};
use crate::layers::{BatchNorm, ConvNorm, Linear, Parameter, Role};

const SIZE: ImageSize = ImageSize { channels: 3, height: 7, width: 6 };
const STEM: usize = 4;

/// What stands between the first convolution and the average. The first convolution's gradient has to pass through it.
#[derive(Clone, Copy, Debug)]
pub enum Program {
    /// Another convolution, from the channels of the stem to this number.
    Conv(Window, usize, Statistics),
    /// 3x3, stride 2, padding 1.
    MaxPool,
    /// A block whose shortcut is the input itself: the map is used twice.
    Identity,
    /// A block with channels of zeros around the input's.
    Padded,
    /// A block with a strided 1x1 convolution: again used twice.
    Projected,
}

/// One of each.
pub const PROGRAMS: [Program; 9] = [
    Program::Conv(Window::new(3, 1, 1), 5, Statistics::Batch),
    Program::Conv(Window::new(3, 2, 1), 17, Statistics::Running),
    Program::Conv(Window::new(1, 1, 0), 9, Statistics::Batch),
    Program::Conv(Window::new(1, 2, 0), 8, Statistics::Running),
    Program::Conv(Window::new(7, 2, 3), 6, Statistics::Batch),
    Program::MaxPool,
    Program::Identity,
    Program::Padded,
    Program::Projected,
];

/// Each member's loss, and the gradient of every parameter.
pub type Differentiated = (Vec<f32>, Vec<Vec<f32>>);

/// A program's layers and inputs on some device.
pub struct Setting<B: Backend> {
    backend: B,
    program: Program,
    layers: Vec<ConvNorm<B::Dev>>,
    head: Linear<B::Dev>,
    inputs: Vec<f32>,
    labels: Vec<u16>,
}

/// Numbers between -1 and 1.
pub(super) fn random(count: usize, stream: &mut Stream) -> Vec<f32> {
    (0..count).map(|_| stream.random::<f32>() * 2.0 - 1.0).collect()
}

/// A normalisation with random parameters and statistics.
pub(super) fn norm<D: Device<f32>>(
    device: &D,
    members: usize,
    features: usize,
    stream: &mut Stream,
) -> Result<BatchNorm<D>, D::Err> {
    let mut make = |name: &str, role, offset: f32| {
        let values: Vec<f32> = random(features, stream).iter().map(|v| v * 0.5 + offset).collect();
        Parameter::new(device, name, (vec![features], role), members, &values)
    };
    Ok(BatchNorm {
        scale: make("scale", Role::Vector, 1.0)?,
        shift: make("shift", Role::Vector, 0.0)?,
        mean: make("mean", Role::Statistic, 0.0)?,
        variance: make("variance", Role::Statistic, 1.0)?,
    })
}

/// A linear layer with random parameters.
pub(super) fn linear<D: Device<f32>>(
    device: &D,
    members: usize,
    (inputs, outputs): (usize, usize),
    stream: &mut Stream,
) -> Result<Linear<D>, D::Err> {
    let mut make = |name: &str, shape: Vec<usize>, role| {
        let values = random(shape.iter().product(), stream);
        Parameter::new(device, name, (shape, role), members, &values)
    };
    let weight = make("weight", vec![outputs, inputs], Role::Weight)?;
    Ok(Linear { weight, bias: make("bias", vec![outputs], Role::Vector)? })
}

fn layer<D: Device<f32>>(
    device: &D,
    members: usize,
    (inputs, outputs): (usize, usize),
    (window, height, width): (Window, usize, usize),
    stream: &mut Stream,
) -> Result<ConvNorm<D>, D::Err> {
    let shape = vec![outputs, inputs, window.kernel, window.kernel];
    let values: Vec<f32> = random(shape.iter().product(), stream).iter().map(|v| v * 0.5).collect();
    let weight = Parameter::new(device, "weight", (shape, Role::Weight), members, &values)?;
    let norm = norm(device, members, outputs, stream)?;
    Ok(ConvNorm { weight, norm, geometry: Arc::new(Geometry::new(window, height, width)) })
}

impl<B: Backend> Setting<B> {
    /// The program with random weights, the same for all members, and this number of random images.
    pub fn new(backend: B, program: Program, images: usize, members: usize) -> Result<Self, DeviceError<B>> {
        let stream = &mut Streams::new(7, "operations", 0).stream(Purpose::Data, 0);
        let device = backend.device();
        let (three, half) = (Window::new(3, 1, 1), Window::new(3, 2, 1));
        let (h, w) = (SIZE.height, SIZE.width);
        let mut layers = vec![layer(device, members, (SIZE.channels, STEM), (three, h, w), stream)?];
        let mut outputs = STEM;
        match program {
            Program::Conv(window, channels, _) => {
                layers.push(layer(device, members, (STEM, channels), (window, h, w), stream)?);
                outputs = channels;
            }
            Program::MaxPool => {}
            Program::Identity => layers.push(layer(device, members, (STEM, STEM), (three, h, w), stream)?),
            Program::Padded | Program::Projected => {
                outputs = 2 * STEM;
                layers.push(layer(device, members, (STEM, outputs), (half, h, w), stream)?);
                layers.push(layer(device, members, (STEM, outputs), (Window::new(1, 2, 0), h, w), stream)?);
            }
        }
        let head = linear(device, members, (outputs, 3), stream)?;
        let inputs = random(images * 3 * h * w, stream);
        let labels = (0..images).map(|i| (i % 3) as u16).collect();
        Ok(Self { backend, program, layers, head, inputs, labels })
    }

    fn forward(&self) -> Result<T3<B::Dev, Recording<B>>, DeviceError<B>> {
        let (conv, images) = (self.backend.conv(), self.labels.len());
        let inputs: T2<B::Dev> =
            self.backend.device().try_tensor_from_vec(self.inputs.clone(), (images, self.inputs.len() / images))?;
        let tape = self.backend.record(&[])?;
        let members = self.layers[0].weight.members();
        let x = conv.images(inputs, SIZE, members, tape)?;
        let (x, _) = conv.conv_norm(x, &self.layers[0], None, true, Statistics::Batch)?;
        let second = self.layers.get(1);
        let x = match (self.program, second) {
            (Program::Conv(_, _, statistics), Some(layer)) => conv.conv_norm(x, layer, None, false, statistics)?.0,
            (Program::MaxPool, _) => {
                let window = Window::new(3, 2, 1);
                conv.max_pool(x, &Arc::new(Geometry::new(window, SIZE.height, SIZE.width)))?
            }
            (_, Some(layer)) => {
                let (branch, x) = conv.fork(x);
                let branch = match self.program {
                    Program::Padded => conv.pad_channels(branch, &self.layers[2].geometry, 2 * STEM)?,
                    Program::Projected => conv.conv_norm(branch, &self.layers[2], None, false, Statistics::Batch)?.0,
                    _ => branch,
                };
                conv.conv_norm(x, layer, Some(branch), true, Statistics::Batch)?.0
            }
            (_, None) => unreachable!("only the pooling has one layer"),
        };
        self.backend.linear(conv.average(x)?, &self.head, false)
    }

    /// All trained parameters that the program uses.
    pub fn parameters(&mut self) -> Vec<&mut Parameter<B::Dev>> {
        let trained = self.layers.iter_mut().flat_map(|layer| {
            let [scale, shift, ..] = layer.norm.parameters_mut();
            [&mut layer.weight, scale, shift]
        });
        // Option A uses the third layer's geometry alone.
        let used = if matches!(self.program, Program::Padded) { 6 } else { 9 };
        trained.take(used).chain([&mut self.head.weight, &mut self.head.bias]).collect()
    }

    /// Each member's loss, and the gradients of all parameters.
    pub fn run(&mut self) -> Result<Differentiated, DeviceError<B>> {
        let losses = self.backend.cross_entropy(self.forward()?, &self.labels)?;
        let values = losses.as_vec();
        let gradients = self.backend.backward(losses, &vec![1.0; values.len()])?;
        Ok((values, self.parameters().into_iter().map(|p| gradients.get(&p.tensor).as_vec()).collect()))
    }
}
