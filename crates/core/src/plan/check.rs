//! What types alone cannot check in a configuration: names that refer to nothing, numbers that make no sense.

use super::resolve::{DEFAULT_READING, Resolver};
use super::{Overrides, limits};
use crate::config::{ConfigError, Profile, Protocol, Scenario, SettingConfig, UserDataset};
use crate::spec::{Augment, LrSchedule, ModelSpec, OptimiserSpec};

impl Resolver<'_> {
    /// Checks every block, also those that the chosen profile does not use: a typo should not wait for a cluster.
    pub(super) fn check_everything(&self) -> Result<(), ConfigError> {
        for (name, model) in &self.config.model {
            self.check_model(name, model)?;
        }
        for (name, reading) in &self.config.reading {
            let at = ["reading", name.as_str()];
            self.check_name(&at, name)?;
            self.known(&at, "model", &reading.model, self.config.model.keys(), "models")?;
            self.positive(&at, "batch_size", reading.batch_size)?;
            self.check_text(&at, "summary", &reading.summary)?;
            reading.label.iter().try_for_each(|label| self.check_text(&at, "label", label))?;
            self.at_most(&at, "batch_size", reading.batch_size, limits::EXAMPLES)?;
            if let Some(other) = &reading.streams_of {
                self.known(&at, "streams_of", other, self.config.reading.keys(), "readings")?;
            }
            for (data, draw) in &reading.data {
                self.check_draw(&["reading", name, "data", data], draw)?;
            }
        }
        for (name, protocol) in &self.config.protocol {
            self.check_protocol(name, protocol)?;
        }
        for (id, setting) in &self.config.setting {
            self.check_setting(id, setting)?;
        }
        for (name, profile) in &self.config.profile {
            self.check_profile(name, profile)?;
        }
        for (name, dataset) in &self.config.dataset {
            let at = ["dataset", name];
            self.check_name(&at, name)?;
            if let UserDataset::Idx { classes, .. } = dataset {
                classes.iter().try_for_each(|class| self.check_text(&at, "classes", class))?;
            }
        }
        self.check_scorecard()?;
        self.check_theorem()
    }

    /// Names become folders: letters, digits, `-`, `_` and no more.
    fn check_name(&self, at: &[&str], name: &str) -> Result<(), ConfigError> {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !name.is_empty() && name.len() <= 64 && name.bytes().all(good) && !name.starts_with('-') {
            return Ok(());
        }
        let remedy = "use up to 64 letters, digits, `-` and `_`";
        Err(self.located.invalid(at, format!("{name:?}"), "the name cannot become a folder's", remedy))
    }

    fn check_model(&self, name: &str, model: &ModelSpec) -> Result<(), ConfigError> {
        let at = ["model", name];
        self.check_name(&at, name)?;
        self.check_layers(&at, model)?;
        match model {
            ModelSpec::Mlp { .. } => {}
            ModelSpec::CifarResnet { blocks, width } => {
                self.positive(&at, "blocks", *blocks)?;
                self.at_most(&at, "blocks", *blocks, 200)?;
                self.positive(&at, "width", *width)?;
                self.at_most(&at, "width", *width, 4096)?;
                if width % 2 != 0 {
                    return Err(self.invalid(
                        &at,
                        "width",
                        width,
                        "option-A shortcuts pad by half of it",
                        "use an even width",
                    ));
                }
            }
            ModelSpec::Resnet18 { width } => {
                self.positive(&at, "width", *width)?;
                self.at_most(&at, "width", *width, 4096)?;
            }
        }
        Ok(())
    }

    fn check_protocol(&self, name: &str, protocol: &Protocol) -> Result<(), ConfigError> {
        let at = ["protocol", name];
        self.positive(&at, "epochs", protocol.epochs)?;
        self.positive(&at, "trials", protocol.trials)?;
        self.at_most(&at, "epochs", protocol.epochs, limits::EPOCHS)?;
        self.at_most(&at, "trials", protocol.trials, limits::TRIALS)?;
        self.at_most(&at, "train_every", protocol.train_every, limits::EPOCHS)?;
        self.levels(&protocol.levels, &["protocol", name, "levels"])?;
        if let Some(size) = protocol.batch_size {
            self.positive(&at, "batch_size", size)?;
            self.at_most(&at, "batch_size", size, limits::EXAMPLES)?;
        }
        if let Some(fraction) = protocol.validation_fraction {
            self.in_range(&at, "validation_fraction", fraction, 0.001, 0.9)?;
        }
        let optimiser = ["protocol", name, "optimiser"];
        match protocol.optimiser {
            OptimiserSpec::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                self.in_range(&optimiser, "lr", lr, f64::MIN_POSITIVE, 1e3)?;
                self.in_range(&optimiser, "beta1", beta1, 0.0, 0.999_999)?;
                self.in_range(&optimiser, "beta2", beta2, 0.0, 0.999_999_9)?;
                self.in_range(&optimiser, "epsilon", epsilon, 0.0, 1.0)?;
                self.in_range(&optimiser, "weight_decay", weight_decay, 0.0, 1.0)
            }
            OptimiserSpec::Sgd { lr, momentum, weight_decay } => {
                self.in_range(&optimiser, "lr", lr, f64::MIN_POSITIVE, 1e3)?;
                self.in_range(&optimiser, "momentum", momentum, 0.0, 0.999_999)?;
                self.in_range(&optimiser, "weight_decay", weight_decay, 0.0, 1.0)
            }
        }
    }

    fn check_setting(&self, id: &str, setting: &SettingConfig) -> Result<(), ConfigError> {
        let at = ["setting", id];
        self.check_name(&at, id)?;
        for reading in self.config.reading.keys().filter(|name| *name != DEFAULT_READING) {
            let other = format!("{id}-{reading}");
            if self.config.setting.contains_key(&other) {
                let problem = format!("`{id}` under the reading `{reading}` has the same id as the setting `{other}`");
                return Err(self.located.invalid(&["setting", &other], other.clone(), problem, "rename one of them"));
            }
        }
        if let Some(other) = self.config.setting.keys().find(|other| *other != id && other.eq_ignore_ascii_case(id)) {
            let problem = format!("on some file systems it has the same folder as the setting `{other}`");
            return Err(self.located.invalid(&at, id, problem, "rename one of them"));
        }
        self.known(&at, "protocol", &setting.protocol, self.config.protocol.keys(), "protocols")?;
        self.in_range(&at, "label_noise", setting.label_noise, 0.0, 0.5)?;
        self.in_range(&at, "weight_decay", setting.weight_decay, 0.0, 1.0)?;
        self.at_most(&at, "probes", setting.probes, limits::TRIALS)?;
        for text in &setting.row {
            self.check_text(&at, "row", text)?;
        }
        if let Some(other) = &setting.streams_of {
            self.known(&at, "streams_of", other, self.config.setting.keys(), "settings")?;
            let dataset = &self.config.setting[other].dataset;
            if *dataset != setting.dataset {
                let problem = format!("its data are `{dataset}`, not `{}`", setting.dataset);
                return Err(self.invalid(&at, "streams_of", other, problem, "name a setting of the same dataset"));
            }
        }
        if setting.schedule != LrSchedule::default() {
            self.in_range(&["setting", id, "schedule"], "factor", setting.schedule.factor, f64::MIN_POSITIVE, 1.0)?;
        }
        if self.config.reading.values().any(|reading| reading.data.contains_key(&setting.dataset)) {
            return self.check_synthetic_setting(&at, setting);
        }
        self.check_image_setting(&at, setting)
    }

    fn check_synthetic_setting(&self, at: &[&str], setting: &SettingConfig) -> Result<(), ConfigError> {
        if let Some(model) = &setting.model {
            let remedy = "leave it out: synthetic settings take their reading's model";
            return Err(self.invalid(at, "model", model, "not for synthetic data", remedy));
        }
        if setting.augment != Augment::None {
            return Err(self.invalid(at, "augment", "crop-flip", "not for synthetic data", "leave it out"));
        }
        Ok(())
    }

    fn check_image_setting(&self, at: &[&str], setting: &SettingConfig) -> Result<(), ConfigError> {
        let synthetic = self.config.reading.values().flat_map(|reading| reading.data.keys());
        let names: Vec<&String> = self.catalogue.keys().chain(synthetic).collect();
        self.known(at, "dataset", &setting.dataset, names.into_iter(), "datasets")?;
        if setting.label_noise != 0.0 {
            let remedy = "leave it out: label noise is for synthetic data";
            return Err(self.invalid(at, "label_noise", setting.label_noise, "not for image data", remedy));
        }
        let Some(model) = &setting.model else {
            return Err(self.invalid(at, "model", "(absent)", "image data need a model", "name one of [model]"));
        };
        self.known(at, "model", model, self.config.model.keys(), "models")?;
        let protocol = &self.config.protocol[&setting.protocol];
        let fraction = setting.validation_fraction.or(protocol.validation_fraction);
        let missing = [("batch_size", protocol.batch_size.is_none()), ("validation_fraction", fraction.is_none())];
        for (key, missing) in missing {
            if missing {
                let problem = format!("its protocol `{}` has no {key}", setting.protocol);
                return Err(self.invalid(at, "protocol", &setting.protocol, problem, format!("add {key} to it")));
            }
        }
        fraction.map_or(Ok(()), |fraction| self.in_range(at, "validation_fraction", fraction, 0.001, 0.9))
    }

    fn check_profile(&self, name: &str, profile: &Profile) -> Result<(), ConfigError> {
        self.check_name(&["profile", name], name)?;
        self.check_text(&["profile", name], "summary", &profile.summary)?;
        if let Some(repetitions) = profile.theorem_repetitions {
            self.in_range(&["profile", name], "theorem_repetitions", repetitions as f64, 2.0, 1e12)?;
        }
        for (index, entry) in profile.grid.iter().enumerate() {
            let index = index.to_string();
            let at = ["profile", name, "grid", index.as_str()];
            self.check_entry(&at, entry)?;
            if let Some(grid) = &entry.levels {
                self.levels(grid, &[&at[..], &["levels"]].concat())?;
            }
        }
        // Resolving the entries also checks their settings and readings.
        for when_named in [false, true] {
            self.settings(name, profile, &Overrides::default(), when_named)?;
        }
        Ok(())
    }

    fn check_scorecard(&self) -> Result<(), ConfigError> {
        let Some(scorecard) = &self.config.scorecard else { return Ok(()) };
        self.in_range(&["scorecard"], "margin", scorecard.margin, 1e-6, 100.0)
    }

    fn check_theorem(&self) -> Result<(), ConfigError> {
        let at = ["theorem"];
        let theorem = &self.config.theorem;
        self.in_range(&at, "repetitions", theorem.repetitions as f64, 2.0, 1e12)?;
        for &n in &theorem.sample_sizes {
            self.positive(&at, "sample_sizes", n)?;
            self.at_most(&at, "sample_sizes", n, limits::SAMPLE_SIZE)?;
        }
        for &multiple in &theorem.levels_over_risk {
            self.in_range(&at, "levels_over_risk", multiple, 0.0, 1e6)?;
        }
        for (index, scenario) in theorem.scenario.iter().enumerate() {
            let index = index.to_string();
            let at = ["theorem", "scenario", index.as_str()];
            if let Err((key, value, range)) = scenario.check() {
                return Err(self.invalid(&at, key, value, "out of range", range));
            }
        }
        Ok(())
    }

    fn known<'n>(
        &self,
        at: &[&str],
        key: &str,
        value: &str,
        known: impl Iterator<Item = &'n String> + Clone,
        what: &str,
    ) -> Result<(), ConfigError> {
        if known.clone().any(|name| name == value) {
            return Ok(());
        }
        let mut names: Vec<&str> = known.map(|name| &**name).collect();
        names.dedup();
        let remedy = format!("the {what} are: {}", names.join(", "));
        Err(self.invalid(at, key, value, "no such name", remedy))
    }

    pub(super) fn positive(&self, at: &[&str], key: &str, value: u32) -> Result<(), ConfigError> {
        if value > 0 { Ok(()) } else { Err(self.invalid(at, key, value, "must not be zero", "use 1 or more")) }
    }

    pub(super) fn at_most(&self, at: &[&str], key: &str, value: u32, limit: u32) -> Result<(), ConfigError> {
        if value <= limit {
            return Ok(());
        }
        Err(self.invalid(at, key, value, "absurdly large", format!("use at most {limit}")))
    }

    pub(super) fn in_range(&self, at: &[&str], key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        let text = |number: f64| {
            let plain = number == 0.0 || (1e-6..1e12).contains(&number.abs());
            if plain { number.to_string() } else { format!("{number:e}") }
        };
        let remedy = format!("use a number from {} to {}", text(low), text(high));
        Err(self.invalid(at, key, text(value), "out of range", remedy))
    }

    pub(super) fn invalid(
        &self,
        at: &[&str],
        key: &str,
        value: impl std::fmt::Display,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        self.located.invalid(&[at, &[key]].concat(), value, problem, remedy)
    }
}

impl Scenario {
    /// Checks the parameters; the error is the key, its value, and its range.
    pub fn check(&self) -> Result<(), (&'static str, f64, &'static str)> {
        let within = |key, value: f64, low: f64, high: f64, range| {
            if (low..=high).contains(&value) { Ok(()) } else { Err((key, value, range)) }
        };
        match *self {
            Self::Bernoulli { p } => within("p", p, 0.0, 1.0, "use a probability from 0 to 1"),
            Self::ShiftedBernoulli { p, c } => {
                within("p", p, 0.0, 1.0, "use a probability from 0 to 1")?;
                within("c", c, 0.0, 1e6, "use a number from 0 to 1e6")
            }
            Self::Constant { c } => within("c", c, 0.0, 1e6, "use a number from 0 to 1e6"),
            Self::Exponential { theta } => within("theta", theta, 1e-9, 1e9, "use a positive number"),
            Self::Gaussian { mu, s } => {
                within("mu", mu, -1e6, 1e6, "use a number from -1e6 to 1e6")?;
                within("s", s, 0.0, 1e6, "use a number from 0 to 1e6")
            }
            Self::CrossEntropy { alpha, eps, m, d } => {
                within("alpha", alpha, -1e3, 1e3, "use a number from -1000 to 1000")?;
                within("eps", eps, 0.0, 1.0, "use a probability from 0 to 1")?;
                within("m", m, -1e3, 1e3, "use a number from -1000 to 1000")?;
                within("d", f64::from(d), 1.0, 1e6, "use a whole number from 1 to 1e6")
            }
        }
    }
}
