//! What may be changed of a profile takes effect or is refused by name; grids of levels are taken as they are written.

use std::collections::BTreeMap;
use std::path::Path;

use flooding_core::config::{Config, ConfigError};
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};

const TRACKED: &str = include_str!("../../../pipeline.toml");

fn plan_of(text: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let path = Path::new("pipeline.toml");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
    let catalogue: BTreeMap<String, Digest> =
        names.iter().map(|name| ((*name).to_owned(), Digest::of(name.as_bytes()))).collect();
    Resolver::new(&Config::parse(text, path)?, text, path, &catalogue).plan("quick", overrides)
}

fn only(pattern: &str) -> Overrides {
    Overrides { only: vec![pattern.to_owned()], ..Overrides::default() }
}

/// The protocol of Table 2 with another grid.
fn with_grid(grid: &str) -> String {
    let tracked = "levels = { from = 0.0, to = 0.5, step = 0.01 }";
    assert!(TRACKED.contains(tracked));
    TRACKED.replacen(tracked, &format!("levels = {grid}"), 1)
}

#[test]
fn a_grid_whose_step_does_not_divide_it_is_refused_with_its_line_and_the_ends_that_would_do() {
    let text = with_grid("{ from = 0, to = 0.5, step = 0.2 }");
    let Err(ConfigError::Invalid(error)) = plan_of(&text, &Overrides::default()) else { panic!("it is accepted") };
    assert_eq!((&*error.key, &*error.value), ("protocol.synthetic.levels.step", "0.2"));
    assert!(text.lines().nth(error.line - 1).unwrap().contains("step = 0.2"), "{error}");
    assert!(error.remedy.contains("0.40") && error.remedy.contains("0.60"), "{error}");
}

#[test]
fn a_grid_with_a_number_that_would_be_rounded_is_refused_by_name() {
    for (grid, key, value) in [
        ("{ from = 0, to = 0.00001, step = 0.0000005 }", "step", "0.0000005"),
        ("{ from = 0, to = 0.5, step = 0.0100000001 }", "step", "0.0100000001"),
        ("{ from = 0, to = 0.50000001, step = 0.01 }", "to", "0.50000001"),
        ("{ from = 0.00000049, to = 0.5, step = 0.01 }", "from", "0.00000049"),
    ] {
        let Err(ConfigError::Invalid(error)) = plan_of(&with_grid(grid), &Overrides::default()) else {
            panic!("{grid} is accepted")
        };
        assert_eq!((error.key, error.value), (format!("protocol.synthetic.levels.{key}"), value.to_owned()), "{grid}");
    }
}

#[test]
fn a_grid_has_both_its_ends_and_each_level_as_it_would_be_written() {
    for (grid, last, count) in [
        ("{ from = 0, to = 0.6, step = 0.2 }", "0.60", 4),
        ("{ from = 0.1, to = 0.1, step = 0.1 }", "0.10", 1),
        ("{ from = 0, to = 0.9, step = 0.3 }", "0.90", 4),
        ("{ from = 0, to = 0.007, step = 0.0005 }", "0.007", 15),
    ] {
        let plan = plan_of(&with_grid(grid), &only("spiral-middle")).unwrap();
        let levels: Vec<String> = plan.settings[0].levels.iter().map(ToString::to_string).collect();
        assert_eq!((levels.last().map(String::as_str), levels.len()), (Some(last), count), "{grid}: {levels:?}");
    }
}

#[test]
fn a_number_of_training_images_is_refused_where_a_chosen_setting_draws_its_examples() {
    for overrides in [Overrides::default(), only("spiral-high"), only("*-high")] {
        let overrides = Overrides { train_size: Some(50), ..overrides };
        let message = plan_of(TRACKED, &overrides).unwrap_err().to_string();
        assert!(message.starts_with("--train-size 50: setting ") && message.contains("--only"), "{message}");
    }
    let plan = plan_of(TRACKED, &Overrides { train_size: Some(50), ..only("mnist-mlp") }).unwrap();
    assert_eq!(plan.settings[0].reduced, ["epochs", "train_size"]);
}

#[test]
fn a_number_of_training_images_in_a_profile_is_refused_for_drawn_examples_with_its_line() {
    let text = TRACKED.replacen("settings = [\"*-low\", \"*-high\"]", "train_size = 50\nsettings = [\"*-low\"]", 1);
    let Err(ConfigError::Invalid(error)) = plan_of(&text, &Overrides::default()) else { panic!("it is accepted") };
    assert_eq!(error.key, "profile.quick.grid.0.train_size");
    assert!(text.lines().nth(error.line - 1).unwrap().contains("train_size = 50"), "{error}");
}

#[test]
fn a_parameter_of_an_optimiser_or_distribution_is_refused_by_its_own_name() {
    for (from, to, key) in [
        (
            "{ kind = \"adam\", lr = 0.001 }",
            "{ kind = \"adam\", lr = 0.001, beta1 = 2.0 }",
            "protocol.synthetic.optimiser.beta1",
        ),
        ("kind = \"spiral\", tau = 0.4", "kind = \"spiral\", tau = -1.0", "reading.paper.data.spiral.distribution.tau"),
        ("w_prime = [0.0, 1.0]", "w_prime = [1.0, 1.0]", "reading.paper.data.sinusoid.distribution.w_prime"),
        ("factor = 0.1", "factor = 7.0", "setting.cifar10-aug.schedule.factor"),
    ] {
        assert!(TRACKED.contains(from), "{from}");
        let text = TRACKED.replacen(from, to, 1);
        let Err(ConfigError::Invalid(error)) = plan_of(&text, &Overrides::default()) else {
            panic!("{to} is accepted")
        };
        assert_eq!(error.key, key);
        assert!(text.lines().nth(error.line - 1).unwrap().contains(to), "{error}");
    }
}

#[test]
fn what_an_override_says_is_what_the_command_line_would() {
    let overrides = Overrides { levels: Some(vec![0.0, 0.05]), epochs: Some(3), ..only("setting:spiral-high,x") };
    let options = overrides.options();
    let words = [("only", "setting:spiral-high,x"), ("epochs", "3"), ("levels", "0,0.05")];
    assert_eq!(options, words.map(|(name, value)| (name, value.to_owned())));
}
