//! When the training and the test set are evaluated, when flooding begins, and which draws runs share.

mod support;

use flooding_core::plan::{Plan, Setting};
use flooding_core::record::{FirstCrossing, History, Record};
use flooding_core::spec::{InitialWeights, Observe, RunSpec};
use flooding_core::store::{Layout, Store};
use support::{Clouds, jobs, plan, setting, store};

/// Trains the plan and reads back each run's record and history.
fn trained(plan: &Plan, store: &Store) -> Vec<(RunSpec, Record, History)> {
    let report = support::run(plan, store, &jobs(1), &Clouds::default()).unwrap();
    assert!(report.missing.is_empty(), "{:?}", report.missing);
    let read = |spec: RunSpec| {
        let folder = store.layout().run(&spec);
        let record: Record = store.read_document(&folder.join(Layout::RECORD)).unwrap().unwrap();
        let text = String::from_utf8(store.read(&folder.join(Layout::HISTORY)).unwrap().unwrap()).unwrap();
        (spec, record, History::from_csv(&text).unwrap())
    };
    plan.runs().map(read).collect()
}

fn observing(observe: Observe) -> Plan {
    plan(vec![Setting { observe, epochs: 7, trials: 1, ..setting("clouds", &[0.0, 0.3]) }])
}

#[test]
fn a_training_set_evaluated_less_often_leaves_the_same_numbers_at_fewer_epochs() {
    let ((_often, every), (_seldom, third)) = (store(), store());
    let all = trained(&observing(Observe::default()), &every);
    let some = trained(&observing(Observe { train_every: 3, ..Observe::default() }), &third);
    for ((_, often, full), (_, seldom, thinned)) in all.iter().zip(&some) {
        assert_eq!(often.summary, seldom.summary);
        let selected = seldom.summary.as_ref().unwrap().best.epoch;
        for (row, thin) in full.rows.iter().zip(&thinned.rows) {
            assert_eq!((row.batch_loss, row.validation, row.test), (thin.batch_loss, thin.validation, thin.test));
            let is_due = thin.epoch.is_multiple_of(3) || thin.epoch == 7 || thin.epoch == selected;
            assert_eq!(thin.train, row.train.filter(|_| is_due), "epoch {}", thin.epoch);
        }
    }
}

#[test]
fn a_fixed_test_subset_is_used_for_the_whole_curve_and_the_summary_has_the_whole_set() {
    let ((_a, jumping), (_b, fixed)) = (store(), store());
    let observe = Observe { test_every: 2, test_points: 9, ..Observe::default() };
    let before = trained(&observing(observe), &jumping);
    let after = trained(&observing(Observe { fixed_test_subset: true, ..observe }), &fixed);
    for ((_, before, jumps), (_, after, curve)) in before.iter().zip(&after) {
        assert_eq!(before.summary, after.summary, "outcomes are those of the whole set either way");
        let last = |history: &History| history.rows.last().unwrap().test.unwrap();
        assert_eq!(last(jumps), before.summary.as_ref().unwrap().last.test);
        assert_ne!(last(curve), last(jumps));
        // Nine examples: the accuracy is a multiple of a ninth at every point of the curve.
        for test in curve.rows.iter().filter_map(|row| row.test) {
            assert!((test.accuracy * 9.0 - (test.accuracy * 9.0).round()).abs() < 1e-9, "{test:?}");
        }
    }
}

#[test]
fn the_record_says_at_which_step_flooding_began_or_that_it_never_did() {
    let (_folder, store) = store();
    let plan = plan(vec![Setting { trials: 1, ..setting("clouds", &[0.0, 1e-6, 0.6, 5.0]) }]);
    let found: Vec<_> = trained(&plan, &store).into_iter().map(|(_, record, _)| record).collect();
    let began: Vec<_> = found.iter().map(|record| record.first_crossing).collect();
    assert_eq!(began[..2], [None, Some(FirstCrossing::Never)]);
    assert!(matches!(began[2], Some(FirstCrossing::Step(2..))), "{began:?}");
    assert_eq!(began[3], Some(FirstCrossing::Step(1)));
    assert_eq!(found[0].history, found[1].history, "a level that is never reached trains as the plain run");
}

#[test]
fn levels_with_initial_weights_of_their_own_share_all_other_draws_and_the_baseline() {
    let ((_a, shared), (_b, own)) = (store(), store());
    let base = Setting { trials: 1, epochs: 1, ..setting("clouds", &[0.0, 1e-6]) };
    let per_level = Setting { initial_weights: InitialWeights::PerLevel, ..base.clone() };
    let (shared, own) = (trained(&plan(vec![base]), &shared), trained(&plan(vec![per_level]), &own));
    assert_eq!(shared[0].2, own[0].2, "b = 0 has the weights that are shared otherwise");
    assert_ne!(shared[1].2, own[1].2);
    assert_eq!(shared[1].1.data, own[1].1.data);
}

#[test]
fn a_setting_can_use_the_random_streams_of_another() {
    let (_folder, store) = store();
    let one = Setting { trials: 1, ..setting("clouds", &[0.0]) };
    let other = Setting { streams_of: Some("clouds".to_owned()), trials: 1, ..setting("control", &[0.0]) };
    let runs = trained(&plan(vec![one, other]), &store);
    assert_eq!(runs[0].2, runs[1].2);
    assert_ne!(runs[0].1.key, runs[1].1.key);
}
