//! What tasks will take: by what others took here, else by their first seconds on this device.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flooding_core::context::DeviceChoice;
use flooding_core::dataset::Source;
use flooding_core::level::Level;
use flooding_core::record::{FirstCrossing, Provenance, Record};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Layout, Store};
use flooding_train::{Complete, Pilot, Survey, cost, measuring_cost, probes_cost, steps, task_cost};

/// Training time of a network of which nothing is known.
const CALIBRATION: Duration = Duration::from_secs(1);
/// Further settings are calibrated until so much time is spent.
const CALIBRATIONS: Duration = Duration::from_secs(5);

/// Runs of a setting that are looked at.
const SAMPLE: usize = 16;

/// Epochs after which a level leaves the path of those below it, where nothing is known: in the noisy settings of Table 2
/// levels left in epochs 2 to 180.
const LEAVES: f64 = 50.0;

/// Seconds for a floating-point operation on one thread of the machine of docs/performance.md.
const ELSEWHERE: f64 = 1.0 / 90e9;

/// Seconds for a unit of cost, of each run that was looked at.
#[derive(Clone, Debug, Default)]
struct Pace(Vec<f64>);

impl Pace {
    fn add(&mut self, seconds: f64, cost: f64) {
        if seconds > 0.0 && cost > 0.0 {
            self.0.push(seconds / cost);
        }
    }

    fn is_known(&self) -> bool {
        !self.0.is_empty()
    }

    /// At the pace that a quarter of the runs kept: how slow others were beside other programs tells nothing of the work.
    fn takes(&self, cost: f64) -> Option<Duration> {
        let mut paces = self.0.clone();
        paces.sort_by(f64::total_cmp);
        let pace = paces.get(paces.len() / 4)?;
        Duration::try_from_secs_f64(pace * cost).ok()
    }
}

/// The steps at which levels left the path of those below them.
#[derive(Clone, Debug, Default)]
struct Leaves {
    /// Sum of steps and number of runs.
    by_level: BTreeMap<Level, (f64, f64)>,
    /// What is not in the list leaves later than this.
    seen: f64,
}

impl Leaves {
    fn add(&mut self, level: Level, step: f64) {
        let (sum, runs) = self.by_level.entry(level).or_default();
        *sum += step;
        *runs += 1.0;
    }

    /// The step at which this level leaves: between the nearest levels that are known, and `otherwise` where none is. A
    /// level below all of them leaves later than they do, one above them no later.
    fn step(&self, level: Level, otherwise: f64) -> f64 {
        let mean = |(level, (sum, runs)): (&Level, &(f64, f64))| (level.value(), sum / runs);
        let below = self.by_level.range(..=level).next_back().map(mean);
        let above = self.by_level.range(level..).next().map(mean);
        match (below, above) {
            (Some((low, at_low)), Some((high, at_high))) if high > low => {
                at_low + (at_high - at_low) * (level.value() - low) / (high - low)
            }
            (Some((_, step)), _) => step,
            (None, Some((_, step))) => step.max(self.seen),
            (None, None) => self.seen.max(otherwise),
        }
    }
}

/// What is known of the runs of a setting or a network.
#[derive(Clone, Debug, Default)]
struct Known {
    pace: Pace,
    leaves: Leaves,
}

/// Where a forecast comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Runs that are stored here.
    Runs,
    /// First steps on this device.
    FirstSteps,
    /// The machine of docs/performance.md.
    Elsewhere,
}

/// Forecasts by the setting's own runs, else by those of its network, else by all.
#[derive(Clone, Debug)]
pub struct Forecaster {
    device: DeviceChoice,
    by_setting: BTreeMap<String, Known>,
    by_network: BTreeMap<String, Known>,
    all: Known,
    /// The least certain of all that was learned.
    basis: Basis,
}

impl Forecaster {
    /// One that knows nothing yet.
    pub fn new(device: DeviceChoice) -> Self {
        let (by_setting, by_network, all) = Default::default();
        Self { device, by_setting, by_network, all, basis: Basis::Runs }
    }

    /// Where its forecasts come from.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Learns from complete runs that were trained on this kind of device.
    pub fn learn_from_runs(&mut self, surveys: &[Survey], store: &Store) {
        let mut looked_at: BTreeMap<&str, usize> = BTreeMap::new();
        for complete in surveys.iter().filter_map(|survey| survey.complete.as_ref()) {
            let count = looked_at.entry(&complete.run.setting).or_default();
            if *count < SAMPLE {
                *count += self.learn_from_task(complete, SAMPLE - *count, store);
            }
        }
    }

    /// Learns from at most N runs of a task, spread over its levels; returns how many it looked at.
    fn learn_from_task(&mut self, complete: &Complete, most: usize, store: &Store) -> usize {
        let apart = complete.levels.len().div_ceil(most);
        let levels = complete.levels.iter().step_by(apart);
        let mut times = Vec::new();
        for &level in levels.clone() {
            let run = RunSpec { level, ..complete.run.clone() };
            let folder = store.layout().run(&run);
            let made: Option<Provenance> = store.read_document(&folder.join(Layout::PROVENANCE)).ok().flatten();
            let record: Option<Record> = store.read_document(&folder.join(Layout::RECORD)).ok().flatten();
            let is_ours = |made: &Provenance| (made.device == "cpu") == (self.device == DeviceChoice::Cpu);
            let (Some(made), Some(record)) = (made.filter(is_ours), record) else { continue };
            let steps = steps(&run) as f64;
            let left = record.first_crossing.map(|crossing| match crossing {
                FirstCrossing::Never => steps,
                FirstCrossing::Step(step) => step as f64,
            });
            if let Some(step) = left {
                self.note(&run, |known| known.leaves.add(level, step));
            }
            // The time of a run has the steps before it left, and not what was measured meanwhile.
            let shared = left.map_or(0.0, |step| step / steps.max(1.0));
            times.push((made.seconds, cost(&run) - shared * measuring_cost(&run)));
        }
        if self.device != DeviceChoice::Cpu {
            // Levels that were trained together each have the time of all of them.
            let mut seconds: Vec<f64> = times.iter().map(|(seconds, _)| *seconds).collect();
            seconds.sort_by(f64::total_cmp);
            seconds.dedup();
            let together = times.iter().map(|(_, cost)| cost).sum();
            times = vec![(seconds.iter().sum(), together)];
        }
        for (seconds, cost) in times {
            self.note(&complete.run, |known| known.pace.add(seconds, cost));
        }
        levels.count()
    }

    /// Trains a task of each network of which nothing is known for about a second, where its examples are here, and then
    /// tasks of further settings, as long as that takes no more than a few seconds; with `jobs` of them side by side, as
    /// the work itself will be.
    pub fn calibrate(&mut self, surveys: &[Survey], source: &dyn Source, jobs: usize) {
        let begun = Instant::now();
        let mut left: Vec<&Survey> = Vec::new();
        for survey in surveys.iter().filter(|survey| !survey.left.is_empty()) {
            if left.last().is_none_or(|last| last.task.setting != survey.task.setting) {
                left.push(survey);
            }
        }
        let is_known = |known: Option<&Known>| known.is_some_and(|known| known.pace.is_known());
        for further in [false, true] {
            for survey in &left {
                let run = &survey.left[0];
                if is_known(self.by_setting.get(&run.setting))
                    || (!further && is_known(self.by_network.get(&network(run))))
                    || (further && begun.elapsed() + CALIBRATION > CALIBRATIONS)
                {
                    continue;
                }
                if let Some(pilot) = side_by_side(survey, source, self.device, jobs) {
                    self.basis = Basis::FirstSteps;
                    self.note(run, |known| {
                        known.pace.add(pilot.takes.as_secs_f64(), cost(run));
                        known.leaves.seen = known.leaves.seen.max(pilot.steps as f64);
                        pilot.left.iter().for_each(|&(level, step)| known.leaves.add(level, step as f64));
                    });
                }
            }
        }
    }

    /// Where nothing at all is known of the CPU, takes it for that of docs/performance.md.
    pub fn assume(&mut self) {
        if !self.all.pace.is_known() && self.device == DeviceChoice::Cpu {
            self.basis = Basis::Elsewhere;
            self.all.pace.add(ELSEWHERE, 1.0);
        }
    }

    fn note(&mut self, run: &RunSpec, learn: impl Fn(&mut Known)) {
        learn(self.by_setting.entry(run.setting.clone()).or_default());
        learn(self.by_network.entry(network(run)).or_default());
        learn(&mut self.all);
    }

    /// What is left of one task takes, one run after another: the runs, and its probes.
    pub fn task(&self, survey: &Survey) -> Option<Duration> {
        let run = survey.left.first()?;
        let is_useful = |known: &&Known| known.pace.is_known();
        let known = (self.by_setting.get(&run.setting).filter(is_useful))
            .or_else(|| self.by_network.get(&network(run)).filter(is_useful));
        let otherwise = LEAVES * steps(run) as f64 / f64::from(run.epochs.max(1));
        // When levels leave is a matter of the data: other networks tell nothing of it.
        let leaves = known.map(|known| known.leaves.clone()).unwrap_or_default();
        let runs = task_cost(&survey.left, |level| leaves.step(level, otherwise));
        let probes = if survey.is_probed { probes_cost(run) } else { 0.0 };
        known.unwrap_or(&self.all).pace.takes(runs + probes)
    }
}

/// Calibrates on as many threads as will train, which share the processor's caches and clock.
fn side_by_side(survey: &Survey, source: &dyn Source, device: DeviceChoice, jobs: usize) -> Option<Pilot> {
    let one = || flooding_train::calibrate(&survey.left, source, device, CALIBRATION);
    if device != DeviceChoice::Cpu {
        return one();
    }
    let pilots: Vec<Pilot> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..jobs).map(|_| scope.spawn(one)).collect();
        let first = one();
        let others = others.into_iter().filter_map(|other| other.join().ok().flatten());
        first.into_iter().chain(others).collect()
    });
    let count = u32::try_from(pilots.len()).ok().filter(|count| *count > 0)?;
    let takes = pilots.iter().map(|pilot| pilot.takes).sum::<Duration>() / count;
    // All follow the same path; the one that came furthest knows most.
    pilots.into_iter().max_by_key(|pilot| pilot.steps).map(|pilot| Pilot { takes, ..pilot })
}

fn network(run: &RunSpec) -> String {
    serde_json::to_string(&run.model).expect("a specification is plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_were_slow_beside_other_programs_do_not_count() {
        let mut pace = Pace::default();
        assert_eq!(pace.takes(1.0), None);
        for seconds in [4.0, 1.0, 9.0, 1.2, 5.0, 7.0, 1.1, 30.0] {
            pace.add(seconds, 1.0);
        }
        pace.add(0.0, 1.0);
        assert_eq!(pace.takes(10.0), Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_level_leaves_between_the_steps_of_its_neighbours_and_no_earlier_than_was_seen() {
        let level = |value: f64| Level::try_from(value).unwrap();
        let mut leaves = Leaves { seen: 300.0, ..Leaves::default() };
        assert_eq!(leaves.step(level(0.1), 100.0), 300.0);
        assert_eq!(leaves.step(level(0.1), 500.0), 500.0);
        leaves.add(level(0.2), 200.0);
        leaves.add(level(0.2), 100.0);
        leaves.add(level(0.4), 50.0);
        for (value, expected) in [(0.1, 300.0), (0.2, 150.0), (0.3, 100.0), (0.4, 50.0), (0.5, 50.0)] {
            let step = leaves.step(level(value), 100.0);
            assert!((step - expected).abs() < 1e-9, "{value} leaves at {step}, not {expected}");
        }
    }
}
