//! A trainer to a checkpoint and back.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use dfdx::prelude::CopySlice as _;
use flooding_core::record::{GradientNorms, Measure};
use flooding_core::spec::{OptimiserSpec, RunSpec};

use super::{Failure, Member, Row, Trainer};
use crate::checkpoint::{Checkpoint, MemberState, RowState, State};
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::optim::{Optimiser, OptimiserState};
use flooding_engine::snapshot::Snapshot;
use flooding_engine::weights::Weights;

impl<B: Backend> Trainer<'_, B> {
    /// Goes on from the checkpoint of these runs, if there is one; returns the epochs done.
    pub(super) fn resume(&mut self, runs: &[RunSpec]) -> Result<u32, DeviceError<B>> {
        let Some(checkpoints) = &self.watch.checkpoints else { return Ok(0) };
        let Some(checkpoint) = checkpoints.load(runs, self.largest_checkpoint()) else { return Ok(0) };
        match self.fits(&checkpoint) {
            Ok(()) => self.restore(&checkpoint),
            Err(why) => {
                checkpoints.reject(&why);
                Ok(0)
            }
        }
    }

    /// Leaves a checkpoint after `epochs` epochs, if one is due and there is more to do.
    pub(super) fn keep(&mut self, runs: &[RunSpec], epochs: u32) -> Result<(), DeviceError<B>> {
        let watch = self.watch;
        if let Some(checkpoints) = &watch.checkpoints
            && epochs < self.spec.epochs
            && checkpoints.is_due()
        {
            checkpoints.save(&self.checkpoint(runs, epochs)?);
        }
        Ok(())
    }

    /// Leaves a checkpoint after `epochs` epochs, because the training stops here.
    pub(super) fn leave(&mut self, runs: &[RunSpec], epochs: u32) -> Result<(), DeviceError<B>> {
        let watch = self.watch;
        if let Some(checkpoints) = &watch.checkpoints {
            checkpoints.save(&self.checkpoint(runs, epochs)?);
        }
        Ok(())
    }

    fn checkpoint(&mut self, runs: &[RunSpec], epochs: u32) -> Result<Checkpoint, DeviceError<B>> {
        let parameters = self.network.parameters();
        let mut tensors = BTreeMap::new();
        for parameter in &parameters {
            tensors.insert(format!("network.{}", parameter.name), parameter.to_host());
        }
        let state = self.optimiser.state(&parameters)?;
        for (moment, values) in [("first", state.first), ("second", state.second)] {
            tensors.extend(values.into_iter().map(|(name, values)| (format!("{moment}.{name}"), values)));
        }
        let best = self.best.weights();
        for (k, member) in self.members.iter().enumerate() {
            let best = member.best.and_then(|_| best.get(k));
            for (part, weights) in [("best", best), ("below", member.first_below.as_ref())] {
                for (name, _, values) in weights.into_iter().flat_map(Weights::iter) {
                    tensors.insert(format!("{part}.{k}.{name}"), values.to_vec());
                }
            }
        }
        let members = self.members.iter().map(member_state).collect();
        Ok(Checkpoint { state: State::new(runs, epochs, self.steps, members), tensors })
    }

    /// More bytes than any checkpoint of these runs has: what is larger is not read into memory to find that out.
    fn largest_checkpoint(&self) -> u64 {
        let parameters = self.network.parameters();
        let numbers: usize = parameters.iter().map(|parameter| parameter.members() * parameter.len()).sum();
        let members = self.members.len();
        // Weights, two moments, best and first below the level; a row's numbers as text; a tensor's name and place.
        let bytes = 5 * 4 * numbers + 1000 * members * (self.spec.epochs as usize + parameters.len());
        bytes as u64 + (1 << 20)
    }

    /// Has the checkpoint a tensor of the right size wherever the network needs one?
    fn fits(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let State { members, epochs, .. } = &checkpoint.state;
        if members.len() != self.members.len() || *epochs >= self.spec.epochs {
            return Err(format!("it has {} members and {epochs} epochs", members.len()));
        }
        for parameter in self.network.parameters() {
            let (whole, one) = (parameter.members() * parameter.len(), parameter.len());
            let mut wanted = vec![(format!("network.{}", parameter.name), whole)];
            if parameter.role.is_trained() {
                wanted.push((format!("first.{}", parameter.name), whole));
                if matches!(self.spec.optimiser, OptimiserSpec::Adam { .. }) {
                    wanted.push((format!("second.{}", parameter.name), whole));
                }
            }
            for (k, member) in members.iter().enumerate() {
                if member.best.is_some() {
                    wanted.push((format!("best.{k}.{}", parameter.name), one));
                }
                if member.below {
                    wanted.push((format!("below.{k}.{}", parameter.name), one));
                }
            }
            for (name, size) in wanted {
                if checkpoint.tensors.get(&name).map(Vec::len) != Some(size) {
                    return Err(format!("its tensor `{name}` is missing or has not {size} numbers"));
                }
            }
        }
        let fits = |member: &MemberState| {
            // The last row may still wait for its measure of the training set, where that is due at each epoch.
            let every_epoch = self.spec.observe.train_every <= 1;
            let measured = |row: &RowState| {
                let [batch, train, validation] = [&row.bits[..1], &row.bits[1..4], &row.bits[4..7]];
                let all = |bits: &[Option<u64>]| bits.iter().all(Option::is_some);
                all(batch) && all(validation) && (all(train) || !every_epoch)
            };
            let (rows, epochs) = (&member.rows, *epochs as usize);
            let is_counted = match member.failure {
                // A member that failed stops having rows; the others have one an epoch.
                Some(_) => rows.len() <= epochs,
                None => {
                    rows.len() == epochs
                        && rows.split_last().is_some_and(|(_, earlier)| earlier.iter().all(measured))
                        && member.best.is_some()
                }
            };
            is_counted && member.best.is_none_or(|best| best < rows.len())
        };
        if !members.iter().all(fits) {
            return Err("its rows do not count its epochs".to_owned());
        }
        Ok(())
    }

    fn restore(&mut self, checkpoint: &Checkpoint) -> Result<u32, DeviceError<B>> {
        let Checkpoint { state, tensors } = checkpoint;
        for parameter in self.network.parameters_mut() {
            B::Dev::copy_from(&mut parameter.tensor, &tensors[&format!("network.{}", parameter.name)]);
        }
        let moment = |moment: &str| {
            let part =
                |(name, values): (&String, &Vec<f32>)| Some((name.strip_prefix(moment)?.to_owned(), values.clone()));
            tensors.iter().filter_map(part).collect()
        };
        let optimiser = OptimiserState { steps: state.steps, first: moment("first."), second: moment("second.") };
        let parameters = self.network.parameters();
        self.optimiser = Optimiser::restored(self.backend, self.spec.optimiser, &optimiser, &parameters)?;
        for (k, (member, saved)) in self.members.iter_mut().zip(&state.members).enumerate() {
            let weights =
                |part: &str| Weights::gather(&*self.network, |name| tensors[&format!("{part}.{k}.{name}")].clone());
            member.rows = saved.rows.iter().map(row).collect();
            member.best = saved.best;
            member.first_below = saved.below.then(|| weights("below"));
            member.first_crossing = saved.first_crossing;
            member.last_finite_loss = saved.last_finite_loss.map(f32::from_bits);
            member.failure = saved.failure.clone().map(|(cause, step, loss)| Failure {
                cause,
                step,
                last_finite_loss: loss.map(f32::from_bits),
            });
        }
        let parameters = self.network.parameters();
        let best = |name: &str| -> Vec<f32> {
            // A member that has no best epoch yet will take its tensors before they are read.
            let of_member = |k: usize| tensors.get(&format!("best.{k}.{name}"));
            let now = &tensors[&format!("network.{name}")];
            let each = now.len() / state.members.len();
            (0..state.members.len())
                .flat_map(|k| of_member(k).map_or(&now[k * each..(k + 1) * each], |values| values))
                .copied()
                .collect()
        };
        self.best = if state.members.iter().any(|member| member.best.is_some()) {
            Snapshot::restored(self.backend.device(), &parameters, best)?
        } else {
            Snapshot::default()
        };
        self.steps = state.steps;
        self.watch.step.store(self.steps, Ordering::Relaxed);
        if let Some(loss) = state.members[0].last_finite_loss {
            self.watch.last_loss.store(loss, Ordering::Relaxed);
        }
        Ok(state.epochs)
    }
}

fn member_state(member: &Member) -> MemberState {
    MemberState {
        rows: member.rows.iter().map(row_state).collect(),
        best: member.best,
        below: member.first_below.is_some(),
        first_crossing: member.first_crossing,
        last_finite_loss: member.last_finite_loss.map(f32::to_bits),
        failure: (member.failure.as_ref())
            .map(|failure| (failure.cause.clone(), failure.step, failure.last_finite_loss.map(f32::to_bits))),
    }
}

fn row_state(row: &Row) -> RowState {
    let measure = |measure: Option<Measure>| {
        measure.map_or([None; 3], |m| [m.loss, m.accuracy, m.clean_accuracy].map(|v| Some(v.to_bits())))
    };
    let norms = row.gradients.map_or([None; 4], |g| {
        [g.train_filter, g.train_tensor, g.test_filter, g.test_tensor].map(|v| Some(v.to_bits()))
    });
    let mut bits = [None; 14];
    bits[0] = Some(row.batch_loss.to_bits());
    bits[1..4].copy_from_slice(&measure(row.train));
    bits[4..7].copy_from_slice(&measure(Some(row.validation)));
    bits[7..10].copy_from_slice(&measure(row.test));
    bits[10..].copy_from_slice(&norms);
    RowState { bits, test_is_whole: row.test_is_whole }
}

fn row(state: &RowState) -> Row {
    let value = |at: usize| state.bits[at].map(f64::from_bits);
    let measure =
        |at: usize| Some(Measure { loss: value(at)?, accuracy: value(at + 1)?, clean_accuracy: value(at + 2)? });
    let gradients = || {
        Some(GradientNorms {
            train_filter: value(10)?,
            train_tensor: value(11)?,
            test_filter: value(12)?,
            test_tensor: value(13)?,
        })
    };
    let unmeasured = Measure { loss: f64::NAN, accuracy: 0.0, clean_accuracy: 0.0 };
    Row {
        batch_loss: value(0).unwrap_or(f64::NAN),
        train: measure(1),
        validation: measure(4).unwrap_or(unmeasured),
        test: measure(7),
        test_is_whole: state.test_is_whole,
        gradients: gradients(),
    }
}
