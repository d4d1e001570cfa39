//! Making one document: weights from the store into a network, and the measures of it.

use std::sync::Arc;

use flooding_core::dataset::Splits;
use flooding_core::digest::Digest;
use flooding_core::progress::StopFlag;
use flooding_core::seeds::Purpose;
use flooding_core::store::Store;
use flooding_tables::probes::{Calibration, DirectionCurve, Flatness, Landscape, ProbedModel, Reliability};

use super::inputs::{Candidate, Inputs, Trained};
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::calibration::confidence_bins;
use flooding_engine::data::Part;
use flooding_engine::evaluate::EvaluationSet;
use flooding_engine::flatness::{Direction, losses_along};
use flooding_engine::nets::{self, Network};
use flooding_engine::weights::{self, Weights};

/// Random directions of a trial.
const DIRECTIONS: u64 = 5;
/// Steps from alpha = 0 to 1; as many lead down to -1.
const STEPS: i32 = 20;
/// At most so many training and test examples, evenly spaced over their sets, are the losses means over.
const POINTS: [usize; 2] = [200, 500];

/// What a probe works with.
pub struct Bench<'a, B: Backend> {
    /// Where the networks live.
    pub backend: &'a B,
    /// Where the weights are.
    pub store: &'a Store,
    /// The trial's examples.
    pub splits: &'a Arc<Splits>,
    /// Looked at between directions.
    pub stop: &'a StopFlag,
    /// Told the number of directions done.
    pub advanced: &'a dyn Fn(u64),
}

/// How many times [`Bench::advanced`] will be called for a trial's flatness, at most.
pub const CURVES: u64 = 3 * DIRECTIONS;

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` takes.
fn device<B: Backend>(error: DeviceError<B>) -> String {
    format!("the device failed: {error:?}")
}

impl<B: Backend> Bench<'_, B> {
    /// Losses along the trial's directions; `None` when asked to stop.
    pub fn flatness(&self, candidate: &Candidate, inputs: &Inputs) -> Result<Option<Flatness>, String> {
        let alphas: Vec<f64> = (-STEPS..=STEPS).map(|i| f64::from(i) / f64::from(STEPS)).collect();
        let spec = &inputs.with.spec;
        let mut network = self.network(inputs)?;
        let (train, test) = (self.set(Part::Train)?, self.set(Part::Test)?);
        let sets = [(&train, train.examples().len().min(POINTS[0])), (&test, test.examples().len().min(POINTS[1]))];
        let sources = [
            (ProbedModel::FirstCrossing, &inputs.with, weights::FIRST_BELOW),
            (ProbedModel::With, &inputs.with, weights::LAST),
            (ProbedModel::Without, &inputs.without, weights::LAST),
        ];
        let mut models = Vec::new();
        for (model, run, name) in sources {
            if let Some(weights) = self.weights(run, name, &*network)? {
                models.push((Landscape { model, run: run.spec.key(), curves: Vec::new() }, weights));
            }
        }
        let mut done = 0;
        for index in 0..DIRECTIONS {
            let drawn = Direction::draw(&*network, &mut spec.streams().stream(Purpose::Direction, index));
            for (landscape, weights) in &mut models {
                if self.stop.is_raised() {
                    return Ok(None);
                }
                let direction = drawn.filter_normalised(weights);
                let along = losses_along(self.backend, &mut *network, (weights, &direction), &alphas, &sets);
                let mut losses = along.map_err(device::<B>)?.into_iter().map(finite);
                let mut next = || losses.next().unwrap_or_default();
                landscape.curves.push(DirectionCurve { train: next(), test: next() });
                done += 1;
                (self.advanced)(done);
            }
        }
        Ok(Some(Flatness {
            made_from: candidate.made_from(inputs),
            setting: spec.setting.clone(),
            trial: spec.trial,
            level: spec.level,
            alphas,
            examples: sets.map(|(_, points)| points as u32),
            models: models.into_iter().map(|(landscape, _)| landscape).collect(),
        }))
    }

    /// Confidences of the models at the end of training on the whole test set.
    pub fn calibration(&self, candidate: &Candidate, inputs: &Inputs) -> Result<Option<Calibration>, String> {
        let mut network = self.network(inputs)?;
        let test = self.set(Part::Test)?;
        let mut models = Vec::new();
        for (model, run) in [(ProbedModel::With, &inputs.with), (ProbedModel::Without, &inputs.without)] {
            if self.stop.is_raised() {
                return Ok(None);
            }
            if let Some(weights) = self.weights(run, weights::LAST, &*network)? {
                weights.restore(&mut *network, 0);
                let bins = confidence_bins(self.backend, &*network, &test).map_err(device::<B>)?;
                models.push(Reliability { model, run: run.spec.key(), bins });
            }
        }
        let spec = &inputs.with.spec;
        Ok(Some(Calibration {
            made_from: candidate.made_from(inputs),
            setting: spec.setting.clone(),
            trial: spec.trial,
            level: spec.level,
            models,
        }))
    }

    fn set(&self, part: Part) -> Result<EvaluationSet<B>, String> {
        EvaluationSet::new(self.backend, self.splits, part).map_err(device::<B>)
    }

    /// A network of one member; its own weights are of no interest.
    fn network(&self, inputs: &Inputs) -> Result<Box<dyn Network<B>>, String> {
        let spec = &inputs.with.spec;
        let of = (self.splits.train.shape, self.splits.classes);
        let mut stream = spec.streams().stream(Purpose::Initialisation, 0);
        nets::build(self.backend, &spec.model, of, 1, &mut stream).map_err(device::<B>)
    }

    /// A run's stored weights of this name; `None` where the run has left none.
    fn weights(&self, run: &Trained, name: &str, network: &dyn Network<B>) -> Result<Option<Weights>, String> {
        let file = format!("{name}.safetensors");
        let Some(expected) = run.weights.get(&file) else { return Ok(None) };
        let path = self.store.layout().run(&run.spec).join(file);
        let named = |why: &str| format!("{}: {why} (train again with --force to replace it)", path.display());
        let bytes = self.store.read(&path).map_err(|error| error.to_string())?.ok_or_else(|| named("is missing"))?;
        if Digest::of(&bytes) != *expected {
            return Err(named("does not match the digest in its record"));
        }
        Weights::from_safetensors(&bytes, network).map(Some).map_err(|why| named(&why))
    }
}

/// Losses as they are stored.
fn finite(losses: Vec<f64>) -> Vec<Option<f64>> {
    losses.into_iter().map(|loss| loss.is_finite().then_some(loss)).collect()
}
