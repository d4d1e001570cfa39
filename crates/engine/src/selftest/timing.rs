//! Times of training steps, beside those of another program where there is one.

use std::time::Instant;

use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::spec::ModelSpec;
use serde_json::{Value, json};

use super::Scale;
use super::agreement::examples;
use super::peer::Peer;
use super::stepper::{ADAM, IMAGE, SGD, Stepper, Subject, complaint};
use crate::backend::Backend;
use crate::cost::Outline;
use crate::cpu::release_buffers;
use crate::threads::with_threads_inside;

/// A network, how many members train together, on how many examples.
pub(super) struct Timed {
    name: &'static str,
    subject: Subject,
    members: usize,
    batch: usize,
    /// Over all threads of the CPU, or on one.
    spread: bool,
    /// Steps of a round.
    steps: usize,
}

/// Times of one program.
#[derive(Clone, Debug)]
pub struct Times {
    /// Fastest step, in milliseconds.
    pub min: f64,
    /// Median step, in milliseconds.
    pub median: f64,
    /// The largest memory meanwhile, in MiB: of the device, or of the process where that is the CPU; `None` where the
    /// system does not tell.
    pub peak_memory: Option<u64>,
}

/// Training steps of one network.
#[derive(Clone, Debug)]
pub struct Timing {
    /// Network, members and batch.
    pub name: String,
    /// Ours, or why there are none.
    pub ours: Result<Times, String>,
    /// The other program's, where there is one, or why there are none.
    pub peer: Option<Result<Times, String>>,
    /// Floating-point operations of a step: three times those of the forward pass.
    pub operations: f64,
    /// Bytes of parameters, gradients and optimiser state that a step reads or writes at least; activations come on top.
    pub traffic: f64,
}

impl Timing {
    /// Achieved floating-point operations, in GFLOP/s, of the fastest step.
    pub fn gigaflops(&self) -> Option<f64> {
        self.ours.as_ref().ok().map(|times| self.operations / times.min / 1e6)
    }

    /// Achieved traffic of parameters, in GB/s, of the fastest step.
    pub fn gigabytes(&self) -> Option<f64> {
        self.ours.as_ref().ok().map(|times| self.traffic / times.min / 1e6)
    }

    /// Our median over the other program's.
    pub fn ratio(&self) -> Option<f64> {
        match (&self.ours, &self.peer) {
            (Ok(ours), Some(Ok(peer))) => Some(ours.median / peer.median),
            _ => None,
        }
    }
}

/// How memory is measured on this device.
pub(super) trait Meter {
    /// The largest memory, in MiB, while `work` is done.
    fn peak<T>(&self, work: &mut dyn FnMut() -> T) -> (T, Option<u64>);
}

fn timed(scale: Scale) -> Vec<Timed> {
    let spiral = |hidden: Vec<u32>, batch_norm| Subject {
        model: ModelSpec::Mlp { hidden, batch_norm },
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
    let one = |name, subject, (members, batch), steps| Timed { name, subject, members, batch, spread: false, steps };
    let spread = |timed: Timed| Timed { spread: true, ..timed };
    match scale {
        Scale::Small => vec![
            one("MLP 5x50", spiral(vec![50; 5], false), (3, 100), 5),
            one("CIFAR ResNet-8", cifar(1), (2, 16), 3),
            one("ResNet-18 of width 8", resnet18(8), (1, 16), 3),
        ],
        Scale::Cpu => vec![
            one("MLP 5x500", spiral(vec![500; 5], false), (1, 100), 40),
            one("MLP 4x500 with batch normalisation", spiral(vec![500; 4], true), (1, 200), 30),
            one("MNIST MLP", mnist, (1, 128), 30),
            one("ResNet-44", cifar(7), (1, 128), 3),
            spread(one("ResNet-44", cifar(7), (1, 128), 4)),
            one("ResNet-18", resnet18(64), (1, 128), 3),
        ],
        Scale::Gpu => vec![
            one("MLP 5x500", spiral(vec![500; 5], false), (51, 100), 50),
            one("MLP 5x500", spiral(vec![500; 5], false), (510, 100), 20),
            one("MNIST MLP", mnist, (11, 128), 50),
            one("ResNet-44", cifar(7), (1, 128), 20),
            one("ResNet-44", cifar(7), (11, 128), 10),
            one("ResNet-18", resnet18(64), (1, 128), 20),
            one("ResNet-18", resnet18(64), (11, 128), 10),
        ],
    }
}

/// Times all of them, one after another. On the CPU the two programs take turns, five rounds each, so that both see the
/// same machine; a GPU is ours alone, and its memory is not to hold both.
pub(super) fn all<B: Backend>(
    backend: &B,
    meter: &impl Meter,
    (device, scale): (&str, Scale),
    mut peer: Option<&mut Peer>,
) -> Vec<Timing> {
    let rounds = if scale == Scale::Cpu { 5 } else { 1 };
    timed(scale).iter().map(|timed| timed.time(backend, meter, (device, rounds), peer.as_deref_mut())).collect()
}

impl Timed {
    fn time<B: Backend>(
        &self,
        backend: &B,
        meter: &impl Meter,
        (device, rounds): (&str, usize),
        mut peer: Option<&mut Peer>,
    ) -> Timing {
        let name = match self.threads() {
            1 => format!("{}, {} members, batch {}", self.name, self.members, self.batch),
            threads => format!("{}, {} members, batch {}, {threads} threads", self.name, self.members, self.batch),
        };
        let request = self.request(device);
        let (mut own, mut own_peak) = (Ok(Vec::new()), None);
        let (mut other, mut other_peak) = (Ok(Vec::new()), None);
        let mut stepper = None;
        for _ in 0..rounds {
            let mut round = || self.round(backend, &mut stepper);
            let (found, peak) = meter.peak(&mut round);
            own_peak = own_peak.max(peak);
            own = own.and_then(|so_far| Ok([so_far, found?].concat()));
            if rounds == 1 {
                stepper = None;
            }
            if let Some(peer) = peer.as_deref_mut() {
                let found = peer.steps(&request);
                other_peak = other_peak.max(found.as_ref().ok().and_then(|steps| steps.peak_mib));
                other = other.and_then(|so_far| Ok([so_far, found?.milliseconds].concat()));
            }
        }
        release_buffers();
        let (operations, traffic) = self.cost();
        Timing {
            name,
            ours: own.map(|times| Times::of(times, own_peak)),
            peer: peer.map(|_| other.map(|times| Times::of(times, other_peak))),
            operations,
            traffic,
        }
    }

    fn threads(&self) -> usize {
        if self.spread { rayon::current_num_threads() } else { 1 }
    }

    /// The times of one round of steps, in milliseconds; the first round makes the network.
    fn round<B: Backend>(&self, backend: &B, kept: &mut Option<Stepper<B>>) -> Result<Vec<f64>, String> {
        let (x, labels) = examples(&self.subject, self.batch);
        let stepper = if let Some(stepper) = kept {
            stepper
        } else {
            let levels = vec![Level::ZERO; self.members];
            kept.insert(Stepper::new(backend, &self.subject, &levels).map_err(complaint)?)
        };
        let mut times = Vec::with_capacity(self.steps);
        let mut steps = || -> Result<(), String> {
            // The first step builds what later ones reuse, and finds the caches as the other program left them.
            for step in 0..=self.steps {
                let start = Instant::now();
                // Reading the losses waits for the device.
                stepper.step(&x, &labels).map_err(complaint)?;
                if step > 0 {
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
            Ok(())
        };
        with_threads_inside(self.spread, &mut steps)?;
        Ok(times)
    }

    /// Operations and traffic of a step.
    fn cost(&self) -> (f64, f64) {
        let outline = Outline::new(&self.subject.model, self.subject.input, self.subject.classes);
        let members = self.members as f64;
        (outline.step(self.batch) * members, outline.traffic(&self.subject.optimiser) * members)
    }

    /// The same steps, for another program.
    fn request(&self, device: &str) -> Value {
        let input = match self.subject.input {
            InputShape::Vector(n) => vec![n],
            InputShape::Image { channels, height, width } => vec![channels, height, width],
        };
        json!({
            "device": device, "threads": self.threads(), "model": self.subject.model, "input": input,
            "classes": self.subject.classes, "optimiser": self.subject.optimiser, "members": self.members,
            "batch": self.batch, "steps": self.steps,
        })
    }
}

impl Times {
    fn of(mut milliseconds: Vec<f64>, peak_memory: Option<u64>) -> Self {
        milliseconds.sort_by(f64::total_cmp);
        Self { min: milliseconds[0], median: milliseconds[milliseconds.len() / 2], peak_memory }
    }
}
