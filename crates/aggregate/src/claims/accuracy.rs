//! Test accuracies: Tables 2 and 3.

use flooding_core::spec::RunKey;
use flooding_tables::{Checkpoint, PaperCell, Printed, SelectionRow};

use super::block::{Judged, PaperEffect, Sampled};
use super::definition::{Cell, Side};
use crate::controls::Placebo;
use crate::paper::TABLE2_TRIALS;
use crate::stats::{Sample, Stratum};

/// Below this, two accuracies in percent are the same one, rounded.
const EQUAL: f64 = 1e-9;

/// Which trained network a cell of the table looks at: a run and an epoch. Before flooding began, a run with flooding is
/// the baseline.
fn model(choice: &SelectionRow, side: Side) -> (&RunKey, u32) {
    match side {
        Side::Without => (&choice.without_run, choice.without_epoch),
        Side::With => {
            let epoch = choice.with_epoch;
            let untouched = choice.flooded_from.is_some_and(|from| epoch < from);
            (if untouched { &choice.without_run } else { &choice.with_run }, epoch)
        }
    }
}

/// Are the two cells of a trial one trained network, so that they differ by zero whatever flooding does? A run in which
/// flooding never began ends as the baseline does.
fn same_model(a: &SelectionRow, of_a: Side, b: &SelectionRow, of_b: Side) -> bool {
    let ((run_a, epoch_a), (run_b, epoch_b)) = (model(a, of_a), model(b, of_b));
    let untouched =
        [(a, of_a), (b, of_b)].iter().all(|(choice, side)| *side == Side::Without || choice.flooded_from.is_none());
    epoch_a == epoch_b && (run_a == run_b || untouched && value(a, of_a) == value(b, of_b))
}

fn value(choice: &SelectionRow, side: Side) -> f64 {
    match side {
        Side::Without => choice.without,
        Side::With => choice.with,
    }
}

/// One cell minus another, trial by trial.
pub(super) fn gain(judged: Judged<'_>, better: Cell, worse: Cell) -> Sampled<'_> {
    let (mut values, mut zeros) = (Vec::new(), 0);
    let others = judged.choices(worse.1);
    for a in judged.choices(better.1) {
        let Some(b) = others.iter().find(|choice| choice.trial == a.trial) else { continue };
        if same_model(a, better.0, b, worse.0) {
            zeros += 1;
        } else {
            values.push(value(a, better.0) - value(b, worse.0));
        }
    }
    Sampled { judged, values, zeros, paper: paper_effect(judged, better, worse) }
}

/// "With" minus "without", the mean of both checkpoint selections.
pub(super) fn mean_gain(judged: Judged<'_>) -> Sampled<'_> {
    let checkpoints = [Checkpoint::LastEpoch, Checkpoint::BestValidation];
    let (mut values, mut zeros) = (Vec::new(), 0);
    for first in judged.choices(Checkpoint::LastEpoch) {
        let of = |checkpoint| judged.choices(checkpoint).into_iter().find(|choice| choice.trial == first.trial);
        let Some(choices) = checkpoints.map(of).into_iter().collect::<Option<Vec<_>>>() else { continue };
        if choices.iter().all(|choice| same_model(choice, Side::With, choice, Side::Without)) {
            zeros += 1;
        } else {
            values.push(choices.iter().map(|choice| choice.with - choice.without).sum::<f64>() / 2.0);
        }
    }
    let papers =
        checkpoints.map(|checkpoint| paper_effect(judged, (Side::With, checkpoint), (Side::Without, checkpoint)));
    let single = |effect: &Option<PaperEffect>| match effect {
        Some(PaperEffect::Single(value)) => Some(*value),
        _ => None,
    };
    let paper = papers.iter().map(single).collect::<Option<Vec<f64>>>();
    let paper = paper.map(|values| PaperEffect::Single(values.iter().sum::<f64>() / 2.0));
    Sampled { judged, values, zeros, paper }
}

/// "With" minus the placebo.
pub(super) fn gain_over_placebo(judged: Judged<'_>, checkpoint: Checkpoint) -> Sampled<'_> {
    let of = |placebo: &&Placebo| placebo.row.setting == judged.setting.id && placebo.row.checkpoint == checkpoint;
    let found = judged.evidence.placebos.iter().find(of);
    // With fewer candidates than flooding has, the placebo would prove nothing.
    let fair = found.filter(|placebo| placebo.row.placebo_candidates >= placebo.row.candidates);
    let values = fair.map_or_else(Vec::new, |placebo| placebo.effects.clone());
    Sampled { judged, values, zeros: 0, paper: None }
}

/// The paper's difference of the same two cells. A dash in Table 3 says that b = 0 was chosen: no difference.
fn paper_effect(judged: Judged<'_>, better: Cell, worse: Cell) -> Option<PaperEffect> {
    let cell = |(side, checkpoint): Cell| -> Option<Printed> {
        let paper: PaperCell = judged.row(checkpoint)?.paper?;
        match side {
            Side::Without => paper.without,
            Side::With => paper.with.or(paper.without),
        }
    };
    let (a, b) = (cell(better)?, cell(worse)?);
    Some(match (a.std, b.std) {
        (Some(std_a), Some(std_b)) => {
            let sample = |mean, std| Sample { n: TABLE2_TRIALS, mean, std };
            PaperEffect::Summary(Stratum::difference(sample(a.mean, std_a), sample(b.mean, std_b)))
        }
        _ => PaperEffect::Single(a.mean - b.mean),
    })
}

/// Differences that are not zero: how many are above and below.
pub(super) fn signs(values: &[f64]) -> (usize, usize) {
    (values.iter().filter(|v| **v > EQUAL).count(), values.iter().filter(|v| **v < -EQUAL).count())
}
