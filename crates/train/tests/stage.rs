//! The stage as a whole: what it leaves on disk, what it skips, and what it does when things go wrong.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use flooding_core::context::Context;
use flooding_core::plan::Plan;
use flooding_core::progress::{Progress, StopFlag};
use flooding_core::record::{History, Provenance, Record, Status};
use flooding_core::spec::{ModelSpec, Objective, Observe, OptimiserSpec};
use flooding_core::store::{Layout, Store};
use flooding_core::work::{Decision, Reason};
use support::{Clouds, jobs, plan, run, setting, store, work};

fn records(plan: &Plan, store: &Store) -> Vec<Record> {
    let read = |spec| store.read_document(&store.layout().run(&spec).join(Layout::RECORD)).unwrap();
    plan.runs().map(|spec| read(spec).unwrap_or_else(|| panic!("a record is missing"))).collect()
}

/// Every file under `folder` but provenances, with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else if !path.ends_with(Layout::PROVENANCE) {
            found.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn every_run_leaves_a_record_a_history_and_its_provenance() {
    let ((_folder, store), plan) = (store(), plan(vec![setting("clouds", &[0.0, 0.2])]));
    let report = run(&plan, &store, &jobs(1), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.skipped, report.missing.len(), report.interrupted), (4, 0, 0, false));
    for (spec, record) in plan.runs().zip(records(&plan, &store)) {
        assert_eq!((&record.spec, record.key, record.status), (&spec, spec.key(), Status::Complete));
        assert_eq!((record.examples, record.parameters), ([30, 20, 50], 2 * 16 + 16 + 16 * 16 + 16 + 16 * 2 + 2));
        let folder = store.layout().run(&spec);
        let text = String::from_utf8(store.read(&folder.join(Layout::HISTORY)).unwrap().unwrap()).unwrap();
        let rows = History::from_csv(&text).unwrap().rows;
        let summary = record.summary.unwrap();
        assert_eq!(rows.len(), 6);
        assert_eq!((summary.last.epoch, Some(summary.last.train)), (6, rows[5].train));
        let best = rows.iter().map(|row| row.validation.accuracy).fold(0.0, f64::max);
        let first = rows.iter().find(|row| row.validation.accuracy == best).unwrap();
        assert_eq!((summary.best.epoch, summary.best.validation), (first.epoch, first.validation));
        assert_eq!(Some(summary.best.test), first.test);
        let tested = rows.iter().filter(|row| row.test.is_some()).count();
        assert_eq!(tested, if first.epoch == 6 { 1 } else { 2 }, "the test set is looked at twice at most");
        let provenance: Provenance = store.read_document(&folder.join(Layout::PROVENANCE)).unwrap().unwrap();
        assert!(provenance.seconds >= provenance.training_seconds);
        assert_eq!(provenance.device, "cpu");
    }
}

#[test]
fn records_do_not_depend_on_the_number_of_threads_or_the_order_of_the_runs() {
    let kinds = |mut plan: Plan, reversed: bool| {
        plan.settings[0].observe =
            Observe { test_every: 4, test_points: 9, gradients_every: 3, weights: true, ..Observe::default() };
        if reversed {
            plan.settings.reverse();
        }
        plan
    };
    let plan = plan(vec![setting("clouds", &[0.0, 0.2, 0.4]), setting("more-clouds", &[0.1])]);
    let of = |jobs_: usize, reversed: bool| {
        let (folder, store) = store();
        run(&kinds(plan.clone(), reversed && jobs_ > 1), &store, &jobs(jobs_), &Clouds::default()).unwrap();
        let files = files(&store.layout().runs());
        drop(folder);
        files
    };
    let one = of(1, false);
    assert_eq!(one.len(), 8 * 2 + one.keys().filter(|name| name.ends_with("safetensors")).count());
    assert!(one == of(2, false), "two threads left different bytes");
}

#[test]
fn a_second_run_does_nothing_and_says_that_all_is_up_to_date() {
    let ((_folder, store), plan) = (store(), plan(vec![setting("clouds", &[0.0, 0.2])]));
    run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    let source = Clouds::default();
    let report = run(&plan, &store, &jobs(2), &source).unwrap();
    assert_eq!((report.done, report.skipped), (0, 4));
    assert_eq!(source.asked.load(Ordering::Relaxed), 0, "nothing to train needs no data");
    for item in work(&plan, &store, &jobs(1)).unwrap() {
        assert_eq!(item.decision, Decision::Skip(Reason::UpToDate));
    }
}

#[test]
fn the_data_of_a_trial_are_asked_for_once_for_all_levels() {
    let ((_folder, store), plan) = (store(), plan(vec![setting("clouds", &[0.0, 0.1, 0.2, 0.3])]));
    let source = Clouds::default();
    run(&plan, &store, &jobs(2), &source).unwrap();
    assert_eq!(source.asked.load(Ordering::Relaxed), 2, "one for each of two trials");
}

#[test]
fn each_reason_to_train_again_is_reported() {
    let ((_folder, store), mut plan) = (store(), plan(vec![setting("clouds", &[0.0, 0.2])]));
    let reason = |plan: &Plan, at: usize| match &work(plan, &store, &jobs(1)).unwrap()[at].decision {
        Decision::Run(reason) | Decision::Skip(reason) => reason.clone(),
    };
    assert_eq!(reason(&plan, 0), Reason::New);
    run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();

    let mut forced = jobs(1);
    forced.force = true;
    assert_eq!(work(&plan, &store, &forced).unwrap()[3].decision, Decision::Run(Reason::Forced));

    let folder = |at: usize| store.layout().run(&plan.runs().nth(at).unwrap());
    fs::write(folder(0).join(Layout::HISTORY), "epoch\n").unwrap();
    fs::write(folder(1).join(Layout::RECORD), "{").unwrap();
    fs::remove_file(folder(2).join(Layout::HISTORY)).unwrap();
    fs::remove_file(folder(3).join(Layout::RECORD)).unwrap();
    for at in 0..3 {
        assert!(matches!(reason(&plan, at), Reason::Damaged { .. }), "run {at}: {}", reason(&plan, at));
    }
    assert_eq!(reason(&plan, 3), Reason::New, "without a record, the run was interrupted");
    assert_eq!(run(&plan, &store, &jobs(2), &Clouds::default()).unwrap().done, 4);

    plan.settings[0].epochs = 4;
    plan.settings[0].reduced = vec!["epochs".to_owned()];
    let changed = Reason::SpecificationChanged { key: "epochs".into(), from: "6".into(), to: "4".into() };
    assert_eq!(reason(&plan, 0), changed);
    plan.settings[0].epochs = 6;
    plan.settings[0].reduced.clear();
    plan.settings[0].model = ModelSpec::Mlp { hidden: vec![16, 16], batch_norm: true };
    let key = "model.batch_norm".to_owned();
    assert_eq!(reason(&plan, 0), Reason::SpecificationChanged { key, from: "false".into(), to: "true".into() });
}

#[test]
fn a_level_of_zero_equals_the_plain_objective_bit_for_bit() {
    let mut plain = setting("clouds", &[0.0]);
    plain.objective = Objective::None;
    let history = |setting| {
        let ((_folder, store), plan) = (store(), plan(vec![setting]));
        run(&plan, &store, &jobs(1), &Clouds::default()).unwrap();
        records(&plan, &store).into_iter().map(|record| (record.history, record.summary)).collect::<Vec<_>>()
    };
    assert_eq!(history(setting("clouds", &[0.0])), history(plain));
}

#[test]
fn a_run_whose_loss_explodes_is_recorded_as_failed_and_the_others_go_on() {
    let ((_folder, store), mut plan) =
        (store(), plan(vec![setting("poisoned", &[0.0]), setting("panicking", &[0.1]), setting("clouds", &[0.0])]));
    for setting in &mut plan.settings {
        setting.trials = 1;
    }
    let report = run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (1, 2));
    assert_eq!(report.missing[0].id, "panicking t00 b0.10");
    let records = records(&plan, &store);
    let Status::Failed { cause, step, .. } = &records[0].status else { panic!("poisoned data cannot be learned") };
    assert!(cause.contains("training loss is NaN") && *step <= 3, "{cause} at {step}");
    let Status::Failed { cause, .. } = &records[1].status else { panic!("label 77 of 2 classes cannot be learned") };
    assert!(cause.contains("panicked"), "{cause}");
    assert!(records[0].summary.is_none() && records[2].summary.is_some());
    let decision = &work(&plan, &store, &jobs(1)).unwrap()[0].decision;
    assert!(matches!(decision, Decision::Run(Reason::FailedBefore { .. })), "{decision:?}");
}

#[test]
fn sgd_with_a_huge_rate_fails_at_the_step_where_the_loss_is_no_longer_finite() {
    let ((_folder, store), mut plan) = (store(), plan(vec![setting("clouds", &[0.0])]));
    plan.settings[0].optimiser = OptimiserSpec::Sgd { lr: 1e12, momentum: 0.9, weight_decay: 0.0 };
    plan.settings[0].trials = 1;
    let report = run(&plan, &store, &jobs(1), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (0, 1));
    let record = records(&plan, &store).remove(0);
    let Status::Failed { step, last_finite_loss, .. } = record.status else { panic!("{:?}", record.status) };
    assert!(step > 1 && last_finite_loss.is_some_and(f32::is_finite), "step {step}: {last_finite_loss:?}");
}

#[test]
fn with_fail_fast_the_first_failure_stops_the_stage() {
    let ((_folder, store), plan) = (store(), plan(vec![setting("poisoned", &[0.0, 0.1, 0.2])]));
    let context = Context { fail_fast: true, ..jobs(1) };
    let report = run(&plan, &store, &context, &Clouds::default()).unwrap();
    // The levels that shared the failing path fail with it; the other trial is not begun.
    assert_eq!((report.missing.len(), report.interrupted), (3, true));
}

#[test]
fn a_missing_dataset_is_one_missing_result_and_the_others_are_trained() {
    let ((_folder, store), plan) = (store(), plan(vec![setting("missing", &[0.0, 0.1]), setting("clouds", &[0.0])]));
    let mut plan = plan;
    if let flooding_core::spec::DataSpec::Synthetic(data) = &mut plan.settings[0].data {
        data.distribution = flooding_core::spec::Distribution::Spiral { tau: 0.5 };
    }
    let report = run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (2, 1));
    assert_eq!((&*report.missing[0].id, &*report.missing[0].why), ("spiral", "no network and no mirror"));
}

#[test]
fn a_dataset_whose_reader_panics_is_one_missing_result_and_the_others_are_trained() {
    let ((_folder, store), mut plan) =
        (store(), plan(vec![setting("unreadable", &[0.0, 0.1]), setting("clouds", &[0.0])]));
    if let flooding_core::spec::DataSpec::Synthetic(data) = &mut plan.settings[0].data {
        data.distribution = flooding_core::spec::Distribution::Spiral { tau: 0.5 };
    }
    let report = run(&plan, &store, &jobs(2), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.missing.len()), (2, 1));
    assert_eq!(
        (&*report.missing[0].id, &*report.missing[0].why),
        ("spiral", "reading it panicked: no end of the spiral")
    );
}

/// Raises the stop flag after so many finished runs, and notes what it hears.
struct StopAfter {
    stop: StopFlag,
    left: AtomicU64,
    heard: Mutex<Vec<String>>,
}

impl Progress for StopAfter {
    fn stage_started(&self, stage: &str, total: u64, unit: &str) {
        self.heard.lock().unwrap().push(format!("{stage}: {total} {unit}s"));
    }
    fn item_started(&self, id: &str, steps: u64) {
        self.heard.lock().unwrap().push(format!("{id}: {steps}"));
    }
    fn item_advanced(&self, _: &str, _: u64) {}
    fn item_finished(&self, id: &str, note: &str) {
        self.heard.lock().unwrap().push(format!("{id}: {note}"));
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.stop.raise();
        }
    }
    fn stage_finished(&self) {}
    fn warn(&self, _: &str) {}
}

#[test]
fn an_interrupted_stage_keeps_what_is_done_and_resumes_to_the_same_records() {
    let plan = plan(vec![setting("clouds", &[0.0, 0.1, 0.2])]);
    let (_whole, uninterrupted) = store();
    run(&plan, &uninterrupted, &jobs(1), &Clouds::default()).unwrap();

    let (_folder, store) = store();
    let stop = StopFlag::default();
    let progress = Arc::new(StopAfter { stop: stop.clone(), left: AtomicU64::new(2), heard: Mutex::default() });
    let context = Context { stop, progress: progress.clone(), ..jobs(1) };
    let report = run(&plan, &store, &context, &Clouds::default()).unwrap();
    // The levels of a trial share their path and end together.
    assert_eq!((report.done, report.interrupted), (3, true));
    let heard = progress.heard.lock().unwrap();
    assert_eq!(heard[..2], ["train: 6 runs", "clouds t00: 6"]);
    assert!(heard[2].starts_with("clouds t00") && heard[2].ends_with('%'), "{}", heard[2]);

    let report = run(&plan, &store, &jobs(1), &Clouds::default()).unwrap();
    assert_eq!((report.done, report.skipped), (3, 3));
    assert!(files(&store.layout().runs()) == files(&uninterrupted.layout().runs()));
}

#[test]
#[cfg(not(feature = "cuda"))]
fn without_cuda_in_the_build_the_device_is_refused_before_any_work() {
    use flooding_core::context::DeviceChoice;
    use flooding_engine::EngineError;
    use flooding_train::TrainError;
    let ((_folder, store), plan) = (store(), plan(vec![setting("clouds", &[0.0])]));
    let context = Context { devices: DeviceChoice::Cuda(0).into(), ..jobs(1) };
    let source = Clouds::default();
    let error = run(&plan, &store, &context, &source).unwrap_err();
    assert!(matches!(error, TrainError::Engine(EngineError::Cuda { ordinal: 0, .. })));
    assert!(error.to_string().contains("--features cuda"), "{error}");
    assert_eq!(source.asked.load(Ordering::Relaxed), 0);
}
