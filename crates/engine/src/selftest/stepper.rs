//! The training step on the same batch or on slices of a few examples, from the host and back.

use std::collections::BTreeMap;

use dfdx::prelude::TensorFromVec as _;
use flooding_core::dataset::InputShape;
use flooding_core::level::Level;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{ModelSpec, Objective, OptimiserSpec};

use crate::backend::{Backend, DeviceError, T2};
use crate::objective::Flooding;
use crate::step::TrainStep;

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

/// The training step, fed from the host.
pub(super) struct Stepper<B: Backend>(pub(super) TrainStep<B>);

/// By parameter.
pub(super) type Named = BTreeMap<String, Vec<f32>>;

impl<B: Backend> Stepper<B> {
    /// One member a level.
    pub(super) fn new(backend: &B, subject: &Subject, levels: &[Level]) -> Result<Self, DeviceError<B>> {
        let mut stream = Streams::new(1, "selftest", 0).stream(Purpose::Initialisation, 0);
        let objectives = levels.iter().map(|level| Flooding::new(Objective::Flood, *level)).collect();
        let of = (subject.input, subject.classes);
        TrainStep::new(backend, &subject.model, of, subject.optimiser, objectives, &mut stream).map(Self)
    }

    fn inputs(&self, x: &[f32], examples: usize) -> Result<T2<B::Dev>, DeviceError<B>> {
        self.0.backend().device().try_tensor_from_vec(x.to_vec(), (examples, x.len() / examples))
    }

    /// One step on these examples; every member's loss before it.
    pub(super) fn step(&mut self, x: &[f32], labels: &[u16]) -> Result<Vec<f32>, DeviceError<B>> {
        let inputs = self.inputs(x, labels.len())?;
        self.0.step(inputs, labels, 1.0)
    }

    /// The same with the gradients that the step used.
    pub(super) fn step_with_gradients(
        &mut self,
        x: &[f32],
        labels: &[u16],
    ) -> Result<(Vec<f32>, Named), DeviceError<B>> {
        let inputs = self.inputs(x, labels.len())?;
        let forward = self.0.forward(inputs, labels, false)?;
        let losses = forward.losses.clone();
        let gradients = self.0.backward(forward)?;
        let named = self.0.named(&gradients);
        self.0.apply(gradients, 1.0)?;
        Ok((losses, named))
    }

    /// Logits in evaluation mode.
    pub(super) fn evaluate(&self, x: &[f32], examples: usize) -> Result<Vec<f32>, DeviceError<B>> {
        Ok(self.0.network().evaluate(self.0.backend(), self.inputs(x, examples)?)?.as_vec())
    }

    /// All named tensors.
    pub(super) fn values(&self) -> Named {
        self.0.network().parameters().into_iter().map(|p| (p.name.clone(), p.to_host())).collect()
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
