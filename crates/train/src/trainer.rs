//! Training a path: the levels that follow it share every step until a mini-batch loss lies between them.
//!
//! On the CPU a network has one member, and levels that leave its path go to their own network; on CUDA they become
//! further members of the same network. A step at which they part is repeated by each side from the state before it,
//! by the same code: so every run takes the steps of a run that is trained alone.

mod measure;
mod member;
mod resume;

use std::sync::Arc;
use std::time::{Duration, Instant};

use flooding_core::dataset::Splits;
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::spec::{Augment, DataSpec, RunSpec};
use flooding_engine::backend::{Backend, DeviceError};
use flooding_engine::data::{Epoch, Placement, Split};
use flooding_engine::evaluate::{EvaluationSet, Logits};
use flooding_engine::layers::Parameter;
use flooding_engine::objective::Flooding;
use flooding_engine::snapshot::Snapshot;
use flooding_engine::step::TrainStep;
use flooding_engine::weights::Weights;

use crate::branch::{Advance, Age, Branch, Ended, Forks, Start, TrainControl};
use crate::outcome::{Cause, Trained};
use member::{Member, Path};

/// What training a path leaves: the results of the levels that stayed on it.
pub type Results = Vec<(Level, Trained)>;

/// Trains the levels of a branch, which are levels of `group`; `splits` are the group's.
pub fn train<B: Backend>(
    backend: &B,
    (group, branch): (&Group, Branch),
    splits: &Arc<Splits>,
    control: &TrainControl<'_>,
) -> Result<Ended<Results>, DeviceError<B>> {
    let common = group.common();
    let mut trainer = Trainer::new(backend, (group, &branch), splits, control)?;
    trainer.start(branch.start)?;
    while trainer.epochs < common.epochs {
        match trainer.epoch()? {
            Flow::Stopped => return Ok(Ended::Stopped),
            Flow::Parked(branches) => return Ok(Ended::Parked(branches)),
            Flow::Goes => {}
        }
        let (members, levels) = (trainer.members.len(), control.levels().len());
        (control.advanced)(Advance { epochs: trainer.epochs.into(), members, levels });
        if trainer.all_failed() {
            break;
        }
        trainer.keep()?;
    }
    trainer.finish().map(Ended::Done)
}

/// The three splits of a trial, ready for evaluation.
struct Sets<B: Backend> {
    train: EvaluationSet<B>,
    validation: EvaluationSet<B>,
    test: EvaluationSet<B>,
}

/// Whether training continues after an epoch.
enum Flow {
    Goes,
    Stopped,
    Parked(Vec<Branch>),
}

struct Trainer<'a, B: Backend> {
    group: &'a Group,
    /// What all levels have in common.
    spec: &'a RunSpec,
    control: &'a TrainControl<'a>,
    of: (flooding_core::dataset::InputShape, usize),
    step: TrainStep<B>,
    sets: Sets<B>,
    members: Vec<Member>,
    /// Every member's tensors at its best epoch.
    best: Snapshot<B::Dev>,
    augment: Augment,
    /// Without batch normalisation, the forward pass of a full-batch step *is* the evaluation of the training set after
    /// the step before.
    shares_forward: bool,
    /// Whole epochs done, batches of the next one done, steps begun.
    epochs: u32,
    batches: u32,
    steps: u64,
    age: Age,
    /// Is a state of this path on disk?
    is_stored: bool,
    training: Duration,
}

impl<'a, B: Backend> Trainer<'a, B> {
    fn new(
        backend: &B,
        (group, branch): (&'a Group, &Branch),
        splits: &Arc<Splits>,
        control: &'a TrainControl<'a>,
    ) -> Result<Self, DeviceError<B>> {
        let spec = group.common();
        let paths: Vec<Path> = branch.levels.iter().map(|&level| Path::new(spec.objective, level)).collect();
        // Levels that share nothing are members from the start.
        let members: Vec<Member> = if group.shares_prefixes() {
            vec![Member { paths, ..Member::default() }]
        } else {
            paths.into_iter().map(|path| Member { paths: vec![path], ..Member::default() }).collect()
        };
        let augment = match &spec.data {
            DataSpec::Images(images) => images.augment,
            DataSpec::Synthetic(_) => Augment::None,
        };
        let of = (splits.train.shape, splits.classes);
        let step = build(backend, &group.run(branch.levels[0]), of, objectives(&members))?;
        let set = |split| EvaluationSet::new(backend, splits, split);
        Ok(Self {
            group,
            spec,
            control,
            of,
            shares_forward: step.network().same_in_both_modes()
                && splits.train.len() <= spec.batch_size as usize
                && augment == Augment::None
                && spec.observe.train_every <= 1,
            step,
            sets: Sets { train: set(Split::Train)?, validation: set(Split::Validation)?, test: set(Split::Test)? },
            members,
            best: Snapshot::default(),
            augment,
            epochs: 0,
            batches: 0,
            steps: 0,
            age: Age::new(branch.age),
            is_stored: false,
            training: branch.training,
        })
    }

    fn start(&mut self, start: Start) -> Result<(), DeviceError<B>> {
        match start {
            Start::Beginning => Ok(()),
            Start::State(checkpoint) => match self.fits(&checkpoint) {
                Ok(()) => self.restore(&checkpoint),
                Err(why) => unreachable!("a state of this training does not fit it: {why}"),
            },
            Start::Stored => self.resume(),
        }
    }

    fn all_failed(&self) -> bool {
        self.members.iter().all(|member| member.failure.is_some())
    }

    fn fail_all(&mut self, cause: &Cause, step: u64) {
        self.members.iter_mut().for_each(|member| member.fail(cause.clone(), step));
    }

    /// The batches of an epoch.
    fn plan(&self, epoch: u32) -> Epoch {
        let examples = self.sets.train.examples().len();
        let batch = (self.spec.batch_size as usize, self.step.network().smallest_batch());
        Epoch::draw(&self.spec.streams(), epoch, examples, batch, self.augment)
    }

    /// The rest of one epoch, and its measures.
    fn epoch(&mut self) -> Result<Flow, DeviceError<B>> {
        let smallest = self.step.network().smallest_batch();
        let plan = self.plan(self.epochs);
        let mut seen: usize = plan.batches().take(self.batches as usize).map(|(indices, _)| indices.len()).sum();
        for (indices, placements) in plan.batches().skip(self.batches as usize) {
            if self.control.stop.is_raised() {
                self.leave()?;
                return Ok(Flow::Stopped);
            }
            if indices.len() < smallest {
                let why = format!("batch normalisation cannot train on a batch of {} example", indices.len());
                self.fail_all(&Cause::Unsuitable(why), self.steps + 1);
                self.epochs += 1;
                return Ok(Flow::Goes);
            }
            let start = Instant::now();
            self.step(indices, placements)?;
            self.training += start.elapsed();
            self.batches += 1;
            seen += indices.len();
            if self.all_failed() {
                self.epochs += 1;
                return Ok(Flow::Goes);
            }
            let refused = self.offer();
            if !refused.is_empty() {
                return self.park(refused);
            }
        }
        for member in &mut self.members {
            member.batch_loss /= seen as f64;
        }
        self.measure()?;
        self.epochs += 1;
        self.batches = 0;
        Ok(Flow::Goes)
    }

    fn step(&mut self, indices: &[u32], placements: Option<&[Placement]>) -> Result<(), DeviceError<B>> {
        self.control.at_step(self.steps + 1);
        let inputs = self.step.backend().batch(self.sets.train.set(), indices, placements)?;
        let labels = &self.sets.train.examples().labels;
        let labels: Vec<u16> = indices.iter().map(|&i| labels[i as usize]).collect();
        let forward = loop {
            let before = self.may_part().then(|| self.step.statistics());
            let forward = self.step.forward(inputs.clone(), &labels, self.shares_forward)?;
            match before {
                // The network has grown: the step begins again.
                Some(before) if self.part(&forward.losses, &before)? => {}
                _ => break forward,
            }
        };
        self.steps += 1;
        if let Some(logits) = &forward.logits {
            self.fill_train_measure(indices, logits);
        }
        self.note_losses(&forward.losses, labels.len());
        self.step.update(forward, self.spec.schedule.multiplier(self.epochs))
    }

    fn may_part(&self) -> bool {
        self.members.iter().any(|member| member.paths.len() > 1 && member.failure.is_none())
    }

    /// Parts levels to which these losses mean different things. Returns whether the step is to begin again, on a network
    /// with further members; `before` are the running statistics before it.
    fn part(&mut self, losses: &[f32], before: &[Parameter<B::Dev>]) -> Result<bool, DeviceError<B>> {
        if self.members.iter().zip(losses).all(|(member, &loss)| member.stays_together(loss)) {
            return Ok(false);
        }
        let parts: Vec<Vec<Vec<Path>>> =
            self.members.iter().zip(losses).map(|(member, &loss)| member.parts(loss)).collect();
        if let (Forks::Offer(_), 1) = (&self.control.forks, parts.len()) {
            self.fork(parts.into_iter().flatten().collect(), before)?;
            return Ok(false);
        }
        self.grow(&parts, before)?;
        Ok(true)
    }

    /// The part with the most levels stays, so that those that wait for others are few; the others leave.
    fn fork(&mut self, mut parts: Vec<Vec<Path>>, before: &[Parameter<B::Dev>]) -> Result<(), DeviceError<B>> {
        let lowest = self.members[0].paths[0].level;
        let age = self.age.get();
        // A checkpoint of this path is replaced by one that no longer holds those that leave.
        let due = self.control.checkpoints.as_ref().filter(|checkpoints| checkpoints.are_due(age) || self.is_stored);
        let most = parts.iter().map(Vec::len).max().unwrap_or(0);
        let at = parts.iter().position(|part| part.len() == most).unwrap_or(0);
        let stays = parts.remove(at);
        let mut branches = Vec::with_capacity(parts.len());
        for part in parts {
            let levels: Vec<Level> = part.iter().map(|path| path.level).collect();
            self.members[0].paths = part;
            let state = self.checkpoint(Some(before))?;
            let stored = due.is_some_and(|checkpoints| checkpoints.save(levels[0], &state));
            let start = if stored { Start::Stored } else { Start::State(Box::new(state)) };
            let age = if stored { Duration::ZERO } else { age };
            branches.push(Branch { levels, start, age, training: self.training });
        }
        self.members[0].paths = stays;
        let levels = self.members[0].levels();
        if let Some(checkpoints) = due.filter(|_| levels[0] != lowest) {
            // Its state lay in the folder of a level that has left.
            checkpoints.save(levels[0], &self.checkpoint(Some(before))?);
        }
        self.step.set_objectives(objectives(&self.members));
        self.control.split(levels, branches);
        Ok(())
    }

    /// Each part becomes a member, with the state before the step.
    fn grow(&mut self, parts: &[Vec<Vec<Path>>], before: &[Parameter<B::Dev>]) -> Result<(), DeviceError<B>> {
        let of: Vec<usize> = parts.iter().enumerate().flat_map(|(k, parts)| vec![k; parts.len()]).collect();
        let paths = parts.iter().flatten().cloned();
        self.members = paths.zip(&of).map(|(paths, &k)| Member { paths, ..self.members[k].clone() }).collect();
        self.best.select(self.step.backend().device(), &of)?;
        self.step.grow(&of, before, objectives(&self.members))
    }

    /// Offers what has left the path; returns what nobody takes.
    fn offer(&mut self) -> Vec<Branch> {
        let waiting = self.control.take_waiting();
        match self.control.forks {
            Forks::Offer(take) => waiting.into_iter().filter_map(take).collect(),
            Forks::Grow => waiting,
        }
    }

    /// This path and the branches that nobody takes, to be trained one after another.
    fn park(&mut self, refused: Vec<Branch>) -> Result<Flow, DeviceError<B>> {
        let levels = self.members[0].levels();
        let start = Start::State(Box::new(self.checkpoint(None)?));
        let own = Branch { levels, start, age: self.age.get(), training: self.training };
        Ok(Flow::Parked(std::iter::once(own).chain(refused).collect()))
    }

    /// Looks at each member's un-flooded mini-batch loss, before the update.
    fn note_losses(&mut self, losses: &[f32], examples: usize) {
        for (k, (member, &loss)) in self.members.iter_mut().zip(losses).enumerate() {
            if loss.is_finite() {
                member.last_finite_loss = Some(loss);
                member.batch_loss += f64::from(loss) * examples as f64;
            } else {
                member.fail(Cause::Diverged(format!("the training loss is {loss}")), self.steps);
            }
            for path in &mut member.paths {
                if path.first_crossing.is_none() && path.objective.begins_at(loss) {
                    path.first_crossing = Some(self.steps);
                }
                if self.spec.observe.weights && path.first_crossing_weights.is_none() && path.objective.is_below(loss) {
                    path.first_crossing_weights = Some(Weights::of(self.step.network(), k));
                }
            }
        }
        if let Some(loss) = losses.first().filter(|loss| loss.is_finite()) {
            self.control.note_loss(*loss);
        }
    }

    /// The logits of the whole training set complete the last row.
    fn fill_train_measure(&mut self, indices: &[u32], logits: &Logits) {
        let measures = self.sets.train.measure_logits(indices, std::slice::from_ref(logits));
        for (member, measure) in self.members.iter_mut().zip(measures) {
            if let Some(row) = member.rows.last_mut() {
                row.train = Some(measure);
            }
        }
    }
}

fn objectives(members: &[Member]) -> Vec<Flooding> {
    members.iter().map(Member::objective).collect()
}

/// A network with one member an objective, and the initial weights of this run.
fn build<B: Backend>(
    backend: &B,
    run: &RunSpec,
    of: (flooding_core::dataset::InputShape, usize),
    objectives: Vec<Flooding>,
) -> Result<TrainStep<B>, DeviceError<B>> {
    TrainStep::new(backend, &run.model, of, run.optimiser, objectives, &mut run.initialisation())
}
