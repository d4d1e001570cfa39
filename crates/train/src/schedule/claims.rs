//! Groups are claimed one after another, so that processes on one folder train different ones.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::plan;
use flooding_core::store::Claimed;
use flooding_core::task::TaskId;
use flooding_core::work::{Decision, MissingResult, Reason, Stage};

use super::{State, lock, run_id};
use crate::TrainError;
use crate::branch::{Branch, Start};
use crate::decide::decide_group;

impl State<'_> {
    /// Claims a group and says what is left of it; `None` where nothing is, and where another process has it: then it is
    /// looked at again later.
    pub(super) fn claim(&self, number: usize) -> Result<Option<Arc<Group>>, TrainError> {
        let trial = &self.trials[number];
        let task = TaskId::of(trial.planned.common());
        let claim = match self.store.try_claim(&task.to_string())? {
            Claimed::Ours(claim) => claim,
            Claimed::Theirs(holder) => {
                // The first time, there may be others to do.
                let again = std::mem::replace(&mut lock(&trial.work).was_elsewhere, true);
                if again && !self.has_told.swap(true, Ordering::Relaxed) {
                    self.context.progress.warn(&format!("waiting for {task}, which {holder} trains"));
                }
                self.queue.postpone(number);
                return Ok(None);
            }
        };
        let Some(group) = self.left_of(number)? else { return Ok(None) };
        let mut work = lock(&trial.work);
        work.left = group.levels().len();
        work.claim = Some(claim);
        Ok(Some(Arc::clone(work.group.insert(Arc::new(group)))))
    }

    /// What is left of a group that is ours now: others may have done it since the plan was looked at.
    fn left_of(&self, number: usize) -> Result<Option<Group>, TrainError> {
        let planned = &self.trials[number].planned;
        if self.context.force {
            return Ok(Some(planned.clone()));
        }
        let was_elsewhere = lock(&self.trials[number].work).was_elsewhere;
        let mut left: Vec<Level> = Vec::new();
        let runs = plan::Group { runs: planned.runs().collect() };
        for (run, decision) in decide_group(runs, self.store, false)? {
            match decision {
                Decision::Skip(_) => lock(&self.report).skipped += 1,
                // Another process tried it just now: it would fail here too.
                Decision::Run(Reason::FailedBefore { cause })
                    if was_elsewhere || !self.had_failed.contains(&run.key()) =>
                {
                    let missing = MissingResult { stage: Stage::Train, id: run_id(&run), why: cause };
                    lock(&self.report).missing.push(missing);
                }
                Decision::Run(_) => left.push(run.level),
            }
        }
        Ok(planned.at(&left))
    }

    /// The group as it is trained here.
    pub(super) fn group(&self, number: usize) -> Arc<Group> {
        let group = lock(&self.trials[number].work).group.clone();
        group.expect("branches come from groups that were begun")
    }

    /// Leaves the state of a branch that nobody has begun on disk, because the training stops here.
    pub(super) fn leave(&self, number: usize, branch: Branch) {
        if let Start::State(state) = branch.start {
            self.checkpoints(&self.group(number)).save(branch.levels[0], &state);
        }
    }

    /// Can this group not reach a checkpoint before the end of the job? Then nothing more is begun.
    pub(super) fn is_too_late(&self, group: &Group) -> Result<bool, TrainError> {
        let common = group.common();
        match self.deadline.check(common) {
            None => Ok(false),
            Some(problem) if self.deadline.is_first() => Err(problem),
            Some(_) => {
                self.context.stop.raise_by_time();
                Ok(true)
            }
        }
    }
}
