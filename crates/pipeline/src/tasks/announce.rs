//! The sentence before a long training: how long it is going to take.

use std::time::Duration;

use flooding_core::context::Context;
use flooding_core::store::Store;
use flooding_train::Survey;

use super::forecast::{Basis, Forecaster};
use crate::exit::Failure;
use crate::project::Project;
use crate::source::StoredExamples;

/// A forecast below this is not worth a line.
const WORTH_SAYING: Duration = Duration::from_hours(1);
/// Nor is one below this worth a few seconds of steps.
const WORTH_CALIBRATING: Duration = Duration::from_mins(15);

/// A sentence on how long the training of what is left is going to take; `None` where it is less than an hour, or nothing
/// is known.
pub fn announcement(project: &Project, store: &Store, context: &Context) -> Result<Option<String>, Failure> {
    let surveys = flooding_train::survey(&project.plan, store, context.force)?;
    let runs: usize = surveys.iter().map(|survey| survey.left.len()).sum();
    if runs == 0 {
        return Ok(None);
    }
    let workers = context.workers_on_devices(runs).len();
    let mut forecaster = Forecaster::new(context.devices.all()[0]);
    forecaster.learn_from_runs(&surveys, store);
    let mut roughly = forecaster.clone();
    roughly.assume();
    if total(&roughly, &surveys, workers).is_some_and(|total| total < WORTH_CALIBRATING) {
        return Ok(None);
    }
    forecaster.calibrate(&surveys, &StoredExamples::new(store, &project.manifest, &*context.progress), context.jobs);
    forecaster.assume();
    let Some(total) = total(&forecaster, &surveys, workers).filter(|total| *total >= WORTH_SAYING) else {
        return Ok(None);
    };
    let basis = match forecaster.basis() {
        Basis::Runs => "by the runs that are stored",
        Basis::FirstSteps => "by first steps on this device",
        Basis::Elsewhere => "by times measured on another machine",
    };
    Ok(Some(format!(
        "training these {runs} runs is going to take about {} ({basis}; {workers} at a time). Ctrl-C stops it and keeps \
         what is finished; --epochs, --train-size, --levels, --trials and --only make it less",
        words(total),
    )))
}

/// With this many workers, each on its own task or on a branch of another's.
fn total(forecaster: &Forecaster, surveys: &[Survey], workers: usize) -> Option<Duration> {
    let tasks = surveys.iter().filter_map(|survey| Some((forecaster.task(survey)?, survey.left.len())));
    // A run is one thread: more workers than runs do not shorten it.
    let (sum, longest) = tasks.fold((0.0, 0.0_f64), |(sum, longest), (takes, runs)| {
        let takes = takes.as_secs_f64();
        (sum + takes, longest.max(takes / runs.max(1) as f64))
    });
    let total = Duration::try_from_secs_f64((sum / workers.max(1) as f64).max(longest)).ok()?;
    (!total.is_zero()).then_some(total)
}

/// `90 minutes`, `7 hours`, `5 days`, `6 weeks`.
fn words(time: Duration) -> String {
    let hours = time.as_secs_f64() / 3600.0;
    let (count, unit) = match hours {
        ..3.0 => (hours * 60.0, "minutes"),
        ..48.0 => (hours, "hours"),
        ..336.0 => (hours / 24.0, "days"),
        _ => (hours / 168.0, "weeks"),
    };
    format!("{count:.0} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_unit_that_people_plan_in() {
        for (hours, text) in [(1.5, "90 minutes"), (7.2, "7 hours"), (120.0, "5 days"), (1008.0, "6 weeks")] {
            assert_eq!(words(Duration::from_secs_f64(hours * 3600.0)), text);
        }
    }
}
