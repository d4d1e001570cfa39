//! A trial as a tree: whatever levels share, each run leaves the bytes that it leaves when it is trained alone.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dfdx::prelude::Cpu;
use flooding_core::context::Context;
use flooding_core::dataset::{Examples, InputShape, Inputs, Source, SourceError, Splits};
use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::progress::{Progress, StopFlag};
use flooding_core::record::{FirstCrossing, Record, Status};
use flooding_core::seeds::{Purpose, Stream, Streams};
use flooding_core::spec::{
    Augment, DataSpec, ImagesSpec, InitialWeights, ModelSpec, Objective, Observe, OptimiserSpec, RunSpec,
};
use flooding_core::store::{Layout, Store};
use flooding_engine::composite::Composite;
use flooding_engine::cpu::FastCpu;
use rand::RngExt as _;
use support::{Clouds, plan, run, setting, store, trained_together};

/// Hears how many epochs each task did, and raises the stop flag after so many of all.
#[derive(Default)]
struct Listener {
    stop: StopFlag,
    stop_after: Option<usize>,
    epochs: Mutex<Vec<(String, u64)>>,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Listener {
    fn stage_started(&self, _: &str, _: u64, _: &str) {}
    fn item_started(&self, _: &str, _: u64) {}
    fn item_advanced(&self, id: &str, done: u64) {
        let mut epochs = self.epochs.lock().unwrap();
        epochs.push((id.to_owned(), done));
        if Some(epochs.len()) == self.stop_after {
            self.stop.raise();
        }
    }
    fn item_finished(&self, _: &str, _: &str) {}
    fn stage_finished(&self) {}
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}

/// Images of noise with random labels, and the clouds for what is synthetic.
struct Everything(Clouds);

impl Source for Everything {
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        if let DataSpec::Synthetic(_) = spec.data {
            return self.0.splits(spec);
        }
        let mut stream = spec.streams().stream(Purpose::Data, 0);
        let shape = InputShape::Image { channels: 3, height: 8, width: 8 };
        let mut draw = |n: usize| Examples {
            shape,
            inputs: Inputs::Bytes((0..n * shape.len()).map(|_| stream.random::<u8>()).collect()),
            labels: (0..n).map(|_| stream.random_range(0..3u16)).collect(),
            clean_labels: None,
        };
        Ok(Arc::new(Splits { train: draw(20), validation: draw(9), test: draw(11), classes: 3 }))
    }
}

/// Trains with this many jobs; a checkpoint after every epoch where `every` is zero.
fn train(plan: &Plan, store: &Store, jobs: usize, (every, stop_after): (Duration, Option<usize>)) -> Arc<Listener> {
    let listener = Arc::new(Listener { stop_after, ..Listener::default() });
    let context = Context { jobs, stop: listener.stop.clone(), checkpoint_every: every, ..Context::default() };
    let context = Context { progress: listener.clone(), ..context };
    run(plan, store, &context, &Everything(Clouds::default())).unwrap();
    listener
}

const NEVER: Duration = Duration::from_secs(3600);

/// Every file of every run but provenances, with its bytes.
fn files(store: &Store) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else if !path.ends_with(Layout::PROVENANCE) {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&store.layout().runs(), &mut found, &store.layout().runs());
    found
}

/// What the runs of the plan leave when each is trained by itself.
fn alone(plan: &Plan) -> BTreeMap<PathBuf, Vec<u8>> {
    let (_folder, store) = store();
    for &level in &plan.settings[0].levels {
        let mut one = plan.clone();
        one.settings[0].levels = vec![level];
        train(&one, &store, 1, (NEVER, None));
    }
    files(&store)
}

fn records(plan: &Plan, store: &Store) -> Vec<Record> {
    plan.runs()
        .map(|spec| store.read_document(&store.layout().run(&spec).join(Layout::RECORD)).unwrap().unwrap())
        .collect()
}

fn levels(values: &[f64]) -> Vec<Level> {
    values.iter().map(|&b| Level::try_from(b).unwrap()).collect()
}

/// Any small group: networks with and without batch normalisation, images with random crops, one batch an epoch or
/// several, levels far apart, close together, above the first loss and below the last.
fn any(stream: &mut Stream) -> Setting {
    let mut any = setting("tree", &[0.0]);
    any.trials = 1;
    any.epochs = stream.random_range(2..9);
    any.batch_size = [4, 7, 10, 40][stream.random_range(0..4)];
    any.model =
        ModelSpec::Mlp { hidden: vec![8; stream.random_range(1..4)], batch_norm: stream.random_range(0..2) == 1 };
    let weight_decay = [0.0, 1e-2][stream.random_range(0..2)];
    any.optimiser = if stream.random_range(0..2) == 1 {
        OptimiserSpec::Adam { lr: 0.02, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay }
    } else {
        OptimiserSpec::Sgd { lr: 0.1, momentum: 0.9, weight_decay }
    };
    if stream.random_range(0..4) == 0 {
        let images = ImagesSpec {
            dataset: "noise".to_owned(),
            files: Digest::of(b"noise"),
            train_size: None,
            test_size: None,
            validation_fraction: 0.2,
            augment: Augment::CropFlip,
        };
        any.data = DataSpec::Images(images);
        any.model = ModelSpec::CifarResnet { blocks: 1, width: 4 };
    }
    if stream.random_range(0..2) == 1 {
        any.observe =
            Observe { test_every: 2, test_points: 7, gradients_every: 3, weights: true, ..Observe::default() };
    }
    let around = stream.random_range(0.0..0.8);
    let spread = [0.01, 0.2, 1.0][stream.random_range(0..3)];
    let mut chosen: Vec<u32> = (0..stream.random_range(1..8))
        .map(|_| ((around + stream.random::<f64>() * spread) * 1e4) as u32 * 100)
        .collect();
    chosen.extend((stream.random_range(0..2) == 1).then_some(0));
    chosen.sort_unstable();
    chosen.dedup();
    any.levels = chosen.into_iter().map(Level::from_millionths).collect();
    any
}

#[test]
fn every_member_of_any_small_group_leaves_what_it_leaves_alone() {
    let stream = &mut Streams::new(5, "tree", 0).stream(Purpose::Data, 0);
    let (mut amid, mut never, mut together, mut started) = (0, 0, 0, 0);
    for case in 0..60 {
        let plan = plan(vec![any(stream)]);
        let expected = alone(&plan);
        let jobs = stream.random_range(1..5);
        let (_folder, store) = store();
        train(&plan, &store, jobs, (NEVER, None));
        assert!(files(&store) == expected, "case {case}: {jobs} jobs, {:#?}", plan.settings[0]);
        let batches = 30_u64.div_ceil(u64::from(plan.settings[0].batch_size));
        let crossings: Vec<FirstCrossing> = records(&plan, &store).iter().filter_map(|r| r.first_crossing).collect();
        for (i, crossing) in crossings.iter().enumerate() {
            match crossing {
                FirstCrossing::Never => never += 1,
                FirstCrossing::Step(step) => {
                    amid += usize::from(batches > 1 && step % batches > 1);
                    started += usize::from(*step == 1);
                    together += usize::from(crossings[..i].contains(crossing));
                }
            }
        }
    }
    assert!(amid > 20 && never > 20 && together > 20 && started > 5, "{amid} {never} {together} {started}");
}

#[test]
fn an_interrupted_group_resumes_to_the_same_bytes_wherever_it_was_stopped() {
    let stream = &mut Streams::new(6, "tree", 0).stream(Purpose::Data, 0);
    for case in 0..25 {
        let plan = plan(vec![any(stream)]);
        let expected = alone(&plan);
        let (_folder, store) = store();
        for _ in 0..4 {
            let stop_after = Some(stream.random_range(1..8));
            train(&plan, &store, stream.random_range(1..4), (Duration::ZERO, stop_after));
        }
        let heard = train(&plan, &store, stream.random_range(1..4), (Duration::ZERO, None));
        let warnings = heard.warnings.lock().unwrap();
        assert!(!warnings.iter().any(|warning| warning.contains("checkpoint")), "{warnings:?}");
        assert!(files(&store) == expected, "case {case}: {:#?}", plan.settings[0]);
    }
}

#[test]
fn a_part_of_the_levels_leaves_what_the_whole_leaves() {
    let stream = &mut Streams::new(7, "tree", 0).stream(Purpose::Data, 0);
    for _ in 0..10 {
        let whole = plan(vec![any(stream)]);
        let (_folder, store) = store();
        let mut part = whole.clone();
        part.settings[0].levels.retain(|_| stream.random_range(0..2) == 1);
        train(&part, &store, 2, (Duration::ZERO, Some(3)));
        train(&whole, &store, 1, (Duration::ZERO, Some(3)));
        train(&part, &store, 2, (NEVER, None));
        train(&whole, &store, 2, (NEVER, None));
        assert!(files(&store) == alone(&whole));
    }
}

#[test]
fn levels_that_no_loss_reaches_cost_one_run() {
    let mut plan = plan(vec![setting("low", &[0.0, 1e-6, 2e-6, 3e-6, 4e-6, 5e-6, 6e-6, 7e-6, 8e-6, 9e-6, 1e-5])]);
    plan.settings[0].trials = 1;
    let (_folder, store) = store();
    let heard = train(&plan, &store, 1, (NEVER, None));
    assert_eq!(heard.epochs.lock().unwrap().len(), 6, "eleven runs, six epochs in all");
    for (record, level) in records(&plan, &store).iter().zip(&plan.settings[0].levels) {
        assert_eq!(record.status, Status::Complete);
        assert_eq!(record.first_crossing, (!level.is_zero()).then_some(FirstCrossing::Never));
        assert_eq!(record.summary, records(&plan, &store)[0].summary, "{level}");
    }
    assert!(files(&store) == alone(&plan));
}

#[test]
fn a_path_that_diverges_fails_only_the_levels_that_are_still_on_it() {
    let mut plan = plan(vec![setting("clouds", &[0.0, 0.3, 5.0])]);
    plan.settings[0].trials = 1;
    // The plain run explodes; at b = 5 every step goes uphill from the first, at a rate that is kept small by the flood.
    plan.settings[0].optimiser = OptimiserSpec::Sgd { lr: 1e20, momentum: 0.0, weight_decay: 0.0 };
    let (_folder, store) = store();
    train(&plan, &store, 1, (NEVER, None));
    assert!(files(&store) == alone(&plan));
    let steps: Vec<_> = records(&plan, &store)
        .iter()
        .map(|record| match &record.status {
            Status::Failed { step, .. } => *step,
            Status::Complete => 0,
        })
        .collect();
    assert!(steps.iter().any(|step| *step > 0), "{steps:?}");
}

#[test]
fn objectives_of_single_examples_and_weights_of_their_own_share_nothing() {
    for change in [
        (|s: &mut Setting| s.objective = Objective::IFlood) as fn(&mut Setting),
        |s| s.objective = Objective::SoftAd,
        |s| s.initial_weights = InitialWeights::PerLevel,
    ] {
        let mut plan = plan(vec![setting("clouds", &[0.0, 1e-6, 0.3])]);
        plan.settings[0].trials = 1;
        change(&mut plan.settings[0]);
        let (_folder, store) = store();
        let heard = train(&plan, &store, 2, (NEVER, None));
        assert_eq!(heard.epochs.lock().unwrap().len(), 3 * 6);
        assert!(files(&store) == alone(&plan));
    }
}

#[test]
fn without_flooding_all_levels_are_one_run() {
    let mut plan = plan(vec![setting("clouds", &[0.0, 0.2, 0.4])]);
    plan.settings[0].objective = Objective::None;
    plan.settings[0].trials = 1;
    let (_folder, store) = store();
    assert_eq!(train(&plan, &store, 1, (NEVER, None)).epochs.lock().unwrap().len(), 6);
    assert!(records(&plan, &store).iter().all(|record| record.first_crossing.is_none()));
    assert!(files(&store) == alone(&plan));
}

#[test]
fn a_network_that_grows_trains_its_members_as_they_are_trained_alone() {
    let stream = &mut Streams::new(8, "tree", 0).stream(Purpose::Data, 0);
    for case in 0..20 {
        let setting = any(stream);
        let plan = plan(vec![setting]);
        let runs: Vec<RunSpec> = plan.runs().collect();
        let splits = Everything(Clouds::default()).splits(&runs[0]).unwrap();
        let together = trained_together(&FastCpu::default(), &runs, &splits);
        for (run, member) in runs.iter().zip(together) {
            let single = trained_together(&FastCpu::default(), std::slice::from_ref(run), &splits).remove(0);
            assert_eq!(member.history, single.history, "case {case} b{}: {:#?}", run.level, plan.settings[0]);
            assert_eq!((&member.result, member.first_crossing), (&single.result, single.first_crossing));
            assert_eq!(member.weights, single.weights);
        }
    }
    // On operations that another device runs, too.
    let plan = plan(vec![setting("clouds", &[0.0, 0.3, 0.5, 0.6])]);
    let runs: Vec<RunSpec> = plan.runs().filter(|run| run.trial == 0).collect();
    let splits = Everything(Clouds::default()).splits(&runs[0]).unwrap();
    let backend = Composite::new(Cpu::default());
    for (run, member) in runs.iter().zip(trained_together(&backend, &runs, &splits)) {
        let single = trained_together(&backend, std::slice::from_ref(run), &splits).remove(0);
        for (a, b) in member.history.iter().zip(&single.history) {
            assert!((a.batch_loss - b.batch_loss).abs() < 1e-4, "{run:?}: {a:?} against {b:?}");
        }
    }
}

#[test]
fn groups_are_runs_that_differ_in_the_level_alone() {
    use flooding_core::group::Group;
    let mut plan = plan(vec![setting("a", &[0.0, 0.2]), setting("b", &[0.1])]);
    plan.settings[1].epochs = 7;
    let mut runs: Vec<RunSpec> = plan.runs().collect();
    runs.reverse();
    let groups = Group::of(runs.clone());
    let of = |group: &Group| (group.setting().to_owned(), group.trial(), group.levels().to_vec());
    let expected = [
        ("b".to_owned(), 1, levels(&[0.1])),
        ("b".to_owned(), 0, levels(&[0.1])),
        ("a".to_owned(), 1, levels(&[0.0, 0.2])),
        ("a".to_owned(), 0, levels(&[0.0, 0.2])),
    ];
    assert_eq!(groups.iter().map(of).collect::<Vec<_>>(), expected);
    assert_eq!(groups.iter().flat_map(Group::runs).count(), runs.len());
    assert!(groups.iter().flat_map(Group::runs).all(|run| runs.contains(&run)));
    let another = RunSpec { batch_size: 3, ..runs[0].clone() };
    assert_eq!(Group::of([runs[0].clone(), another]).len(), 2, "another batch size is another group");
}
