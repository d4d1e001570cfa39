//! The stage writes its tables once and knows when they are out of date.

use std::fs;

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_core::plan::{Overrides, Plan, TheoremPlan};
use flooding_core::store::Store;
use flooding_core::work::{Decision, Reason, StageReport};
use flooding_tables::{Rows, TheoremCheck, TheoremRow};
use flooding_verify::{VerifyError, prepare};

fn plan() -> Plan {
    Plan {
        profile: "test".into(),
        summary: String::new(),
        master_seed: 7,
        settings: Vec::new(),
        left_out: Vec::new(),
        readings: Vec::new(),
        reading_labels: Vec::new(),
        margin: None,
        theorem: TheoremPlan {
            repetitions: 5_000,
            sample_sizes: vec![1, 10],
            levels_over_risk: vec![0.0, 0.5, 1.0, 1.5],
            scenarios: vec![
                Scenario::Bernoulli { p: 0.3 },
                Scenario::Constant { c: 0.5 },
                Scenario::CrossEntropy { alpha: 1.0, eps: 0.1, m: 1.0, d: 10 },
            ],
        },
        overrides: Overrides::default(),
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    (folder, store)
}

fn run(plan: &Plan, store: &Store, context: &Context) -> Result<StageReport, VerifyError> {
    prepare(plan, store, context)?.run()
}

fn decisions(plan: &Plan, store: &Store) -> Vec<Decision> {
    prepare(plan, store, &Context::default()).unwrap().items.into_iter().map(|item| item.decision).collect()
}

fn file(store: &Store, name: &str) -> Vec<u8> {
    fs::read(store.layout().theorem().join(name)).unwrap()
}

#[test]
fn the_tables_hold_every_cell_and_every_statement_and_all_pass() {
    let (_folder, store) = store();
    let report = run(&plan(), &store, &Context::default()).unwrap();
    assert_eq!((report.done, report.skipped, report.interrupted), (4, 0, false));
    let theorem = store.layout().theorem();
    let rows: Rows<TheoremRow> = store.read_document(&theorem.join("theorem.json")).unwrap().unwrap();
    assert_eq!(rows.0.len(), 24);
    assert_eq!((rows.0[0].sample_size, rows.0[0].level, rows.0[3].level), (1, 0.0, 0.45));
    let checks: Rows<TheoremCheck> = store.read_document(&theorem.join("theorem_checks.json")).unwrap().unwrap();
    assert_eq!(checks.0.len(), 14);
    for check in &checks.0 {
        assert!(check.passed, "{}: {}", check.statement, check.detail);
    }
    let text = String::from_utf8(file(&store, "theorem.csv")).unwrap();
    assert_eq!(text.lines().count(), 25);
    assert!(
        text.starts_with("scenario,sample_size,level,risk,mse_empirical_exact,mse_empirical_mc,mse_empirical_se"),
        "{text}"
    );
    assert_eq!(String::from_utf8(file(&store, "theorem_checks.csv")).unwrap().lines().count(), 15);
}

#[test]
fn a_second_run_does_nothing_and_says_so() {
    let (_folder, store) = store();
    assert!(decisions(&plan(), &store).iter().all(|d| *d == Decision::Run(Reason::New)));
    run(&plan(), &store, &Context::default()).unwrap();
    assert!(decisions(&plan(), &store).iter().all(|d| *d == Decision::Skip(Reason::UpToDate)));
    let report = run(&plan(), &store, &Context::default()).unwrap();
    assert_eq!((report.done, report.skipped), (0, 4));
    let forced = Context { force: true, ..Context::default() };
    assert_eq!(run(&plan(), &store, &forced).unwrap().done, 4);
}

#[test]
fn the_tables_are_the_same_bytes_whatever_the_number_of_jobs() {
    let ((_a, one), (_b, three)) = (store(), store());
    run(&plan(), &one, &Context::default()).unwrap();
    run(&plan(), &three, &Context { jobs: 3, ..Context::default() }).unwrap();
    for name in ["theorem.json", "theorem_checks.json", "theorem.csv", "theorem_checks.csv", "manifest.json"] {
        assert_eq!(file(&one, name), file(&three, name), "{name}");
    }
}

#[test]
fn more_repetitions_redo_everything_and_one_more_scenario_redoes_only_itself_and_the_tables() {
    let (_folder, store) = store();
    let mut plan = plan();
    run(&plan, &store, &Context::default()).unwrap();
    plan.theorem.scenarios.push(Scenario::Gaussian { mu: 0.5, s: 0.2 });
    let found = decisions(&plan, &store);
    assert_eq!(found[3], Decision::Run(Reason::New));
    let input = "gaussian mu=0.5 s=0.2".to_owned();
    assert_eq!(found[4], Decision::Run(Reason::InputChanged { input }));
    assert_eq!(run(&plan, &store, &Context::default()).unwrap().done, 2);
    plan.theorem.repetitions = 6_000;
    let reason = Reason::SpecificationChanged { key: "repetitions".into(), from: "5000".into(), to: "6000".into() };
    assert_eq!(decisions(&plan, &store)[0], Decision::Run(reason));
    assert_eq!(run(&plan, &store, &Context::default()).unwrap().done, 5);
}

#[test]
fn a_scenario_that_is_dropped_leaves_the_tables() {
    let (_folder, store) = store();
    let mut plan = plan();
    run(&plan, &store, &Context::default()).unwrap();
    plan.theorem.scenarios.remove(1);
    assert!(matches!(decisions(&plan, &store)[2], Decision::Run(Reason::InputChanged { .. })));
    assert_eq!(run(&plan, &store, &Context::default()).unwrap().done, 1);
    assert_eq!(String::from_utf8(file(&store, "theorem.csv")).unwrap().lines().count(), 17);
}

#[test]
fn damaged_tables_and_damaged_parts_are_made_again_as_they_were() {
    let (_folder, store) = store();
    run(&plan(), &store, &Context::default()).unwrap();
    let whole = file(&store, "theorem.json");
    let path = store.layout().theorem();
    fs::write(path.join("theorem.json"), "{").unwrap();
    assert!(matches!(decisions(&plan(), &store)[3], Decision::Run(Reason::Damaged { .. })));
    assert_eq!(run(&plan(), &store, &Context::default()).unwrap().done, 1);
    fs::write(path.join("parts/bernoulli_p=0.3.json"), "{").unwrap();
    assert!(matches!(decisions(&plan(), &store)[0], Decision::Run(Reason::Damaged { .. })));
    assert_eq!(run(&plan(), &store, &Context::default()).unwrap().done, 2);
    assert_eq!(file(&store, "theorem.json"), whole);
}

#[test]
fn an_interrupted_stage_writes_no_tables_and_says_so() {
    let (_folder, store) = store();
    let context = Context::default();
    context.stop.raise();
    let report = run(&plan(), &store, &context).unwrap();
    assert!(report.interrupted && report.done == 0);
    assert!(!store.layout().theorem().join("theorem.json").exists());
    assert_eq!(run(&plan(), &store, &Context::default()).unwrap().done, 4);
}
