//! One member of a network: a path, and the levels that follow it.

use flooding_core::level::Level;
use flooding_core::record::{EpochRow, FirstCrossing, GradientNorms, Measure, Outcome, Summary};
use flooding_core::spec::Objective;
use flooding_engine::objective::Flooding;
use flooding_engine::weights::{self, Weights};

use crate::outcome::{Cause, Failure};

/// A level on a path, and what it keeps for itself.
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) level: Level,
    pub(super) objective: Flooding,
    /// The first step at which the loss was at or below the level.
    pub(super) first_crossing: Option<u64>,
    /// The weights before the first mini-batch below the level.
    pub(super) first_crossing_weights: Option<Weights>,
}

impl Path {
    pub(super) fn new(objective: Objective, level: Level) -> Self {
        Self { level, objective: Flooding::new(objective, level), first_crossing: None, first_crossing_weights: None }
    }
}

/// A member on its way.
#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    /// Ascending by level, never empty. All have taken the same steps.
    pub(super) paths: Vec<Path>,
    pub(super) rows: Vec<Row>,
    /// Index of the row with the best validation accuracy, the first of equals.
    pub(super) best: Option<usize>,
    pub(super) last_finite_loss: Option<f32>,
    /// Sum over this epoch's mini-batches of loss times examples.
    pub(super) batch_loss: f64,
    /// Over the whole test set at the last epoch, where the history has a subset's.
    pub(super) last_test: Option<Measure>,
    pub(super) failure: Option<Failure>,
}

/// A row that may still wait for its measure of the training set.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) batch_loss: f64,
    pub(super) train: Option<Measure>,
    pub(super) validation: Measure,
    pub(super) test: Option<Measure>,
    /// Was `test` measured over the whole set?
    pub(super) test_is_whole: bool,
    pub(super) gradients: Option<GradientNorms>,
}

impl Member {
    pub(super) fn levels(&self) -> Vec<Level> {
        self.paths.iter().map(|path| path.level).collect()
    }

    /// What this member minimises; after [`parts`](Self::parts) all its levels have the same loss gradient.
    pub(super) fn objective(&self) -> Flooding {
        self.paths[0].objective
    }

    /// Does this loss mean the same to all its levels?
    pub(super) fn stays_together(&self, loss: f32) -> bool {
        let gradient = self.objective().loss_gradient(loss);
        self.failure.is_some()
            || !loss.is_finite()
            || self.paths.iter().skip(1).all(|path| path.objective.loss_gradient(loss) == gradient)
    }

    /// Its levels by what they make of this loss, each part ascending, the part with the lowest level first.
    pub(super) fn parts(&self, loss: f32) -> Vec<Vec<Path>> {
        if self.stays_together(loss) {
            return vec![self.paths.clone()];
        }
        let mut parts: Vec<(f32, Vec<Path>)> = Vec::new();
        for path in &self.paths {
            let gradient = path.objective.loss_gradient(loss);
            match parts.iter_mut().find(|(of_part, _)| *of_part == gradient) {
                Some((_, part)) => part.push(path.clone()),
                None => parts.push((gradient, vec![path.clone()])),
            }
        }
        parts.into_iter().map(|(_, part)| part).collect()
    }

    /// The row of the best epoch, if the member came to its end.
    pub(super) fn best_row(&self) -> Option<&Row> {
        self.best.filter(|_| self.failure.is_none()).map(|best| &self.rows[best])
    }

    pub(super) fn fail(&mut self, cause: Cause, step: u64) {
        if self.failure.is_none() {
            self.failure = Some(Failure { cause, step, last_finite_loss: self.last_finite_loss });
        }
    }

    /// The results, or why there are none; `best_test` is over the whole test set where the row of the best epoch is not.
    pub(super) fn result(&self, epochs: usize, best_test: Option<Measure>) -> Result<Summary, Failure> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Ok(Summary {
                last: self.outcome(epochs - 1, self.last_test),
                best: self.outcome(self.best.expect("a complete run has a best epoch"), best_test),
            }),
        }
    }

    /// The results at one epoch; `test` is the whole test set's where the row does not have it.
    fn outcome(&self, at: usize, test: Option<Measure>) -> Outcome {
        let row = &self.rows[at];
        Outcome {
            epoch: at as u32 + 1,
            train: row.train.expect("the training set is measured at the last and the best epoch"),
            validation: row.validation,
            test: test.or(row.test).expect("the test set is measured at the last and the best epoch"),
        }
    }

    /// The rows that are complete: where training also evaluates, a run that failed lacks the last one's measure.
    pub(super) fn history(&self, shares_forward: bool) -> Vec<EpochRow> {
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
        self.rows.iter().enumerate().map_while(complete).collect()
    }
}

impl Path {
    pub(super) fn crossing(&self) -> Option<FirstCrossing> {
        let never = FirstCrossing::Never;
        self.objective.floods_the_mean().then(|| self.first_crossing.map_or(never, FirstCrossing::Step))
    }

    /// File names and weights of a run that came to its end.
    pub(super) fn weights(&self, last: Option<&Weights>, best: Option<&Weights>) -> Vec<(&'static str, Weights)> {
        let all = [
            (weights::LAST, last),
            (weights::BEST, best),
            (weights::FIRST_CROSSING, self.first_crossing_weights.as_ref()),
        ];
        all.into_iter().filter_map(|(name, weights)| Some((name, weights?.clone()))).collect()
    }
}
