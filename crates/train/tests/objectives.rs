//! Objectives that flood single examples: their formulas, their gradients, and what stays of the baseline.

mod support;

use std::sync::Arc;

use dfdx::prelude::{CopySlice as _, Cpu, TensorFromVec as _};
use flooding_core::level::Level;
use flooding_core::plan::Setting;
use flooding_core::record::Record;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, Objective, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_engine::backend::Backend;
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use flooding_engine::data::Split;
use flooding_engine::evaluate::{EvaluationSet, Logits};
use flooding_engine::nets::{self, Network};
use flooding_engine::objective::{Flooding, example_loss_gradients};
use support::{Clouds, jobs, plan, setting, splits, store};

fn level(b: f64) -> Level {
    Level::try_from(b).unwrap()
}

#[test]
fn iflood_reflects_each_loss_at_the_level() {
    let objective = Flooding::new(Objective::IFlood, level(0.25));
    assert!(objective.is_per_example());
    for (loss, value, gradient) in [(1.0, 1.0, 1.0), (0.0, 0.5, -1.0), (0.25, 0.25, 0.0), (0.125, 0.375, -1.0)] {
        assert_eq!((objective.value(loss), objective.loss_gradient(loss)), (value, gradient));
    }
}

#[test]
fn softad_is_the_smooth_huber_function_around_the_level() {
    // rho(x) = sqrt(x^2 + 1) - 1 and its derivative x / sqrt(x^2 + 1), at 3-4-5 triangles.
    let objective = Flooding::new(Objective::SoftAd, level(0.75));
    for (loss, value, gradient) in [(1.5, 1.0, 0.6), (0.0, 1.0, -0.6), (0.75, 0.75, 0.0)] {
        assert!((objective.value(loss) - value).abs() < 1e-6, "{loss}");
        assert!((objective.loss_gradient(loss) - gradient).abs() < 1e-6, "{loss}");
    }
}

#[test]
fn b_of_0_is_the_plain_loss_under_every_objective() {
    for objective in [Objective::None, Objective::Flood, Objective::IFlood, Objective::SoftAd] {
        let plain = Flooding::new(objective, Level::ZERO);
        assert_eq!((plain.value(0.3), plain.loss_gradient(0.3), plain.is_per_example()), (0.3, 1.0, false));
    }
}

/// Mean objective over the batch, by its formula, in double precision.
fn by_formula(objective: Objective, b: f64, logits: &[f64], labels: &[u16]) -> f64 {
    let each = logits.chunks(2).zip(labels).map(|(row, &label)| {
        let top = row[0].max(row[1]);
        let loss = top + row.iter().map(|z| (z - top).exp()).sum::<f64>().ln() - row[usize::from(label)];
        match objective {
            Objective::IFlood => (loss - b).abs() + b,
            _ => b + ((loss - b).powi(2) + 1.0).sqrt() - 1.0,
        }
    });
    each.sum::<f64>() / labels.len() as f64
}

/// The gradient by the logits that the engine's own way gives: loss weights first, then the weighted loss.
fn gradient<B: Backend<Dev = Cpu>>(backend: &B, objective: Flooding, logits: &[f32], labels: &[u16]) -> Vec<f32> {
    let shape = (1, labels.len(), 2);
    let tensor = backend.device().try_tensor_from_vec(logits.to_vec(), shape).unwrap();
    let (_, loss_weights) = example_loss_gradients(&[objective], &Logits::of::<B, _>(&tensor), labels);
    let tape = backend.record(&[]).unwrap();
    let losses = {
        use dfdx::prelude::PutTape as _;
        backend.weighted_cross_entropy(tensor.clone().put_tape(tape), labels, &loss_weights).unwrap()
    };
    let gradients = backend.backward(losses, &[1.0]).unwrap();
    let mut values = vec![0.0; logits.len()];
    Cpu::copy_into(&gradients.get(&tensor), &mut values);
    values
}

#[test]
fn gradients_of_both_objectives_agree_with_finite_differences_on_every_backend() {
    let logits = [0.3_f32, -0.2, 2.0, -1.0, -0.4, 1.9, 0.1, 0.0, -3.0, 1.0];
    let labels = [0, 0, 1, 1, 0];
    for objective in [Objective::IFlood, Objective::SoftAd] {
        let flooding = Flooding::new(objective, level(0.4));
        let fast = gradient(&FastCpu::default(), flooding, &logits, &labels);
        let composite = gradient(&Composite::new(Cpu::default()), flooding, &logits, &labels);
        for i in 0..logits.len() {
            let moved = |by: f64| {
                let mut logits: Vec<f64> = logits.iter().map(|&z| f64::from(z)).collect();
                logits[i] += by;
                by_formula(objective, 0.4, &logits, &labels)
            };
            let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            for found in [fast[i], composite[i]] {
                assert!((f64::from(found) - expected).abs() < 1e-6, "{objective:?} {i}: {found} is not {expected}");
            }
        }
    }
}

fn runs_of(objective: Objective, store: &Store) -> Vec<(RunSpec, Record)> {
    let plan = plan(vec![Setting { objective, trials: 1, ..setting("clouds", &[0.0, 0.3]) }]);
    let report = support::run(&plan, store, &jobs(1), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (2, 0));
    let record = |spec: RunSpec| {
        let path = store.layout().run(&spec).join(Layout::RECORD);
        let record = store.read_document(&path).unwrap().unwrap();
        (spec, record)
    };
    plan.runs().map(record).collect()
}

#[test]
fn each_objective_trains_its_own_way_from_a_baseline_that_is_the_same_bit_for_bit() {
    let (_folder, store) = store();
    let all: Vec<_> =
        [Objective::Flood, Objective::IFlood, Objective::SoftAd].map(|o| runs_of(o, &store)).into_iter().collect();
    for runs in &all[1..] {
        assert_eq!(runs[0].1.history, all[0][0].1.history);
        assert_ne!(runs[0].0.key(), all[0][0].0.key());
    }
    assert_ne!(all[1][1].1.history, all[0][1].1.history);
    assert_ne!(all[2][1].1.history, all[1][1].1.history);
}

#[test]
fn keys_of_runs_under_the_papers_objective_are_those_of_before() {
    let names = [(Objective::None, "none"), (Objective::Flood, "flood"), (Objective::IFlood, "iflood")];
    for (objective, name) in names.into_iter().chain([(Objective::SoftAd, "softad")]) {
        assert_eq!(serde_json::to_value(objective).unwrap(), name);
    }
}

#[test]
fn a_whole_networks_gradient_under_a_weight_of_one_is_the_plain_gradient() {
    let spec = plan(vec![setting("clouds", &[0.0])]).runs().next().unwrap();
    let splits = Arc::new(splits(&spec));
    let backend = FastCpu::default();
    let set = EvaluationSet::new(&backend, &splits, Split::Train).unwrap();
    let model = ModelSpec::Mlp { hidden: vec![9, 9], batch_norm: true };
    let mut stream = Streams::new(1, "objectives", 0).stream(Purpose::Initialisation, 0);
    let network: Box<dyn Network<FastCpu>> =
        nets::build(&backend, &model, (splits.train.shape, 2), 1, &mut stream).unwrap();
    let indices: Vec<u32> = (0..splits.train.len() as u32).collect();
    let of = |weighted: bool| -> Vec<f32> {
        let inputs = backend.batch(set.set(), &indices, None).unwrap();
        let logits = network.probe(&backend, inputs, backend.record(&network.parameters()).unwrap()).unwrap();
        let labels = &splits.train.labels;
        let losses = if weighted {
            backend.weighted_cross_entropy(logits, labels, &vec![1.0; labels.len()]).unwrap()
        } else {
            backend.cross_entropy(logits, labels).unwrap()
        };
        let gradients = backend.backward(losses, &[1.0]).unwrap();
        let mut values = vec![0.0; network.parameters()[0].len()];
        Cpu::copy_into(&gradients.get(&network.parameters()[0].tensor), &mut values);
        values
    };
    for (a, b) in of(false).into_iter().zip(of(true)) {
        assert!((a - b).abs() < 1e-6);
    }
}
