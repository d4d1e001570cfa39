//! A device against the CPU, and a group against its members alone. The networks used here go through every operation.

use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::ModelSpec;
use rand::RngExt as _;

use super::Check;
use super::stepper::{ADAM, IMAGE, SGD, Stepper, Subject, complaint, difference, largest_difference};
use crate::backend::Backend;
use crate::cpu::FastCpu;

/// Small networks of every kind.
fn subjects() -> [(&'static str, Subject); 4] {
    let vector = InputShape::Vector(12);
    let mlp = |batch_norm| ModelSpec::Mlp { hidden: vec![33, 20], batch_norm };
    [
        ("MLP, Adam", Subject { model: mlp(false), input: vector, classes: 4, optimiser: ADAM }),
        ("MLP with batch normalisation, SGD", Subject { model: mlp(true), input: vector, classes: 4, optimiser: SGD }),
        (
            "CIFAR ResNet, SGD",
            Subject {
                model: ModelSpec::CifarResnet { blocks: 1, width: 8 },
                input: IMAGE,
                classes: 10,
                optimiser: SGD,
            },
        ),
        (
            "ResNet-18, SGD",
            Subject { model: ModelSpec::Resnet18 { width: 8 }, input: IMAGE, classes: 10, optimiser: SGD },
        ),
    ]
}

/// This number of random examples.
pub(super) fn examples(subject: &Subject, count: usize) -> (Vec<f32>, Vec<u16>) {
    let mut stream = Streams::new(1, "selftest", 0).stream(Purpose::Data, 0);
    let x = (0..count * subject.input.len()).map(|_| stream.random::<f32>() * 2.0 - 1.0).collect();
    (x, (0..count).map(|i| (i % subject.classes) as u16).collect())
}

fn levels(count: usize) -> Vec<Level> {
    // From 0 to above the first losses, so that some members descend and others ascend.
    (0..count).map(|i| Level::from_millionths(300_000 * i as u32)).collect()
}

/// Losses, gradients, the state after a step, and evaluation, of three members: this device's against the CPU's.
pub(super) fn with_the_cpu<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    for (network, subject) in subjects() {
        let compare = || -> Result<[f64; 4], String> {
            let (x, labels) = examples(&subject, 24);
            let mut here = Stepper::new(backend, &subject, &levels(3)).map_err(complaint)?;
            let mut there = Stepper::new(&FastCpu::default(), &subject, &levels(3)).map_err(complaint)?;
            let (losses, gradients) = here.step_with_gradients(&x, &labels).map_err(complaint)?;
            let (expected, expected_gradients) = there.step_with_gradients(&x, &labels).map_err(complaint)?;
            let logits = here.evaluate(&x, labels.len()).map_err(complaint)?;
            let expected_logits = there.evaluate(&x, labels.len()).map_err(complaint)?;
            Ok([
                difference(&losses, &expected),
                largest_difference(&gradients, &expected_gradients),
                largest_difference(&here.values(), &there.values()),
                difference(&logits, &expected_logits),
            ])
        };
        let found = compare();
        let parts = [("losses", 1e-5), ("gradients", 1e-3), ("state after a step", 1e-3), ("evaluation", 1e-3)];
        for (i, (part, tolerance)) in parts.into_iter().enumerate() {
            let difference = found.as_ref().map(|all| all[i]).map_err(Clone::clone);
            checks.push(Check { name: format!("{name}: {network}: {part} as on the CPU"), difference, tolerance });
        }
    }
    checks
}

/// The losses of eleven members trained together against each trained alone.
pub(super) fn of_groups<B: Backend>(backend: &B, name: &str) -> Vec<Check> {
    const MEMBERS: usize = 11;
    const STEPS: usize = 3;
    let compare = |subject: &Subject| -> Result<f64, String> {
        let (x, labels) = examples(subject, 12);
        let all = levels(MEMBERS);
        let losses = |levels: &[Level]| -> Result<Vec<Vec<f32>>, String> {
            let mut stepper = Stepper::new(backend, subject, levels).map_err(complaint)?;
            (0..STEPS).map(|_| stepper.step(&x, &labels).map_err(complaint)).collect()
        };
        let group = losses(&all)?;
        let mut worst = 0f64;
        for (member, level) in all.iter().enumerate() {
            let alone: Vec<f32> = losses(&[*level])?.concat();
            let of_member: Vec<f32> = group.iter().map(|step| step[member]).collect();
            let found = difference(&of_member, &alone);
            worst = if found.is_nan() { f64::NAN } else { worst.max(found) };
        }
        Ok(worst)
    };
    let check = |(network, subject): (&str, Subject)| Check {
        name: format!("{name}: {network}: a group of {MEMBERS} as {MEMBERS} single runs, {STEPS} steps"),
        difference: compare(&subject),
        tolerance: 1e-3,
    };
    subjects().into_iter().map(check).collect()
}
