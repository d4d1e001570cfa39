//! The residual networks against PyTorch's numbers, on the CPU's own operations and on dfdx's public ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use dfdx::prelude::{Cpu, HasShape as _, TensorFromVec as _};
use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, Objective, OptimiserSpec};
use flooding_engine::backend::{Backend, T2};
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use flooding_engine::layers::{Parameter, Role};
use flooding_engine::nets::{self, Network, count_trainable};
use flooding_engine::objective::Flooding;
use flooding_engine::step::TrainStep;
use safetensors::tensor::Dtype;
use serde_json::Value;

const IMAGE: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn json(name: &str) -> Value {
    serde_json::from_slice(&file(name)).expect("a golden file is JSON")
}

/// All tensors of a golden file as `f64`.
fn tensors(name: &str) -> BTreeMap<String, Vec<f64>> {
    let bytes = file(name);
    let all = safetensors::SafeTensors::deserialize(&bytes).expect("a golden file is safetensors");
    let values = |view: &safetensors::tensor::TensorView| -> Vec<f64> {
        let data = view.data();
        match view.dtype() {
            Dtype::F32 => data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            _ => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
        }
    };
    all.tensors().into_iter().map(|(name, view)| (name, values(&view))).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a series").iter().map(|v| v.as_f64().expect("a number")).collect()
}

/// |a - b| within `tolerance` of the larger of |b| and `floor`.
fn assert_close(what: &str, a: f64, b: f64, tolerance: f64, floor: f64) {
    let error = (a - b).abs() / b.abs().max(floor);
    assert!(error <= tolerance, "{what}: {a} against {b}, off by {error:.1e}");
}

/// The largest difference over the largest value.
fn assert_all_close(what: &str, a: &[f32], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len(), "{what}");
    let difference = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    let largest = b.iter().map(|b| b.abs()).fold(1e-12, f64::max);
    assert!(difference <= tolerance * largest, "{what}: off by {difference:.1e} of {largest:.1e}");
}

/// A network on its way through one golden case.
struct Case<B: Backend> {
    step: TrainStep<B>,
    x: Vec<f32>,
    labels: Vec<u16>,
}

impl<B: Backend> Case<B> {
    fn new(backend: &B, model: &ModelSpec, (lr, level): (f64, f64), init: &BTreeMap<String, Vec<f64>>) -> Self {
        let mut stream = Streams::new(1, "golden", 0).stream(Purpose::Initialisation, 0);
        let optimiser = OptimiserSpec::Sgd { lr, momentum: 0.9, weight_decay: 1e-5 };
        let level = Level::try_from(level).expect("a level");
        let objectives = vec![Flooding::new(Objective::Flood, level)];
        let mut step = TrainStep::new(backend, model, (IMAGE, 10), optimiser, objectives, &mut stream)
            .expect("the CPU has memory");
        for parameter in step.network_mut().parameters_mut() {
            match init.get(&format!("init.{}", parameter.name)) {
                Some(values) => {
                    assert_eq!(values.len(), parameter.len(), "{}", parameter.name);
                    parameter.set_member(0, &values.iter().map(|v| *v as f32).collect::<Vec<_>>());
                }
                None => assert_eq!(parameter.role, Role::Statistic, "{}", parameter.name),
            }
        }
        let mut case = Self { step, x: Vec::new(), labels: Vec::new() };
        case.set_data(init);
        case
    }

    fn set_data(&mut self, data: &BTreeMap<String, Vec<f64>>) {
        self.x = data["x"].iter().map(|v| *v as f32).collect();
        self.labels = data["y"].iter().map(|v| *v as u16).collect();
    }

    fn inputs(&self) -> T2<B::Dev> {
        let n = self.labels.len();
        self.step.backend().device().tensor_from_vec(self.x.clone(), (n, self.x.len() / n))
    }

    /// One training step; its loss, the parameters' gradients and the logits.
    fn step(&mut self) -> (f64, BTreeMap<String, Vec<f32>>, Vec<f32>) {
        let inputs = self.inputs();
        let mut forward = self.step.forward(inputs, &self.labels, true).expect("forward");
        let loss = forward.losses[0];
        let logits = forward.logits.take().expect("asked for").rows(0).flatten().copied().collect();
        let gradients = self.step.backward(forward).expect("backward");
        let named = self.step.named(&gradients);
        self.step.apply(gradients, 1.0).expect("an optimiser step");
        (f64::from(loss), named, logits)
    }

    fn evaluate(&self) -> (f64, Vec<f32>) {
        let logits = self.step.network().evaluate(self.step.backend(), self.inputs()).expect("forward");
        assert_eq!(*logits.shape(), (1, self.labels.len(), 10));
        let values = logits.as_vec();
        let loss = self.step.backend().cross_entropy(logits, &self.labels).expect("loss").as_vec()[0];
        (f64::from(loss), values)
    }

    fn parameters(&self) -> BTreeMap<String, Vec<f32>> {
        self.step.network().parameters().into_iter().map(|p| (p.name.clone(), p.to_host())).collect()
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>().sqrt()
}

fn cifar_resnet_follows<B: Backend>(backend: &B) {
    let (golden, series) = (tensors("c_cifar_resnet8.safetensors"), json("c_cifar_resnet8.json"));
    let model = ModelSpec::CifarResnet { blocks: 1, width: 4 };
    let mut case = Case::new(backend, &model, (0.1, 0.0), &golden);
    for (i, expected) in numbers(&series["loss_f64"]).into_iter().enumerate() {
        let (loss, gradients, logits) = case.step();
        assert_close(&format!("loss of step {}", i + 1), loss, expected, 1e-4, 1e-12);
        if i == 0 {
            assert_all_close("logits", &logits, &golden["init_train_logits.f64"], 1e-4);
            for (name, gradient) in &gradients {
                assert_all_close(name, gradient, &golden[&format!("grad_step1.f64.{name}")], 1e-4);
            }
            for (name, values) in &case.parameters() {
                assert_all_close(name, values, &golden[&format!("after_step1.f64.{name}")], 1e-4);
            }
        }
    }
    for (name, values) in &case.parameters() {
        assert_all_close(name, values, &golden[&format!("final.f64.{name}")], 1e-3);
    }
    let (loss, logits) = case.evaluate();
    assert_close("final loss", loss, series["final_eval_loss"]["f64"].as_f64().expect("a number"), 1e-4, 1e-12);
    assert_all_close("evaluation logits", &logits, &golden["eval_logits.f64"], 1e-3);

    let mut flooded = Case::new(backend, &model, (0.1, 2.0), &golden);
    for expected in numbers(&series["flooded"]["loss_f64"]) {
        assert_close("flooded loss", flooded.step().0, expected, 1e-4, 1e-12);
    }
    assert_all_close("flooded logits", &flooded.evaluate().1, &golden["flooded.eval_logits.f64"], 1e-3);
}

#[test]
fn the_cifar_resnet_follows_pytorch_on_the_cpus_own_operations() {
    cifar_resnet_follows(&FastCpu::default());
}

#[test]
fn the_cifar_resnet_follows_pytorch_on_public_operations() {
    cifar_resnet_follows(&Composite::new(Cpu::default()));
}

fn assert_gradient_norms(gradients: &BTreeMap<String, Vec<f32>>, expected: &Value, tolerance: f64) {
    let expected = expected.as_object().expect("norms by name");
    assert_eq!(expected.len(), gradients.len());
    for (name, norm_expected) in expected {
        let expected = norm_expected.as_f64().expect("a number");
        assert_close(&format!("gradient of {name}"), norm(&gradients[name]), expected, tolerance, 1e-9);
    }
}

fn resnet18_follows<B: Backend>(backend: &B) {
    let (golden, series) = (tensors("d_resnet18_w8.safetensors"), json("d_resnet18_w8.json"));
    let model = ModelSpec::Resnet18 { width: 8 };

    // Four images: the last normalisations see four numbers, so single precision departs from the second step on.
    let mut four = Case::new(backend, &model, (0.01, 0.0), &golden);
    let expected = numbers(&series["loss_f64"]);
    let (loss, gradients, _) = four.step();
    assert_close("first loss", loss, expected[0], 1e-5, 1e-12);
    assert_gradient_norms(&gradients, &series["gradient_l2_norm_step1_f64"], 1e-4);
    assert_close("second loss", four.step().0, expected[1], 1e-3, 1e-12);

    let more = tensors("d_resnet18_w8_batch16.safetensors");
    let mut sixteen = Case::new(backend, &model, (0.01, 0.0), &golden);
    sixteen.set_data(&more);
    let series = &series["batch16"];
    for (i, expected) in numbers(&series["loss_f64"]).into_iter().enumerate() {
        let (loss, gradients, _) = sixteen.step();
        assert_close(&format!("loss of step {}", i + 1), loss, expected, 1e-4, 1e-12);
        if i == 0 {
            assert_gradient_norms(&gradients, &series["gradient_l2_norm_step1_f64"], 1e-4);
        }
    }
    let values = sixteen.parameters();
    for (name, expected) in series["final_parameter_l2_norm_f64"].as_object().expect("norms by name") {
        let expected = expected.as_f64().expect("a number");
        assert_close(&format!("final norm of {name}"), norm(&values[name]), expected, 1e-3, 1e-6);
    }
    for (name, expected) in &more {
        if let Some(values) = name.strip_prefix("final.f64.").and_then(|name| values.get(name)) {
            assert_all_close(name, values, expected, 1e-3);
        }
    }
    let (loss, logits) = sixteen.evaluate();
    assert_close("final loss", loss, series["final_eval_loss"]["f64"].as_f64().expect("a number"), 1e-4, 1e-12);
    assert_all_close("evaluation logits", &logits, &more["final_eval_logits.f64"], 1e-3);
}

#[test]
fn resnet18_follows_pytorch_on_the_cpus_own_operations() {
    resnet18_follows(&FastCpu::default());
}

#[test]
fn resnet18_follows_pytorch_on_public_operations() {
    resnet18_follows(&Composite::new(Cpu::default()));
}

fn build(model: &ModelSpec, classes: usize) -> Box<dyn Network<FastCpu>> {
    let mut stream = Streams::new(1, "initialisation", 0).stream(Purpose::Initialisation, 0);
    nets::build(&FastCpu::default(), model, (IMAGE, classes), 1, &mut stream).expect("the CPU has memory")
}

#[test]
fn parameter_counts_equal_pytorchs() {
    let golden = json("g_parameter_counts.json");
    let resnet44 = ModelSpec::CifarResnet { blocks: 7, width: 16 };
    let cases = [
        ("resnet44_cifar10_option_a", resnet44.clone(), 10),
        ("resnet44_cifar100_option_a", resnet44, 100),
        ("resnet18_torchvision_10", ModelSpec::Resnet18 { width: 64 }, 10),
        ("resnet8_case_c", ModelSpec::CifarResnet { blocks: 1, width: 4 }, 10),
        ("resnet18_w8_case_d", ModelSpec::Resnet18 { width: 8 }, 10),
    ];
    for (name, model, classes) in cases {
        let network = build(&model, classes);
        assert_eq!(Some(count_trainable(&*network)), golden[name]["trainable"].as_u64(), "{name}");
        let statistics = network.parameters().into_iter().filter(|p| p.role == Role::Statistic);
        let statistics: usize = statistics.map(Parameter::len).sum();
        assert_eq!(Some(statistics as u64), golden[name]["running_statistics"].as_u64(), "{name}");
    }
}

/// Standard deviation of the weights, and the largest bias, against the golden entry of this layer.
fn assert_drawn_as(golden: &Value, layer: &str, weights: &[f32], bias: Option<&[f32]>) {
    let all = golden.as_array().expect("a list of layers");
    let entry = all.iter().find(|e| e["layer"].as_str().is_some_and(|l| l.starts_with(layer))).expect("the layer");
    let count = weights.len() as f64;
    let std = norm(weights) / count.sqrt();
    let expected = entry["expected_std"].as_f64().expect("a number");
    // Five standard errors of a normal sample's standard deviation.
    assert_close(layer, std, expected, 5.0 / (2.0 * count).sqrt(), 1e-12);
    let mean = weights.iter().map(|w| f64::from(*w)).sum::<f64>() / count;
    assert!(mean.abs() < 5.0 * expected / count.sqrt(), "{layer}: mean {mean}");
    assert!(weights.iter().any(|w| f64::from(w.abs()) > 1.9 * expected), "{layer} is normal, not uniform");
    if let Some(bias) = bias {
        let bound = entry["bias_bound"].as_f64().expect("a number");
        assert!(bias.iter().all(|b| f64::from(b.abs()) <= bound) && bias.iter().any(|b| *b != 0.0), "{layer}: bias");
    }
}

#[test]
fn initial_weights_are_drawn_as_the_reference_code_does() {
    let golden = json("e_init.json");
    let cifar = build(&ModelSpec::CifarResnet { blocks: 7, width: 16 }, 10);
    let cifar: BTreeMap<_, _> = cifar.parameters().into_iter().map(|p| (p.name.clone(), p.to_host())).collect();
    for (layer, name) in [
        ("Conv2d(3,16,3) kaiming", "conv1.weight"),
        ("Conv2d(16,32,3) kaiming", "layer2.0.conv1.weight"),
        ("Conv2d(64,64,3) kaiming", "layer3.6.conv2.weight"),
    ] {
        assert_drawn_as(&golden, layer, &cifar[name], None);
    }
    assert_drawn_as(&golden, "Linear(64,10) kaiming", &cifar["linear.weight"], Some(&cifar["linear.bias"]));
    let resnet18 = build(&ModelSpec::Resnet18 { width: 64 }, 10);
    let resnet18: BTreeMap<_, _> = resnet18.parameters().into_iter().map(|p| (p.name.clone(), p.to_host())).collect();
    for (layer, name) in [
        ("Conv2d(3,64,7) kaiming", "conv1.weight"),
        ("Conv2d(64,128,3) kaiming", "layer2.0.conv1.weight"),
        ("Conv2d(64,128,1) kaiming", "layer2.0.downsample.0.weight"),
    ] {
        assert_drawn_as(&golden, layer, &resnet18[name], None);
    }
    assert!(resnet18["layer1.0.bn1.weight"].iter().all(|v| *v == 1.0));
    assert!(resnet18["layer1.0.bn1.running_var"].iter().all(|v| *v == 1.0));
    assert!(resnet18["fc.weight"].iter().all(|v| v.abs() <= 1.0 / 512f32.sqrt()));
}
