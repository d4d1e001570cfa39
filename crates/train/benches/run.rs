//! What evaluation and bookkeeping add to a run's training steps.
//!
//! `cargo bench -p flooding-train --bench run`.
#![allow(missing_docs, clippy::print_stdout)] // A benchmark prints.

use std::sync::Arc;
use std::time::Instant;

use flooding_core::dataset::{Examples, InputShape, Inputs, Splits};
use flooding_core::group::Group;
use flooding_core::progress::StopFlag;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::RunSpec;
use flooding_engine::cpu::FastCpu;
use flooding_train::branch::{Branch, Ended, Forks, TrainControl};
use flooding_train::trainer::train;
use rand::RngExt as _;

fn main() {
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
        let group = Group::of([spec.clone()]).remove(0);
        let control = TrainControl::new(group.levels(), StopFlag::default(), Forks::Grow, &|_| {});
        let branch = Branch::new(group.levels().to_vec());
        let trained = train(&FastCpu::default(), (&group, branch), &splits, &control).expect("no device error");
        let whole = start.elapsed().as_secs_f64();
        let Ended::Done(results) = trained else { unreachable!("no stop flag is raised") };
        let steps = results[0].1.training.as_secs_f64();
        println!(
            "  {whole:.2} s, of which {steps:.2} s in steps: everything else is {:.0}% of them",
            (whole / steps - 1.0) * 100.0
        );
    }
}
