//! Trials probed side by side on the CPU, one thread each; one after another on CUDA.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flooding_core::context::{Context, DeviceChoice};
use flooding_core::dataset::{Source, Splits};
use flooding_core::store::{Claimed, Store};
use flooding_core::task::TaskId;
use flooding_core::work::{MissingResult, Stage, StageReport};

use flooding_engine::allocation::is_out_of_memory;
use flooding_engine::backend::Backend;
use flooding_engine::device::{self, Work};
use flooding_engine::panics::catch;

use super::Kind;
use super::inputs::{Candidate, Inputs};
use super::measure::{Bench, Made, pieces};
use crate::TrainError;
use crate::queue::{Next, Queue};

/// The documents of one trial after another, in the order of their first.
pub fn by_trial(wanted: Vec<Candidate>) -> Vec<Vec<Candidate>> {
    let mut trials: Vec<Vec<Candidate>> = Vec::new();
    for candidate in wanted {
        match trials.last_mut().filter(|trial| trial[0].trial_id() == candidate.trial_id()) {
            Some(trial) => trial.push(candidate),
            None => trials.push(vec![candidate]),
        }
    }
    trials
}

/// Makes the documents of all these trials; `done` of the report counts documents.
pub fn probe_all(
    trials: &[Vec<Candidate>],
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let state = State {
        trials,
        queue: Queue::new(trials.len(), 0),
        elsewhere: Mutex::default(),
        has_told: AtomicBool::new(false),
        store,
        context,
        source,
        report: Mutex::default(),
        error: Mutex::default(),
        cancelled: AtomicBool::new(false),
    };
    context.on_workers(&context.workers_on_devices(trials.len()), |device| state.work(device));
    state.into_report()
}

struct State<'a> {
    trials: &'a [Vec<Candidate>],
    queue: Queue<Infallible>,
    /// Numbers of trials that another process had when they were looked at.
    elsewhere: Mutex<BTreeSet<usize>>,
    has_told: AtomicBool,
    store: &'a Store,
    context: &'a Context,
    source: &'a dyn Source,
    report: Mutex<StageReport>,
    error: Mutex<Option<TrainError>>,
    cancelled: AtomicBool,
}

/// What the work on a trial is called in messages.
fn probes_id(trial: &[Candidate]) -> String {
    format!("{} probes", trial[0].trial_id())
}

fn claim_name(trial: &[Candidate]) -> String {
    format!("{}-probes", TaskId::of(&trial[0].group.runs[0]))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State<'_> {
    /// What one worker does, on its device: first the trials that no other process has, then what is left of the others.
    fn work(&self, device: DeviceChoice) {
        while let Some(Next::Group(number)) = self.queue.next(|| self.is_stopped()) {
            if let Err(error) = self.claimed(number, device) {
                lock(&self.error).get_or_insert(error);
                self.cancelled.store(true, Ordering::Relaxed);
            }
            self.queue.done();
        }
    }

    fn claimed(&self, number: usize, device: DeviceChoice) -> Result<(), TrainError> {
        let trial = &self.trials[number];
        match self.store.try_claim(&claim_name(trial))? {
            Claimed::Ours(_claim) => self.one(trial, device),
            Claimed::Theirs(holder) => {
                // The first time, there may be others to do; when it is looked at again, this process waits for it.
                if !lock(&self.elsewhere).insert(number) && !self.has_told.swap(true, Ordering::Relaxed) {
                    let id = probes_id(trial);
                    self.context.progress.warn(&format!("waiting for {holder}, which makes {id}"));
                }
                self.queue.postpone(number);
                Ok(())
            }
        }
    }

    fn is_stopped(&self) -> bool {
        self.context.stop.is_raised() || self.cancelled.load(Ordering::Relaxed)
    }

    /// Makes what is missing of a trial that this process has claimed.
    fn one(&self, trial: &[Candidate], device: DeviceChoice) -> Result<(), TrainError> {
        let id = probes_id(trial);
        let progress = &self.context.progress;
        // Another process may have made some since they were found missing.
        let mut left = Vec::new();
        for candidate in trial {
            if super::inputs::decide(candidate, self.store, self.context.force)?.runs() {
                left.push(candidate.clone());
            } else {
                lock(&self.report).skipped += 1;
            }
        }
        let trial = left.as_slice();
        let Some(first) = trial.first() else { return Ok(()) };
        progress.item_started(&id, pieces(&first.group.runs[0]));
        match self.made(trial, &id, device) {
            Ok(Some(made)) => {
                self.write(trial, &made)?;
                progress.item_finished(&id, "");
            }
            Ok(None) => progress.item_paused(&id),
            Err(why) => {
                let missing = trial.iter().map(|candidate| MissingResult {
                    stage: Stage::Train,
                    id: candidate.id(),
                    why: why.clone(),
                });
                lock(&self.report).missing.extend(missing);
                progress.item_failed(&id, &why);
            }
        }
        Ok(())
    }

    fn write(&self, trial: &[Candidate], made: &Made) -> Result<(), TrainError> {
        for candidate in trial {
            let path = candidate.path(self.store);
            match candidate.kind {
                Kind::Flatness => made.flatness.as_ref().map(|probe| self.store.write_document(&path, probe)),
                Kind::Calibration => made.calibration.as_ref().map(|probe| self.store.write_document(&path, probe)),
                Kind::Replay => made.replay.as_ref().map(|probe| self.store.write_document(&path, probe)),
            }
            .transpose()?;
            lock(&self.report).done += 1;
        }
        Ok(())
    }

    /// The trial's documents, `None` when asked to stop, or why they cannot be made.
    fn made(&self, trial: &[Candidate], id: &str, device: DeviceChoice) -> Result<Option<Made>, String> {
        let inputs = trial[0].inputs.as_ref().map_err(Clone::clone)?;
        let kinds: Vec<Kind> = trial.iter().map(|candidate| candidate.kind).collect();
        let splits = self.source.splits(&inputs.with.spec).map_err(|error| error.to_string())?;
        let making = Making { state: self, inputs, kinds: &kinds, splits: &splits, id, device };
        let result = catch(is_out_of_memory, || device::run(device, making).map_err(|p| p.to_string())?);
        result.unwrap_or_else(|panic| Err(format!("panicked: {panic}")))
    }

    fn into_report(self) -> Result<StageReport, TrainError> {
        if let Some(error) = self.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.missing.sort_by(|a, b| a.id.cmp(&b.id));
        report.interrupted = self.context.stop.is_raised();
        Ok(report)
    }
}

/// A trial's documents to be made, on any device.
struct Making<'a> {
    state: &'a State<'a>,
    inputs: &'a Inputs,
    kinds: &'a [Kind],
    splits: &'a Arc<Splits>,
    id: &'a str,
    device: DeviceChoice,
}

impl Work for Making<'_> {
    type Output = Result<Option<Made>, String>;

    fn on<B: Backend>(self, backend: &B) -> Self::Output {
        let Self { state, inputs, kinds, splits, id, device } = self;
        let advanced = |done| state.context.progress.item_advanced(id, done);
        let device = device::name(device);
        let (store, stop) = (state.store, &state.context.stop);
        Bench { backend, device: &device, store, splits, stop, advanced: &advanced }.make(inputs, kinds)
    }
}
