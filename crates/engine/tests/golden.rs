//! Our networks, losses and optimisers equal PyTorch's (`tests/golden` holds its numbers), on both backends.

#[path = "support/golden.rs"]
mod support;

use dfdx::prelude::{Cpu, TensorFromVec as _};
use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{LrSchedule, ModelSpec, Objective, OptimiserSpec};
use flooding_engine::backend::Backend;
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use flooding_engine::layers::{BatchNorm, Parameter, Role};
use flooding_engine::nets::{self, Network};
use flooding_engine::objective::Flooding;
use flooding_engine::optim::Optimiser;
use support::{Case, distance, gradient, json, numbers};

fn mlp(hidden: &[u32], batch_norm: bool) -> ModelSpec {
    ModelSpec::Mlp { hidden: hidden.to_vec(), batch_norm }
}

fn case_a<B: Backend>(backend: &B) -> Case<B> {
    Case::open(backend, "a_mlp_adam", &mlp(&[64; 5], false), (2, 2))
}

fn case_b<B: Backend>(backend: &B) -> Case<B> {
    Case::open(backend, "b_mlp_bn_sgd", &mlp(&[32; 2], true), (16, 4))
}

fn composite() -> Composite<Cpu> {
    Composite::new(Cpu::default())
}

/// Gradients of step 1, all losses, final weights and running statistics, evaluation logits.
fn follows_pytorch<B: Backend>(mut case: Case<B>) {
    let gradients = case.gradients(0);
    let mut network_copy: Vec<Vec<f32>> = Vec::new();
    for parameter in case.step.network().parameters() {
        if parameter.role.is_trained() {
            let expected = case.tensors.get(&format!("grad_step1.f64.{}", parameter.name));
            let found = &gradients[&parameter.name];
            let scale = expected.iter().fold(0.0, |max: f64, g| max.max(g.abs())) + 1e-3;
            let off = found.iter().zip(&expected).fold(0.0, |max: f64, (f, e)| max.max((f64::from(*f) - e).abs()));
            assert!(off / scale < 1e-4, "gradient of {} is off by {off} of {scale}", parameter.name);
        }
        network_copy.push(case.tensors.single(&format!("init.{}", parameter.name)));
    }
    // Looking at the first gradient has moved the running statistics.
    for (parameter, start) in case.step.network_mut().parameters_mut().into_iter().zip(&network_copy) {
        parameter.set_member(0, start);
    }
    let expected = numbers(&case.json["loss_f64"]);
    for (step, expected) in expected.iter().enumerate() {
        let loss = f64::from(case.step(step));
        let off = (loss - expected).abs() / expected;
        assert!(off < 1e-4, "step {}: {loss} instead of {expected}", step + 1);
    }
    for parameter in case.step.network().parameters() {
        let off = distance(&parameter.to_host(), &case.tensors.get(&format!("final.f64.{}", parameter.name)));
        assert!(off < 1e-3, "{} is off by {off}", parameter.name);
    }
    let off = distance(&case.evaluate(), &case.tensors.get("eval_logits.f64"));
    assert!(off < 1e-3, "evaluation logits are off by {off}");
}

#[test]
fn five_hidden_layers_under_flooded_adam_follow_pytorch() {
    follows_pytorch(case_a(&FastCpu::default()));
    follows_pytorch(case_a(&composite()));
}

#[test]
fn batch_normalised_layers_under_flooded_sgd_follow_pytorch() {
    follows_pytorch(case_b(&FastCpu::default()));
    follows_pytorch(case_b(&composite()));
}

#[test]
fn an_optimiser_restored_from_its_state_resumes_bit_for_bit() {
    fn check<B: Backend>(open: impl Fn() -> Case<B>) {
        let mut whole = open();
        (0..20).for_each(|step| _ = whole.step(step));
        let mut halved = open();
        (0..10).for_each(|step| _ = halved.step(step));
        let state = halved.step.optimiser_state().unwrap();
        assert_eq!(state.steps, 10);
        let mut resumed = open();
        for (parameter, reached) in
            resumed.step.network_mut().parameters_mut().into_iter().zip(halved.step.network().parameters())
        {
            parameter.set_member(0, &reached.to_host());
        }
        resumed.step.restore_optimiser(&state).unwrap();
        let mut halved = resumed;
        (10..20).for_each(|step| _ = halved.step(step));
        for (a, b) in whole.step.network().parameters().iter().zip(halved.step.network().parameters()) {
            assert_eq!(a.to_host(), b.to_host(), "{}", a.name);
        }
    }
    check(|| case_a(&FastCpu::default()));
    check(|| case_b(&FastCpu::default()));
    check(|| case_a(&composite()));
}

#[test]
fn optimisers_make_pytorchs_steps_on_given_gradients() {
    fn check<B: Backend>(backend: &B) {
        let units = json("h_units.json");
        let units = &units["optimiser_sequences"];
        let start: Vec<f32> = numbers(&units["start"]).iter().map(|&v| v as f32).collect();
        let adam =
            |weight_decay| OptimiserSpec::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay };
        let sgd = |momentum, weight_decay| OptimiserSpec::Sgd { lr: 0.1, momentum, weight_decay };
        for (name, spec) in [
            ("adam", adam(0.0)),
            ("adam_weight_decay_0_01", adam(0.01)),
            ("sgd_lr_0_1", sgd(0.0, 0.0)),
            ("sgd_lr_0_1_momentum_0_9", sgd(0.9, 0.0)),
            ("sgd_lr_0_1_momentum_0_9_wd_0_01", sgd(0.9, 0.01)),
        ] {
            let of = (vec![4], Role::Vector);
            let mut parameter = Parameter::new(backend.device(), "p", of, 1, &start).unwrap();
            let mut optimiser = Optimiser::<B>::new(spec);
            let steps = units["gradients"].as_array().unwrap().iter().zip(units[name].as_array().unwrap());
            for (gradient, expected) in steps {
                let gradient: Vec<f32> = numbers(gradient).iter().map(|&v| v as f32).collect();
                let mut gradients = gradients_of(backend, &parameter, &gradient);
                optimiser.step(backend, vec![&mut parameter], &mut gradients, 1.0).unwrap();
                for (found, expected) in parameter.to_host().iter().zip(numbers(expected)) {
                    let off = (f64::from(*found) - expected).abs();
                    assert!(off < 1e-6 * (0.1 + expected.abs()), "{name}: {found} instead of {expected}");
                }
            }
        }
    }
    check(&FastCpu::default());
    check(&composite());
}

/// Gradients in which `parameter` has this one: the gradient of sum(p * g) is g.
fn gradients_of<B: Backend>(
    backend: &B,
    parameter: &Parameter<B::Dev>,
    gradient: &[f32],
) -> dfdx::prelude::Gradients<f32, B::Dev> {
    use dfdx::prelude::{Backward as _, Rank0, SumTo as _, Trace as _, TryMul as _};
    let gradient = backend.device().tensor_from_vec(gradient.to_vec(), (1, gradient.len()));
    parameter.tensor.leaky_trace().try_mul(gradient).unwrap().try_sum::<Rank0, _>().unwrap().backward()
}

#[test]
fn cross_entropy_of_huge_logits_and_its_gradient_are_pytorchs() {
    fn check<B: Backend>(backend: &B) {
        use dfdx::prelude::Trace as _;
        let units = json("h_units.json");
        let units = &units["cross_entropy"];
        let flat = |key: &str| units[key].as_array().unwrap().iter().flat_map(numbers).collect::<Vec<f64>>();
        let labels: Vec<u16> = numbers(&units["labels"]).iter().map(|&y| y as u16).collect();
        let logits = flat("logits").iter().map(|&z| z as f32).collect();
        let logits = backend.device().tensor_from_vec(logits, (1, labels.len(), 2));
        let losses = backend.cross_entropy(logits.leaky_trace(), &labels).unwrap();
        let (loss, expected) = (f64::from(losses.as_vec()[0]), units["loss_mean"].as_f64().unwrap());
        assert!((loss - expected).abs() / expected < 1e-6, "{loss} instead of {expected}");
        let gradients = backend.backward(losses, &[1.0]).unwrap();
        let off = distance(&gradients.get(&logits).as_vec(), &flat("grad_of_mean"));
        assert!(off < 1e-6, "the gradient is off by {off}");
    }
    check(&FastCpu::default());
    check(&composite());
}

#[test]
fn batch_normalisation_forward_backward_and_running_statistics_are_pytorchs() {
    fn check<B: Backend>(backend: &B) {
        use dfdx::prelude::{Backward as _, Rank0, SumTo as _, Trace as _, TryMul as _};
        let units = json("h_units.json");
        let units = &units["batchnorm1d"];
        let flat = |key: &str| units[key].as_array().unwrap().iter().flat_map(numbers).collect::<Vec<f64>>();
        let single = |key: &str| flat(key).iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let x = backend.device().tensor_from_vec(single("input"), (1, 4, 2));
        let mut norm = BatchNorm::new(backend.device(), "0", 2, 1).unwrap();
        // The golden values have no ReLU: it is the identity where the result is lifted above zero, and both the
        // normalised values and the gradients are what they were without the lift.
        let lift = 10.0;
        norm.shift.set_member(0, &[lift; 2]);
        let y = backend.batch_norm_relu(x.leaky_trace(), &mut norm).unwrap();
        let lowered: Vec<f32> = y.as_vec().iter().map(|v| v - lift).collect();
        assert!(distance(&lowered, &flat("output_train")) < 2e-6);
        let running = [(&norm.mean, "running_mean"), (&norm.variance, "running_var")];
        for (statistic, key) in running {
            assert!(distance(&statistic.to_host(), &numbers(&units[key])) < 1e-6, "{key}");
        }
        let upstream = backend.device().tensor_from_vec(single("upstream_gradient"), (1, 4, 2));
        let gradients = y.try_mul(upstream).unwrap().try_sum::<Rank0, _>().unwrap().backward();
        assert!(distance(&gradients.get(&x).as_vec(), &flat("grad_input")) < 2e-6);
        assert!(distance(&gradient(&gradients, &norm.scale.tensor), &numbers(&units["grad_gamma"])) < 2e-6);
        assert!(distance(&gradient(&gradients, &norm.shift.tensor), &numbers(&units["grad_beta"])) < 2e-6);
        let y = backend.batch_norm_relu_running(x, &norm).unwrap();
        let lowered: Vec<f32> = y.as_vec().iter().map(|v| v - lift).collect();
        assert!(distance(&lowered, &flat("output_eval_after")) < 2e-6);
    }
    check(&FastCpu::default());
    check(&composite());
}

#[test]
fn the_flooded_objective_and_its_derivative_are_the_papers() {
    let units = json("h_units.json");
    for case in units["flooding"].as_array().unwrap() {
        let number = |key: &str| case[key].as_f64().unwrap();
        let level = flooding_core::level::Level::try_from(number("b")).unwrap();
        let (objective, loss) = (Flooding::new(Objective::Flood, level), number("j") as f32);
        assert!((f64::from(objective.value(loss)) - number("objective")).abs() < 1e-6);
        assert_eq!(f64::from(objective.loss_gradient(loss)), number("d_objective_d_j"), "at J = {loss}");
    }
}

#[test]
fn the_learning_rate_drops_at_its_milestones() {
    let units = json("h_units.json");
    let schedule = LrSchedule { milestones: vec![250, 400], factor: 0.1 };
    for (epoch, lr) in units["multistep_lr"]["lr_by_epoch_0_based"].as_object().unwrap() {
        let found = 0.1 * schedule.multiplier(epoch.parse().unwrap());
        assert!((found - lr.as_f64().unwrap()).abs() < 1e-15, "epoch {epoch}: {found}");
    }
}

#[test]
fn linear_layers_start_as_pytorchs_do() {
    let mut stream = Streams::new(1, "init", 0).stream(Purpose::Initialisation, 0);
    for case in json("e_init.json").as_array().unwrap() {
        let layer = case["layer"].as_str().unwrap();
        let Some(sizes) = layer.strip_prefix("Linear(").and_then(|rest| rest.strip_suffix(") default")) else {
            continue;
        };
        let (fan_in, units) = sizes.split_once(',').unwrap();
        let (fan_in, units): (usize, usize) = (fan_in.parse().unwrap(), units.parse().unwrap());
        let values = nets::uniform(fan_in * units, fan_in, &mut stream);
        let (bound, n) = (case["weight_bound"].as_f64().unwrap(), values.len() as f64);
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let std = (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt();
        let expected = case["expected_std"].as_f64().unwrap();
        let most = values.iter().fold(0.0, |max: f64, v| max.max(f64::from(v.abs())));
        assert!(most <= bound * 1.000_001 && most > bound * 0.98, "{layer}: largest is {most}, bound {bound}");
        // Five standard errors.
        assert!(mean.abs() < 5.0 * expected / n.sqrt(), "{layer}: mean {mean}");
        assert!((std / expected - 1.0).abs() < 5.0 * 0.45 / n.sqrt(), "{layer}: std {std} instead of {expected}");
    }
}

#[test]
fn parameter_counts_are_pytorchs() {
    let counts = json("g_parameter_counts.json");
    for (name, hidden, batch_norm, inputs, classes) in [
        ("mlp_784_1000_1000_10", vec![1000; 2], false, 784, 10),
        ("mlp_784_1000_1000_10_bn", vec![1000; 2], true, 784, 10),
        ("mlp_2_5x500_2", vec![500; 5], false, 2, 2),
        ("mlp_10_5x500_2", vec![500; 5], false, 10, 2),
        ("mlp_2_4x500_2_bn", vec![500; 4], true, 2, 2),
        ("mlp_10_4x500_2_bn", vec![500; 4], true, 10, 2),
    ] {
        let mut stream = Streams::new(1, "init", 0).stream(Purpose::Initialisation, 0);
        let shape = (InputShape::Vector(inputs), classes);
        let network = nets::build(&FastCpu::default(), &mlp(&hidden, batch_norm), shape, 1, &mut stream).unwrap();
        let statistics = |n: &dyn Network<FastCpu>| {
            n.parameters().iter().filter(|p| !p.role.is_trained()).map(|p| p.len() as u64).sum::<u64>()
        };
        assert_eq!(nets::count_trainable(&*network), counts[name]["trainable"], "{name}");
        assert_eq!(statistics(&*network), counts[name]["running_statistics"], "{name}");
    }
}
