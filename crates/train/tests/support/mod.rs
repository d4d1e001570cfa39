//! Plans and examples for the tests of the training stage.
#![allow(dead_code)] // Each test file uses its own part of this.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flooding_core::context::Context;
use flooding_core::dataset::{Examples, InputShape, Inputs, Source, SourceError, Splits};
use flooding_core::group::Group;
use flooding_core::level::Level;
use flooding_core::plan::{Overrides, Plan, Setting, TheoremPlan};
use flooding_core::progress::StopFlag;
use flooding_core::seeds::{Purpose, Stream};
use flooding_core::spec::{
    DataSpec, Distribution, Flip, InitialWeights, LrSchedule, ModelSpec, Objective, Observe, OptimiserSpec, RunSpec,
    SyntheticSpec,
};
use flooding_core::store::Store;
use flooding_core::work::{StageReport, WorkItem};
use flooding_engine::backend::Backend;
use flooding_train::branch::{Branch, Ended, Forks, TrainControl};
use flooding_train::outcome::Trained;
use flooding_train::probes::{self, Kind};
use flooding_train::trainer::train;
use rand::RngExt as _;

/// A setting of two overlapping clouds in the plane, small enough to train in an instant.
pub fn setting(id: &str, levels: &[f64]) -> Setting {
    Setting {
        id: id.to_owned(),
        base: id.to_owned(),
        reading: "paper".to_owned(),
        row: ["clouds".to_owned(), "none".to_owned()],
        table: None,
        data: DataSpec::Synthetic(SyntheticSpec {
            distribution: Distribution::Gaussians { dimension: 2, mean: 1.0 },
            train: 30,
            validation: 20,
            test: 50,
            label_noise: 0.1,
            flip: Flip::Exact,
        }),
        model: ModelSpec::Mlp { hidden: vec![16, 16], batch_norm: false },
        optimiser: OptimiserSpec::Adam { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 },
        schedule: LrSchedule { milestones: Vec::new(), factor: 1.0 },
        objective: Objective::Flood,
        batch_size: 10,
        epochs: 6,
        observe: Observe::default(),
        probes: 0,
        trials: 2,
        levels: levels.iter().map(|&b| Level::try_from(b).unwrap()).collect(),
        full_grid: (2, levels.len()),
        reduced: Vec::new(),
        initial_weights: InitialWeights::Shared,
        streams_of: None,
    }
}

/// A plan of these settings.
pub fn plan(settings: Vec<Setting>) -> Plan {
    Plan {
        profile: "test".to_owned(),
        summary: "a plan for tests".to_owned(),
        master_seed: 7,
        settings,
        left_out: Vec::new(),
        readings: Vec::new(),
        reading_labels: Vec::new(),
        margin: None,
        theorem: TheoremPlan {
            repetitions: 1,
            sample_sizes: Vec::new(),
            levels_over_risk: Vec::new(),
            scenarios: Vec::new(),
        },
        overrides: Overrides::default(),
    }
}

/// Two clouds at a distance of one, with a tenth of the labels flipped.
fn clouds(n: u32, dimension: usize, stream: &mut Stream) -> Examples {
    let clean: Vec<u16> = (0..n).map(|i| (i % 2) as u16).collect();
    let mut values = Vec::new();
    for &label in &clean {
        for _ in 0..dimension {
            values.push(f32::from(label) + stream.random::<f32>() * 2.0 - 1.0);
        }
    }
    let labels = clean.iter().map(|&label| if stream.random::<f32>() < 0.1 { 1 - label } else { label }).collect();
    Examples { shape: InputShape::Vector(dimension), inputs: Inputs::Real(values), labels, clean_labels: Some(clean) }
}

/// The clouds of a specification.
pub fn splits(spec: &RunSpec) -> Splits {
    let DataSpec::Synthetic(data) = &spec.data else { panic!("a synthetic specification") };
    let mut stream = spec.streams().stream(Purpose::Data, 0);
    let dimension = data.distribution.dimension();
    Splits {
        train: clouds(data.train, dimension, &mut stream),
        validation: clouds(data.validation, dimension, &mut stream),
        test: clouds(data.test, dimension, &mut stream),
        classes: 2,
    }
}

/// Draws clouds and counts how often it was asked; refuses settings whose id starts with `missing`, panics at
/// `unreadable` ones.
#[derive(Default)]
pub struct Clouds {
    pub asked: AtomicUsize,
}

impl Source for Clouds {
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if spec.setting.starts_with("missing") {
            let dataset = spec.data.name().to_owned();
            return Err(SourceError::Unavailable { dataset, why: "no network and no mirror".to_owned() });
        }
        assert!(!spec.setting.starts_with("unreadable"), "no end of the spiral");
        let mut splits = splits(spec);
        if spec.setting.starts_with("poisoned")
            && let Inputs::Real(values) = &mut splits.train.inputs
        {
            values[0] = f32::NAN;
        }
        if spec.setting.starts_with("panicking") {
            splits.train.labels[0] = 77;
        }
        Ok(Arc::new(splits))
    }
}

/// A store in a temporary folder.
pub fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    (folder, store)
}

/// A context with this number of jobs.
pub fn jobs(jobs: usize) -> Context {
    Context { jobs, ..Context::default() }
}

/// Runs the training stage over the plan.
pub fn run(
    plan: &Plan,
    store: &Store,
    context: &Context,
    source: &dyn Source,
) -> Result<StageReport, flooding_train::TrainError> {
    flooding_train::prepare(plan, store, context, source)?.run()
}

/// What the training stage would do.
pub fn work(plan: &Plan, store: &Store, context: &Context) -> Result<Vec<WorkItem>, flooding_train::TrainError> {
    Ok(flooding_train::prepare(plan, store, context, Clouds::default())?.items)
}

/// Makes these probes alone.
pub fn probe(
    plan: &Plan,
    store: &Store,
    context: &Context,
    source: &dyn Source,
    kinds: &[Kind],
) -> Result<StageReport, flooding_train::TrainError> {
    probes::prepare(plan, store, context, source, kinds)?.run()
}

/// Trains all levels of a group in one network that grows.
pub fn trained_together<B: Backend>(backend: &B, runs: &[RunSpec], splits: &Arc<Splits>) -> Vec<Trained> {
    let group = Group::of(runs.iter().cloned()).remove(0);
    let control = TrainControl::new(group.levels(), StopFlag::default(), Forks::Grow, &|_| {});
    let branch = Branch::new(group.levels().to_vec());
    match train(backend, (&group, branch), splits, &control).unwrap() {
        Ended::Done(results) => results.into_iter().map(|(_, trained)| trained).collect(),
        Ended::Stopped | Ended::Parked(_) => panic!("no stop flag is raised"),
    }
}
