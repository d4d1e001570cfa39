//! Gradient norms and losses along directions: against PyTorch's numbers, finite differences, and rescaled networks.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_core::spec::ModelSpec;
use flooding_engine::cpu::FastCpu;
use flooding_engine::data::Split;
use flooding_engine::evaluate::EvaluationSet;
use flooding_engine::flatness::{Direction, losses_along};
use flooding_engine::nets::{self, Network};
use flooding_engine::probe::{full_gradient, gradient_norms};
use flooding_engine::weights::Weights;
use rand::RngExt as _;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde_json::Value;

type Net = Box<dyn Network<FastCpu>>;

/// The tensors of a golden file as numbers, by name.
fn tensors(file: &str) -> BTreeMap<String, Vec<f64>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let numbers = |(name, view): (String, safetensors::tensor::TensorView)| {
        let data = view.data();
        let values = match view.dtype() {
            Dtype::F64 => data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            Dtype::F32 => data.as_chunks().0.iter().map(|b| f64::from(f32::from_le_bytes(*b))).collect(),
            Dtype::I64 => data.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
            other => panic!("unexpected {other:?}"),
        };
        (name, values)
    };
    file.tensors().into_iter().map(numbers).collect()
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

fn splits(inputs: Vec<f32>, width: usize, labels: Vec<u16>) -> Arc<Splits> {
    let shape = InputShape::Vector(width);
    let all = Examples { shape, inputs: Inputs::Real(inputs), labels, clean_labels: None };
    Arc::new(Splits { train: all.clone(), validation: all.clone(), test: all, classes: 2 })
}

fn stream(index: u64) -> Stream {
    Streams::new(3, "flatness-test", 0).stream(Purpose::Direction, index)
}

fn network(hidden: &[u32], batch_norm: bool, inputs: usize) -> Net {
    let model = ModelSpec::Mlp { hidden: hidden.to_vec(), batch_norm };
    nets::build(&FastCpu::default(), &model, (InputShape::Vector(inputs), 2), 1, &mut stream(1000)).unwrap()
}

/// Puts named numbers into the network.
fn load(network: &mut Net, mut of: impl FnMut(&str) -> Option<Vec<f32>>) {
    for parameter in network.parameters_mut() {
        if let Some(values) = of(&parameter.name) {
            parameter.set_member(0, &values);
        }
    }
}

fn training_set(splits: &Arc<Splits>) -> EvaluationSet<FastCpu> {
    EvaluationSet::new(&FastCpu::default(), splits, Split::Train).unwrap()
}

fn curve(network: &mut Net, direction: &Direction, alphas: &[f64], set: &EvaluationSet<FastCpu>) -> Vec<f64> {
    let weights = Weights::of(&**network, 0);
    let sets = [(set, set.examples().len())];
    losses_along(&FastCpu::default(), &mut **network, (&weights, direction), alphas, &sets).unwrap().remove(0)
}

fn close(found: f64, expected: f64, relative: f64) {
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} is not {expected}");
}

fn grid() -> Vec<f64> {
    (-10..=10).map(|i| f64::from(i) / 10.0).collect()
}

/// The trained network of the golden files, its data, and the landscape's numbers.
fn golden() -> (Net, Arc<Splits>, BTreeMap<String, Vec<f64>>, Value) {
    let mlp = tensors("a_mlp_adam.safetensors");
    let labels = mlp["y"].iter().map(|&label| label as u16).collect();
    let splits = splits(single(&mlp["x"]), 2, labels);
    let mut network = network(&[64; 5], false, 2);
    load(&mut network, |name| Some(single(&mlp[&format!("final.f64.{name}")])));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/f_landscape.json");
    let numbers = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    (network, splits, tensors("f_landscape.safetensors"), numbers)
}

#[test]
fn the_filter_normalised_gradient_norm_equals_pytorchs() {
    let (network, splits, landscape, numbers) = golden();
    let (set, backend) = (training_set(&splits), FastCpu::default());
    let norms = gradient_norms(&backend, &*network, (&set, 100), (&set, 100)).unwrap();
    let expected = numbers["filter_normalised_gradient_norm_weights_only"].as_f64().unwrap();
    close(norms[0].train_filter, expected, 1e-4);
    assert_eq!(norms[0].train_filter, norms[0].test_filter);

    let gradient = full_gradient(&backend, &*network, (&set, 100)).unwrap();
    let square: f64 = gradient.iter().flatten().map(|g| g * g).sum();
    close(square.sqrt(), numbers["plain_gradient_l2_norm_all_parameters"].as_f64().unwrap(), 1e-4);
    for (parameter, gradient) in network.parameters().iter().zip(&gradient) {
        let expected = &landscape[&format!("grad_full.{}", parameter.name)];
        let size = expected.iter().map(|g| g * g).sum::<f64>().sqrt();
        let error = gradient.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
        assert!(error <= 1e-4 * size, "{}: {error} of {size}", parameter.name);
    }
}

#[test]
fn the_curve_along_a_filter_normalised_direction_equals_pytorchs() {
    let (mut network, splits, landscape, numbers) = golden();
    let raw = Direction::new(&*network, |name, _| single(&landscape[&format!("raw_direction.{name}")]));
    let direction = raw.filter_normalised(&Weights::of(&*network, 0));
    let list = |key: &str| -> Vec<f64> { serde_json::from_value(numbers[key].clone()).unwrap() };
    let found = curve(&mut network, &direction, &list("alphas"), &training_set(&splits));
    for (found, expected) in found.into_iter().zip(list("loss_along_direction")) {
        close(found, expected, 1e-4);
    }
}

#[test]
fn the_loss_along_the_filter_normalised_gradient_rises_by_its_norm() {
    let (mut network, splits, _, _) = golden();
    let (set, backend) = (training_set(&splits), FastCpu::default());
    let norm = gradient_norms(&backend, &*network, (&set, 100), (&set, 100)).unwrap()[0].train_filter;
    let gradient = full_gradient(&backend, &*network, (&set, 100)).unwrap();
    let weights = Weights::of(&*network, 0);
    // Each filter's gradient times its squared norm, over the whole: the steepest way in units of filters.
    let steepest: BTreeMap<String, Vec<f32>> = weights
        .iter()
        .zip(&gradient)
        .map(|((name, shape, w), g)| {
            let filter = w.len() / shape[0];
            let scaled = w.chunks(filter).zip(g.chunks(filter)).flat_map(|(w, g)| {
                let square: f64 = w.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
                g.iter().map(move |g| (g * square / norm) as f32)
            });
            (name.to_owned(), scaled.collect())
        })
        .collect();
    let direction = Direction::new(&*network, |name, _| steepest[name].clone());
    let h = 0.005;
    let [below, above] = curve(&mut network, &direction, &[-h, h], &set)[..] else { panic!("two losses") };
    close((above - below) / (2.0 * h), norm, 0.01);
}

fn cloud(n: usize, width: usize) -> Arc<Splits> {
    let mut stream = stream(2000);
    let inputs: Vec<f32> = (0..n * width).map(|_| stream.random::<f32>() * 4.0 - 2.0).collect();
    let labels = (0..n).map(|i| u16::from(inputs[i * width] > 0.3)).collect();
    splits(inputs, width, labels)
}

fn assert_same_curves(first: &[f64], second: &[f64]) {
    for (a, b) in first.iter().zip(second) {
        close(*a, *b, 1e-4);
    }
}

/// The curves of a network before and after `rescale`, along the same normal draw, filter-normalised or not.
fn before_and_after(mut network: Net, rescale: impl Fn(&str, Vec<f32>) -> Vec<f32>, normalised: bool) -> [Vec<f64>; 2] {
    let set = training_set(&cloud(60, 3));
    let raw = Direction::draw(&*network, &mut stream(0));
    let direction = |network: &Net| {
        if normalised { raw.filter_normalised(&Weights::of(&**network, 0)) } else { raw.clone() }
    };
    let along = direction(&network);
    let before = curve(&mut network, &along, &grid(), &set);
    let weights = Weights::of(&*network, 0);
    load(&mut network, |name| weights.get(name).map(|values| rescale(name, values.to_vec())));
    let along = direction(&network);
    [before, curve(&mut network, &along, &grid(), &set)]
}

fn scaled(values: Vec<f32>, c: f32) -> Vec<f32> {
    values.into_iter().map(|v| v * c).collect()
}

/// Incoming weights and biases of the first hidden layer times c, its outgoing weights over c: the same function.
fn rescale_hidden_layer(name: &str, values: Vec<f32>) -> Vec<f32> {
    match name {
        "0.weight" | "0.bias" => scaled(values, 7.3),
        "2.weight" => scaled(values, 1.0 / 7.3),
        _ => values,
    }
}

#[test]
fn rescaling_hidden_relu_units_by_c_in_and_one_over_c_out_leaves_the_filter_normalised_curve() {
    let [before, after] = before_and_after(network(&[20, 20], false, 3), rescale_hidden_layer, true);
    assert_same_curves(&before, &after);
}

#[test]
fn the_curve_along_a_direction_that_is_not_normalised_changes_under_the_same_rescaling() {
    let [before, after] = before_and_after(network(&[20, 20], false, 3), rescale_hidden_layer, false);
    assert!(before.iter().zip(&after).any(|(a, b)| (a - b).abs() > 0.05 * a));
    close(before[10], after[10], 1e-4);
}

#[test]
fn rescaling_one_normalised_units_incoming_weights_leaves_the_filter_normalised_curve() {
    const UNIT: usize = 4;
    let c = 7.3_f32;
    let rescale = |name: &str, mut values: Vec<f32>| {
        let (from, to, factor) = match name {
            "0.weight" => (UNIT * 3, UNIT * 3 + 3, c),
            "0.bias" | "1.running_mean" => (UNIT, UNIT + 1, c),
            "1.running_var" => (UNIT, UNIT + 1, c * c),
            _ => (0, 0, 1.0),
        };
        values[from..to].iter_mut().for_each(|v| *v *= factor);
        values
    };
    let [before, after] = before_and_after(network(&[20, 20], true, 3), rescale, true);
    assert_same_curves(&before, &after);
}

#[test]
fn a_direction_leaves_biases_and_batch_normalisation_alone_and_moves_each_filter_by_its_own_norm() {
    let network = network(&[8, 8], true, 3);
    let weights = Weights::of(&*network, 0);
    let mut moved: Vec<String> = Vec::new();
    let raw = Direction::new(&*network, |name, len| {
        moved.push(name.to_owned());
        vec![1.0; len]
    });
    assert_eq!(moved, ["0.weight", "3.weight", "6.weight"]);
    let normalised = raw.filter_normalised(&weights);
    for ((_, shape, w), d) in weights.iter().zip(normalised.moves()).filter(|(_, d)| !d.is_empty()) {
        let filter = w.len() / shape[0];
        for (w, d) in w.chunks(filter).zip(d.chunks(filter)) {
            let norm = |values: &[f32]| values.iter().map(|v| v * v).sum::<f32>().sqrt();
            assert!((norm(w) - norm(d)).abs() < 1e-5 * norm(w));
        }
    }
}
