//! Training one group: K members that share data, batches and initial weights and differ in the flood level alone.

mod resume;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dfdx::prelude::{CopySlice as _, Gradients, HasShape as _};
use flooding_core::dataset::Splits;
use flooding_core::progress::StopFlag;
use flooding_core::record::{EpochRow, FirstCrossing, Measure, Outcome, Summary};
use flooding_core::spec::{Augment, DataSpec, RunSpec};

use crate::checkpoint::Checkpoints;
use flooding_engine::backend::{Backend, DeviceError, Recording, T3};
use flooding_engine::data::{Epoch, Part};
use flooding_engine::evaluate::{EvaluationSet, Logits};
use flooding_engine::nets::{self, Network};
use flooding_engine::objective::{Flooding, example_slopes};
use flooding_engine::optim::Optimiser;
use flooding_engine::probe;
use flooding_engine::snapshot::Snapshot;
use flooding_engine::weights::Weights;

/// What the trainer tells while it works, and what it listens to.
#[derive(Default)]
pub struct Watch {
    /// Asks to stop at the next step.
    pub stop: StopFlag,
    /// Optimiser steps begun.
    pub step: AtomicU64,
    /// Bits of the last finite mini-batch loss; the first member's.
    pub last_loss: AtomicU32,
    /// Where to leave checkpoints and to go on from one; `None` for none.
    pub checkpoints: Option<Checkpoints>,
}

impl Watch {
    /// The last finite mini-batch loss, if there was one.
    pub fn last_finite_loss(&self) -> Option<f32> {
        (self.step.load(Ordering::Relaxed) > 1).then(|| f32::from_bits(self.last_loss.load(Ordering::Relaxed)))
    }
}

/// Why one member could not go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// In a sentence.
    pub cause: String,
    /// The step (from 1) at which it was noticed.
    pub step: u64,
    /// The last finite mini-batch loss before that.
    pub last_finite_loss: Option<f32>,
}

/// What one member leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Trainable numbers of the network.
    pub parameters: u64,
    /// Complete rows only.
    pub history: Vec<EpochRow>,
    /// The results, or why there are none.
    pub result: Result<Summary, Failure>,
    /// When flooding began, where the mean loss is flooded.
    pub first_crossing: Option<FirstCrossing>,
    /// File names (without ending) and weights, where the specification asks for them.
    pub weights: Vec<(&'static str, Weights)>,
    /// Time in training steps, of the whole group.
    pub training: Duration,
}

impl Trained {
    /// What a run leaves that ended without a word: by a panic, or because its device failed.
    pub fn failed(failure: Failure) -> Self {
        let (history, weights) = (Vec::new(), Vec::new());
        Self { parameters: 0, history, result: Err(failure), first_crossing: None, weights, training: Duration::ZERO }
    }
}

/// One member on its way.
struct Member {
    objective: Flooding,
    rows: Vec<Row>,
    /// Index of the row with the best validation accuracy, the first of equals.
    best: Option<usize>,
    first_below: Option<Weights>,
    /// The first step at which the loss was at or below the level.
    first_crossing: Option<u64>,
    last_finite_loss: Option<f32>,
    batch_loss: f64,
    /// Over the whole test set at the last epoch, where the history has a subset's.
    last_test: Option<Measure>,
    failure: Option<Failure>,
}

/// A row that may still wait for its measure of the training set.
struct Row {
    batch_loss: f64,
    train: Option<Measure>,
    validation: Measure,
    test: Option<Measure>,
    /// Was `test` measured over the whole set?
    test_is_whole: bool,
    gradients: Option<flooding_core::record::GradientNorms>,
}

impl Member {
    /// The row of the best epoch, if the member came to its end.
    fn best_row(&self) -> Option<&Row> {
        self.best.filter(|_| self.failure.is_none()).map(|best| &self.rows[best])
    }

    fn fail(&mut self, cause: impl Into<String>, step: u64) {
        if self.failure.is_none() {
            self.failure = Some(Failure { cause: cause.into(), step, last_finite_loss: self.last_finite_loss });
        }
    }
}

/// Trains the runs together; they must differ in the level alone. `None` when asked to stop.
///
/// `advanced` is called after each epoch with the number of epochs done.
pub fn train<B: Backend>(
    backend: &B,
    runs: &[RunSpec],
    splits: &Arc<Splits>,
    watch: &Watch,
    advanced: &dyn Fn(u64),
) -> Result<Option<Vec<Trained>>, DeviceError<B>> {
    let mut trainer = Trainer::new(backend, runs, splits, watch)?;
    for epoch in trainer.resume(runs)?..trainer.spec.epochs {
        if trainer.epoch(epoch)?.is_none() {
            return Ok(None);
        }
        advanced(u64::from(epoch) + 1);
        let is_last = epoch + 1 == trainer.spec.epochs;
        if watch.stop.is_raised() && !is_last {
            trainer.leave(runs, epoch + 1)?;
            return Ok(None);
        }
        if trainer.members.iter().all(|member| member.failure.is_some()) {
            break;
        }
        trainer.keep(runs, epoch + 1)?;
    }
    trainer.finish().map(Some)
}

struct Trainer<'a, B: Backend> {
    backend: &'a B,
    spec: &'a RunSpec,
    watch: &'a Watch,
    network: Box<dyn Network<B>>,
    optimiser: Optimiser<B>,
    sets: [EvaluationSet<B>; 3],
    members: Vec<Member>,
    /// Every member's tensors at its best epoch.
    best: Snapshot<B::Dev>,
    augment: Augment,
    /// Without batch normalisation, the forward pass of a full-batch step *is* the evaluation of the training set after
    /// the step before.
    shares_forward: bool,
    steps: u64,
    training: Duration,
    /// What the last epoch took, with its measures.
    last_epoch: Option<Duration>,
}

impl<'a, B: Backend> Trainer<'a, B> {
    fn new(
        backend: &'a B,
        runs: &'a [RunSpec],
        splits: &Arc<Splits>,
        watch: &'a Watch,
    ) -> Result<Self, DeviceError<B>> {
        let spec = &runs[0];
        let mut stream = spec.initialisation();
        let of = (splits.train.shape, splits.classes);
        let network = nets::build(backend, &spec.model, of, runs.len(), &mut stream)?;
        let augment = match &spec.data {
            DataSpec::Images(images) => images.augment,
            DataSpec::Synthetic(_) => Augment::None,
        };
        let member = |run: &RunSpec| Member {
            objective: Flooding::new(run.objective, run.level),
            rows: Vec::new(),
            best: None,
            first_below: None,
            first_crossing: None,
            last_finite_loss: None,
            batch_loss: 0.0,
            last_test: None,
            failure: None,
        };
        let set = |part| EvaluationSet::new(backend, splits, part);
        Ok(Self {
            backend,
            spec,
            watch,
            shares_forward: network.same_in_both_modes()
                && splits.train.len() <= spec.batch_size as usize
                && augment == Augment::None
                && spec.observe.train_every <= 1,
            optimiser: Optimiser::new(spec.optimiser),
            network,
            sets: [set(Part::Train)?, set(Part::Validation)?, set(Part::Test)?],
            members: runs.iter().map(member).collect(),
            best: Snapshot::default(),
            augment,
            steps: 0,
            training: Duration::ZERO,
            last_epoch: None,
        })
    }

    /// One epoch and its measures; `None` when asked to stop.
    fn epoch(&mut self, epoch: u32) -> Result<Option<()>, DeviceError<B>> {
        let examples = self.sets[0].examples().len();
        let batch = (self.spec.batch_size as usize, self.network.smallest_batch());
        let plan = Epoch::draw(&self.spec.streams(), epoch, examples, batch, self.augment);
        let (mut seen, begun) = (0, Instant::now());
        for (indices, placements) in plan.batches() {
            if self.must_stop(begun) {
                return Ok(None);
            }
            if indices.len() < batch.1 {
                let why = format!("batch normalisation cannot train on a batch of {} example", indices.len());
                self.members.iter_mut().for_each(|member| member.fail(why.clone(), self.steps + 1));
                return Ok(Some(()));
            }
            let start = Instant::now();
            self.step(epoch, indices, placements)?;
            self.training += start.elapsed();
            seen += indices.len();
            if self.members.iter().all(|member| member.failure.is_some()) {
                return Ok(Some(()));
            }
        }
        for member in &mut self.members {
            member.batch_loss /= seen as f64;
        }
        self.measure(epoch)?;
        self.last_epoch = Some(begun.elapsed());
        Ok(Some(()))
    }

    /// Asked to stop, with too little time to complete the epoch that began then?
    fn must_stop(&self, begun: Instant) -> bool {
        self.watch.stop.is_raised()
            && self.last_epoch.is_none_or(|last| last.saturating_sub(begun.elapsed()) > self.watch.stop.grace())
    }

    fn step(
        &mut self,
        epoch: u32,
        indices: &[u32],
        placements: Option<&[flooding_engine::data::Placement]>,
    ) -> Result<(), DeviceError<B>> {
        self.steps += 1;
        self.watch.step.store(self.steps, Ordering::Relaxed);
        let inputs = self.backend.batch(self.sets[0].set(), indices, placements)?;
        let tape = self.backend.record(&self.network.parameters())?;
        let logits = self.network.train(self.backend, inputs, tape)?;
        if self.shares_forward {
            self.fill_train_measure(indices, &Logits::of::<B, _>(&logits));
        }
        let labels = &self.sets[0].examples().labels;
        let labels: Vec<u16> = indices.iter().map(|&i| labels[i as usize]).collect();
        let mut gradients = self.gradients(logits, &labels)?;
        let multiplier = self.spec.schedule.multiplier(epoch);
        self.optimiser.step(self.backend, self.network.parameters_mut(), &mut gradients, multiplier)?;
        self.backend.recycle(gradients, &self.network.parameters());
        Ok(())
    }

    /// The gradients of each member's objective.
    fn gradients(
        &mut self,
        logits: T3<B::Dev, Recording<B>>,
        labels: &[u16],
    ) -> Result<Gradients<f32, B::Dev>, DeviceError<B>> {
        let objectives: Vec<Flooding> = self.members.iter().map(|member| member.objective).collect();
        if objectives.iter().any(|objective| objective.is_per_example()) {
            let (values, slopes) = example_slopes(&objectives, &Logits::of::<B, _>(&logits), labels);
            self.note_losses(&values, labels.len());
            // With the slopes held fixed, the gradient of the weighted mean loss is that of the objective.
            let losses = self.backend.weighted_cross_entropy(logits, labels, &slopes)?;
            return self.backend.backward(losses, &vec![1.0; values.len()]);
        }
        let losses = self.backend.cross_entropy(logits, labels)?;
        let mut values = vec![0.0; losses.shape().0];
        B::Dev::copy_into(&losses, &mut values);
        self.note_losses(&values, labels.len());
        let slopes: Vec<f32> = objectives.iter().zip(&values).map(|(o, &loss)| o.slope(loss)).collect();
        self.backend.backward(losses, &slopes)
    }

    /// Looks at each member's un-flooded mini-batch loss, before the update.
    fn note_losses(&mut self, losses: &[f32], examples: usize) {
        for (k, (member, &loss)) in self.members.iter_mut().zip(losses).enumerate() {
            if loss.is_finite() {
                member.last_finite_loss = Some(loss);
                member.batch_loss += f64::from(loss) * examples as f64;
            } else {
                member.fail(format!("the training loss is {loss}"), self.steps);
            }
            if member.first_crossing.is_none() && member.objective.begins_at(loss) {
                member.first_crossing = Some(self.steps);
            }
            if self.spec.observe.weights && member.first_below.is_none() && member.objective.is_below(loss) {
                member.first_below = Some(Weights::of(&*self.network, k));
            }
        }
        if let Some(loss) = losses.first().filter(|loss| loss.is_finite()) {
            self.watch.last_loss.store(loss.to_bits(), Ordering::Relaxed);
        }
    }

    /// The logits of the whole training set complete the last row.
    fn fill_train_measure(&mut self, indices: &[u32], logits: &Logits) {
        let measures = self.sets[0].measure_logits(indices, std::slice::from_ref(logits));
        for (member, measure) in self.members.iter_mut().zip(measures) {
            if let Some(row) = member.rows.last_mut() {
                row.train = Some(measure);
            }
        }
    }

    /// Everything that is measured after an epoch.
    fn measure(&mut self, epoch: u32) -> Result<(), DeviceError<B>> {
        let due = |every: u32| every != 0 && (epoch + 1).is_multiple_of(every);
        let is_last = epoch + 1 == self.spec.epochs;
        let [train, validation, test] = &self.sets;
        let network = &*self.network;
        let validation = validation.measure(self.backend, network)?;
        let observe = self.spec.observe;
        let train_is_due = !self.shares_forward && (observe.train_every <= 1 || due(observe.train_every));
        let train_measures = if is_last || train_is_due { Some(train.measure(self.backend, network)?) } else { None };
        let all = test.examples().len();
        let sample = match observe.test_points as usize {
            0 => all,
            points => points.min(all),
        };
        let keeps_subset = observe.fixed_test_subset && observe.test_every > 0 && sample < all;
        let test_points = if is_last && !keeps_subset { all } else { sample };
        let test_measures = if is_last || due(observe.test_every) {
            Some(test.measure_points(self.backend, network, test_points)?)
        } else {
            None
        };
        if is_last && keeps_subset {
            let whole = test.measure(self.backend, network)?;
            self.members.iter_mut().zip(whole).for_each(|(member, measure)| member.last_test = Some(measure));
        }
        let norms = if due(observe.gradients_every) {
            let (train, test) = ((train, train.examples().len()), (test, sample));
            Some(probe::gradient_norms(self.backend, network, train, test)?)
        } else {
            None
        };
        let mut have_improved = vec![false; self.members.len()];
        for (k, member) in self.members.iter_mut().enumerate() {
            let row = Row {
                batch_loss: std::mem::take(&mut member.batch_loss),
                train: train_measures.as_ref().map(|measures| measures[k]),
                validation: validation[k],
                test: test_measures.as_ref().map(|measures| measures[k]),
                test_is_whole: test_measures.is_some() && test_points == all,
                gradients: norms.as_ref().map(|norms| norms[k]),
            };
            for (set, measure) in [("training", row.train), ("validation", Some(row.validation)), ("test", row.test)] {
                if let Some(measure) = measure.filter(|measure| !measure.loss.is_finite()) {
                    member.fail(format!("the {set} loss after epoch {} is {}", epoch + 1, measure.loss), self.steps);
                }
            }
            let improved = member.best.is_none_or(|best| {
                let best: &Row = &member.rows[best];
                row.validation.accuracy > best.validation.accuracy
            });
            if improved && member.failure.is_none() {
                member.best = Some(member.rows.len());
                have_improved[k] = true;
            }
            member.rows.push(row);
        }
        if have_improved.contains(&true) {
            self.best.take(self.backend.device(), &network.parameters(), &have_improved)?;
        }
        Ok(())
    }

    /// The test set (and the training set, where it was not evaluated) at each member's best epoch, and the results.
    fn finish(mut self) -> Result<Vec<Trained>, DeviceError<B>> {
        let parameters = nets::count_trainable(&*self.network);
        let keep = self.spec.observe.weights;
        let mut last = if keep { Weights::of_all(&self.network.parameters()) } else { Vec::new() }.into_iter();
        let mut best = if keep { self.best.weights() } else { Vec::new() }.into_iter();
        let wants_test = |member: &Member| member.best_row().is_some_and(|row| !row.test_is_whole);
        let wants_train = |member: &Member| member.best_row().is_some_and(|row| row.train.is_none());
        let mut best_test: Vec<Option<Measure>> = vec![None; self.members.len()];
        if self.members.iter().any(|member| wants_test(member) || wants_train(member)) {
            self.best.put_into(self.network.parameters_mut());
            if self.members.iter().any(wants_test) {
                let measures = self.sets[2].measure(self.backend, &*self.network)?;
                for ((member, measure), best) in self.members.iter().zip(measures).zip(&mut best_test) {
                    *best = wants_test(member).then_some(measure);
                }
            }
            if self.members.iter().any(wants_train) {
                let measures = self.sets[0].measure(self.backend, &*self.network)?;
                for (member, measure) in self.members.iter_mut().zip(measures).filter(|(member, _)| wants_train(member))
                {
                    let best = member.best.expect("just seen");
                    member.rows[best].train = Some(measure);
                }
            }
        }
        let fixed_test_subset = self.spec.observe.fixed_test_subset;
        let (training, shares_forward) = (self.training, self.shares_forward);
        let epochs = self.spec.epochs as usize;
        let finish = |(mut member, best_test): (Member, Option<Measure>)| {
            let (last, best) = (last.next(), best.next());
            if let (Some(at), Some(test), false) = (member.best, best_test, fixed_test_subset) {
                member.rows[at].test = Some(test);
            }
            let mut weights = Vec::new();
            if member.failure.is_none() {
                weights.extend(last.map(|last| (flooding_engine::weights::LAST, last)));
                weights.extend(best.map(|best| (flooding_engine::weights::BEST, best)));
                weights.extend(member.first_below.take().map(|first| (flooding_engine::weights::FIRST_BELOW, first)));
            }
            let result = match member.failure.take() {
                Some(failure) => Err(failure),
                None => Ok(Summary {
                    last: outcome(&member.rows, epochs - 1, member.last_test),
                    best: outcome(&member.rows, member.best.expect("a complete run has a best epoch"), best_test),
                }),
            };
            let first_crossing = (member.objective.floods_the_mean())
                .then(|| member.first_crossing.map_or(FirstCrossing::Never, FirstCrossing::Step));
            let history = history(&member.rows, shares_forward);
            Trained { parameters, history, result, first_crossing, weights, training }
        };
        Ok(self.members.into_iter().zip(best_test).map(finish).collect())
    }
}

/// The results at one epoch; `test` is the whole test set's where the row does not have it.
fn outcome(rows: &[Row], at: usize, test: Option<Measure>) -> Outcome {
    let row = &rows[at];
    Outcome {
        epoch: at as u32 + 1,
        train: row.train.expect("the training set is measured at the last and the best epoch"),
        validation: row.validation,
        test: test.or(row.test).expect("the test set is measured at the last and the best epoch"),
    }
}

/// The rows that are complete: where training also evaluates, a run that failed lacks the last one's measure.
fn history(rows: &[Row], shares_forward: bool) -> Vec<EpochRow> {
    let complete = |(i, row): (usize, &Row)| {
        (row.train.is_some() || !shares_forward).then_some(EpochRow {
            epoch: i as u32 + 1,
            batch_loss: row.batch_loss,
            train: row.train,
            validation: row.validation,
            test: row.test,
            gradients: row.gradients,
        })
    };
    rows.iter().enumerate().map_while(complete).collect()
}
