//! The training step: what trains is what the self-test, the golden values and the benchmark see.

use std::collections::BTreeMap;

use dfdx::prelude::{CopySlice as _, Gradients, HasShape as _};
use flooding_core::dataset::InputShape;
use flooding_core::seeds::Stream;
use flooding_core::spec::{ModelSpec, OptimiserSpec};

use crate::backend::{Backend, DeviceError, Recording, T1, T2};
use crate::evaluate::Logits;
use crate::layers::Parameter;
use crate::nets::{self, Network};
use crate::objective::{Flooding, example_loss_gradients};
use crate::optim::{Optimiser, OptimiserState};
use crate::tensor::positions;

/// A network of K members, its optimiser, and what each member minimises.
///
/// Below its level, flooding climbs where plain training descends:
///
/// ```
/// use dfdx::prelude::TensorFromVec as _;
/// use flooding_core::dataset::InputShape;
/// use flooding_core::level::Level;
/// use flooding_core::seeds::{Purpose, Streams};
/// use flooding_core::spec::{ModelSpec, Objective, OptimiserSpec};
/// use flooding_engine::backend::Backend as _;
/// use flooding_engine::cpu::FastCpu;
/// use flooding_engine::objective::Flooding;
/// use flooding_engine::step::TrainStep;
///
/// let backend = FastCpu::default();
/// let model = ModelSpec::Mlp { hidden: vec![8], batch_norm: false };
/// let sgd = OptimiserSpec::Sgd { lr: 0.01, momentum: 0.0, weight_decay: 0.0 };
/// let levels = [Level::ZERO, Level::from_millionths(5_000_000)];
/// let objectives = levels.map(|level| Flooding::new(Objective::Flood, level)).to_vec();
/// let mut weights = Streams::new(1, "example", 0).stream(Purpose::Initialisation, 0);
/// let of = (InputShape::Vector(2), 2); // The input's shape, and the number of classes.
/// let mut step = TrainStep::new(&backend, &model, of, sgd, objectives, &mut weights)?;
///
/// let batch = || backend.device().tensor_from_vec(vec![1.0, 0.0, 0.0, 1.0], (2, 2));
/// let before = step.step(batch(), &[0, 1], 1.0)?;
/// let after = step.step(batch(), &[0, 1], 1.0)?;
/// assert_eq!(before[0], before[1]);
/// assert!(after[0] < before[0] && after[1] > before[1]);
/// # Ok::<(), flooding_engine::backend::DeviceError<FastCpu>>(())
/// ```
pub struct TrainStep<B: Backend> {
    backend: B,
    network: Box<dyn Network<B>>,
    optimiser: Optimiser<B>,
    objectives: Vec<Flooding>,
}

/// A batch that has passed forward and not yet backward: the weights are still those before the step; the running
/// statistics of batch normalisation have moved.
pub struct Forward<B: Backend> {
    /// Each member's mean loss over the batch, not flooded.
    pub losses: Vec<f32>,
    /// The logits, where they were asked for.
    pub logits: Option<Logits>,
    taped: T1<B::Dev, Recording<B>>,
    /// Are the taped losses weighted by the loss gradients of single examples already?
    is_weighted: bool,
}

impl<B: Backend> TrainStep<B> {
    /// A network as `model` says for `of` (input shape, classes), one member an objective, all with the same initial
    /// weights drawn from `stream`; no step taken.
    pub fn new(
        backend: &B,
        model: &ModelSpec,
        of: (InputShape, usize),
        optimiser: OptimiserSpec,
        objectives: Vec<Flooding>,
        stream: &mut Stream,
    ) -> Result<Self, DeviceError<B>> {
        let network = nets::build(backend, model, of, objectives.len(), stream)?;
        Ok(Self { backend: backend.clone(), network, optimiser: Optimiser::new(optimiser), objectives })
    }

    /// The device's operations.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// The network.
    pub fn network(&self) -> &dyn Network<B> {
        &*self.network
    }

    /// The network, to put weights into it.
    pub fn network_mut(&mut self) -> &mut dyn Network<B> {
        &mut *self.network
    }

    /// The optimiser's state, on the host.
    pub fn optimiser_state(&mut self) -> Result<OptimiserState, DeviceError<B>> {
        self.optimiser.state(&self.network.parameters())
    }

    /// Resumes the optimiser from a state of the same network.
    pub fn restore_optimiser(&mut self, state: &OptimiserState) -> Result<(), DeviceError<B>> {
        self.optimiser = Optimiser::restored(&self.backend, self.optimiser.spec(), state, &self.network.parameters())?;
        Ok(())
    }

    /// How many networks it trains together.
    pub fn members(&self) -> usize {
        self.objectives.len()
    }

    /// Changes what each member minimises; as many as there are members. Between the two halves of a step it is the
    /// second that minds.
    pub fn set_objectives(&mut self, objectives: Vec<Flooding>) {
        debug_assert_eq!(objectives.len(), self.objectives.len());
        self.objectives = objectives;
    }

    /// Member k becomes what member `of[k]` was before the half step that has been taken, to begin the step again: with its
    /// weights, its running statistics as in `before`, and its optimiser's memory. One objective a member.
    pub fn grow(
        &mut self,
        of: &[usize],
        before: &[Parameter<B::Dev>],
        objectives: Vec<Flooding>,
    ) -> Result<(), DeviceError<B>> {
        debug_assert_eq!(objectives.len(), of.len());
        let statistics = self.network.parameters_mut().into_iter().filter(|parameter| !parameter.role.is_trained());
        for (parameter, before) in statistics.zip(before) {
            parameter.tensor = before.tensor.clone();
        }
        let of = positions(self.backend.device(), of)?;
        self.optimiser.select(&self.backend, self.network.parameters_mut(), &of)?;
        self.objectives = objectives;
        Ok(())
    }

    /// The running statistics as they are now. Nothing is copied until they move.
    pub fn statistics(&self) -> Vec<Parameter<B::Dev>> {
        let all = self.network.parameters().into_iter();
        all.filter(|parameter| !parameter.role.is_trained()).cloned().collect()
    }

    /// One whole step on a batch, `(N, elements of an example)` with a label each; `multiplier` is the schedule's. Returns
    /// each member's mean loss before it, not flooded.
    pub fn step(&mut self, inputs: T2<B::Dev>, labels: &[u16], multiplier: f64) -> Result<Vec<f32>, DeviceError<B>> {
        let forward = self.forward(inputs, labels, false)?;
        let losses = forward.losses.clone();
        self.update(forward, multiplier)?;
        Ok(losses)
    }

    /// The first half: forward, up to the losses.
    pub fn forward(
        &mut self,
        inputs: T2<B::Dev>,
        labels: &[u16],
        keep_logits: bool,
    ) -> Result<Forward<B>, DeviceError<B>> {
        let backend = &self.backend;
        let tape = backend.record(&self.network.parameters())?;
        let logits = self.network.train(backend, inputs, tape)?;
        if self.objectives.iter().any(|objective| objective.is_per_example()) {
            let on_host = Logits::of::<B, _>(&logits);
            let (losses, loss_weights) = example_loss_gradients(&self.objectives, &on_host, labels);
            // With the loss weights held fixed, the gradient of the weighted mean loss is that of the objective.
            let taped = backend.weighted_cross_entropy(logits, labels, &loss_weights)?;
            return Ok(Forward { losses, logits: keep_logits.then_some(on_host), taped, is_weighted: true });
        }
        let on_host = keep_logits.then(|| Logits::of::<B, _>(&logits));
        let taped = backend.cross_entropy(logits, labels)?;
        let mut losses = vec![0.0; taped.shape().0];
        B::Dev::copy_into(&taped, &mut losses);
        Ok(Forward { losses, logits: on_host, taped, is_weighted: false })
    }

    /// The gradients of each member's objective.
    pub fn backward(&self, forward: Forward<B>) -> Result<Gradients<f32, B::Dev>, DeviceError<B>> {
        let Forward { losses, taped, is_weighted, .. } = forward;
        let gradient =
            |(objective, &loss): (&Flooding, &f32)| if is_weighted { 1.0 } else { objective.loss_gradient(loss) };
        let loss_weights: Vec<f32> = self.objectives.iter().zip(&losses).map(gradient).collect();
        self.backend.backward(taped, &loss_weights)
    }

    /// Moves the weights by these gradients.
    pub fn apply(&mut self, mut gradients: Gradients<f32, B::Dev>, multiplier: f64) -> Result<(), DeviceError<B>> {
        self.optimiser.step(&self.backend, self.network.parameters_mut(), &mut gradients, multiplier)?;
        self.backend.recycle(gradients, &self.network.parameters());
        Ok(())
    }

    /// The second half: backward, and the weights move.
    pub fn update(&mut self, forward: Forward<B>, multiplier: f64) -> Result<(), DeviceError<B>> {
        let gradients = self.backward(forward)?;
        self.apply(gradients, multiplier)
    }

    /// Gradients on the host by the parameters' names, all members one after another.
    pub fn named(&self, gradients: &Gradients<f32, B::Dev>) -> BTreeMap<String, Vec<f32>> {
        let trained = self.network.parameters().into_iter().filter(|parameter| parameter.role.is_trained());
        let on_host = |parameter: &Parameter<B::Dev>| {
            let mut values = vec![0.0; parameter.members() * parameter.len()];
            B::Dev::copy_into(&gradients.get(&parameter.tensor), &mut values);
            (parameter.name.clone(), values)
        };
        trained.map(on_host).collect()
    }
}
