//! What is measured after an epoch, and at the end.

use flooding_core::level::Level;
use flooding_core::record::Measure;
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::nets::count_trainable;
use flooding_engine::probe;
use flooding_engine::weights::Weights;

use super::member::{Member, Row};
use super::{Results, Trainer};
use crate::outcome::{Cause, Trained};

impl<B: Backend> Trainer<'_, B> {
    /// Everything that is measured after an epoch.
    pub(super) fn measure(&mut self) -> Result<(), DeviceError<B>> {
        let epoch = self.epochs + 1;
        let due = |every: u32| every != 0 && epoch.is_multiple_of(every);
        let is_last = epoch == self.spec.epochs;
        let (sets, network, backend) = (&self.sets, self.step.network(), self.step.backend());
        let validation = sets.validation.measure(backend, network)?;
        let observe = self.spec.observe;
        let train_is_due = !self.shares_forward && (observe.train_every <= 1 || due(observe.train_every));
        let train_measures = if is_last || train_is_due { Some(sets.train.measure(backend, network)?) } else { None };
        let all = sets.test.examples().len();
        let sample = match observe.test_points as usize {
            0 => all,
            points => points.min(all),
        };
        let keeps_subset = observe.fixed_test_subset && observe.test_every > 0 && sample < all;
        let test_points = if is_last && !keeps_subset { all } else { sample };
        let test_measures = if is_last || due(observe.test_every) {
            Some(sets.test.measure_points(backend, network, test_points)?)
        } else {
            None
        };
        if is_last && keeps_subset {
            let whole = sets.test.measure(backend, network)?;
            self.members.iter_mut().zip(whole).for_each(|(member, measure)| member.last_test = Some(measure));
        }
        let norms = if due(observe.gradients_every) {
            let (train, test) = ((&sets.train, sets.train.examples().len()), (&sets.test, sample));
            Some(probe::gradient_norms(backend, network, train, test)?)
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
                    let why = format!("the {set} loss after epoch {epoch} is {}", measure.loss);
                    member.fail(Cause::Diverged(why), self.steps);
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
            self.best.take(backend.device(), &network.parameters(), &have_improved)?;
        }
        Ok(())
    }

    /// The test set (and the training set, where it was not evaluated) at each member's best epoch, and the results.
    pub(super) fn finish(mut self) -> Result<Results, DeviceError<B>> {
        let parameters = count_trainable(self.step.network());
        let keep = self.spec.observe.weights;
        let last = if keep { Weights::of_all(&self.step.network().parameters()) } else { Vec::new() };
        let best = if keep { self.best.weights() } else { Vec::new() };
        let wants_test = |member: &Member| member.best_row().is_some_and(|row| !row.test_is_whole);
        let wants_train = |member: &Member| member.best_row().is_some_and(|row| row.train.is_none());
        let mut best_test: Vec<Option<Measure>> = vec![None; self.members.len()];
        if self.members.iter().any(|member| wants_test(member) || wants_train(member)) {
            self.best.put_into(self.step.network_mut().parameters_mut());
            let (network, backend) = (self.step.network(), self.step.backend());
            if self.members.iter().any(wants_test) {
                let measures = self.sets.test.measure(backend, network)?;
                for ((member, measure), best) in self.members.iter().zip(measures).zip(&mut best_test) {
                    *best = wants_test(member).then_some(measure);
                }
            }
            if self.members.iter().any(wants_train) {
                let measures = self.sets.train.measure(backend, network)?;
                for (member, measure) in self.members.iter_mut().zip(measures).filter(|(member, _)| wants_train(member))
                {
                    let best = member.best.expect("just seen");
                    member.rows[best].train = Some(measure);
                }
            }
        }
        let epochs = self.spec.epochs as usize;
        let mut results: Vec<(Level, Trained)> = Vec::new();
        for (k, (member, best_test)) in self.members.iter_mut().zip(best_test).enumerate() {
            if let (Some(at), Some(test), false) = (member.best, best_test, self.spec.observe.fixed_test_subset) {
                member.rows[at].test = Some(test);
            }
            let result = member.result(epochs, best_test);
            let history = member.history(self.shares_forward);
            for path in &member.paths {
                let weights = if result.is_ok() { path.weights(last.get(k), best.get(k)) } else { Vec::new() };
                let trained = Trained {
                    parameters,
                    history: history.clone(),
                    result: result.clone(),
                    first_crossing: path.crossing(),
                    weights,
                    training: self.training,
                };
                results.push((path.level, trained));
            }
        }
        results.sort_by_key(|(level, _)| *level);
        Ok(results)
    }
}
