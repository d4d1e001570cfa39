//! A small grid of records, made up number by number.

// Each test file uses its own part of this.
#![allow(dead_code)]

pub mod claims;

use std::collections::BTreeMap;
use std::path::Path;

use flooding_aggregate::{Inputs, prepare};
use flooding_core::config::Config;
use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::record::{EpochRow, History, Measure, Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document, Layout, Store};
use flooding_core::work::StageReport;
use flooding_tables::{AccuracyRow, Checkpoint, Rows, SelectionRow};

pub const TRACKED: &str = include_str!("../../../../pipeline.toml");

/// The tracked configuration's plan for a profile.
pub fn plan(profile: &str, overrides: &Overrides) -> Plan {
    let path = Path::new("pipeline.toml");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
    let catalogue: BTreeMap<String, Digest> =
        names.iter().map(|name| ((*name).to_owned(), Digest::of(name.as_bytes()))).collect();
    let config = Config::parse(TRACKED, path).unwrap();
    Resolver::new(&config, TRACKED, path, &catalogue).plan(profile, overrides).unwrap()
}

/// One setting of the full profile, cut down to these trials and levels, four epochs each.
pub fn small_plan(setting: &str, trials: u32, levels: &[f64]) -> Plan {
    let mut plan = plan(
        "full",
        &Overrides {
            only: vec![setting.to_owned()],
            epochs: Some(4),
            trials: Some(trials),
            levels: Some(levels.to_vec()),
            ..Overrides::default()
        },
    );
    plan.settings.retain(|s| s.id == setting);
    plan
}

/// Accuracies of one run as fractions: (validation, clean validation, test) at the last and at the best epoch.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub last: [f64; 3],
    pub best: [f64; 3],
    pub best_epoch: u32,
}

impl Made {
    /// The same at both epochs.
    pub fn flat(validation: f64, test: f64) -> Self {
        Self { last: [validation, validation, test], best: [validation, validation, test], best_epoch: 2 }
    }
}

pub fn outcome(epoch: u32, [validation, clean, test]: [f64; 3], spec: &RunSpec) -> Outcome {
    let measure = |accuracy, clean_accuracy| Measure { loss: spec.level.value() + 0.125, accuracy, clean_accuracy };
    Outcome { epoch, train: measure(1.0, 1.0), validation: measure(validation, clean), test: measure(test, test) }
}

pub fn history(spec: &RunSpec, test_loss: impl Fn(u32) -> Option<f64>) -> History {
    let measure = |loss: f64| Measure { loss, accuracy: 0.5, clean_accuracy: 0.5 };
    let rows = (1..=spec.epochs).map(|epoch| EpochRow {
        epoch,
        batch_loss: 0.5,
        train: Some(measure(f64::from(spec.trial) + 1.0 / f64::from(epoch))),
        validation: measure(1.0),
        test: test_loss(epoch).map(measure),
        gradients: None,
    });
    History { rows: rows.collect() }
}

/// A store in a temporary folder.
pub struct Grid {
    pub folder: tempfile::TempDir,
    pub store: Store,
}

impl Grid {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
        Self { folder, store }
    }

    pub fn write(&self, spec: &RunSpec, status: Status, summary: Option<Summary>, history: &History) {
        let folder = self.store.layout().run(spec);
        let digest = self.store.write(&folder.join(Layout::HISTORY), history.to_csv().as_bytes()).unwrap();
        let provenance = Provenance {
            version: "0.1.0".into(),
            commit: "unknown".into(),
            rustc: "rustc".into(),
            device: "cpu".into(),
            processor: "any".into(),
            finished: format!("2020-07-13T00:00:{:02}Z", spec.trial),
            seconds: 1.0 + f64::from(spec.trial),
            training_seconds: 1.0,
            cores: Some(2),
            memory: Some(16),
        };
        self.store.write_document(&folder.join(Layout::PROVENANCE), &provenance).unwrap();
        let record = Record {
            key: spec.key(),
            spec: spec.clone(),
            data: Digest::of(b"data"),
            examples: [100, 100, 20_000],
            parameters: 1,
            status,
            summary,
            history: digest,
            files: BTreeMap::new(),
            first_crossing: None,
        };
        self.store.write_document(&folder.join(Layout::RECORD), &record).unwrap();
    }

    pub fn complete(&self, spec: &RunSpec, made: Made) {
        let summary =
            Summary { last: outcome(spec.epochs, made.last, spec), best: outcome(made.best_epoch, made.best, spec) };
        self.write(spec, Status::Complete, Some(summary), &history(spec, |_| None));
    }

    /// Every run of the plan; `make` is given trial and level.
    pub fn fill(&self, plan: &Plan, make: impl Fn(u32, f64) -> Made) {
        for spec in plan.runs() {
            self.complete(&spec, make(spec.trial, spec.level.value()));
        }
    }

    pub fn aggregate(&self, plan: &Plan) -> StageReport {
        prepare(plan, &self.store, &Context::default(), Inputs::default()).unwrap().run().unwrap()
    }

    pub fn read<T: Document>(&self, name: &str) -> T {
        self.store.read_document(&self.store.layout().tables().join(name)).unwrap().unwrap()
    }

    pub fn accuracy(&self, checkpoint: Checkpoint) -> AccuracyRow {
        let rows: Rows<AccuracyRow> = self.read("accuracy.json");
        rows.0.into_iter().find(|row| row.checkpoint == checkpoint).unwrap()
    }

    /// The trials behind the row of [`Grid::accuracy`].
    pub fn selections(&self, checkpoint: Checkpoint) -> Vec<SelectionRow> {
        let rows: Rows<SelectionRow> = self.read("selections.json");
        rows.0.into_iter().filter(|row| row.checkpoint == checkpoint).collect()
    }

    /// Every file under `data/tables/` with its bytes.
    pub fn table_files(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.store.layout().tables();
        let names = self.store.list(&folder).unwrap();
        let files = names.into_iter().filter(|name| folder.join(name).is_file());
        files.map(|name| (name.clone(), self.store.read(&folder.join(&name)).unwrap().unwrap())).collect()
    }
}
