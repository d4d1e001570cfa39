//! A training to a checkpoint and back.

use std::collections::BTreeMap;

use flooding_core::level::Level;
use flooding_core::record::{GradientNorms, Measure};
use flooding_core::spec::OptimiserSpec;
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::layers::Parameter;
use flooding_engine::optim::OptimiserState;
use flooding_engine::snapshot::Snapshot;
use flooding_engine::weights::Weights;

use super::member::{Member, Path, Row};
use super::{Trainer, build, objectives};
use crate::branch::Age;
use crate::checkpoint::{Checkpoint, MemberState, PathState, RowState, State, largest};
use crate::outcome::Failure;

impl<B: Backend> Trainer<'_, B> {
    /// Resumes the checkpoint of these levels, if there is one.
    pub(super) fn resume(&mut self) -> Result<(), DeviceError<B>> {
        let Some(checkpoints) = &self.control.checkpoints else { return Ok(()) };
        let lowest = self.levels()[0];
        let Some(checkpoint) = checkpoints.load(lowest, self.largest_checkpoint()) else { return Ok(()) };
        match self.fits(&checkpoint) {
            Ok(()) => {
                self.is_stored = true;
                self.restore(&checkpoint)
            }
            Err(why) => {
                checkpoints.reject(lowest, &why);
                Ok(())
            }
        }
    }

    fn levels(&self) -> Vec<Level> {
        let mut levels: Vec<Level> = self.members.iter().flat_map(Member::levels).collect();
        levels.sort_unstable();
        levels
    }

    /// Leaves a checkpoint after a whole epoch, if one is due and there is more to do.
    pub(super) fn keep(&mut self) -> Result<(), DeviceError<B>> {
        if let Some(checkpoints) = &self.control.checkpoints
            && self.epochs < self.spec.epochs
            && checkpoints.are_due(self.age.get())
        {
            self.is_stored |= checkpoints.save(self.levels()[0], &self.checkpoint(None)?);
            self.age = Age::new(std::time::Duration::ZERO);
        }
        Ok(())
    }

    /// Leaves a checkpoint between two steps, because the training stops here.
    pub(super) fn leave(&mut self) -> Result<(), DeviceError<B>> {
        if let Some(checkpoints) = &self.control.checkpoints
            && self.steps > 0
        {
            checkpoints.save(self.levels()[0], &self.checkpoint(None)?);
        }
        Ok(())
    }

    /// The training as it is between two steps; in the middle of one, with the running statistics `before` it.
    pub(super) fn checkpoint(&mut self, before: Option<&[Parameter<B::Dev>]>) -> Result<Checkpoint, DeviceError<B>> {
        let mut tensors = BTreeMap::new();
        for parameter in self.step.network().parameters().into_iter().chain(before.into_iter().flatten()) {
            tensors.insert(format!("network.{}", parameter.name), parameter.to_host());
        }
        let state = self.step.optimiser_state()?;
        for (moment, values) in [("first", state.first), ("second", state.second)] {
            tensors.extend(values.into_iter().map(|(name, values)| (format!("{moment}.{name}"), values)));
        }
        let best = self.best.weights();
        for (k, member) in self.members.iter().enumerate() {
            let mut insert = |part: &str, weights: Option<&Weights>| {
                for (name, _, values) in weights.into_iter().flat_map(Weights::iter) {
                    tensors.insert(format!("{part}.{name}"), values.to_vec());
                }
            };
            insert(&format!("best.{k}"), member.best.and_then(|_| best.get(k)));
            for (l, path) in member.paths.iter().enumerate() {
                insert(&format!("below.{k}.{l}"), path.first_crossing_weights.as_ref());
            }
        }
        let members = self.members.iter().map(|member| self.member_state(member)).collect();
        Ok(Checkpoint { state: State::new((self.epochs, self.batches), self.steps, members), tensors })
    }

    fn largest_checkpoint(&self) -> u64 {
        let parameters = self.step.network().parameters();
        let elements = parameters.iter().map(|parameter| parameter.len()).sum();
        // Runs that have finished since may have followed the same path.
        largest((elements, parameters.len()), self.group.levels().len(), self.spec.epochs)
    }

    /// The key of each level of this training.
    fn keys(&self) -> BTreeMap<String, Level> {
        self.levels().into_iter().map(|level| (self.group.run(level).key().to_string(), level)).collect()
    }

    /// Does the checkpoint hold all levels, and a tensor of the right size wherever the network needs one?
    pub(super) fn fits(&self, checkpoint: &Checkpoint) -> Result<(), String> {
        let State { members, epochs, .. } = &checkpoint.state;
        let several = self.members.len() > 1 || matches!(self.control.forks, crate::branch::Forks::Grow);
        if members.is_empty() || (members.len() > 1 && !several) || *epochs >= self.spec.epochs {
            return Err(format!("it has {} members and {epochs} epochs", members.len()));
        }
        let keys = self.keys();
        let wanted = |path: &&PathState| keys.contains_key(&path.run);
        if members.iter().flat_map(|member| &member.runs).filter(wanted).count() != keys.len() {
            return Err("it is of other runs".to_owned());
        }
        if members.iter().any(|member| !member.runs.iter().any(|path| wanted(&path))) {
            return Err("it is of more runs".to_owned());
        }
        for parameter in self.step.network().parameters() {
            let one = parameter.len();
            let whole = members.len() * one;
            let mut needed = vec![(format!("network.{}", parameter.name), whole)];
            if parameter.role.is_trained() {
                needed.push((format!("first.{}", parameter.name), whole));
                if matches!(self.spec.optimiser, OptimiserSpec::Adam { .. }) {
                    needed.push((format!("second.{}", parameter.name), whole));
                }
            }
            for (k, member) in members.iter().enumerate() {
                if member.best.is_some() {
                    needed.push((format!("best.{k}.{}", parameter.name), one));
                }
                for (l, _) in member.runs.iter().enumerate().filter(|(_, path)| path.below) {
                    needed.push((format!("below.{k}.{l}.{}", parameter.name), one));
                }
            }
            for (name, size) in needed {
                if checkpoint.tensors.get(&name).map(Vec::len) != Some(size) {
                    return Err(format!("its tensor `{name}` is missing or has not {size} elements"));
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
            let rows = &member.rows;
            rows.len() == *epochs as usize
                && rows.split_last().is_none_or(|(_, earlier)| earlier.iter().all(measured))
                && member.best.is_none_or(|best| best < rows.len())
                && (member.best.is_some() || rows.is_empty())
        };
        // A member that failed stops having rows; the others have one an epoch.
        let stopped = |member: &MemberState| {
            member.rows.len() <= *epochs as usize && member.best.is_none_or(|best| best < member.rows.len())
        };
        let is_sound = |member: &MemberState| if member.failure.is_some() { stopped(member) } else { fits(member) };
        if !members.iter().all(is_sound) {
            return Err("its rows do not count its epochs".to_owned());
        }
        let State { batches, steps, .. } = &checkpoint.state;
        let each = self.plan(*epochs).batches().count() as u64;
        if u64::from(*batches) > each || *steps != u64::from(*epochs) * each + u64::from(*batches) {
            return Err(format!("it counts {steps} steps in {epochs} epochs and {batches} batches"));
        }
        Ok(())
    }

    /// Goes to the state of a checkpoint that fits.
    pub(super) fn restore(&mut self, checkpoint: &Checkpoint) -> Result<(), DeviceError<B>> {
        let keys = self.keys();
        let members = checkpoint.state.members.iter().enumerate().map(|(k, saved)| {
            let path = |(l, path): (usize, &PathState)| {
                let level = *keys.get(&path.run)?;
                let numbers = |name: &str| checkpoint.tensors[&format!("below.{k}.{l}.{name}")].clone();
                Some(Path {
                    first_crossing: path.first_crossing,
                    first_crossing_weights: path.below.then(|| Weights::gather(self.step.network(), numbers)),
                    ..Path::new(self.spec.objective, level)
                })
            };
            let failure = saved.failure.clone();
            Member {
                paths: saved.runs.iter().enumerate().filter_map(path).collect(),
                rows: saved.rows.iter().map(row).collect(),
                best: saved.best,
                last_finite_loss: saved.last_finite_loss.map(f32::from_bits),
                batch_loss: f64::from_bits(saved.batch_loss),
                last_test: None,
                failure: failure.map(|(cause, step, loss)| Failure {
                    cause,
                    step,
                    last_finite_loss: loss.map(f32::from_bits),
                }),
            }
        });
        self.members = members.collect();
        self.put(checkpoint)
    }

    /// Puts a checkpoint's tensors and counters into a network with as many members as there are now.
    fn put(&mut self, checkpoint: &Checkpoint) -> Result<(), DeviceError<B>> {
        let Checkpoint { state, tensors } = checkpoint;
        if self.step.members() == self.members.len() {
            self.step.set_objectives(objectives(&self.members));
        } else {
            let run = self.group.run(self.levels()[0]);
            self.step = build(&self.step.backend().clone(), &run, self.of, objectives(&self.members))?;
        }
        for parameter in self.step.network_mut().parameters_mut() {
            parameter.set(&tensors[&format!("network.{}", parameter.name)]);
        }
        let moment = |moment: &str| {
            let part =
                |(name, values): (&String, &Vec<f32>)| Some((name.strip_prefix(moment)?.to_owned(), values.clone()));
            tensors.iter().filter_map(part).collect()
        };
        let optimiser = OptimiserState { steps: state.steps, first: moment("first."), second: moment("second.") };
        self.step.restore_optimiser(&optimiser)?;
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
            Snapshot::restored(self.step.backend().device(), &self.step.network().parameters(), best)?
        } else {
            Snapshot::default()
        };
        (self.epochs, self.batches, self.steps) = (state.epochs, state.batches, state.steps);
        self.control.at_step(self.steps);
        if let Some(loss) = state.members[0].last_finite_loss {
            self.control.note_loss(f32::from_bits(loss));
        }
        Ok(())
    }

    fn member_state(&self, member: &Member) -> MemberState {
        let path = |path: &Path| PathState {
            run: self.group.run(path.level).key().to_string(),
            below: path.first_crossing_weights.is_some(),
            first_crossing: path.first_crossing,
        };
        MemberState {
            runs: member.paths.iter().map(path).collect(),
            rows: member.rows.iter().map(row_state).collect(),
            best: member.best,
            batch_loss: member.batch_loss.to_bits(),
            last_finite_loss: member.last_finite_loss.map(f32::to_bits),
            failure: (member.failure.as_ref())
                .map(|failure| (failure.cause.clone(), failure.step, failure.last_finite_loss.map(f32::to_bits))),
        }
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
