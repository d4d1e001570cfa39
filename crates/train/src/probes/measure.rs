//! Making a trial's documents from its two runs, trained again.

use std::sync::Arc;

use flooding_core::dataset::Splits;
use flooding_core::progress::StopFlag;
use flooding_core::resampling::theorem_at_model;
use flooding_core::seeds::Purpose;
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_tables::probes::{Calibration, DirectionCurve, Flatness, Landscape, ProbedModel, Reliability};
use flooding_tables::probes::{Replay, ReplayedRun};

use super::Kind;
use super::inputs::{Inputs, made_from};
use super::replay::{TEST_POINTS, replay};
use crate::outcome::Trained;
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::calibration::confidence_bins;
use flooding_engine::data::Split;
use flooding_engine::evaluate::EvaluationSet;
use flooding_engine::examples::{estimate_statistics, example_losses};
use flooding_engine::flatness::{Direction, losses_along};
use flooding_engine::nets::{self, Network};
use flooding_engine::weights::{self, Weights};

/// Random directions of a trial.
pub const DIRECTIONS: u64 = 5;
/// Steps from alpha = 0 to 1; as many lead down to -1.
pub const STEPS: i32 = 20;
/// The largest number of training and of test examples, evenly spaced over their sets, that the losses are means over.
pub const POINTS: [usize; 2] = [200, 500];
/// Empirical risks drawn for Theorem 1 at the trained model.
const RISKS: u32 = 10_000;

/// What a probe works with.
pub struct Bench<'a, B: Backend> {
    /// Where the networks live.
    pub backend: &'a B,
    /// The device's name.
    pub device: &'a str,
    /// Where the records are.
    pub store: &'a Store,
    /// The trial's examples.
    pub splits: &'a Arc<Splits>,
    /// Looked at on the way.
    pub stop: &'a StopFlag,
    /// Told the tasks done, of [`pieces`].
    pub advanced: &'a dyn Fn(u64),
}

/// A trial's documents; those that were not asked for are `None`.
#[derive(Default)]
pub struct Made {
    pub flatness: Option<Flatness>,
    pub calibration: Option<Calibration>,
    pub replay: Option<Replay>,
}

/// How much [`Bench::advanced`] will count for a trial, at most: epochs of both runs and curves.
pub fn pieces(spec: &RunSpec) -> u64 {
    2 * u64::from(spec.epochs) + 3 * DIRECTIONS
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` takes.
fn device<B: Backend>(error: DeviceError<B>) -> String {
    format!("the device failed: {error:?}")
}

impl<B: Backend> Bench<'_, B> {
    /// The documents of these kinds; `None` when asked to stop.
    pub fn make(&self, inputs: &Inputs, kinds: &[Kind]) -> Result<Option<Made>, String> {
        let epochs = u64::from(inputs.with.spec.epochs);
        let after = |done: u64| move |epoch: u64| (self.advanced)(done + epoch);
        let Some(with) =
            replay(self.backend, self.store, &inputs.with, self.splits, self.device, (self.stop, &after(0)))?
        else {
            return Ok(None);
        };
        let told = after(epochs);
        let Some(without) =
            replay(self.backend, self.store, &inputs.without, self.splits, self.device, (self.stop, &told))?
        else {
            return Ok(None);
        };
        let trained = [&with, &without];
        let mut made = Made::default();
        for kind in kinds {
            match kind {
                Kind::Flatness => match self.flatness(inputs, trained)? {
                    Some(found) => made.flatness = Some(found),
                    None => return Ok(None),
                },
                Kind::Calibration => made.calibration = Some(self.calibration(inputs, trained)?),
                Kind::Replay => made.replay = Some(self.replay(inputs, trained)?),
            }
        }
        Ok(Some(made))
    }

    /// Losses along the trial's directions; `None` when asked to stop.
    fn flatness(&self, inputs: &Inputs, [with, without]: [&Trained; 2]) -> Result<Option<Flatness>, String> {
        let alphas: Vec<f64> = (-STEPS..=STEPS).map(|i| f64::from(i) / f64::from(STEPS)).collect();
        let spec = &inputs.with.spec;
        let mut network = self.network(spec)?;
        let (train, test) = (self.set(Split::Train)?, self.set(Split::Test)?);
        let sets = [(&train, train.examples().len().min(POINTS[0])), (&test, test.examples().len().min(POINTS[1]))];
        let mut models = Vec::new();
        for (model, of, run, name) in [
            (ProbedModel::FirstCrossing, with, &inputs.with, weights::FIRST_CROSSING),
            (ProbedModel::With, with, &inputs.with, weights::LAST),
            (ProbedModel::Without, without, &inputs.without, weights::LAST),
        ] {
            let Some(mut weights) = kept(of, name).cloned() else { continue };
            if model == ProbedModel::FirstCrossing {
                weights.restore(&mut *network, 0);
                estimate_statistics(self.backend, &mut *network, &train, spec.batch_size as usize)
                    .map_err(device::<B>)?;
                weights = Weights::of(&*network, 0);
            }
            models.push((Landscape { model, run: run.spec.key(), curves: Vec::new() }, weights));
        }
        let mut done = 2 * u64::from(spec.epochs);
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
            made_from: made_from(Kind::Flatness, inputs),
            setting: spec.setting.clone(),
            trial: spec.trial,
            level: spec.level,
            alphas,
            examples: sets.map(|(_, points)| points as u32),
            models: models.into_iter().map(|(landscape, _)| landscape).collect(),
        }))
    }

    /// Confidences of the models at the end of training on the whole test set.
    fn calibration(&self, inputs: &Inputs, trained: [&Trained; 2]) -> Result<Calibration, String> {
        let spec = &inputs.with.spec;
        let mut network = self.network(spec)?;
        let test = self.set(Split::Test)?;
        let mut models = Vec::new();
        let runs = [(ProbedModel::With, &inputs.with), (ProbedModel::Without, &inputs.without)];
        for ((model, run), trained) in runs.into_iter().zip(trained) {
            let Some(weights) = kept(trained, weights::LAST) else { continue };
            weights.restore(&mut *network, 0);
            let bins = confidence_bins(self.backend, &*network, &test).map_err(device::<B>)?;
            models.push(Reliability { model, run: run.spec.key(), bins });
        }
        Ok(Calibration {
            made_from: made_from(Kind::Calibration, inputs),
            setting: spec.setting.clone(),
            trial: spec.trial,
            level: spec.level,
            models,
        })
    }

    /// Test curves and gradients, and Theorem 1 at the end of training with flooding.
    fn replay(&self, inputs: &Inputs, trained: [&Trained; 2]) -> Result<Replay, String> {
        let spec = &inputs.with.spec;
        let mut network = self.network(spec)?;
        let test = self.set(Split::Test)?;
        let weights = kept(trained[0], weights::LAST).ok_or("the run kept no weights")?;
        weights.restore(&mut *network, 0);
        let losses = example_losses(self.backend, &*network, &test).map_err(device::<B>)?;
        let n = self.splits.train.len() as u32;
        let mut stream = spec.streams().stream(Purpose::MonteCarlo, u64::from(spec.level.millionths()));
        let theorem = theorem_at_model(&losses, n, spec.level.value(), RISKS, &mut stream)
            .ok_or("a test loss of the trained network is not finite")?;
        let models = [(ProbedModel::With, &inputs.with), (ProbedModel::Without, &inputs.without)];
        let replayed = |((model, run), trained): ((ProbedModel, &super::inputs::Compared), &Trained)| ReplayedRun {
            model,
            run: run.spec.key(),
            test: (trained.history.iter())
                .filter_map(|row| row.test.map(|test| (row.epoch, test.loss, test.accuracy)))
                .collect(),
            gradients: trained.history.iter().filter_map(|row| Some((row.epoch, row.gradients?))).collect(),
        };
        Ok(Replay {
            made_from: made_from(Kind::Replay, inputs),
            setting: spec.setting.clone(),
            trial: spec.trial,
            level: spec.level,
            test_points: TEST_POINTS.min(self.splits.test.len() as u32),
            models: models.into_iter().zip(trained).map(replayed).collect(),
            theorem,
        })
    }

    fn set(&self, split: Split) -> Result<EvaluationSet<B>, String> {
        EvaluationSet::new(self.backend, self.splits, split).map_err(device::<B>)
    }

    /// A network of one member; its own weights are of no interest.
    fn network(&self, spec: &RunSpec) -> Result<Box<dyn Network<B>>, String> {
        let of = (self.splits.train.shape, self.splits.classes);
        nets::build(self.backend, &spec.model, of, 1, &mut spec.initialisation()).map_err(device::<B>)
    }
}

/// The weights of this name that a run kept.
fn kept<'a>(trained: &'a Trained, name: &str) -> Option<&'a Weights> {
    trained.weights.iter().find(|(known, _)| *known == name).map(|(_, weights)| weights)
}

/// Losses as they are stored.
fn finite(losses: Vec<f64>) -> Vec<Option<f64>> {
    losses.into_iter().map(|loss| loss.is_finite().then_some(loss)).collect()
}
