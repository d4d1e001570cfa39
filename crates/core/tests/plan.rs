//! The tracked `pipeline.toml` as a plan, and what the errors about senseless configurations say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use flooding_core::config::{Config, ConfigError, InvalidValue};
use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::plan::{Overrides, Plan, Resolver, Setting};
use flooding_core::spec::{InitialWeights, Objective};

const TRACKED: &str = include_str!("../../../pipeline.toml");

fn plan_of(text: &str, profile: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let path = Path::new("pipeline.toml");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
    let catalogue: BTreeMap<String, Digest> =
        names.iter().map(|name| ((*name).to_owned(), Digest::of(name.as_bytes()))).collect();
    let config = Config::parse(text, path)?;
    Resolver::new(&config, text, path, &catalogue).plan(profile, overrides)
}

fn tracked(profile: &str) -> Plan {
    plan_of(TRACKED, profile, &Overrides::default()).unwrap()
}

fn only(patterns: &[&str]) -> Overrides {
    Overrides { only: patterns.iter().map(|p| (*p).to_owned()).collect(), ..Overrides::default() }
}

/// The tracked file with one piece of text replaced, which must be there.
fn with(from: &str, to: &str) -> String {
    assert!(TRACKED.contains(from), "the tracked configuration no longer says {from:?}");
    TRACKED.replacen(from, to, 1)
}

fn invalid(text: &str) -> InvalidValue {
    match plan_of(text, "quick", &Overrides::default()) {
        Err(ConfigError::Invalid(invalid)) => *invalid,
        other => panic!("expected an invalid value, got {other:?}"),
    }
}

#[test]
fn the_full_profile_is_the_papers_whole_grid_under_both_readings_and_the_calibrated_sinusoid() {
    let plan = tracked("full");
    let paper: Vec<_> = plan.runs().filter(|run| run.optimiser.lr() == 0.001 && run.reading == "paper").collect();
    assert_eq!(paper.len(), 9 * 10 * 51);
    let benchmarks = plan.runs().filter(|run| run.optimiser.lr() == 0.1).count();
    assert_eq!(benchmarks, 12 * 11 + 2);
    assert_eq!(plan.runs().filter(|run| run.reading == "calibrated").count(), 3 * 10 * 51);
    assert!(plan.settings.iter().all(|setting| setting.reduced.is_empty()));
    assert!(plan.left_out.is_empty());
}

#[test]
fn every_run_of_the_full_grid_has_a_key_of_its_own() {
    let keys: BTreeSet<_> = tracked("full").runs().map(|run| run.key()).collect();
    assert_eq!(keys.len(), 2 * 4590 + 1530 + 132 + 2);
}

#[test]
fn all_levels_of_a_trial_share_their_streams_and_differ_in_the_level_alone() {
    let plan = tracked("quick");
    for group in plan.groups() {
        let first = &group.runs[0];
        for run in &group.runs {
            let mut same = run.clone();
            same.level = first.level;
            assert_eq!(&same, first);
        }
    }
}

#[test]
fn a_quick_run_at_full_length_is_the_same_work_as_the_full_grids() {
    let full: BTreeSet<_> = tracked("full").runs().map(|run| run.key()).collect();
    let quick = tracked("quick");
    let shared = quick.runs().filter(|run| full.contains(&run.key())).count();
    let synthetic = quick.runs().filter(|run| run.reduced.is_empty()).count();
    assert_eq!(shared, synthetic);
    assert!(shared > 100);
}

#[test]
fn shortened_runs_say_which_keys_depart_from_the_protocol() {
    let smoke = tracked("smoke");
    let spiral = smoke.settings.iter().find(|s| s.id == "spiral-high").unwrap();
    assert_eq!(spiral.reduced, ["epochs", "test_size"]);
    let mnist = smoke.settings.iter().find(|s| s.id == "mnist-mlp").unwrap();
    assert_eq!(mnist.reduced, ["epochs", "train_size", "test_size"]);
}

#[test]
fn only_takes_datasets_settings_and_globs() {
    let ids = |patterns: &[&str]| -> Vec<String> {
        let plan = plan_of(TRACKED, "quick", &only(patterns)).unwrap();
        plan.settings.into_iter().map(|setting| setting.id).collect()
    };
    assert_eq!(ids(&["spiral"]), ["spiral-low", "spiral-high", "spiral-high-demo"]);
    assert_eq!(ids(&["spiral-low"]), ["spiral-low"]);
    assert_eq!(ids(&["*-demo"]), ["gaussians-high-demo", "spiral-high-demo", "sinusoid-high-demo"]);
    assert_eq!(ids(&["mnist", "sinusoid-low"]), ["sinusoid-low", "mnist-mlp"]);
}

#[test]
fn only_that_matches_nothing_lists_what_there_is() {
    let message = plan_of(TRACKED, "quick", &only(&["cifar11"])).unwrap_err().to_string();
    for word in ["cifar11", "cifar10", "gaussians", "mnist", "spiral-high", "demo", "as in gaussians-low-demo"] {
        assert!(message.contains(word), "{message}");
    }
    // A setting has more readings than a person reads.
    assert!(!message.contains("spiral-high-demo") && message.len() < 1500, "{message}");
}

#[test]
fn only_may_name_a_setting_that_the_profile_does_not_contain_and_it_runs_at_full_size() {
    let plan = plan_of(TRACKED, "smoke", &only(&["cifar10"])).unwrap();
    let ids: Vec<&str> = plan.settings.iter().map(|setting| &*setting.id).collect();
    assert_eq!(ids, ["cifar10", "cifar10-aug", "cifar10-resnet18"]);
    assert!(plan.settings[..2].iter().all(|s| s.epochs == 500 && s.levels.len() == 11 && s.reduced.is_empty()));
    let plan = plan_of(TRACKED, "quick", &only(&["spiral-middle"])).unwrap();
    assert_eq!(plan.settings.len(), 1);
    let plan = plan_of(TRACKED, "quick", &only(&["spiral-middle-demo"])).unwrap();
    assert_eq!(plan.settings[0].reading, "demo");
}

#[test]
fn every_benchmark_of_table_3_is_small_in_the_quick_profile_and_runs_only_when_it_is_named() {
    let quick = tracked("quick");
    let images: Vec<&str> = quick.settings.iter().filter(|s| s.data.name() == "mnist").map(|s| &*s.id).collect();
    assert_eq!((images, quick.image_datasets()), (vec!["mnist-mlp"], vec!["mnist"]));
    let full = tracked("full");
    let named: Vec<&Setting> = full.settings.iter().filter(|s| s.optimiser.lr() == 0.1).collect();
    assert!(named.len() >= 12);
    for setting in named {
        let pattern = format!("setting:{}", setting.id);
        let plan = plan_of(TRACKED, "quick", &only(&[&pattern])).unwrap();
        let [small] = plan.settings.as_slice() else { panic!("{pattern}: {:?}", plan.settings) };
        assert!(small.epochs <= 30 && small.levels.len() <= 4 && small.levels[0].is_zero(), "{small:?}");
        assert!(small.reduced.starts_with(&["epochs".to_owned(), "train_size".to_owned()]), "{small:?}");
    }
}

#[test]
fn an_unknown_profile_is_refused_with_the_known_ones() {
    let message = plan_of(TRACKED, "quik", &Overrides::default()).unwrap_err().to_string();
    assert!(message.contains("`quik`") && message.contains("smoke, quick, full"), "{message}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line() {
    let text = with("batch_size = 128 ", "batchsize = 128 ");
    let message = plan_of(&text, "quick", &Overrides::default()).unwrap_err().to_string();
    assert!(message.contains("batchsize") && message.contains("line"), "{message}");
}

#[test]
fn a_level_out_of_range_names_its_line_key_value_and_remedy() {
    let text = with("levels = [0.0, 0.05, 0.1, 0.2, 0.3]", "levels = [0.0, -0.05]");
    let error = invalid(&text);
    assert_eq!(error.key, "profile.quick.grid.0.levels");
    assert_eq!(error.value, "-0.05");
    assert!(text.lines().nth(error.line - 1).unwrap().contains("-0.05"), "line {}", error.line);
    assert!(error.remedy.contains("0.05"));
}

#[test]
fn a_setting_with_an_unknown_model_dataset_or_protocol_is_refused_by_name() {
    let error = invalid(&with("dataset = \"svhn\"\nmodel = \"resnet18\"", "dataset = \"svhn\"\nmodel = \"resnet19\""));
    assert_eq!((error.key.as_str(), error.value.as_str()), ("setting.svhn.model", "resnet19"));
    assert!(error.remedy.contains("resnet18"));
    let error = invalid(&with("dataset = \"svhn\"", "dataset = \"svnh\""));
    assert!(error.remedy.contains("svhn") && error.remedy.contains("spiral"), "{}", error.remedy);
    let error = invalid(&with(
        "protocol = \"benchmark\"\ntable = \"table3\"\nrow = [\"SVHN\"",
        "protocol = \"b\"\ntable = \"table3\"\nrow = [\"SVHN\"",
    ));
    assert_eq!(error.key, "setting.svhn.protocol");
}

#[test]
fn a_name_that_would_leave_the_data_folder_is_refused() {
    let error = invalid(&with("[setting.svhn]", "[setting.\"../../svhn\"]"));
    assert!(error.problem.contains("folder"), "{error}");
}

#[test]
fn a_typo_in_a_profile_that_is_not_run_is_found_all_the_same() {
    let error = invalid(&with("settings = [\"mnist-*\", \"kmnist-*\"", "settings = [\"mist-*\", \"kmnist-*\""));
    assert_eq!(error.key, "profile.full.grid.2.settings");
}

#[test]
fn a_senseless_command_line_value_names_its_option() {
    let overrides = Overrides { levels: Some(vec![99.0]), ..Overrides::default() };
    let message = plan_of(TRACKED, "quick", &overrides).unwrap_err().to_string();
    assert!(message.starts_with("--levels 99"), "{message}");
    let overrides = Overrides { trials: Some(0), ..Overrides::default() };
    assert!(plan_of(TRACKED, "quick", &overrides).unwrap_err().to_string().starts_with("--trials 0"));
}

#[test]
fn command_line_reductions_are_marked_in_the_specification() {
    let overrides = Overrides { epochs: Some(3), levels: Some(vec![0.1, 0.0, 0.1]), ..only(&["spiral-high"]) };
    let plan = plan_of(TRACKED, "quick", &overrides).unwrap();
    assert_eq!(plan.settings[0].reduced, ["epochs"]);
    assert_eq!(plan.settings[0].levels, [Level::ZERO, Level::try_from(0.1).unwrap()]);
}

#[test]
fn a_dataset_stands_for_all_its_settings_and_one_of_the_same_name_can_be_named_alone() {
    let named = |profile: &str, pattern: &str| -> Vec<String> {
        let plan = plan_of(TRACKED, profile, &only(&[pattern])).unwrap();
        plan.settings.into_iter().map(|setting| setting.id).collect()
    };
    for profile in ["full", "quick"] {
        assert_eq!(named(profile, "cifar10"), ["cifar10", "cifar10-aug", "cifar10-resnet18"]);
        assert_eq!(named(profile, "setting:cifar10"), ["cifar10"]);
        assert_eq!(named(profile, "setting:svhn*"), ["svhn", "svhn-wd"]);
        assert_eq!(named(profile, "spiral-high"), ["spiral-high", "spiral-high-demo"]);
        assert_eq!(named(profile, "setting:spiral-high"), ["spiral-high"]);
        assert_eq!(named(profile, "setting:spiral-high-demo"), ["spiral-high-demo"]);
    }
    assert!(plan_of(TRACKED, "quick", &only(&["setting:spiral"])).is_err(), "a dataset is no setting");
}

#[test]
fn a_list_of_three_levels_is_a_list_and_not_a_range() {
    let text = with("levels = [0.0, 0.002, 0.02, 0.05]", "levels = [0.0, 0.02, 0.05]");
    let plan = plan_of(&text, "quick", &only(&["mnist-mlp"])).unwrap();
    let mnist = &plan.settings[0];
    assert_eq!(mnist.levels.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.00", "0.02", "0.05"]);
}

#[test]
fn only_the_first_trials_of_a_setting_are_observed_closely() {
    let plan = tracked("quick");
    let spiral = plan.settings.iter().find(|s| s.id == "spiral-high").unwrap();
    assert_eq!(spiral.run(1, 0, Level::ZERO).observe.test_every, 10);
    assert_eq!(spiral.run(1, 1, Level::ZERO).observe.test_every, 0);
}

#[test]
fn the_schema_of_the_configuration_knows_its_blocks() {
    let schema = Config::schema();
    for block in ["reading", "setting", "profile", "theorem"] {
        assert!(schema["properties"][block].is_object(), "{block}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_whatsoever_makes_the_parser_or_the_resolver_panic(
        at in 0..TRACKED.len(), text in "[ -~\n]{0,12}", length in 0..40_usize,
    ) {
        let end = (at + length).min(TRACKED.len());
        if TRACKED.is_char_boundary(at) && TRACKED.is_char_boundary(end) {
            let mangled = format!("{}{text}{}", &TRACKED[..at], &TRACKED[end..]);
            let _ = plan_of(&mangled, "quick", &Overrides::default());
        }
    }
}

#[test]
fn the_placebo_draws_the_examples_of_the_setting_beside_it_and_nothing_of_it_is_flooded() {
    let plan = tracked("placebo");
    let of = |id: &str| plan.settings.iter().find(|setting| setting.id == id).unwrap();
    for (placebo, beside) in [("placebo-spiral", "spiral-high"), ("placebo-spiral-demo", "spiral-high-demo")] {
        let (placebo, flooded) = (of(placebo), of(beside));
        assert_eq!(placebo.streams_of.as_deref(), Some(beside));
        assert_eq!((placebo.objective, placebo.initial_weights), (Objective::None, InitialWeights::PerLevel));
        assert_eq!((&placebo.data, &placebo.model, &placebo.levels), (&flooded.data, &flooded.model, &flooded.levels));
    }
    // Runs of the full grid serve as the flooded arm.
    let full: BTreeSet<_> = tracked("full").runs().map(|run| run.key()).collect();
    let flooded = plan.runs().filter(|run| run.objective == Objective::Flood);
    assert!(flooded.into_iter().all(|run| full.contains(&run.key())));
}

#[test]
fn the_factors_lead_from_the_paper_to_the_demo_one_difference_at_a_time() {
    let plan = tracked("factors");
    let differences = |setting: &Setting| {
        let paper = plan.settings.iter().find(|other| other.id == setting.base).unwrap();
        let value = |setting: &Setting| serde_json::to_value(setting.run(1, 0, Level::ZERO)).unwrap();
        let (one, other) = (value(paper), value(setting));
        ["data", "model", "batch_size", "optimiser", "epochs"].into_iter().filter(|key| one[key] != other[key]).count()
    };
    for setting in &plan.settings {
        match &*setting.reading {
            "paper" => assert_eq!(differences(setting), 0),
            "demo" => assert!(differences(setting) >= 2, "{}", setting.id),
            _ => {
                assert_eq!(differences(setting), 1, "{}", setting.id);
                assert_eq!(setting.streams_of.as_ref(), Some(&setting.base));
            }
        }
    }
}

#[test]
fn the_training_set_is_evaluated_less_often_only_where_that_saves_anything() {
    let plan = tracked("full");
    let every = |id: &str| plan.settings.iter().find(|setting| setting.id == id).unwrap().observe.train_every;
    assert_eq!(["gaussians-low", "sinusoid-high", "spiral-low", "gaussians-low-demo"].map(every), [0, 0, 10, 10]);
    // Unlike what figures sample, this holds in every trial.
    let last = plan.runs().filter(|run| run.setting == "spiral-high" && run.trial == 9).last().unwrap();
    assert_eq!((last.observe.train_every, last.observe.test_every), (10, 0));
}

#[test]
fn streams_of_a_setting_or_reading_that_does_not_exist_or_draws_something_else_are_refused() {
    let unknown = invalid(&with("streams_of = \"spiral-high\"", "streams_of = \"spiral-hi\""));
    assert!(unknown.to_string().contains("spiral-hi"), "{unknown:?}");
    let other = invalid(&with("streams_of = \"spiral-high\"", "streams_of = \"sinusoid-high\""));
    assert!(other.to_string().contains("same dataset"), "{other:?}");
    let reading = invalid(&with("streams_of = \"paper\"", "streams_of = \"papers\""));
    assert!(reading.to_string().contains("papers"), "{reading:?}");
}

/// A specification that uses no new option is the same work as ever: its records stay valid.
#[test]
fn runs_keep_the_keys_that_they_had_before_options_were_added() {
    let options = "test_every = 10, test_points = 2000, fixed_test_subset = true, ";
    assert!(TRACKED.contains(options));
    let without_options =
        TRACKED.replace(options, "test_every = 25, test_points = 5000, ").replace("train_every = 10\n", "");
    let pinned = [
        ("smoke", "gaussians-high", 0, "0", "cc973e1336ea691a"),
        ("smoke", "gaussians-high", 0, "0.1", "c0d8a340c185c27e"),
        ("smoke", "gaussians-high", 1, "0", "95fbfd515dc216cf"),
        ("smoke", "gaussians-high", 1, "0.1", "51ebf04fea707a3c"),
        ("quick", "gaussians-low", 0, "0", "88afcc5a48c7b87f"),
        ("quick", "gaussians-low", 0, "0.05", "439321c34875d85e"),
        ("quick", "gaussians-high", 0, "0", "76c5d7a7de6b8af7"),
        ("quick", "gaussians-high", 0, "0.05", "92c3d639abefcebc"),
        ("quick", "gaussians-high", 0, "0.1", "2b2762ee3a8449ca"),
        ("quick", "gaussians-high-demo", 0, "0", "70e495381687454e"),
        ("quick", "gaussians-high-demo", 0, "0.05", "c8636f795c682e9c"),
        ("quick", "sinusoid-low", 0, "0", "23e52793b54173a1"),
        ("quick", "sinusoid-low", 0, "0.05", "40ecf11ce91ffbbd"),
        ("quick", "sinusoid-low", 0, "0.1", "e53fcf945fc74512"),
        ("quick", "sinusoid-high", 0, "0", "cf28153e0df60cee"),
        ("quick", "sinusoid-high", 0, "0.05", "88ae85ed652d1cae"),
        ("quick", "sinusoid-high-demo", 0, "0", "ebaae685dc7d69a6"),
        ("quick", "sinusoid-high-demo", 0, "0.05", "c68ba52297677d32"),
        ("full", "iflood-gaussians", 0, "0", "d19aea1468b175e9"),
        ("full", "iflood-gaussians", 0, "0.01", "a18e031fa15705d6"),
    ];
    keys_are(&without_options, &pinned);
}

/// The same of images, under the options of the tracked file; a published dataset is known by the digest of its files.
#[test]
fn benchmark_runs_keep_the_keys_that_they_have() {
    let pinned = [
        ("full", "mnist-mlp", 0, "0", "2f00a32203c3826d"),
        ("full", "mnist-mlp-wd", 0, "0.1", "bc93c4e6a1616bb8"),
        ("full", "kmnist-mlp-bn", 0, "0.05", "f8dd81c00691a131"),
        ("full", "svhn-wd", 0, "0.01", "80ef12b1e7c5a0c4"),
        ("full", "cifar10", 0, "0.05", "6d2a7fdc162c324a"),
        ("full", "cifar10-aug", 0, "0.03", "8766104b358f7d50"),
        ("full", "cifar100-aug", 0, "0", "c3ca722ce0f2fca6"),
        ("full", "cifar10-resnet18", 0, "0", "02a682e8821585b8"),
        ("quick", "mnist-mlp", 0, "0.02", "ff90b19c675f4f1a"),
        ("quick", "cifar10", 0, "0.05", "145696c1531b08f5"),
    ];
    keys_are(TRACKED, &pinned);
}

/// Profile, setting, trial, level and the first digits of the key that the run has in this configuration.
fn keys_are(configuration: &str, pinned: &[(&str, &str, u32, &str, &str)]) {
    let mut moved = Vec::new();
    for &(profile, setting, trial, level, key) in pinned {
        let plan = plan_of(configuration, profile, &only(&[&format!("setting:{setting}")])).unwrap();
        let level = Level::try_from(level.parse::<f64>().unwrap()).unwrap();
        let is_meant =
            |run: &flooding_core::spec::RunSpec| run.setting == setting && run.trial == trial && run.level == level;
        match plan.runs().find(is_meant) {
            Some(run) if run.key().short() == key => {}
            Some(run) => moved.push(format!("{profile} {setting} t{trial} b{level}: {} was {key}", run.key().short())),
            None => moved.push(format!("{profile} {setting} t{trial} b{level} is gone")),
        }
    }
    assert!(moved.is_empty(), "{moved:#?}");
}
