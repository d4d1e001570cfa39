//! Adam and SGD with their state, equal to PyTorch's.

use std::collections::BTreeMap;

use dfdx::prelude::{Device, Gradients, HasShape as _, TensorFromVec as _};
use flooding_core::spec::OptimiserSpec;

use crate::backend::{AdamStep, Backend, DeviceError, SgdStep};
use crate::layers::Parameter;
use crate::tensor::{Positions, T2, rows_at};

/// An optimiser over the trained parameters of a network, and its state.
pub struct Optimiser<B: Backend> {
    spec: OptimiserSpec,
    steps: u64,
    /// SGD's velocity or Adam's first moment, by parameter.
    first: Gradients<f32, B::Dev>,
    /// Adam's second moment.
    second: Gradients<f32, B::Dev>,
}

/// Everything that an optimiser remembers, on the host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimiserState {
    /// Steps taken.
    pub steps: u64,
    /// Velocity or first moment, by the parameter's name; all members.
    pub first: BTreeMap<String, Vec<f32>>,
    /// Second moment (Adam only).
    pub second: BTreeMap<String, Vec<f32>>,
}

impl<B: Backend> Optimiser<B> {
    /// An optimiser that has taken no step.
    pub fn new(spec: OptimiserSpec) -> Self {
        Self { spec, steps: 0, first: Gradients::leaky(), second: Gradients::leaky() }
    }

    /// Its kind and settings.
    pub fn spec(&self) -> OptimiserSpec {
        self.spec
    }

    /// One step on all trained parameters; `multiplier` is the schedule's.
    pub fn step(
        &mut self,
        backend: &B,
        parameters: Vec<&mut Parameter<B::Dev>>,
        gradients: &mut Gradients<f32, B::Dev>,
        multiplier: f64,
    ) -> Result<(), DeviceError<B>> {
        self.steps += 1;
        for parameter in parameters.into_iter().filter(|p| p.role.is_trained()) {
            let p = &mut parameter.tensor;
            let first = self.first.get_or_alloc_mut(p)?;
            let gradient = &*gradients.get_or_alloc_mut(p)?;
            match self.spec {
                OptimiserSpec::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                    let lr = lr * multiplier;
                    let step = AdamStep { lr, beta1, beta2, epsilon, weight_decay, t: self.steps };
                    let second = self.second.get_or_alloc_mut(p)?;
                    backend.adam(&step, p, (first, second), gradient)?;
                }
                OptimiserSpec::Sgd { lr, momentum, weight_decay } => {
                    let step = SgdStep { lr: lr * multiplier, momentum, weight_decay };
                    backend.sgd(&step, p, first, gradient)?;
                }
            }
        }
        Ok(())
    }

    /// Member k's parameters and their moments become those of member `of[k]`; the parameters may be fewer or more than
    /// they were. Statistics have no moments.
    pub(crate) fn select(
        &mut self,
        backend: &B,
        parameters: Vec<&mut Parameter<B::Dev>>,
        of: &Positions<B::Dev>,
    ) -> Result<(), DeviceError<B>> {
        let mut selected = Self { steps: self.steps, ..Self::new(self.spec) };
        for parameter in parameters {
            let tensor = rows_at(&parameter.tensor, of)?;
            let mut moments = Vec::new();
            if parameter.role.is_trained() {
                moments.push((&mut selected.first, rows_at(&moment(&mut self.first, parameter)?, of)?));
                if matches!(self.spec, OptimiserSpec::Adam { .. }) {
                    moments.push((&mut selected.second, rows_at(&moment(&mut self.second, parameter)?, of)?));
                }
            }
            parameter.tensor = tensor;
            for (held, saved) in moments {
                backend.restore(held, parameter, saved)?;
            }
        }
        *self = selected;
        Ok(())
    }

    /// The state, for a checkpoint.
    pub fn state(&mut self, parameters: &[&Parameter<B::Dev>]) -> Result<OptimiserState, DeviceError<B>> {
        let with_second = matches!(self.spec, OptimiserSpec::Adam { .. });
        let mut state = OptimiserState { steps: self.steps, ..OptimiserState::default() };
        for parameter in parameters.iter().filter(|p| p.role.is_trained()) {
            state.first.insert(parameter.name.clone(), read(&mut self.first, parameter)?);
            if with_second {
                state.second.insert(parameter.name.clone(), read(&mut self.second, parameter)?);
            }
        }
        Ok(state)
    }

    /// An optimiser that resumes from a checkpoint of the same network; tensors that the state does not name start at 0.
    pub fn restored(
        backend: &B,
        spec: OptimiserSpec,
        state: &OptimiserState,
        parameters: &[&Parameter<B::Dev>],
    ) -> Result<Self, DeviceError<B>> {
        let mut this = Self { steps: state.steps, ..Self::new(spec) };
        for parameter in parameters {
            for (held, saved) in [(&mut this.first, &state.first), (&mut this.second, &state.second)] {
                if let Some(values) = saved.get(&parameter.name) {
                    let shape = *parameter.tensor.shape();
                    let values = backend.device().try_tensor_from_vec(values.clone(), shape)?;
                    backend.restore(held, parameter, values)?;
                }
            }
        }
        Ok(this)
    }
}

/// A moment of a parameter; zeros before the first step.
fn moment<D: Device<f32>>(state: &mut Gradients<f32, D>, parameter: &Parameter<D>) -> Result<T2<D>, D::Err> {
    state.try_alloc_for(&parameter.tensor)?;
    Ok(state.get(&parameter.tensor))
}

fn read<D: Device<f32>>(state: &mut Gradients<f32, D>, parameter: &Parameter<D>) -> Result<Vec<f32>, D::Err> {
    let mut values = vec![0.0; parameter.members() * parameter.len()];
    D::copy_into(&moment(state, parameter)?, &mut values);
    Ok(values)
}
