//! Times of a training step: our engine beside a bare dfdx loop of the same network, in the same minutes.
//!
//! `cargo bench -p flooding-engine --bench step [FILTER]` prints minimum and median milliseconds over interleaved rounds.
#![allow(missing_docs, clippy::print_stdout)] // A benchmark prints.

use std::time::Instant;

use dfdx::nn::builders::{BatchNorm1D, Linear, ReLU};
use dfdx::nn::{DeviceBuildExt as _, ModuleMut, TensorCollection};
use dfdx::optim::{Adam, AdamConfig, Momentum, Optimizer, Sgd, SgdConfig, WeightDecay};
use dfdx::prelude::*;
use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, OptimiserSpec};
use flooding_engine::backend::Backend;
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use flooding_engine::objective::Flooding;
use flooding_engine::step::TrainStep;
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
    fn ours<B: Backend>(&self, backend: &B) -> impl FnMut() + use<B> {
        let model = ModelSpec::Mlp { hidden: self.hidden.clone(), batch_norm: self.batch_norm };
        let mut stream = Streams::new(1, "bench", 0).stream(Purpose::Initialisation, 0);
        let of = (InputShape::Vector(self.inputs), self.classes);
        let level = flooding_core::level::Level::try_from(0.05).unwrap();
        let objectives = vec![Flooding::new(flooding_core::spec::Objective::Flood, level)];
        let mut step = TrainStep::new(backend, &model, of, self.optimiser, objectives, &mut stream).unwrap();
        let (x, labels) = self.data();
        let x = backend.device().tensor_from_vec(x, (self.batch, self.inputs));
        move || {
            step.step(x.clone(), &labels, 1.0).unwrap();
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
                    let mut step = deep().ours(&FastCpu::default());
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

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if "scaling".contains(&filter) {
        scaling();
    }
    for (subject, mut bare) in subjects() {
        if !subject.name.contains(&filter) {
            continue;
        }
        println!("{}", subject.name);
        let mut ours = subject.ours(&FastCpu::default());
        let mut composite = subject.ours(&Composite::new(Cpu::default()));
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for round in 0..8 {
            // The first round warms up.
            let steps = if round == 0 { 3 } else { 15 };
            let all: [&mut dyn FnMut(); 3] = [&mut ours, &mut bare, &mut composite];
            for (times, step) in times.iter_mut().zip(all) {
                let new = time(step, steps);
                if round > 0 {
                    times.extend(new);
                }
            }
        }
        let [ours, bare, composite] = times;
        let (ours, bare) = (report("ours", ours), report("bare dfdx", bare));
        report("our engine on dfdx's ops", composite);
        println!("  ours / bare dfdx             {:.2}", ours / bare);
    }
}
