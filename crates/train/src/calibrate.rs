//! How long a run takes on this device, by its first seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flooding_core::context::DeviceChoice;
use flooding_core::dataset::{Source, Splits};
use flooding_core::group::Group;
use flooding_core::progress::StopFlag;
use flooding_core::spec::RunSpec;
use flooding_engine::backend::Backend;
use flooding_engine::device::{self, Work};

use crate::branch::{Branch, Forks, TrainControl};
use crate::trainer::train;

/// Trains a run for about so long (at least a step, at most the whole run), keeps nothing, and says how long all of it
/// would take; `None` where its examples are not here or the device does not work.
pub fn calibrate(run: &RunSpec, source: &dyn Source, device: DeviceChoice, limit: Duration) -> Option<Duration> {
    let splits = source.splits(run).ok()?;
    let group = Group::of([run.clone()]).pop()?;
    device::run(device, Beginning { group: &group, splits: &splits, limit }).ok()?
}

/// The beginning of a run.
struct Beginning<'a> {
    group: &'a Group,
    splits: &'a Arc<Splits>,
    limit: Duration,
}

impl Work for Beginning<'_> {
    type Output = Option<Duration>;

    fn on<B: Backend>(self, backend: &B) -> Option<Duration> {
        let Self { group, splits, limit } = self;
        let stop = StopFlag::default();
        let begun = Instant::now();
        let last = Mutex::new(None);
        let advanced = |epochs: u64, _: usize| {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some((epochs, begun.elapsed()));
            if begun.elapsed() >= limit {
                stop.raise();
            }
        };
        let levels = group.levels().to_vec();
        let refuse = |branch: Branch| Some(branch);
        let control = TrainControl::new(&levels, stop.clone(), Forks::Offer(&refuse), &advanced);
        // An epoch may be longer than anyone wants to wait: then its first steps count.
        let trained = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                while begun.elapsed() < 3 * limit && !stop.is_raised() {
                    std::thread::sleep(Duration::from_millis(5));
                }
                stop.raise();
            });
            let trained = train(backend, (group, Branch::new(levels.clone())), splits, &control).is_ok();
            stop.raise();
            trained && watch.join().is_ok()
        });
        let epochs = f64::from(group.common().epochs);
        let measured = *last.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = match measured {
            _ if !trained => return None,
            Some((done, took)) => took.as_secs_f64() / done as f64 * epochs,
            None => {
                let batch = f64::from(group.common().batch_size);
                let steps = (splits.train.len() as f64 / batch).ceil();
                let step = begun.elapsed().as_secs_f64() / control.step().max(1) as f64;
                // Evaluation passes forward alone, a third of a step, over the examples of both splits.
                let evaluated = (splits.train.len() + splits.validation.len()) as f64;
                epochs * step * (steps + evaluated / batch / 3.0)
            }
        };
        Duration::try_from_secs_f64(seconds).ok()
    }
}
