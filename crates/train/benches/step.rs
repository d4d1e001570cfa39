//! Times of a training step: our engine beside a bare dfdx loop of the same network, in the same minutes.
//!
//! `cargo bench -p flooding-train --bench step [FILTER]` prints minimum and median milliseconds over interleaved rounds.
#![allow(missing_docs, clippy::print_stdout)] // A benchmark prints.

use std::sync::Arc;
use std::time::Instant;

use dfdx::nn::builders::{BatchNorm1D, Linear, ReLU};
use dfdx::nn::{DeviceBuildExt as _, ModuleMut, TensorCollection};
use dfdx::optim::{Adam, AdamConfig, Momentum, Optimizer, Sgd, SgdConfig, WeightDecay};
use dfdx::prelude::*;
use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, OptimiserSpec, RunSpec};
use flooding_train::backend::{Backend, Portable};
use flooding_train::cpu::FastCpu;
use flooding_train::group::{Watch, train};
use flooding_train::nets::{self, Network};
use flooding_train::objective::Flooding;
use flooding_train::optim::Optimiser;
use rand::RngExt as _;

const ADAM: OptimiserSpec =
    OptimiserSpec::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
const SGD: OptimiserSpec = OptimiserSpec::Sgd { lr: 0.1, momentum: 0.9, weight_decay: 1e-5 };

/// One of the networks to time.
struct Subject {
    name: &'static str,
    hidden: Vec<u32>,
    batch_norm: bool,
    inputs: usize,
    classes: usize,
    batch: usize,
    optimiser: OptimiserSpec,
}

impl Subject {
    fn data(&self) -> (Vec<f32>, Vec<u16>) {
        let mut stream = Streams::new(1, "bench", 0).stream(Purpose::Data, 0);
        let x = (0..self.batch * self.inputs).map(|_| stream.random::<f32>() - 0.5).collect();
        (x, (0..self.batch).map(|i| (i % self.classes) as u16).collect())
    }

    /// A closure that makes one step of our engine.
    fn ours<B: Backend>(&self, backend: B) -> impl FnMut() + use<B> {
        let model = ModelSpec::Mlp { hidden: self.hidden.clone(), batch_norm: self.batch_norm };
        let mut stream = Streams::new(1, "bench", 0).stream(Purpose::Initialisation, 0);
        let of = (InputShape::Vector(self.inputs), self.classes);
        let mut network: Box<dyn Network<B>> = nets::build(&backend, &model, of, 1, &mut stream).unwrap();
        let mut optimiser = Optimiser::new(self.optimiser);
        let (x, labels) = self.data();
        let x = backend.device().tensor_from_vec(x, (self.batch, self.inputs));
        let level = flooding_core::level::Level::try_from(0.05).unwrap();
        let objective = Flooding::new(flooding_core::spec::Objective::Flood, level);
        move || {
            let tape = backend.record(&network.parameters()).unwrap();
            let logits = network.train(&backend, x.clone(), tape).unwrap();
            let losses = backend.cross_entropy(logits, &labels).unwrap();
            let slope = objective.slope(losses.as_vec()[0]);
            let mut gradients = backend.backward(losses, &[slope]).unwrap();
            optimiser.step(&backend, network.parameters_mut(), &mut gradients, 1.0).unwrap();
            backend.recycle(gradients, &network.parameters());
        }
    }
}

/// A closure that makes one step of dfdx as its documentation has it.
fn bare<M, const I: usize, const C: usize>(subject: &Subject, mut model: M) -> Box<dyn FnMut()>
where
    M: TensorCollection<f32, Cpu>
        + ModuleMut<
            Tensor<(usize, Const<I>), f32, Cpu, OwnedTape<f32, Cpu>>,
            Output = Tensor<(usize, Const<C>), f32, Cpu, OwnedTape<f32, Cpu>>,
            Error = CpuError,
        > + ZeroGrads<f32, Cpu>
        + 'static,
{
    let device = Cpu::default();
    let (x, labels) = subject.data();
    let x = device.tensor_from_vec(x, (subject.batch, Const::<I>));
    let mut hits = vec![0.0; subject.batch * C];
    for (i, &label) in labels.iter().enumerate() {
        hits[i * C + usize::from(label)] = 1.0;
    }
    let hits = device.tensor_from_vec(hits, (subject.batch, Const::<C>));
    let mut adam = Adam::new(&model, AdamConfig::default());
    let weight_decay = Some(WeightDecay::L2(1e-5));
    let mut sgd = Sgd::new(&model, SgdConfig { lr: 0.1, momentum: Some(Momentum::Classic(0.9)), weight_decay });
    let is_adam = matches!(subject.optimiser, OptimiserSpec::Adam { .. });
    let mut gradients = model.alloc_grads();
    Box::new(move || {
        let held = std::mem::replace(&mut gradients, Gradients::leaky());
        let loss = cross_entropy_with_logits_loss(model.forward_mut(x.trace(held)), hits.clone());
        gradients = ((loss - 0.05).abs() + 0.05).backward();
        if is_adam { adam.update(&mut model, &gradients) } else { sgd.update(&mut model, &gradients) }.unwrap();
        model.zero_grads(&mut gradients);
    })
}

fn subject(
    name: &'static str,
    hidden: &[u32],
    batch_norm: bool,
    (inputs, classes): (usize, usize),
    (batch, optimiser): (usize, OptimiserSpec),
) -> Subject {
    Subject { name, hidden: hidden.to_vec(), batch_norm, inputs, classes, batch, optimiser }
}

/// The paper's network for synthetic data.
fn deep() -> Subject {
    subject("5x500, batch 100, Adam", &[500; 5], false, (2, 2), (100, ADAM))
}

fn subjects() -> Vec<(Subject, Box<dyn FnMut()>)> {
    type Deep = (
        (Linear<2, 500>, ReLU),
        (Linear<500, 500>, ReLU),
        (Linear<500, 500>, ReLU),
        (Linear<500, 500>, ReLU),
        (Linear<500, 500>, ReLU),
        Linear<500, 2>,
    );
    type Demo = (
        (Linear<2, 500>, BatchNorm1D<500>, ReLU),
        (Linear<500, 500>, BatchNorm1D<500>, ReLU),
        (Linear<500, 500>, BatchNorm1D<500>, ReLU),
        (Linear<500, 500>, BatchNorm1D<500>, ReLU),
        Linear<500, 2>,
    );
    type Digits = ((Linear<784, 1000>, ReLU), (Linear<1000, 1000>, ReLU), Linear<1000, 10>);
    let device = Cpu::default();
    let deep = deep();
    let demo = subject("4x500 + BN, batch 200, Adam", &[500; 4], true, (2, 2), (200, ADAM));
    let digits = subject("784-1000-1000-10, batch 128, SGD", &[1000; 2], false, (784, 10), (128, SGD));
    let bare_deep = bare::<_, 2, 2>(&deep, device.build_module::<Deep, f32>());
    let bare_demo = bare::<_, 2, 2>(&demo, device.build_module::<Demo, f32>());
    let bare_digits = bare::<_, 784, 10>(&digits, device.build_module::<Digits, f32>());
    vec![(deep, bare_deep), (demo, bare_demo), (digits, bare_digits)]
}

/// Milliseconds of each of `steps` calls.
fn time(step: &mut dyn FnMut(), steps: usize) -> Vec<f64> {
    (0..steps)
        .map(|_| {
            let start = Instant::now();
            step();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect()
}

fn report(name: &str, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("  {name:<28} min {:7.3} ms   median {:7.3} ms   90% {:7.3} ms", at(0.0), at(0.5), at(0.9));
    at(0.5)
}

/// Two runs on two threads against one after the other: how many times faster.
fn scaling() {
    println!("two threads, one run each (5x500)");
    let rounds = |threads: usize| {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut step = deep().ours(FastCpu::default());
                    time(&mut step, 100);
                });
            }
        });
        start.elapsed().as_secs_f64() * 1e3
    };
    let (mut one, mut two) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..5 {
        one = one.min(rounds(1));
        two = two.min(rounds(2));
    }
    println!("  one run alone {one:.0} ms, two side by side {two:.0} ms: {:.2} times one", 2.0 * one / two);
}

/// What evaluation and bookkeeping add to the training steps of a whole run with 20,000 test points.
fn whole_run() {
    println!("a whole run: 5x500, 200 epochs, 100 training, 100 validation, 20000 test points");
    let mut stream = Streams::new(1, "bench", 0).stream(Purpose::Data, 1);
    let mut draw = |n: usize| Examples {
        shape: InputShape::Vector(2),
        inputs: Inputs::Real((0..2 * n).map(|_| stream.random::<f32>() - 0.5).collect()),
        labels: (0..n).map(|i| (i % 2) as u16).collect(),
        clean_labels: None,
    };
    let splits = Splits { train: draw(100), validation: draw(100), test: draw(20_000), classes: 2 };
    let spec: RunSpec = serde_json::from_value(serde_json::json!({
        "engine": 1, "setting": "bench", "reading": "paper", "trial": 0, "master_seed": 1,
        "data": {"source": "synthetic", "distribution": {"kind": "spiral", "tau": 0.5}, "train": 100,
                 "validation": 100, "test": 20_000, "label_noise": 0.1, "flip": "exact"},
        "model": {"kind": "mlp", "hidden": [500, 500, 500, 500, 500], "batch_norm": false},
        "optimiser": {"kind": "adam", "lr": 0.001}, "schedule": {"milestones": [], "factor": 1.0},
        "objective": "flood", "level": 0.05, "batch_size": 100, "epochs": 200, "observe": {}, "reduced": []
    }))
    .expect("a specification");
    let splits = Arc::new(splits);
    for _ in 0..3 {
        let start = Instant::now();
        let runs = std::slice::from_ref(&spec);
        let trained = train(&FastCpu::default(), runs, &splits, &Watch::default(), &|_| {}).expect("no device error");
        let whole = start.elapsed().as_secs_f64();
        let steps = trained.expect("nobody stops it")[0].training.as_secs_f64();
        println!(
            "  {whole:.2} s, of which {steps:.2} s in steps: everything else is {:.0}% of them",
            (whole / steps - 1.0) * 100.0
        );
    }
}

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if "scaling".contains(&filter) {
        scaling();
    }
    if "whole run".contains(&filter) {
        whole_run();
    }
    for (subject, mut bare) in subjects() {
        if !subject.name.contains(&filter) {
            continue;
        }
        println!("{}", subject.name);
        let mut ours = subject.ours(FastCpu::default());
        let mut portable = subject.ours(Portable::new(Cpu::default()));
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..8 {
            // The first round warms up.
            let steps = if round == 0 { 3 } else { 15 };
            let all: [&mut dyn FnMut(); 3] = [&mut ours, &mut bare, &mut portable];
            for (times, step) in times.iter_mut().zip(all) {
                let new = time(step, steps);
                if round > 0 {
                    times.extend(new);
                }
            }
        }
        let [ours, bare, portable] = times;
        let (ours, bare) = (report("ours", ours), report("bare dfdx", bare));
        report("our engine on dfdx's ops", portable);
        println!("  ours / bare dfdx             {:.2}", ours / bare);
    }
}
