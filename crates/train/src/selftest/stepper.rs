//! A network that takes one training step after another on the same batch or on slices of a few examples.

use std::collections::BTreeMap;

use dfdx::prelude::TensorFromVec as _;
use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, Objective, OptimiserSpec};

use crate::backend::{Backend, DeviceError};
use crate::nets::{self, Network};
use crate::objective::Flooding;
use crate::optim::Optimiser;

/// The images that the residual networks take.
pub(super) const IMAGE: InputShape = InputShape::Image { channels: 3, height: 32, width: 32 };
/// SGD as Section 4.2 of the paper has it.
pub(super) const SGD: OptimiserSpec = OptimiserSpec::Sgd { lr: 0.1, momentum: 0.9, weight_decay: 1e-5 };
/// Adam as Section 4.1 has it.
pub(super) const ADAM: OptimiserSpec =
    OptimiserSpec::Adam { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };

/// What is trained.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) model: ModelSpec,
    pub(super) input: InputShape,
    pub(super) classes: usize,
    pub(super) optimiser: OptimiserSpec,
}

/// A network of K members on its way.
pub(super) struct Stepper<B: Backend> {
    backend: B,
    pub(super) network: Box<dyn Network<B>>,
    optimiser: Optimiser<B>,
    objectives: Vec<Flooding>,
}

/// By parameter.
pub(super) type Named = BTreeMap<String, Vec<f32>>;

impl<B: Backend> Stepper<B> {
    /// One member a level.
    pub(super) fn new(backend: &B, subject: &Subject, levels: &[Level]) -> Result<Self, DeviceError<B>> {
        let mut stream = Streams::new(1, "selftest", 0).stream(Purpose::Initialisation, 0);
        let of = (subject.input, subject.classes);
        let network = nets::build(backend, &subject.model, of, levels.len(), &mut stream)?;
        let objectives = levels.iter().map(|level| Flooding::new(Objective::Flood, *level)).collect();
        Ok(Self { backend: backend.clone(), network, optimiser: Optimiser::new(subject.optimiser), objectives })
    }

    /// One step on these examples; every member's loss before it.
    pub(super) fn step(&mut self, x: &[f32], labels: &[u16]) -> Result<Vec<f32>, DeviceError<B>> {
        self.differentiate(x, labels, false).map(|(losses, _)| losses)
    }

    /// The same with the gradients that the step used.
    pub(super) fn step_with_gradients(
        &mut self,
        x: &[f32],
        labels: &[u16],
    ) -> Result<(Vec<f32>, Named), DeviceError<B>> {
        self.differentiate(x, labels, true)
    }

    fn differentiate(&mut self, x: &[f32], labels: &[u16], keep: bool) -> Result<(Vec<f32>, Named), DeviceError<B>> {
        let backend = &self.backend;
        let shape = (labels.len(), x.len() / labels.len());
        let inputs = backend.device().try_tensor_from_vec(x.to_vec(), shape)?;
        let tape = backend.record(&self.network.parameters())?;
        let logits = self.network.train(backend, inputs, tape)?;
        let losses = backend.cross_entropy(logits, labels)?;
        let values = losses.as_vec();
        let slopes: Vec<f32> = self.objectives.iter().zip(&values).map(|(o, loss)| o.slope(*loss)).collect();
        let mut gradients = backend.backward(losses, &slopes)?;
        let mut named = Named::new();
        if keep {
            for parameter in self.network.parameters().into_iter().filter(|p| p.role.is_trained()) {
                named.insert(parameter.name.clone(), gradients.get(&parameter.tensor).as_vec());
            }
        }
        self.optimiser.step(backend, self.network.parameters_mut(), &mut gradients, 1.0)?;
        backend.recycle(gradients, &self.network.parameters());
        Ok((values, named))
    }

    /// Logits in evaluation mode.
    pub(super) fn evaluate(&self, x: &[f32], examples: usize) -> Result<Vec<f32>, DeviceError<B>> {
        let inputs = self.backend.device().try_tensor_from_vec(x.to_vec(), (examples, x.len() / examples))?;
        Ok(self.network.evaluate(&self.backend, inputs)?.as_vec())
    }

    /// All named tensors.
    pub(super) fn values(&self) -> Named {
        self.network.parameters().into_iter().map(|p| (p.name.clone(), p.to_host())).collect()
    }
}

/// The largest difference over the largest value; not a number where either is not finite.
pub(super) fn difference(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() || a.iter().chain(b).any(|v| !v.is_finite()) {
        return f64::NAN;
    }
    let largest = b.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    f64::from(a.iter().zip(b).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / largest)
}

/// The worst of [`difference`] over all names. Where all that is expected of a tensor is rounding noise, as of the
/// gradient of a bias before a normalisation, the difference is taken against a thousandth of the largest value of all.
pub(super) fn largest_difference(a: &Named, b: &Named) -> f64 {
    let largest = |values: &[f32]| f64::from(values.iter().fold(1e-6f32, |m, v| m.max(v.abs())));
    let floor = b.values().map(|values| largest(values)).fold(0.0, f64::max) * 1e-3;
    let of_name = |(name, b): (&String, &Vec<f32>)| {
        a.get(name).map_or(f64::NAN, |a| difference(a, b) * largest(b) / largest(b).max(floor))
    };
    b.iter().map(of_name).fold(0.0, |worst, d| if d.is_nan() || worst.is_nan() { f64::NAN } else { worst.max(d) })
}

/// A device's complaint as a sentence.
pub(super) fn complaint(error: impl std::fmt::Debug) -> String {
    format!("the device failed: {error:?}")
}
