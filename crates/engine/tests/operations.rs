//! Each operation of our own against finite differences, also where its input is used twice, and members against
//! single networks.

use dfdx::prelude::{Backward as _, Cpu, HasShape as _, OwnedTape, PutTape as _, Rank0, SplitTape as _, SumTo as _};
use dfdx::prelude::{TensorFromVec as _, Trace as _, TryAdd as _, TryMul as _};
use flooding_core::dataset::InputShape;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, OptimiserSpec};
use flooding_engine::backend::{Backend, T2, T3};
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use flooding_engine::evaluate::Logits;
use flooding_engine::layers::Linear;
use flooding_engine::layers::{BatchNorm, Parameter, Role};
use flooding_engine::nets::{self, Network};
use flooding_engine::optim::Optimiser;
use rand::RngExt as _;

const MEMBERS: usize = 2;
const ROWS: usize = 5;
const FEATURES: usize = 3;

fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut stream = Streams::new(3, "operations", seed).stream(Purpose::Data, 0);
    (0..count).map(|_| stream.random::<f32>() * 2.0 - 1.0).collect()
}

fn parameter(shape: &[usize], seed: u32) -> Parameter<Cpu> {
    let each = shape.iter().product::<usize>();
    let of = (shape.to_vec(), Role::Weight);
    let mut parameter = Parameter::new(&Cpu::default(), "p", of, MEMBERS, &numbers(each, seed)).unwrap();
    parameter.set_member(1, &numbers(each, seed + 100));
    parameter
}

/// The sum of `y * weights`, with fixed weights that tell every entry apart.
fn weighted(y: &[f32]) -> f64 {
    y.iter().zip(numbers(y.len(), 999)).map(|(y, w)| f64::from(*y) * f64::from(w)).sum()
}

type Taped = T3<Cpu, OwnedTape<f32, Cpu>>;

/// The gradients of [`weighted`].
fn backward(y: Taped) -> dfdx::prelude::Gradients<f32, Cpu> {
    let weights = Cpu::default().tensor_from_vec(numbers(y.shape().0 * y.shape().1 * y.shape().2, 999), *y.shape());
    y.try_mul(weights).unwrap().try_sum::<Rank0, _>().unwrap().backward()
}

/// Compares a gradient with central differences of `f` around `at`.
fn check(name: &str, at: &[f32], gradient: &[f32], mut f: impl FnMut(&[f32]) -> f64) {
    assert_eq!(at.len(), gradient.len(), "{name}");
    let step = 1e-2;
    for i in 0..at.len() {
        let mut moved = at.to_vec();
        moved[i] = at[i] + step;
        let above = f(&moved);
        moved[i] = at[i] - step;
        let expected = (above - f(&moved)) / (2.0 * f64::from(step));
        let found = f64::from(gradient[i]);
        assert!((found - expected).abs() < 2e-3 * (1.0 + expected.abs()), "{name}[{i}]: {found}, expected {expected}");
    }
}

fn cpu() -> FastCpu {
    FastCpu::default()
}

fn activations(values: &[f32]) -> T3<Cpu> {
    Cpu::default().tensor_from_vec(values.to_vec(), (MEMBERS, ROWS, FEATURES))
}

fn gradient_of(gradients: &dfdx::prelude::Gradients<f32, Cpu>, tensor: &T2<Cpu>) -> Vec<f32> {
    gradients.get(tensor).as_vec()
}

fn all(parameter: &Parameter<Cpu>, values: &[f32]) -> Parameter<Cpu> {
    let mut moved = parameter.clone();
    let each = moved.len();
    (0..MEMBERS).for_each(|k| moved.set_member(k, &values[k * each..(k + 1) * each]));
    moved
}

#[test]
fn a_linear_layer_agrees_with_finite_differences_with_and_without_relu() {
    // Small inputs and a large bias of either sign keep ReLU away from its corner.
    let x = numbers(MEMBERS * ROWS * FEATURES, 1);
    let weight = parameter(&[4, FEATURES], 2);
    let mut bias = parameter(&[4], 3);
    (0..MEMBERS).for_each(|k| bias.set_member(k, &[4.0, -4.0, 5.0, 3.5]));
    for relu in [false, true] {
        let value = |x: &[f32], weight: &Parameter<Cpu>, bias: &Parameter<Cpu>| {
            let layer = Linear { weight: weight.clone(), bias: bias.clone() };
            weighted(&cpu().linear(activations(x), &layer, relu).unwrap().as_vec())
        };
        let layer = Linear { weight: weight.clone(), bias: bias.clone() };
        let input = activations(&x);
        let gradients = backward(cpu().linear(input.leaky_trace(), &layer, relu).unwrap());
        check("x", &x, &gradients.get(&input).as_vec(), |x| value(x, &weight, &bias));
        let found = gradient_of(&gradients, &weight.tensor);
        check("weight", &weight.to_host(), &found, |w| value(&x, &all(&weight, w), &bias));
        let found = gradient_of(&gradients, &bias.tensor);
        check("bias", &bias.to_host(), &found, |b| value(&x, &weight, &all(&bias, b)));
    }
}

#[test]
fn a_first_layer_agrees_with_finite_differences() {
    let x = numbers(ROWS * FEATURES, 1);
    let (weight, bias) = (parameter(&[4, FEATURES], 2), parameter(&[4], 3));
    let input = || Cpu::default().tensor_from_vec(x.clone(), (ROWS, FEATURES));
    let value = |weight: &Parameter<Cpu>, bias: &Parameter<Cpu>| {
        let layer = Linear { weight: weight.clone(), bias: bias.clone() };
        weighted(&cpu().linear_input(input(), dfdx::prelude::NoneTape, &layer, false).unwrap().as_vec())
    };
    let layer = Linear { weight: weight.clone(), bias: bias.clone() };
    let tape = cpu().record(&[&weight, &bias]).unwrap();
    let gradients = backward(cpu().linear_input(input(), tape, &layer, false).unwrap());
    check("weight", &weight.to_host(), &gradient_of(&gradients, &weight.tensor), |w| value(&all(&weight, w), &bias));
    check("bias", &bias.to_host(), &gradient_of(&gradients, &bias.tensor), |b| value(&weight, &all(&bias, b)));
}

/// f(x) + f(x).
fn twice(x: Taped, layer: &Linear<Cpu>) -> Taped {
    let (x, tape) = x.split_tape();
    let once = cpu().linear(x.clone().put_tape(tape), layer, false).unwrap();
    let again = cpu().linear(x.retaped::<OwnedTape<f32, Cpu>>(), layer, false).unwrap();
    once.try_add(again).unwrap()
}

/// y = f(x) + g(x) where both use the same x and the same parameters: their gradients must add up.
#[test]
fn a_linear_layer_used_twice_on_one_input_gets_both_gradients() {
    let x = numbers(MEMBERS * ROWS * FEATURES, 1);
    let (weight, bias) = (parameter(&[FEATURES, FEATURES], 2), parameter(&[FEATURES], 3));
    let value = |x: &[f32], weight: &Parameter<Cpu>, bias: &Parameter<Cpu>| {
        let layer = Linear { weight: weight.clone(), bias: bias.clone() };
        weighted(&twice(activations(x).leaky_trace(), &layer).as_vec())
    };
    let layer = Linear { weight: weight.clone(), bias: bias.clone() };
    let input = activations(&x);
    let gradients = backward(twice(input.leaky_trace(), &layer));
    check("x", &x, &gradients.get(&input).as_vec(), |x| value(x, &weight, &bias));
    check("weight", &weight.to_host(), &gradient_of(&gradients, &weight.tensor), |w| {
        value(&x, &all(&weight, w), &bias)
    });
    check("bias", &bias.to_host(), &gradient_of(&gradients, &bias.tensor), |b| value(&x, &weight, &all(&bias, b)));
}

fn norm(scale: &[f32], shift: &[f32]) -> BatchNorm<Cpu> {
    let mut norm = BatchNorm::new(&Cpu::default(), "0", FEATURES, MEMBERS).unwrap();
    norm.scale = all(&norm.scale, scale);
    norm.shift = all(&norm.shift, shift);
    norm.mean = all(&norm.mean, &numbers(MEMBERS * FEATURES, 7));
    norm
}

/// Batch normalisation with the batch's own or with the running statistics.
fn apply(x: Taped, norm: &mut BatchNorm<Cpu>, own: bool) -> Taped {
    if own { cpu().batch_norm_relu(x, norm).unwrap() } else { cpu().batch_norm_relu_running(x, norm).unwrap() }
}

#[test]
fn batch_normalisation_agrees_with_finite_differences_in_both_modes_and_used_twice() {
    let x = numbers(MEMBERS * ROWS * FEATURES, 1);
    let scale: Vec<f32> = numbers(MEMBERS * FEATURES, 2).iter().map(|v| v * 0.3 + 0.7).collect();
    // Far from ReLU's corner.
    let shift: Vec<f32> = (0..MEMBERS * FEATURES).map(|i| if i % 3 == 1 { -6.0 } else { 6.0 }).collect();
    for (own, twice) in [(true, false), (false, false), (true, true), (false, true)] {
        let run = |input: &T3<Cpu>, norm: &mut BatchNorm<Cpu>| {
            let once = apply(input.leaky_trace(), norm, own);
            if twice { once.try_add(apply(input.retaped::<OwnedTape<f32, Cpu>>(), norm, own)).unwrap() } else { once }
        };
        let value =
            |x: &[f32], scale: &[f32], shift: &[f32]| weighted(&run(&activations(x), &mut norm(scale, shift)).as_vec());
        let (input, mut of) = (activations(&x), norm(&scale, &shift));
        let gradients = backward(run(&input, &mut of));
        check("x", &x, &gradients.get(&input).as_vec(), |x| value(x, &scale, &shift));
        check("scale", &scale, &gradient_of(&gradients, &of.scale.tensor), |s| value(&x, s, &shift));
        check("shift", &shift, &gradient_of(&gradients, &of.shift.tensor), |s| value(&x, &scale, s));
    }
}

#[test]
fn cross_entropy_agrees_with_finite_differences_also_used_twice() {
    let (x, labels) = (numbers(MEMBERS * ROWS * FEATURES, 1), [0, 2, 1, 1, 0]);
    let loss_weights = [1.0, -1.0];
    for twice in [false, true] {
        let run = |input: &T3<Cpu>| {
            let once = cpu().cross_entropy(input.leaky_trace(), &labels).unwrap();
            if twice {
                once.try_add(cpu().cross_entropy(input.retaped::<OwnedTape<f32, Cpu>>(), &labels).unwrap()).unwrap()
            } else {
                once
            }
        };
        let value = |x: &[f32]| {
            let losses = run(&activations(x)).as_vec();
            losses.iter().zip(loss_weights).map(|(loss, gradient)| f64::from(*loss) * f64::from(gradient)).sum()
        };
        let input = activations(&x);
        let gradients = cpu().backward(run(&input), &loss_weights).unwrap();
        check("logits", &x, &gradients.get(&input).as_vec(), value);
    }
}

const ADAM: OptimiserSpec =
    OptimiserSpec::Adam { lr: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 1e-4 };

/// Trains `members` networks from one start with these loss weights, and returns each one's tensors and logits.
fn train<B: Backend>(backend: &B, spec: OptimiserSpec, batch_norm: bool, loss_weights: &[f32]) -> Vec<Vec<f32>> {
    let model = ModelSpec::Mlp { hidden: vec![7, 5], batch_norm };
    let mut stream = Streams::new(3, "members", 0).stream(Purpose::Initialisation, 0);
    let of = (InputShape::Vector(FEATURES), 2);
    let mut network: Box<dyn Network<B>> = nets::build(backend, &model, of, loss_weights.len(), &mut stream).unwrap();
    let mut optimiser = Optimiser::new(spec);
    let inputs = || backend.device().tensor_from_vec(numbers(ROWS * FEATURES, 5), (ROWS, FEATURES));
    for _ in 0..10 {
        let tape = backend.record(&network.parameters()).unwrap();
        let logits = network.train(backend, inputs(), tape).unwrap();
        let losses = backend.cross_entropy(logits, &[0, 1, 1, 0, 1]).unwrap();
        let mut gradients = backend.backward(losses, loss_weights).unwrap();
        optimiser.step(backend, network.parameters_mut(), &mut gradients, 1.0).unwrap();
        backend.recycle(gradients, &network.parameters());
    }
    let logits = Logits::of::<B, _>(&network.evaluate(backend, inputs()).unwrap());
    (0..loss_weights.len())
        .map(|k| {
            let tensors = network.parameters().into_iter().flat_map(|p| {
                let mut values = vec![0.0; p.len()];
                p.copy_member(k, &mut values);
                values
            });
            tensors.chain(logits.rows(k).flatten().copied()).collect()
        })
        .collect()
}

#[test]
fn a_member_of_a_group_equals_the_run_alone_bit_for_bit() {
    for batch_norm in [false, true] {
        let loss_weights = [1.0, -1.0, 0.0];
        let group = train(&cpu(), ADAM, batch_norm, &loss_weights);
        for (gradient, member) in loss_weights.iter().zip(&group) {
            assert_eq!(train(&cpu(), ADAM, batch_norm, &[*gradient])[0], *member);
        }
        assert_ne!(group[0], group[1]);
    }
}

#[test]
fn the_portable_operations_agree_with_our_own() {
    // Not with Adam under batch normalisation: it makes whole steps of the rounding errors that are the gradients of
    // the biases before a normalisation.
    let sgd = OptimiserSpec::Sgd { lr: 0.1, momentum: 0.9, weight_decay: 1e-4 };
    for (batch_norm, spec) in [(false, ADAM), (false, sgd), (true, sgd)] {
        let loss_weights = [1.0, -1.0, 0.0];
        let own = train(&cpu(), spec, batch_norm, &loss_weights);
        let composite = train(&Composite::new(Cpu::default()), spec, batch_norm, &loss_weights);
        for (own, composite) in own.iter().flatten().zip(composite.iter().flatten()) {
            assert!((own - composite).abs() < 2e-4 * (1.0 + own.abs()), "{own} and {composite}");
        }
    }
}
