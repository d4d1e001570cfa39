//! The stage draws what is missing, changed or damaged, and nothing else.

use std::fs;
use std::path::PathBuf;

use flooding_core::context::Context;
use flooding_core::dataset::Inputs;
use flooding_core::level::Level;
use flooding_core::plan::{Overrides, Plan, Setting, TheoremPlan};
use flooding_core::spec::{
    DataSpec, Distribution, Flip, InitialWeights, LrSchedule, ModelSpec, Objective, Observe, OptimiserSpec,
    SinusoidInputs, SyntheticSpec,
};
use flooding_core::store::Store;
use flooding_core::work::{Decision, Reason, StageReport};
use flooding_generate::{GenerateError, load, prepare};

fn run(plan: &Plan, store: &Store, context: &Context) -> Result<StageReport, GenerateError> {
    prepare(plan, store, context)?.run()
}

struct Project {
    _folder: tempfile::TempDir,
    store: Store,
}

fn project() -> Project {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    Project { _folder: folder, store }
}

impl Project {
    fn file(&self, name: &str) -> PathBuf {
        self.store.layout().data().join("synthetic").join(name)
    }

    fn reasons(&self, plan: &Plan) -> Vec<(String, Decision)> {
        let items = prepare(plan, &self.store, &Context::default()).unwrap().items;
        items.into_iter().map(|item| (item.id, item.decision)).collect()
    }
}

fn setting(id: &str, distribution: Distribution) -> Setting {
    let data =
        SyntheticSpec { distribution, train: 20, validation: 10, test: 101, label_noise: 0.1, flip: Flip::Exact };
    Setting {
        id: id.into(),
        base: id.into(),
        reading: "paper".into(),
        row: ["a".into(), "b".into()],
        table: None,
        data: DataSpec::Synthetic(data),
        model: ModelSpec::Mlp { hidden: vec![5], batch_norm: false },
        optimiser: OptimiserSpec::Sgd { lr: 0.1, momentum: 0.0, weight_decay: 0.0 },
        schedule: LrSchedule::default(),
        objective: Objective::Flood,
        batch_size: 100,
        epochs: 1,
        observe: Observe::default(),
        probes: 0,
        trials: 2,
        levels: vec![Level::ZERO],
        full_grid: (2, 1),
        reduced: Vec::new(),
        initial_weights: InitialWeights::Shared,
        streams_of: None,
    }
}

fn plan() -> Plan {
    let w = ([1.0, 0.0], [0.0, 1.0]);
    Plan {
        profile: "test".into(),
        summary: String::new(),
        master_seed: 7,
        settings: vec![
            setting("gaussians-high", Distribution::Gaussians { dimension: 10, mean: 1.0 }),
            setting("sinusoid-high", Distribution::Sinusoid { inputs: SinusoidInputs::Normal, w: w.0, w_prime: w.1 }),
            setting("spiral-high", Distribution::Spiral { tau: 0.5 }),
        ],
        left_out: Vec::new(),
        readings: Vec::new(),
        reading_labels: Vec::new(),
        margin: None,
        theorem: TheoremPlan {
            repetitions: 2,
            sample_sizes: Vec::new(),
            levels_over_risk: Vec::new(),
            scenarios: Vec::new(),
        },
        overrides: Overrides::default(),
    }
}

fn bytes_of_all_files(project: &Project) -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for setting in &plan().settings {
        let folder = project.store.layout().synthetic(&setting.id);
        for name in project.store.list(&folder).unwrap() {
            files.push(fs::read(folder.join(name)).unwrap());
        }
    }
    files
}

#[test]
fn everything_is_new_at_first_and_up_to_date_afterwards() {
    let (project, plan) = (project(), plan());
    let before = project.reasons(&plan);
    assert_eq!(before.len(), 6);
    assert_eq!(before[0], ("gaussians-high t00".to_owned(), Decision::Run(Reason::New)));
    let first = run(&plan, &project.store, &Context::default()).unwrap();
    assert_eq!((first.done, first.skipped, first.interrupted), (6, 0, false));
    assert!(project.reasons(&plan).iter().all(|(_, d)| *d == Decision::Skip(Reason::UpToDate)));
    let second = run(&plan, &project.store, &Context::default()).unwrap();
    assert_eq!((second.done, second.skipped), (0, 6));
}

#[test]
fn the_files_are_the_same_whatever_the_number_of_jobs_and_the_order_of_settings() {
    let (one, four) = (project(), project());
    run(&plan(), &one.store, &Context::default()).unwrap();
    let mut reversed = plan();
    reversed.settings.reverse();
    run(&reversed, &four.store, &Context { jobs: 4, ..Context::default() }).unwrap();
    let files = bytes_of_all_files(&one);
    assert_eq!(files.len(), 12);
    assert_eq!(files, bytes_of_all_files(&four));
}

#[test]
fn the_first_numbers_of_a_trial_never_change_between_versions() {
    let (project, plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    let mut found = Vec::new();
    for setting in &plan.settings {
        let splits = load(&setting.run(plan.master_seed, 1, Level::ZERO), &project.store).unwrap().unwrap();
        let Inputs::Real(inputs) = &splits.train.inputs else { panic!("synthetic inputs are real") };
        let flipped = (0..20).find(|&i| splits.train.labels[i] != splits.train.clean()[i]).unwrap();
        found.push((inputs[0], inputs[1], flipped));
    }
    assert_eq!(
        found,
        [(-0.179_213_78, -0.128_281_94, 2), (1.133_605, -1.392_630_9, 1), (-0.317_967_3, 0.860_527_46, 4)]
    );
}

#[test]
fn all_levels_of_a_trial_load_the_same_examples() {
    let (project, plan) = (project(), plan());
    let setting = &plan.settings[2];
    let at = |trial, level| load(&setting.run(plan.master_seed, trial, level), &project.store).unwrap();
    assert_eq!(at(0, Level::ZERO), None);
    run(&plan, &project.store, &Context::default()).unwrap();
    let splits = at(0, Level::ZERO).unwrap();
    assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len(), splits.classes), (20, 10, 101, 2));
    assert_eq!(splits, at(0, Level::from_millionths(50_000)).unwrap());
    assert_ne!(splits, at(1, Level::ZERO).unwrap());
}

#[test]
fn a_changed_specification_is_drawn_again_and_names_the_key() {
    let (project, mut plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    let DataSpec::Synthetic(spec) = &mut plan.settings[2].data else { panic!("synthetic") };
    spec.distribution = Distribution::Spiral { tau: 1.0 };
    let reason =
        Reason::SpecificationChanged { key: "data.distribution.tau".into(), from: "0.5".into(), to: "1.0".into() };
    assert_eq!(project.reasons(&plan)[4], ("spiral-high t00".to_owned(), Decision::Run(reason)));
    let wanted = plan.settings[2].run(plan.master_seed, 0, Level::ZERO);
    let error = load(&wanted, &project.store).unwrap_err();
    assert!(matches!(error, GenerateError::Stale { .. }), "{error}");
    assert!(error.to_string().contains("data.distribution.tau = 0.5, wanted is 1.0"), "{error}");
    assert_eq!(run(&plan, &project.store, &Context::default()).unwrap().done, 2);
    load(&wanted, &project.store).unwrap().unwrap();
}

#[test]
fn a_changed_seed_draws_everything_again() {
    let (project, mut plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    plan.master_seed = 8;
    let reason = Reason::SpecificationChanged { key: "master_seed".into(), from: "7".into(), to: "8".into() };
    assert!(project.reasons(&plan).iter().all(|(_, d)| *d == Decision::Run(reason.clone())));
}

#[test]
fn one_changed_byte_a_truncated_file_and_a_missing_file_are_found_and_drawn_again() {
    let (project, plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    let whole = bytes_of_all_files(&project);
    let path = project.file("spiral-high/t00.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let spec = plan.settings[2].run(plan.master_seed, 0, Level::ZERO);
    for damage in [Some(&bytes[..]), Some(&bytes[..last / 2]), None] {
        match damage {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = load(&spec, &project.store).unwrap_err().to_string();
        assert!(error.contains("spiral-high/t00.safetensors") && error.contains("stage generate"), "{error}");
        let (_, decision) = &project.reasons(&plan)[4];
        assert!(matches!(decision, Decision::Run(Reason::Damaged { .. })), "{decision:?}");
        assert_eq!(run(&plan, &project.store, &Context::default()).unwrap().done, 1);
        assert_eq!(bytes_of_all_files(&project), whole);
    }
}

#[test]
fn a_damaged_document_is_drawn_again_and_never_loaded() {
    let (project, plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    fs::write(project.file("gaussians-high/t01.json"), "{}").unwrap();
    assert!(load(&plan.settings[0].run(plan.master_seed, 1, Level::ZERO), &project.store).is_err());
    let (_, decision) = &project.reasons(&plan)[1];
    assert!(matches!(decision, Decision::Run(Reason::Damaged { .. })), "{decision:?}");
    assert_eq!(run(&plan, &project.store, &Context::default()).unwrap().done, 1);
}

#[test]
fn forcing_draws_the_same_bytes_again() {
    let (project, plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    let before = bytes_of_all_files(&project);
    let forced = Context { force: true, ..Context::default() };
    assert!(
        prepare(&plan, &project.store, &forced)
            .unwrap()
            .items
            .iter()
            .all(|i| i.decision == Decision::Run(Reason::Forced))
    );
    assert_eq!(run(&plan, &project.store, &forced).unwrap().done, 6);
    assert_eq!(bytes_of_all_files(&project), before);
}

#[test]
fn a_raised_stop_flag_ends_the_stage_and_says_so() {
    let (project, plan) = (project(), plan());
    let context = Context::default();
    context.stop.raise();
    let report = run(&plan, &project.store, &context).unwrap();
    assert!(report.interrupted && report.done == 0);
    assert!(project.reasons(&plan).iter().all(|(_, d)| *d == Decision::Run(Reason::New)));
}

#[test]
fn class_counts_stand_in_the_document() {
    let (project, plan) = (project(), plan());
    run(&plan, &project.store, &Context::default()).unwrap();
    let text = fs::read_to_string(project.file("spiral-high/t00.json")).unwrap();
    assert!(text.contains(r#""clean_class_counts":[[10,10],[5,5],[51,50]]"#), "{text}");
}
