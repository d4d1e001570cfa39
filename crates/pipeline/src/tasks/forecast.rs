//! What tasks will take, from what others took.

use std::collections::BTreeMap;
use std::time::Duration;

use flooding_core::context::DeviceChoice;
use flooding_core::dataset::Source;
use flooding_core::record::Provenance;
use flooding_core::spec::RunSpec;
use flooding_core::store::{Layout, Store};
use flooding_train::{Survey, cost};

/// Seconds for a unit of cost, summed over the runs that were looked at.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    seconds: f64,
    cost: f64,
}

impl Pace {
    fn add(&mut self, seconds: f64, cost: f64) {
        self.seconds += seconds;
        self.cost += cost;
    }

    fn takes(self, cost: f64) -> Option<Duration> {
        if self.cost > 0.0 { Duration::try_from_secs_f64(self.seconds / self.cost * cost).ok() } else { None }
    }
}

/// Forecasts by the setting's own runs, else by those of its model, else by all.
#[derive(Clone, Debug, Default)]
pub struct Forecaster {
    by_setting: BTreeMap<String, Pace>,
    by_model: BTreeMap<String, Pace>,
    all: Pace,
}

/// Training time of a network of which nothing is known.
const CALIBRATION: Duration = Duration::from_secs(1);

/// Runs of a setting that are looked at.
const SAMPLE: usize = 8;

impl Forecaster {
    /// From the provenance of complete runs that were trained on this kind of device.
    pub fn from_provenance(surveys: &[Survey], store: &Store, device: DeviceChoice) -> Self {
        let mut forecaster = Self::default();
        let mut looked_at: BTreeMap<&str, usize> = BTreeMap::new();
        for run in surveys.iter().filter_map(|survey| survey.complete.as_ref()) {
            let count = looked_at.entry(&run.setting).or_default();
            if *count == SAMPLE {
                continue;
            }
            *count += 1;
            let path = store.layout().run(run).join(Layout::PROVENANCE);
            let is_ours = |provenance: &Provenance| (provenance.device == "cpu") == (device == DeviceChoice::Cpu);
            if let Some(provenance) = store.read_document(&path).ok().flatten().filter(is_ours) {
                forecaster.learn(run, provenance.seconds);
            }
        }
        forecaster
    }

    /// Notes that a run took so many seconds.
    pub fn learn(&mut self, run: &RunSpec, seconds: f64) {
        let cost = cost(run);
        self.by_setting.entry(run.setting.clone()).or_default().add(seconds, cost);
        self.by_model.entry(model(run)).or_default().add(seconds, cost);
        self.all.add(seconds, cost);
    }

    /// Trains one run of each network of which nothing is known, for about a second, where its examples are here.
    pub fn calibrate(&mut self, surveys: &[Survey], source: &dyn Source, device: DeviceChoice) {
        for run in surveys.iter().filter_map(|survey| survey.left.first()) {
            if self.by_setting.contains_key(&run.setting) || self.by_model.contains_key(&model(run)) {
                continue;
            }
            if let Some(takes) = flooding_train::calibrate(run, source, device, CALIBRATION) {
                self.learn(run, takes.as_secs_f64());
            }
        }
    }

    /// What these runs, all of one task, take one after another.
    pub fn task(&self, runs: &[RunSpec]) -> Option<Duration> {
        let first = runs.first()?;
        let pace =
            self.by_setting.get(&first.setting).or_else(|| self.by_model.get(&model(first))).unwrap_or(&self.all);
        pace.takes(runs.iter().map(cost).sum())
    }
}

fn model(run: &RunSpec) -> String {
    serde_json::to_string(&run.model).expect("a specification is plain data")
}
