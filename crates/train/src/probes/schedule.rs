//! Probes side by side on the CPU, one thread each; one after another on CUDA.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flooding_core::context::{Context, DeviceChoice};
use flooding_core::dataset::{Source, Splits};
use flooding_core::store::Store;
use flooding_core::task::TaskId;
use flooding_core::work::{Gap, Stage, StageReport};

use flooding_engine::allocation::is_out_of_memory;
use flooding_engine::backend::Backend;
use flooding_engine::device::{self, Work};
use flooding_engine::panics::catch;

use super::Kind;
use super::inputs::{Candidate, Inputs};
use super::measure::{Bench, CURVES};
use crate::TrainError;

/// Makes all these documents; `done` of the report counts them.
pub fn probe_all(
    wanted: &[Candidate],
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, TrainError> {
    let threads = match context.device {
        DeviceChoice::Cpu => context.jobs.clamp(1, wanted.len().max(1)),
        DeviceChoice::Cuda(_) => 1,
    };
    let state = State {
        wanted,
        next: AtomicUsize::new(0),
        store,
        context,
        source,
        report: Mutex::default(),
        error: Mutex::default(),
        cancelled: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| state.work());
        }
    });
    state.into_report()
}

struct State<'a> {
    wanted: &'a [Candidate],
    next: AtomicUsize,
    store: &'a Store,
    context: &'a Context,
    source: &'a dyn Source,
    report: Mutex<StageReport>,
    error: Mutex<Option<TrainError>>,
    cancelled: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State<'_> {
    /// One thread's life.
    fn work(&self) {
        while !self.context.stop.is_raised() && !self.cancelled.load(Ordering::Relaxed) {
            let Some(candidate) = self.wanted.get(self.next.fetch_add(1, Ordering::Relaxed)) else { return };
            if let Err(error) = self.one(candidate) {
                lock(&self.error).get_or_insert(error);
                self.cancelled.store(true, Ordering::Relaxed);
            }
        }
    }

    fn one(&self, candidate: &Candidate) -> Result<(), TrainError> {
        let id = candidate.id();
        let progress = &self.context.progress;
        let waiting = |holder: &str| progress.warn(&format!("waiting for {holder}, which makes {id}"));
        let name = format!("{}-{}", TaskId::of(&candidate.group.runs[0]), candidate.kind.name());
        let Some(_claim) = self.store.claim_when_free(&name, &self.context.stop, waiting)? else { return Ok(()) };
        // Another process may have made it since it was found missing.
        if !super::inputs::decide(candidate, self.store, self.context.force)?.runs() {
            lock(&self.report).skipped += 1;
            return Ok(());
        }
        progress.item_started(&id, if candidate.kind == Kind::Flatness { CURVES } else { 1 });
        let note = match self.made(candidate, &id) {
            Ok(Some(made)) => {
                let path = candidate.path(self.store);
                match made {
                    Made::Flatness(probe) => self.store.write_document(&path, &probe)?,
                    Made::Calibration(probe) => self.store.write_document(&path, &probe)?,
                };
                lock(&self.report).done += 1;
                String::new()
            }
            Ok(None) => "interrupted".to_owned(),
            Err(why) => {
                lock(&self.report).gaps.push(Gap { stage: Stage::Train, id: id.clone(), why: why.clone() });
                format!("not made: {why}")
            }
        };
        progress.item_finished(&id, &note);
        Ok(())
    }

    /// The document, `None` when asked to stop, or why it cannot be made.
    fn made(&self, candidate: &Candidate, id: &str) -> Result<Option<Made>, String> {
        let inputs = candidate.inputs.as_ref().map_err(Clone::clone)?;
        let splits = self.source.splits(&inputs.with.spec).map_err(|error| error.to_string())?;
        let making = Making { state: self, candidate, inputs, splits: &splits, id };
        let result = catch(is_out_of_memory, || device::run(self.context.device, making).map_err(|p| p.to_string())?);
        result.unwrap_or_else(|panic| Err(format!("panicked: {panic}")))
    }

    fn into_report(self) -> Result<StageReport, TrainError> {
        if let Some(error) = self.error.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(error);
        }
        let mut report = self.report.into_inner().unwrap_or_else(PoisonError::into_inner);
        report.gaps.sort_by(|a, b| a.id.cmp(&b.id));
        report.interrupted = self.context.stop.is_raised();
        Ok(report)
    }
}

/// A document ready to be written.
enum Made {
    Flatness(flooding_tables::probes::Flatness),
    Calibration(flooding_tables::probes::Calibration),
}

/// A document to be made, on any device.
struct Making<'a> {
    state: &'a State<'a>,
    candidate: &'a Candidate,
    inputs: &'a Inputs,
    splits: &'a Arc<Splits>,
    id: &'a str,
}

impl Work for Making<'_> {
    type Output = Result<Option<Made>, String>;

    fn on<B: Backend>(self, backend: &B) -> Self::Output {
        let Self { state, candidate, inputs, splits, id } = self;
        let advanced = |done| state.context.progress.item_advanced(id, done);
        let bench = Bench { backend, store: state.store, splits, stop: &state.context.stop, advanced: &advanced };
        Ok(match candidate.kind {
            Kind::Flatness => bench.flatness(candidate, inputs)?.map(Made::Flatness),
            Kind::Calibration => bench.calibration(candidate, inputs)?.map(Made::Calibration),
        })
    }
}
