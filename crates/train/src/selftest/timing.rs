//! Times of training steps.

use std::time::Instant;

use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::spec::ModelSpec;

use super::agreement::examples;
use super::stepper::{ADAM, IMAGE, SGD, Stepper, Subject, complaint};
use super::{Scale, Timing};
use crate::backend::Backend;

/// A network, how many members train together, on how many examples, and how many steps are timed.
struct Timed {
    name: &'static str,
    subject: Subject,
    members: usize,
    batch: usize,
    steps: usize,
}

fn timed(scale: Scale) -> Vec<Timed> {
    let spiral = |units: u32| Subject {
        model: ModelSpec::Mlp { hidden: vec![units; 5], batch_norm: false },
        input: InputShape::Vector(2),
        classes: 2,
        optimiser: ADAM,
    };
    let mnist = Subject {
        model: ModelSpec::Mlp { hidden: vec![1000, 1000], batch_norm: false },
        input: InputShape::Image { channels: 1, height: 28, width: 28 },
        classes: 10,
        optimiser: SGD,
    };
    let image = |model| Subject { model, input: IMAGE, classes: 10, optimiser: SGD };
    let cifar = |blocks| image(ModelSpec::CifarResnet { blocks, width: 16 });
    let resnet18 = |width| image(ModelSpec::Resnet18 { width });
    let one = |name, subject, members, batch, steps| Timed { name, subject, members, batch, steps };
    match scale {
        Scale::Small => vec![
            one("MLP 5x50", spiral(50), 3, 100, 5),
            one("CIFAR ResNet-8", cifar(1), 2, 16, 3),
            one("ResNet-18 of width 8", resnet18(8), 1, 16, 3),
        ],
        Scale::Full => vec![
            one("MLP 5x500", spiral(500), 51, 100, 50),
            one("MLP 5x500", spiral(500), 510, 100, 20),
            one("MNIST MLP", mnist, 11, 128, 50),
            one("ResNet-44", cifar(7), 1, 128, 20),
            one("ResNet-44", cifar(7), 11, 128, 10),
            one("ResNet-18", resnet18(64), 1, 128, 20),
            one("ResNet-18", resnet18(64), 11, 128, 10),
        ],
    }
}

/// Times all of them, one after another.
pub(super) fn all<B: Backend>(backend: &B, scale: Scale) -> Vec<Timing> {
    timed(scale).iter().map(|timed| time(backend, timed)).collect()
}

fn time<B: Backend>(backend: &B, timed: &Timed) -> Timing {
    let Timed { name, subject, members, batch, steps } = timed;
    let measure = || -> Result<((f64, f64), f64), String> {
        let levels = vec![Level::ZERO; *members];
        let mut stepper = Stepper::new(backend, subject, &levels).map_err(complaint)?;
        let (x, labels) = examples(subject, *batch);
        // The first step builds what later ones reuse.
        stepper.step(&x, &labels).map_err(complaint)?;
        let mut times = Vec::with_capacity(*steps);
        for _ in 0..*steps {
            let start = Instant::now();
            // Reading the losses waits for the device.
            stepper.step(&x, &labels).map_err(complaint)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let operations = 3.0 * stepper.network.operations() * (*members * *batch) as f64;
        Ok(((times[0], times[times.len() / 2]), operations))
    };
    let measured = measure();
    let operations = measured.as_ref().map_or(0.0, |m| m.1);
    let name = format!("{name}, {members} members, batch {batch}");
    Timing { name, milliseconds: measured.map(|m| m.0), operations }
}
