//! The losses that PyTorch recorded, step by step. The same files serve the crate's tests.

use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::spec::{ModelSpec, OptimiserSpec};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;

use super::Check;
use super::stepper::{ADAM, IMAGE, SGD, Stepper, Subject, complaint};
use crate::backend::Backend;

/// One recorded training.
struct Recorded {
    name: &'static str,
    subject: Subject,
    level: f64,
    batch: usize,
    /// Where the initial weights are, and where the examples.
    start: &'static [u8],
    data: &'static [u8],
    /// The JSON file and the way to the series in it.
    series: (&'static str, &'static str),
}

fn recorded() -> [Recorded; 5] {
    let mlp = |hidden: &[u32], batch_norm| ModelSpec::Mlp { hidden: hidden.to_vec(), batch_norm };
    let resnet8 =
        Subject { model: ModelSpec::CifarResnet { blocks: 1, width: 4 }, input: IMAGE, classes: 10, optimiser: SGD };
    let slow = OptimiserSpec::Sgd { lr: 0.01, momentum: 0.9, weight_decay: 1e-5 };
    let c: &[u8] = include_bytes!("../../tests/golden/c_cifar_resnet8.safetensors");
    let c_series = include_str!("../../tests/golden/c_cifar_resnet8.json");
    let (a, b): (&[u8], &[u8]) = (
        include_bytes!("../../tests/golden/a_mlp_adam.safetensors"),
        include_bytes!("../../tests/golden/b_mlp_bn_sgd.safetensors"),
    );
    let vector = InputShape::Vector;
    [
        Recorded {
            name: "MLP, Adam, flooded",
            subject: Subject { model: mlp(&[64; 5], false), input: vector(2), classes: 2, optimiser: ADAM },
            level: 0.3,
            batch: 20,
            start: a,
            data: a,
            series: (include_str!("../../tests/golden/a_mlp_adam.json"), "/loss_f64"),
        },
        Recorded {
            name: "MLP with batch normalisation, SGD, flooded",
            subject: Subject { model: mlp(&[32, 32], true), input: vector(16), classes: 4, optimiser: SGD },
            level: 0.05,
            batch: 32,
            start: b,
            data: b,
            series: (include_str!("../../tests/golden/b_mlp_bn_sgd.json"), "/loss_f64"),
        },
        Recorded {
            name: "CIFAR ResNet-8",
            subject: resnet8.clone(),
            level: 0.0,
            batch: 8,
            start: c,
            data: c,
            series: (c_series, "/loss_f64"),
        },
        Recorded {
            name: "CIFAR ResNet-8, flooded",
            subject: resnet8,
            level: 2.0,
            batch: 8,
            start: c,
            data: c,
            series: (c_series, "/flooded/loss_f64"),
        },
        Recorded {
            name: "ResNet-18 of width 8",
            subject: Subject { model: ModelSpec::Resnet18 { width: 8 }, input: IMAGE, classes: 10, optimiser: slow },
            level: 0.0,
            batch: 16,
            start: include_bytes!("../../tests/golden/d_resnet18_w8.safetensors"),
            data: include_bytes!("../../tests/golden/d_resnet18_w8_batch16.safetensors"),
            series: (include_str!("../../tests/golden/d_resnet18_w8.json"), "/batch16/loss_f64"),
        },
    ]
}

/// This device's losses against PyTorch's, over all recorded steps.
pub(super) fn checks<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    let check = |case: Recorded| Check {
        name: format!("{name}: {}: every loss as PyTorch recorded it", case.name),
        difference: follow(backend, &case),
        tolerance: 1e-4,
    };
    recorded().into_iter().map(check).collect()
}

/// The largest relative difference of a loss.
fn follow<B: Backend>(backend: &B, case: &Recorded) -> Result<f64, String> {
    let damaged = |error: &dyn std::fmt::Display| format!("the recorded numbers are damaged: {error}");
    let start = SafeTensors::deserialize(case.start).map_err(|e| damaged(&e))?;
    let data = SafeTensors::deserialize(case.data).map_err(|e| damaged(&e))?;
    let series: Value = serde_json::from_str(case.series.0).map_err(|e| damaged(&e))?;
    let expected = series.pointer(case.series.1).and_then(Value::as_array).ok_or("there is no such series")?;

    let level = Level::try_from(case.level).map_err(|e| damaged(&e))?;
    let mut stepper = Stepper::new(backend, &case.subject, &[level]).map_err(complaint)?;
    for parameter in stepper.0.network_mut().parameters_mut() {
        // Running statistics start as they are made.
        if let Ok(values) = start.tensor(&format!("init.{}", parameter.name)) {
            parameter.set_member(0, &numbers(&values));
        }
    }
    let x = numbers(&data.tensor("x").map_err(|e| damaged(&e))?);
    let labels = numbers(&data.tensor("y").map_err(|e| damaged(&e))?);
    let labels: Vec<u16> = labels.into_iter().map(|label| label as u16).collect();
    let batches = labels.len() / case.batch;
    let width = x.len() / labels.len();
    let mut worst = 0f64;
    for (step, expected) in expected.iter().enumerate() {
        let first = step % batches * case.batch;
        let examples = first * width..(first + case.batch) * width;
        let loss = stepper.step(&x[examples], &labels[first..first + case.batch]).map_err(complaint)?[0];
        let expected = expected.as_f64().ok_or("a loss is not a number")?;
        let off = (f64::from(loss) - expected).abs() / expected.abs();
        worst = if off.is_nan() { f64::NAN } else { worst.max(off) };
    }
    Ok(worst)
}

/// A tensor's numbers, whatever their type.
fn numbers(view: &TensorView) -> Vec<f32> {
    let data = view.data();
    match view.dtype() {
        Dtype::F32 => data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F64 => data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect(),
        _ => data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as f32).collect(),
    }
}
