//! Training a run of the grid again, with more looked at on the way.

use std::sync::Arc;
use std::time::Duration;

use flooding_core::dataset::Splits;
use flooding_core::group::Group;
use flooding_core::progress::StopFlag;
use flooding_core::record::{EpochRow, History, Provenance, Record};
use flooding_core::spec::{Observe, RunSpec};
use flooding_core::store::{Layout, Store};

use super::inputs::Compared;
use crate::branch::{Advance, Branch, Ended, Forks, TrainControl};
use crate::outcome::Trained;
use crate::provenance;
use crate::trainer::train;
use flooding_engine::backend::{Backend, DeviceError};

/// Test examples of each point of a test curve.
pub const TEST_POINTS: u32 = 1000;
/// How often gradients are measured in a training.
const GRADIENTS: u32 = 20;

/// The same run with more looked at: the test curve of every epoch on one fixed subset, gradients, and weights. Nothing of
/// this changes what is trained.
pub fn observed(spec: &RunSpec) -> RunSpec {
    let observe = Observe {
        test_every: 1,
        test_points: TEST_POINTS,
        gradients_every: (spec.epochs / GRADIENTS).max(1),
        weights: true,
        trials: 0,
        fixed_test_subset: true,
        train_every: spec.observe.train_every,
    };
    RunSpec { observe, ..spec.clone() }
}

/// Trains a run again; `None` when asked to stop. What it measured must be what its record and history say, where that
/// was measured on the same kind of machine.
pub fn replay<B: Backend>(
    backend: &B,
    store: &Store,
    compared: &Compared,
    splits: &Arc<Splits>,
    device: &str,
    (stop, advanced): (&StopFlag, &dyn Fn(u64)),
) -> Result<Option<Trained>, String> {
    // A group of one run: nothing leaves its path.
    let Some(group) = Group::of([observed(&compared.spec)]).pop() else { return Ok(None) };
    let of_one = |done: Advance| advanced(done.epochs);
    let control = TrainControl::new(group.levels(), stop.clone(), Forks::Grow, &of_one);
    let branch = Branch::new(group.levels().to_vec());
    let ended = train(backend, (&group, branch), splits, &control).map_err(device_failed::<B>)?;
    let Ended::Done(mut results) = ended else { return Ok(None) };
    let Some((_, trained)) = results.pop() else { return Ok(None) };
    if made_here(store, &compared.spec, device) {
        let history = history(store, compared)?;
        agrees(&compared.record, &history, &trained)?;
    }
    Ok(Some(trained))
}

#[allow(clippy::needless_pass_by_value)] // The shape that `map_err` takes.
fn device_failed<B: Backend>(error: DeviceError<B>) -> String {
    format!("the device failed: {error:?}")
}

/// Was the record made on this kind of processor and device? Others may round differently.
fn made_here(store: &Store, spec: &RunSpec, device: &str) -> bool {
    let here = provenance::now(device, Duration::ZERO, Duration::ZERO);
    let made: Option<Provenance> =
        store.read_document(&store.layout().run(spec).join(Layout::PROVENANCE)).ok().flatten();
    made.is_some_and(|made| device == "cpu" && made.device == here.device && made.processor == here.processor)
}

fn history(store: &Store, compared: &Compared) -> Result<History, String> {
    let path = store.layout().run(&compared.spec).join(Layout::HISTORY);
    let named = |why: String| format!("{}: {why} (train again with --force to replace it)", path.display());
    let bytes = store.read(&path).map_err(|error| error.to_string())?;
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| named("is missing".to_owned()))?;
    History::from_csv(&text).map_err(|error| named(error.to_string()))
}

/// Does the run end as its record says, after the epochs of its history?
fn agrees(record: &Record, history: &History, trained: &Trained) -> Result<(), String> {
    let differs = |what: &str| {
        let key = record.key.short();
        Err(format!(
            "trained again, the run {key} differs from its record in {what}: train it with --force to replace it"
        ))
    };
    match (&trained.result, &record.summary) {
        (Err(failure), _) => return Err(format!("trained again, it failed: {}", failure.cause)),
        (Ok(again), Some(summary)) if again == summary => {}
        (Ok(_), _) => return differs("its results"),
    }
    if trained.history.len() != history.rows.len() {
        return differs("its number of epochs");
    }
    let same = |(a, b): &(&EpochRow, &EpochRow)| {
        let train = a.train.zip(b.train).is_none_or(|(a, b)| a == b);
        a.batch_loss == b.batch_loss && a.validation == b.validation && train
    };
    match trained.history.iter().zip(&history.rows).find(|pair| !same(pair)) {
        Some((row, _)) => differs(&format!("epoch {}", row.epoch)),
        None => Ok(()),
    }
}
