//! Reading golden values (made with PyTorch; see `tests/golden`) and playing their steps.
#![allow(dead_code)] // Each test file uses its own part of this.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use dfdx::prelude::{Device, TensorFromVec as _};
use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, Objective, OptimiserSpec};
use flooding_engine::backend::Backend;
use flooding_engine::evaluate::Logits;
use flooding_engine::objective::Flooding;
use flooding_engine::step::TrainStep;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The tensors of one file, read as double precision.
pub struct Tensors(Vec<u8>);

impl Tensors {
    pub fn open(name: &str) -> Self {
        Self(fs::read(path(name)).unwrap())
    }

    pub fn get(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        let data = tensor.data();
        match tensor.dtype() {
            Dtype::F32 => data.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect(),
            Dtype::F64 => data.chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
            Dtype::I64 => data.chunks(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect(),
            other => panic!("{name} is {other:?}"),
        }
    }

    pub fn single(&self, name: &str) -> Vec<f32> {
        self.get(name).into_iter().map(|v| v as f32).collect()
    }
}

/// A golden case: a network at its start, its data and its optimiser.
pub struct Case<B: Backend> {
    pub step: TrainStep<B>,
    pub tensors: Tensors,
    pub json: Value,
    x: Vec<f32>,
    width: usize,
    labels: Vec<u16>,
}

impl<B: Backend> Case<B> {
    pub fn open(backend: &B, name: &str, model: &ModelSpec, (width, classes): (usize, usize)) -> Self {
        let (tensors, json) = (Tensors::open(&format!("{name}.safetensors")), json(&format!("{name}.json")));
        let mut stream = Streams::new(0, "golden", 0).stream(Purpose::Initialisation, 0);
        let shape = (InputShape::Vector(width), classes);
        let settings = &json["optimiser"];
        let number = |key: &str| settings[key].as_f64().unwrap();
        let optimiser = if settings["kind"] == "adam" {
            let (beta1, beta2, epsilon) = (number("beta1"), number("beta2"), number("eps"));
            OptimiserSpec::Adam { lr: number("lr"), beta1, beta2, epsilon, weight_decay: number("weight_decay") }
        } else {
            let (momentum, weight_decay) = (number("momentum"), number("weight_decay"));
            OptimiserSpec::Sgd { lr: number("lr"), momentum, weight_decay }
        };
        let level = Level::try_from(json["flood_level"].as_f64().unwrap()).unwrap();
        let objectives = vec![Flooding::new(Objective::Flood, level)];
        let mut step = TrainStep::new(backend, model, shape, optimiser, objectives, &mut stream).unwrap();
        for parameter in step.network_mut().parameters_mut() {
            parameter.set_member(0, &tensors.single(&format!("init.{}", parameter.name)));
        }
        Self {
            step,
            x: tensors.single("x"),
            labels: tensors.get("y").into_iter().map(|y| y as u16).collect(),
            tensors,
            json,
            width,
        }
    }

    pub fn inputs(&self, rows: std::ops::Range<usize>) -> flooding_engine::backend::T2<B::Dev> {
        let values = self.x[rows.start * self.width..rows.end * self.width].to_vec();
        self.step.backend().device().tensor_from_vec(values, (rows.len(), self.width))
    }

    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The examples of step `step` (from 0).
    fn batch(&self, step: usize) -> (flooding_engine::backend::T2<B::Dev>, Vec<u16>) {
        let batch = self.json["batch"].as_u64().unwrap() as usize;
        let first = step * batch % self.rows();
        (self.inputs(first..first + batch), self.labels[first..first + batch].to_vec())
    }

    /// The gradients of step `step`, which is not taken; the running statistics move all the same.
    pub fn gradients(&mut self, step: usize) -> BTreeMap<String, Vec<f32>> {
        let (inputs, labels) = self.batch(step);
        let forward = self.step.forward(inputs, &labels, false).unwrap();
        let gradients = self.step.backward(forward).unwrap();
        self.step.named(&gradients)
    }

    /// Takes step `step`; the un-flooded loss before it.
    pub fn step(&mut self, step: usize) -> f32 {
        let (inputs, labels) = self.batch(step);
        self.step.step(inputs, &labels, 1.0).unwrap()[0]
    }

    pub fn evaluate(&self) -> Vec<f32> {
        let logits = self.step.network().evaluate(self.step.backend(), self.inputs(0..self.rows())).unwrap();
        Logits::of::<B, _>(&logits).rows(0).flatten().copied().collect()
    }
}

/// The largest difference between two series, over `1 + |expected|`.
pub fn distance(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs() / (1.0 + e.abs())).fold(0.0, f64::max)
}

/// The gradient of a tensor, on the host.
pub fn gradient<D: Device<f32>>(
    gradients: &dfdx::prelude::Gradients<f32, D>,
    tensor: &flooding_engine::backend::T2<D>,
) -> Vec<f32> {
    let gradient = gradients.get(tensor);
    let mut values = vec![0.0; gradient.as_vec().len()];
    D::copy_into(&gradient, &mut values);
    values
}
