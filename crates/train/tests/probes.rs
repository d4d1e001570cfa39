//! Probes of runs that are trained again: made with the training or later, once, and again only when their runs change.

mod support;

use std::fs;

use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::record::Record;
use flooding_core::spec::ModelSpec;
use flooding_core::store::{Document, Layout, Store};
use flooding_core::work::{Decision, Reason};
use flooding_tables::probes::{CONFIDENCE_BINS, Calibration, Flatness, ProbedModel, Replay};
use flooding_train::probes::{self, Kind};
use support::{Clouds, jobs, plan, setting, store};

fn probed() -> Setting {
    // The initial loss is about 0.7, so both levels are reached at once or never: 0.6 is.
    Setting { probes: 1, epochs: 8, ..setting("clouds", &[0.0, 0.6]) }
}

/// The same with batch normalisation and more than one batch an epoch.
fn normalised() -> Setting {
    Setting { model: ModelSpec::Mlp { hidden: vec![16, 16], batch_norm: true }, ..probed() }
}

fn document<T: Document>(store: &Store, kind: Kind) -> T {
    let path = store.layout().probes("clouds", 0).join(format!("{}.json", kind.name()));
    store.read_document(&path).unwrap().unwrap()
}

fn record(plan: &Plan, store: &Store, level: f64) -> Record {
    let level = Level::try_from(level).unwrap();
    let spec = plan.runs().find(|run| run.trial == 0 && run.level == level).unwrap();
    store.read_document(&store.layout().run(&spec).join(Layout::RECORD)).unwrap().unwrap()
}

fn trained() -> (tempfile::TempDir, Store, Plan) {
    trained_as(probed())
}

fn trained_as(setting: Setting) -> (tempfile::TempDir, Store, Plan) {
    let (folder, store) = store();
    let plan = plan(vec![setting]);
    let report = support::run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    // Four runs, and three probes of the one trial that is probed.
    assert_eq!((report.done, report.missing.len()), (7, 0), "{report:?}");
    (folder, store, plan)
}

#[test]
fn training_ends_with_the_probes_of_the_trials_that_are_probed_and_no_run_keeps_weights() {
    let (_folder, store, plan) = trained();
    assert!(plan.runs().all(|run| record(&plan, &store, run.level.value()).files.is_empty()));
    let flatness: Flatness = document(&store, Kind::Flatness);
    let models: Vec<ProbedModel> = flatness.models.iter().map(|landscape| landscape.model).collect();
    assert_eq!(models, [ProbedModel::FirstCrossing, ProbedModel::With, ProbedModel::Without]);
    assert_eq!((flatness.alphas.len(), flatness.examples), (41, [30, 50]));
    assert!(flatness.models.iter().all(|landscape| landscape.curves.len() == 5));
    assert!(store.read(&store.layout().probes("clouds", 1).join("flatness.json")).unwrap().is_none());

    // In the middle of every curve stands the loss that training recorded for these weights.
    for (model, level) in [(ProbedModel::With, 0.6), (ProbedModel::Without, 0.0)] {
        let last = record(&plan, &store, level).summary.unwrap().last;
        for curve in &flatness.models.iter().find(|landscape| landscape.model == model).unwrap().curves {
            assert!((curve.train[20].unwrap() - last.train.loss).abs() < 1e-6);
            assert!((curve.test[20].unwrap() - last.test.loss).abs() < 1e-6);
        }
    }
    let first = &flatness.models[0].curves[0].train;
    assert_ne!(first, &flatness.models[1].curves[0].train);
}

#[test]
fn calibration_counts_every_test_example_and_agrees_with_the_recorded_accuracy() {
    let (_folder, store, plan) = trained();
    let calibration: Calibration = document(&store, Kind::Calibration);
    for (reliability, level) in calibration.models.iter().zip([0.6, 0.0]) {
        assert_eq!((reliability.bins.len(), reliability.examples()), (CONFIDENCE_BINS, 50));
        let accuracy = record(&plan, &store, level).summary.unwrap().last.test.accuracy;
        assert!((reliability.accuracy() - accuracy).abs() < 1e-12);
        assert!((0.5..=1.0).contains(&reliability.confidence()));
    }
}

#[test]
fn a_replay_has_a_test_curve_of_every_epoch_that_ends_where_the_record_ends() {
    for setting in [probed(), normalised()] {
        let (_folder, store, plan) = trained_as(setting);
        let replay: Replay = document(&store, Kind::Replay);
        // All 50 test examples are fewer than a subset.
        assert_eq!((replay.test_points, replay.theorem.n), (50, 30));
        for (run, level) in replay.models.iter().zip([0.6, 0.0]) {
            let epochs: Vec<u32> = run.test.iter().map(|(epoch, ..)| *epoch).collect();
            assert_eq!(epochs, (1..=8).collect::<Vec<_>>());
            let last = record(&plan, &store, level).summary.unwrap().last.test;
            assert_eq!((run.test[7].1, run.test[7].2), (last.loss, last.accuracy));
            assert_eq!(run.gradients.len(), 8);
        }
        let with = record(&plan, &store, 0.6).summary.unwrap().last.test;
        assert!((replay.theorem.risk - with.loss).abs() < 1e-9);
    }
}

#[test]
fn a_model_caught_in_mid_epoch_has_statistics_of_its_own_weights() {
    let (_folder, store, _plan) = trained_as(normalised());
    let flatness: Flatness = document(&store, Kind::Flatness);
    let [first, ..] = &flatness.models[..] else { panic!("three models") };
    assert_eq!(first.model, ProbedModel::FirstCrossing);
    // With the statistics of the first batches the loss would be far from the 0.6 at which it was caught.
    let caught = first.curves[0].train[20].unwrap();
    assert!((caught - 0.6).abs() < 0.2, "{caught}");
}

#[test]
fn a_record_that_training_again_does_not_repeat_is_a_missing_result_and_no_probe() {
    let (_folder, store, plan) = trained();
    let mut forged = record(&plan, &store, 0.6);
    let summary = forged.summary.as_mut().unwrap();
    summary.last.train.loss += 1e-9;
    store.write_document(&store.layout().run(&forged.spec).join(Layout::RECORD), &forged).unwrap();
    let context = flooding_core::context::Context { force: true, ..jobs(1) };
    let report = support::probe(&plan, &store, &context, &Clouds::default(), &[Kind::Replay]).unwrap();
    assert_eq!((report.done, report.missing.len()), (0, 1));
    assert!(report.missing[0].why.contains("differs from its record in its results"), "{}", report.missing[0].why);
}

#[test]
fn probes_are_the_same_whatever_the_jobs_and_are_made_once() {
    let (_folder, store, plan) = trained();
    let path = store.layout().probes("clouds", 0).join("flatness.json");
    let before = fs::read(&path).unwrap();
    let again = support::run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    assert_eq!((again.done, again.skipped), (0, 7));
    fs::remove_file(&path).unwrap();
    let report = support::probe(&plan, &store, &jobs(1), &Clouds::default(), &[Kind::Flatness]).unwrap();
    assert_eq!((report.done, report.skipped), (1, 0));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_torn_probe_is_made_again_and_one_of_other_runs_too() {
    let (_folder, store, plan) = trained();
    let path = store.layout().probes("clouds", 0).join("flatness.json");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let decision = |plan: &Plan| {
        let context = jobs(1);
        let prepared = probes::prepare(plan, &store, &context, Clouds::default(), &[Kind::Flatness]).unwrap();
        prepared.items.into_iter().next().unwrap().decision
    };
    assert!(matches!(decision(&plan), Decision::Run(Reason::Damaged { .. })));
    fs::write(&path, &whole).unwrap();
    assert_eq!(decision(&plan), Decision::Skip(Reason::UpToDate));

    let longer = support::plan(vec![Setting { epochs: 9, ..probed() }]);
    support::run(&longer, &store, &jobs(1), &Clouds::default()).unwrap();
    assert_eq!(decision(&longer), Decision::Skip(Reason::UpToDate));
    assert!(matches!(decision(&plan), Decision::Run(Reason::InputChanged { .. })));
}

#[test]
fn a_trial_whose_runs_are_missing_is_a_missing_result_that_names_them() {
    let plan = plan(vec![probed()]);
    let (_folder, empty) = store();
    let report = support::probe(&plan, &empty, &jobs(1), &Clouds::default(), &[Kind::Flatness]).unwrap();
    assert_eq!((report.done, report.missing.len()), (0, 1));
    assert!(report.missing[0].why.contains("b0.00, b0.60"), "{}", report.missing[0].why);
}

#[test]
fn a_raised_stop_flag_leaves_no_probe_and_says_so() {
    let (_folder, store, plan) = trained();
    let context = flooding_core::context::Context { force: true, ..jobs(1) };
    context.stop.raise();
    let report = support::probe(&plan, &store, &context, &Clouds::default(), &Kind::ALL).unwrap();
    assert_eq!((report.done, report.interrupted), (0, true));
}
