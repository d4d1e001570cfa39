//! The convolutional operations: gradients against finite differences, the CPU's own against dfdx's public ones.

use std::sync::Arc;

use dfdx::prelude::{Cpu, Device, TensorFromVec as _};
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_train::backend::{Backend, DeviceError, Portable, T2, T3};
use flooding_train::conv::{ConvNorm, Geometry, ImageSize, Operations as _, Statistics, Window, with_threads_inside};
use flooding_train::cpu::FastCpu;
use flooding_train::nets::{BatchNorm, Parameter, Role};
use rand::RngExt as _;

const SIZE: ImageSize = ImageSize { channels: 3, height: 7, width: 6 };
const STEM: usize = 4;

/// What stands between the first convolution and the average. The first convolution's gradient has to pass through it.
#[derive(Clone, Copy, Debug)]
enum Program {
    /// Another convolution, from the stem's channels to so many.
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

const PROGRAMS: [Program; 9] = [
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

/// A program's layers and inputs on some device.
struct Setting<B: Backend> {
    backend: B,
    program: Program,
    layers: Vec<ConvNorm<B::Dev>>,
    head: flooding_train::backend::Linear<B::Dev>,
    inputs: Vec<f32>,
    labels: Vec<u16>,
}

fn random(count: usize, stream: &mut Stream) -> Vec<f32> {
    (0..count).map(|_| stream.random::<f32>() * 2.0 - 1.0).collect()
}

fn layer<D: Device<f32>>(
    device: &D,
    members: usize,
    (inputs, outputs): (usize, usize),
    (window, height, width): (Window, usize, usize),
    stream: &mut Stream,
) -> ConvNorm<D> {
    let mut make = |name: &str, shape: Vec<usize>, role, offset: f32| {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = random(count, stream).iter().map(|v| v * 0.5 + offset).collect();
        Parameter::new(device, name, (shape, role), members, &values).expect("memory")
    };
    let weight = make("weight", vec![outputs, inputs, window.kernel, window.kernel], Role::Weight, 0.0);
    let norm = BatchNorm {
        scale: make("scale", vec![outputs], Role::Vector, 1.0),
        shift: make("shift", vec![outputs], Role::Vector, 0.0),
        mean: make("mean", vec![outputs], Role::Statistic, 0.0),
        variance: make("variance", vec![outputs], Role::Statistic, 1.0),
    };
    ConvNorm { weight, norm, geometry: Arc::new(Geometry::new(window, height, width)) }
}

impl<B: Backend> Setting<B> {
    fn new(backend: B, program: Program, images: usize, members: usize) -> Self {
        let stream = &mut Streams::new(7, "operations", 0).stream(Purpose::Data, 0);
        let device = backend.device();
        let (three, half) = (Window::new(3, 1, 1), Window::new(3, 2, 1));
        let (h, w) = (SIZE.height, SIZE.width);
        let mut layers = vec![layer(device, members, (SIZE.channels, STEM), (three, h, w), stream)];
        let mut outputs = STEM;
        match program {
            Program::Conv(window, channels, _) => {
                layers.push(layer(device, members, (STEM, channels), (window, h, w), stream));
                outputs = channels;
            }
            Program::MaxPool => {}
            Program::Identity => layers.push(layer(device, members, (STEM, STEM), (three, h, w), stream)),
            Program::Padded | Program::Projected => {
                outputs = 2 * STEM;
                layers.push(layer(device, members, (STEM, outputs), (half, h, w), stream));
                layers.push(layer(device, members, (STEM, outputs), (Window::new(1, 2, 0), h, w), stream));
            }
        }
        let mut parameter = |shape: Vec<usize>, role| {
            let values = random(shape.iter().product(), stream);
            Parameter::new(device, "head", (shape, role), members, &values).expect("memory")
        };
        let weight = parameter(vec![3, outputs], Role::Weight);
        let head = flooding_train::backend::Linear { weight, bias: parameter(vec![3], Role::Vector) };
        let inputs = random(images * 3 * h * w, stream);
        let labels = (0..images).map(|i| (i % 3) as u16).collect();
        Self { backend, program, layers, head, inputs, labels }
    }

    fn forward(&self) -> Result<T3<B::Dev, flooding_train::backend::Recording<B>>, DeviceError<B>> {
        let (conv, images) = (self.backend.conv(), self.labels.len());
        let inputs: T2<B::Dev> =
            self.backend.device().tensor_from_vec(self.inputs.clone(), (images, self.inputs.len() / images));
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

    fn parameters(&mut self) -> Vec<&mut Parameter<B::Dev>> {
        let trained = self.layers.iter_mut().flat_map(|layer| {
            let [scale, shift, ..] = layer.norm.parameters_mut();
            [&mut layer.weight, scale, shift]
        });
        // Option A uses the third layer's geometry alone.
        let used = if matches!(self.program, Program::Padded) { 6 } else { 9 };
        trained.take(used).chain([&mut self.head.weight, &mut self.head.bias]).collect()
    }

    /// Each member's loss, and the gradients of all parameters.
    fn run(&mut self) -> (Vec<f32>, Vec<Vec<f32>>) {
        let logits = self.forward().expect("forward");
        let losses = self.backend.cross_entropy(logits, &self.labels).expect("loss");
        let values = losses.as_vec();
        let slopes = vec![1.0; values.len()];
        let gradients = self.backend.backward(losses, &slopes).expect("backward");
        (values, self.parameters().into_iter().map(|p| gradients.get(&p.tensor).as_vec()).collect())
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt()
}

fn gradients_match_finite_differences<B: Backend>(backend: &B) {
    let stream = &mut Streams::new(8, "directions", 0).stream(Purpose::Direction, 0);
    for program in PROGRAMS {
        let mut setting = Setting::new(backend.clone(), program, 19, 1);
        let (_, gradients) = setting.run();
        for (i, gradient) in gradients.iter().enumerate() {
            let start = setting.parameters()[i].to_host();
            for _ in 0..3 {
                let direction = random(gradient.len(), stream);
                let length = norm(&direction);
                let step = 1e-3 / length;
                let mut at = |sign: f64| {
                    let moved: Vec<f32> =
                        start.iter().zip(&direction).map(|(s, d)| s + (sign * step * f64::from(*d)) as f32).collect();
                    setting.parameters()[i].set_member(0, &moved);
                    f64::from(setting.run().0[0])
                };
                let measured = (at(1.0) - at(-1.0)) / 2e-3;
                let expected: f64 =
                    gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d)).sum::<f64>() / length;
                let tolerance = 0.03 * norm(gradient) + 5e-4;
                let error = (measured - expected).abs();
                assert!(error <= tolerance, "{program:?}, parameter {i}: {measured} against {expected}");
            }
            setting.parameters()[i].set_member(0, &start);
        }
    }
}

#[test]
fn every_gradient_on_the_cpu_matches_finite_differences_also_where_an_input_is_used_twice() {
    gradients_match_finite_differences(&FastCpu::default());
}

#[test]
fn every_gradient_of_the_public_operations_matches_finite_differences() {
    gradients_match_finite_differences(&Portable::new(Cpu::default()));
}

#[test]
fn the_cpus_operations_agree_with_the_public_ones_for_any_number_of_images_and_members() {
    for program in PROGRAMS {
        for (images, members) in [(2, 1), (16, 2), (37, 1), (70, 2)] {
            let mut own = Setting::new(FastCpu::default(), program, images, members);
            let mut public = Setting::new(Portable::new(Cpu::default()), program, images, members);
            let ((losses, gradients), (expected, expected_gradients)) = (own.run(), public.run());
            for (loss, expected) in losses.iter().zip(&expected) {
                assert!(
                    (loss - expected).abs() <= 1e-5 * expected.abs(),
                    "{program:?}, {images} images: {loss}, {expected}"
                );
            }
            for (i, (a, b)) in gradients.iter().zip(&expected_gradients).enumerate() {
                let difference: Vec<f32> = a.iter().zip(b).map(|(a, b)| a - b).collect();
                assert!(
                    norm(&difference) <= 1e-4 * norm(b) + 1e-5,
                    "{program:?}, {images} images, parameter {i}: off by {} of {}",
                    norm(&difference),
                    norm(b)
                );
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    for program in PROGRAMS {
        let mut setting = Setting::new(FastCpu::default(), program, 37, 1);
        let alone = setting.run();
        let spread = with_threads_inside(true, || setting.run());
        assert!(alone == spread, "{program:?}");
    }
}

#[test]
fn a_member_of_a_group_equals_the_same_network_alone() {
    for program in PROGRAMS {
        let (losses, gradients) = Setting::new(FastCpu::default(), program, 19, 3).run();
        let (alone, alone_gradients) = Setting::new(FastCpu::default(), program, 19, 1).run();
        assert_eq!(losses, vec![alone[0]; 3], "{program:?}");
        for (group, alone) in gradients.iter().zip(&alone_gradients) {
            assert!(group.chunks(alone.len()).all(|member| member == alone), "{program:?}");
        }
    }
}

/// Weights that let one channel of the image through, and nothing else.
fn pass_through<D: Device<f32>>(device: &D) -> ConvNorm<D> {
    let weight = Parameter::new(device, "weight", (vec![1, 1, 1, 1], Role::Weight), 1, &[1.0]).expect("memory");
    let norm = BatchNorm::new(device, "norm", 1, 1).expect("memory");
    ConvNorm { weight, norm, geometry: Arc::new(Geometry::new(Window::new(1, 1, 0), 2, 2)) }
}

fn tied_pixels_give_the_gradient_to_the_first<B: Backend>(backend: &B) {
    // Two images of 2x2 pixels in one window: all pixels tie in the first; the second has its largest last.
    let layer = pass_through(backend.device());
    let size = ImageSize { channels: 1, height: 2, width: 2 };
    let pixels = vec![3.0, 3.0, 3.0, 3.0, 1.0, 2.0, 1.0, 5.0];
    let x: T2<B::Dev> = backend.device().tensor_from_vec(pixels, (2, 4));
    let conv = backend.conv();
    let maps = conv.images(x, size, 1, backend.record(&[]).expect("a tape")).expect("images");
    let (maps, _) = conv.conv_norm(maps, &layer, None, false, Statistics::Running).expect("convolution");
    let maps = conv.max_pool(maps, &Arc::new(Geometry::new(Window::new(3, 2, 1), 2, 2))).expect("pooling");
    let features = conv.average(maps).expect("average");
    let expected = [3.0, 5.0].map(|v: f32| v / (1.0f32 + 1e-5).sqrt());
    for (value, expected) in features.as_vec().into_iter().zip(expected) {
        assert!((value - expected).abs() < 1e-5, "{value} {expected}");
    }
    // The weight's gradient is the sum of winners; four tied winners would count the first image four times.
    let losses = dfdx::prelude::SumTo::sum::<_, dfdx::prelude::Axes2<1, 2>>(features);
    let gradients = backend.backward(losses, &[1.0]).expect("backward");
    let gradient = gradients.get(&layer.weight.tensor).as_vec()[0];
    assert!((gradient - 8.0 / (1.0f32 + 1e-5).sqrt()).abs() < 1e-4, "{gradient}");
}

#[test]
fn of_tied_pixels_the_first_gets_the_gradient() {
    tied_pixels_give_the_gradient_to_the_first(&FastCpu::default());
    tied_pixels_give_the_gradient_to_the_first(&Portable::new(Cpu::default()));
}
