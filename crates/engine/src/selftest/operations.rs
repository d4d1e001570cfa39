//! Every single operation of a device, value and gradient, against the CPU's.

use std::sync::Arc;

use dfdx::prelude::TensorFromVec as _;
use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::OptimiserSpec;

use super::Check;
use super::programs::{PROGRAMS, Setting, linear, norm, random};
use super::stepper::{ADAM, SGD, complaint, difference};
use crate::backend::{Backend, DeviceError, T2};
use crate::cpu::FastCpu;
use crate::data::{PADDING, Placement, Split};
use crate::optim::Optimiser;

const MEMBERS: usize = 3;
const ROWS: usize = 19;
const CLASSES: usize = 4;

/// An operation of the networks without convolutions; the tensors that it is judged by come from [`run`].
#[derive(Clone, Copy, Debug)]
enum Operation {
    FirstLayer,
    Linear,
    LinearWithRelu,
    BatchNorm,
    RunningBatchNorm,
    WeightedLosses,
    Optimiser(OptimiserSpec),
    Augmentation,
}

const OPERATIONS: [(&str, Operation); 9] = [
    ("first layer", Operation::FirstLayer),
    ("linear layer", Operation::Linear),
    ("linear layer with ReLU", Operation::LinearWithRelu),
    ("batch normalisation", Operation::BatchNorm),
    ("batch normalisation with running statistics", Operation::RunningBatchNorm),
    ("weighted cross-entropy", Operation::WeightedLosses),
    ("SGD", Operation::Optimiser(SGD)),
    ("Adam", Operation::Optimiser(ADAM)),
    ("random crops and flips", Operation::Augmentation),
];

/// Every operation's values and gradients: this device's against the CPU's.
pub(super) fn checks<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    for (operation, what) in OPERATIONS.map(|(name, operation)| (operation, name)) {
        let compare = || -> Result<f64, String> {
            let here = run(backend, operation).map_err(complaint)?;
            let there = run(&FastCpu::default(), operation).map_err(complaint)?;
            Ok(worst(&here, &there))
        };
        checks.push(Check { name: format!("{name}: {what}"), difference: compare(), tolerance: 1e-4 });
    }
    for program in PROGRAMS {
        let compare = || -> Result<f64, String> {
            let here = Setting::new(backend.clone(), program, ROWS, MEMBERS).and_then(|mut s| s.run());
            let there = Setting::new(FastCpu::default(), program, ROWS, MEMBERS).and_then(|mut s| s.run());
            let ((here, gradients), (there, expected)) = (here.map_err(complaint)?, there.map_err(complaint)?);
            Ok(difference(&here, &there).max(worst(&gradients, &expected)))
        };
        checks.push(Check { name: format!("{name}: {program:?}"), difference: compare(), tolerance: 1e-3 });
    }
    checks
}

/// The worst difference of all tensors; not a number where one is not.
fn worst(here: &[Vec<f32>], there: &[Vec<f32>]) -> f64 {
    if here.len() != there.len() {
        return f64::NAN;
    }
    let differences = here.iter().zip(there).map(|(here, there)| difference(here, there));
    differences.fold(0.0, |worst, d| if d.is_nan() || f64::is_nan(worst) { f64::NAN } else { worst.max(d) })
}

fn run<B: Backend>(backend: &B, operation: Operation) -> Result<Vec<Vec<f32>>, DeviceError<B>> {
    match operation {
        Operation::Augmentation => augmented(backend),
        Operation::Optimiser(spec) => optimised(backend, spec),
        _ => differentiated(backend, operation),
    }
}

/// The losses of a first layer, the operation and a last layer, and the gradients of all parameters.
fn differentiated<B: Backend>(backend: &B, operation: Operation) -> Result<Vec<Vec<f32>>, DeviceError<B>> {
    const WIDTH: usize = 7;
    let stream = &mut Streams::new(11, "operations", 0).stream(Purpose::Data, 0);
    let device = backend.device();
    let first = linear(device, MEMBERS, (5, WIDTH), stream)?;
    let middle = linear(device, MEMBERS, (WIDTH, WIDTH), stream)?;
    let mut of_middle = norm(device, MEMBERS, WIDTH, stream)?;
    let last = linear(device, MEMBERS, (WIDTH, CLASSES), stream)?;
    let mut parameters = vec![&first.weight, &first.bias, &last.weight, &last.bias];

    let inputs: T2<B::Dev> = device.try_tensor_from_vec(random(ROWS * 5, stream), (ROWS, 5))?;
    let x = backend.linear_input(inputs, backend.record(&[])?, &first, true)?;
    let x = match operation {
        Operation::Linear | Operation::LinearWithRelu => {
            parameters.extend([&middle.weight, &middle.bias]);
            backend.linear(x, &middle, matches!(operation, Operation::LinearWithRelu))?
        }
        Operation::BatchNorm => backend.batch_norm_relu(x, &mut of_middle)?,
        Operation::RunningBatchNorm => backend.batch_norm_relu_running(x, &of_middle)?,
        _ => x,
    };
    if matches!(operation, Operation::BatchNorm | Operation::RunningBatchNorm) {
        parameters.extend([&of_middle.scale, &of_middle.shift]);
    }
    let logits = backend.linear(x, &last, false)?;
    let labels: Vec<u16> = (0..ROWS).map(|i| (i % CLASSES) as u16).collect();
    let losses = if matches!(operation, Operation::WeightedLosses) {
        backend.weighted_cross_entropy(logits, &labels, &random(MEMBERS * ROWS, stream))?
    } else {
        backend.cross_entropy(logits, &labels)?
    };
    let mut found = vec![losses.as_vec(), of_middle.mean.to_host(), of_middle.variance.to_host()];
    let gradients = backend.backward(losses, &[1.0, -1.0, 0.5])?;
    found.extend(parameters.iter().map(|parameter| gradients.get(&parameter.tensor).as_vec()));
    Ok(found)
}

/// A layer after three steps against the same losses.
fn optimised<B: Backend>(backend: &B, spec: OptimiserSpec) -> Result<Vec<Vec<f32>>, DeviceError<B>> {
    let stream = &mut Streams::new(12, "operations", 0).stream(Purpose::Data, 0);
    let mut layer = linear(backend.device(), MEMBERS, (5, CLASSES), stream)?;
    let mut optimiser = Optimiser::new(spec);
    for _ in 0..3 {
        let inputs: T2<B::Dev> = backend.device().try_tensor_from_vec(random(ROWS * 5, stream), (ROWS, 5))?;
        let labels: Vec<u16> = (0..ROWS).map(|i| (i % CLASSES) as u16).collect();
        let tape = backend.record(&[&layer.weight, &layer.bias])?;
        let losses = backend.cross_entropy(backend.linear_input(inputs, tape, &layer, false)?, &labels)?;
        let mut gradients = backend.backward(losses, &[1.0, -1.0, 1.0])?;
        optimiser.step(backend, vec![&mut layer.weight, &mut layer.bias], &mut gradients, 0.5)?;
        backend.recycle(gradients, &[&layer.weight, &layer.bias]);
    }
    Ok(vec![layer.weight.to_host(), layer.bias.to_host()])
}

/// A batch of images, moved and mirrored in every way there is, and one that is not.
fn augmented<B: Backend>(backend: &B) -> Result<Vec<Vec<f32>>, DeviceError<B>> {
    let shape = InputShape::Image { channels: 3, height: 6, width: 5 };
    let inputs = Inputs::Bytes((0..4 * shape.len()).map(|i| (i * 37 % 251) as u8).collect());
    let images = Examples { shape, inputs, labels: vec![0; 4], clean_labels: None };
    let none = images.select(&[]);
    let splits = Arc::new(Splits { train: images, validation: none.clone(), test: none, classes: 2 });
    let set = backend.upload(&splits, Split::Train)?;
    let offsets = 0..=2 * PADDING;
    let placements: Vec<Placement> = offsets
        .clone()
        .flat_map(|row| offsets.clone().map(move |column| (row, column)))
        .flat_map(|(row, column)| [true, false].map(|mirrored| Placement { row, column, mirrored }))
        .collect();
    let indices: Vec<u32> = (0..placements.len() as u32).map(|i| i % 4).collect();
    let moved = backend.batch(&set, &indices, Some(&placements))?;
    Ok(vec![moved.as_vec(), backend.batch(&set, &indices, None)?.as_vec()])
}
