//! Time of a training step of ResNet-44 on random 32x32 images, and the process's peak memory:
//! `cargo bench -p flooding-train --bench resnet [-- resnet18]`. `scripts/bench_pytorch_resnet.py` is its peer.

#![allow(clippy::print_stdout)] // a benchmark's output

use std::time::Instant;

use dfdx::prelude::TensorFromVec as _;
use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, OptimiserSpec};
use flooding_train::backend::{Backend as _, T2};
use flooding_train::conv::with_threads_inside;
use flooding_train::cpu::FastCpu;
use flooding_train::nets;
use flooding_train::optim::Optimiser;
use rand::RngExt as _;

const IMAGE: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };

/// Milliseconds of each step, sorted.
fn steps(model: &ModelSpec, batch: usize, count: usize) -> Vec<f64> {
    let backend = FastCpu::default();
    let streams = Streams::new(1, "bench", 0);
    let mut network =
        nets::build(&backend, model, (IMAGE, 10), 1, &mut streams.stream(Purpose::Initialisation, 0)).expect("memory");
    let mut optimiser = Optimiser::new(OptimiserSpec::Sgd { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 });
    let mut stream = streams.stream(Purpose::Data, 0);
    let pixels: Vec<f32> = (0..batch * IMAGE.len()).map(|_| stream.random()).collect();
    let labels: Vec<u16> = (0..batch).map(|i| (i % 10) as u16).collect();
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let start = Instant::now();
            let x: T2<_> = backend.device().tensor_from_vec(pixels.clone(), (batch, IMAGE.len()));
            let tape = backend.record(&network.parameters()).expect("a tape");
            let logits = network.train(&backend, x, tape).expect("forward");
            let losses = backend.cross_entropy(logits, &labels).expect("loss");
            let mut gradients = backend.backward(losses, &[1.0]).expect("backward");
            optimiser.step(&backend, network.parameters_mut(), &mut gradients, 1.0).expect("step");
            backend.recycle(gradients, &network.parameters());
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The largest memory that this process has held, in MiB, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}

fn main() {
    let resnet18 = std::env::args().any(|a| a == "resnet18");
    let model =
        if resnet18 { ModelSpec::Resnet18 { width: 64 } } else { ModelSpec::CifarResnet { blocks: 7, width: 16 } };
    println!("| batch | threads | min ms | median ms | peak MiB so far |\n|---|---|---|---|---|");
    for (batch, count) in [(32, 12), (128, 6)] {
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            let times = pool.install(|| with_threads_inside(threads > 1, || steps(&model, batch, count)));
            let peak = peak_memory().map_or("-".into(), |m| m.to_string());
            println!("| {batch} | {threads} | {:.1} | {:.1} | {peak} |", times[0], times[times.len() / 2]);
        }
    }
}
