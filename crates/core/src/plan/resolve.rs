//! From a configuration to a plan: every name looked up, every number checked, every default filled in.

use std::collections::BTreeMap;
use std::path::Path;

use super::select::glob_matches;
use super::{LeftOut, Overrides, Plan, Setting, TheoremPlan};
use crate::config::{Config, ConfigError, LevelGrid, Located, Part, Profile, Protocol, Scenario, SettingConfig};
use crate::digest::Digest;
use crate::level::Level;
use crate::spec::{Augment, DataSpec, Distribution, ImagesSpec, ModelSpec, OptimiserSpec, SyntheticSpec};

/// The reading whose settings carry no suffix, and the only one for image data.
const DEFAULT_READING: &str = "paper";

/// A configuration with the file it came from and the image data sets that exist.
pub struct Resolver<'a> {
    config: &'a Config,
    located: Located<'a>,
    /// Names of the image data sets, each with one digest over its files' digests.
    catalogue: &'a BTreeMap<String, Digest>,
}

impl<'a> Resolver<'a> {
    /// A resolver for the configuration `config`, parsed from `text`, which was read from `path`.
    pub fn new(config: &'a Config, text: &'a str, path: &'a Path, catalogue: &'a BTreeMap<String, Digest>) -> Self {
        Self { config, located: Located::new(path, text), catalogue }
    }

    /// The plan for a profile.
    pub fn plan(&self, profile_name: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
        self.check_everything()?;
        let Some(profile) = self.config.profile.get(profile_name) else {
            let known = self.config.profile.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(ConfigError::UnknownProfile { name: profile_name.to_owned(), known });
        };
        check_overrides(overrides)?;
        let mut settings = self.settings(profile_name, profile, overrides)?;
        let whole: Vec<Setting> = settings.clone();
        retain_matching(&mut settings, profile_name, &overrides.only)?;
        let theorem = &self.config.theorem;
        Ok(Plan {
            profile: profile_name.to_owned(),
            summary: profile.summary.clone(),
            master_seed: self.config.master_seed,
            left_out: self.left_out(profile_name, &whole, &settings),
            readings: (self.config.reading.iter())
                .filter(|(name, _)| settings.iter().any(|s| s.reading == **name))
                .map(|(name, reading)| (name.clone(), reading.summary.clone()))
                .collect(),
            settings,
            theorem: TheoremPlan {
                repetitions: profile.theorem_repetitions.unwrap_or(theorem.repetitions),
                sample_sizes: theorem.sample_sizes.clone(),
                levels_over_risk: theorem.levels_over_risk.clone(),
                scenarios: theorem.scenario.clone(),
            },
        })
    }

    fn settings(&self, name: &str, profile: &Profile, overrides: &Overrides) -> Result<Vec<Setting>, ConfigError> {
        let mut settings: Vec<Setting> = Vec::new();
        for (index, part) in profile.part.iter().enumerate() {
            let index = index.to_string();
            let at = ["profile", name, "part", index.as_str()];
            for (id, config) in self.matching(part, &at)? {
                for reading in self.readings(part, id, config, &at)? {
                    let setting = self.setting(id, config, reading, part, &at, overrides)?;
                    if settings.iter().any(|other| other.id == setting.id) {
                        let problem = format!("setting {} is already in an earlier part of this profile", setting.id);
                        return Err(self.invalid(&at, "settings", &part.settings.join(", "), problem, "name it once"));
                    }
                    settings.push(setting);
                }
            }
        }
        Ok(settings)
    }

    /// The settings that a part names, in the configuration's order.
    fn matching(&self, part: &Part, at: &[&str]) -> Result<Vec<(&'a str, &'a SettingConfig)>, ConfigError> {
        for pattern in &part.settings {
            if !self.config.setting.keys().any(|id| glob_matches(pattern, id)) {
                let known = self.config.setting.keys().cloned().collect::<Vec<_>>().join(", ");
                let remedy = format!("the settings are: {known}");
                return Err(self.invalid(at, "settings", pattern, "matches no setting", remedy));
            }
        }
        let wanted = |id: &str| part.settings.iter().any(|pattern| glob_matches(pattern, id));
        Ok(self.config.setting.iter().filter(|(id, _)| wanted(id)).map(|(id, config)| (&**id, config)).collect())
    }

    fn readings<'p>(
        &self,
        part: &'p Part,
        id: &str,
        config: &SettingConfig,
        at: &[&str],
    ) -> Result<Vec<&'p str>, ConfigError> {
        let readings =
            part.readings.as_ref().map_or(vec![DEFAULT_READING], |names| names.iter().map(|n| &**n).collect());
        for reading in &readings {
            let Some(known) = self.config.reading.get(*reading) else {
                let names = self.config.reading.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(self.invalid(
                    at,
                    "readings",
                    reading,
                    "no such reading",
                    format!("the readings are: {names}"),
                ));
            };
            let synthetic = known.data.contains_key(&config.dataset);
            if *reading != DEFAULT_READING && !synthetic {
                let problem = format!("setting {id} uses `{}`, which is not among this reading's data", config.dataset);
                return Err(self.invalid(at, "readings", reading, problem, "readings apply to synthetic data only"));
            }
        }
        Ok(readings)
    }

    fn setting(
        &self,
        id: &str,
        config: &SettingConfig,
        reading_name: &str,
        part: &Part,
        at: &[&str],
        overrides: &Overrides,
    ) -> Result<Setting, ConfigError> {
        let reading = &self.config.reading[reading_name];
        let protocol = &self.config.protocol[&config.protocol];
        let full_levels = self.levels(&protocol.levels, &["protocol", &config.protocol, "levels"])?;
        let levels = match (&overrides.levels, &part.levels) {
            (Some(levels), _) => option_levels(levels)?,
            (None, Some(grid)) => self.levels(grid, &[at, &["levels"]].concat())?,
            (None, None) => full_levels.clone(),
        };
        let mut reduced = Vec::new();
        let epochs = overrides.epochs.or(part.epochs).unwrap_or(protocol.epochs);
        if epochs != protocol.epochs {
            reduced.push("epochs".to_owned());
        }
        let train_size = overrides.train_size.or(part.train_size);
        let test_size = overrides.test_size.or(part.test_size);
        let (data, model, batch_size) = match reading.data.get(&config.dataset) {
            Some(draw) => {
                let test = test_size.unwrap_or(draw.test);
                if test != draw.test {
                    reduced.push("test_size".to_owned());
                }
                let spec = SyntheticSpec {
                    distribution: draw.distribution.clone(),
                    train: draw.train,
                    validation: draw.validation,
                    test,
                    label_noise: config.label_noise,
                    flip: reading.flip,
                };
                (DataSpec::Synthetic(spec), &reading.model, reading.batch_size)
            }
            None => {
                reduced.extend(train_size.map(|_| "train_size".to_owned()));
                reduced.extend(test_size.map(|_| "test_size".to_owned()));
                (
                    DataSpec::Images(self.images(config, protocol, train_size, test_size)),
                    config.model.as_ref().expect("checked"),
                    protocol.batch_size.expect("checked"),
                )
            }
        };
        let suffix = if reading_name == DEFAULT_READING { String::new() } else { format!("-{reading_name}") };
        Ok(Setting {
            id: format!("{id}{suffix}"),
            base: id.to_owned(),
            reading: reading_name.to_owned(),
            row: config.row.clone(),
            table: config.table,
            data,
            model: self.config.model[model].clone(),
            optimiser: protocol.optimiser.with_weight_decay(config.weight_decay),
            schedule: config.schedule.clone(),
            objective: config.objective,
            batch_size,
            epochs,
            observe: config.observe,
            trials: overrides.trials.or(part.trials).unwrap_or(protocol.trials),
            levels,
            full_grid: (protocol.trials, full_levels.len()),
            reduced,
        })
    }

    fn images(
        &self,
        config: &SettingConfig,
        protocol: &Protocol,
        train_size: Option<u32>,
        test_size: Option<u32>,
    ) -> ImagesSpec {
        ImagesSpec {
            dataset: config.dataset.clone(),
            files: self.catalogue[&config.dataset].clone(),
            train_size,
            test_size,
            validation_fraction: config.validation_fraction.or(protocol.validation_fraction).expect("checked"),
            augment: config.augment,
        }
    }

    /// Checks every block, also those that the chosen profile does not use: a typo should not wait for a cluster.
    fn check_everything(&self) -> Result<(), ConfigError> {
        for (name, model) in &self.config.model {
            self.check_model(name, model)?;
        }
        for (name, reading) in &self.config.reading {
            let at = ["reading", name.as_str()];
            self.check_name(&at, name)?;
            self.known(&at, "model", &reading.model, self.config.model.keys(), "models")?;
            self.positive(&at, "batch_size", reading.batch_size)?;
            for (data, draw) in &reading.data {
                let at = ["reading", name, "data", data];
                for (key, size) in [("train", draw.train), ("validation", draw.validation), ("test", draw.test)] {
                    self.positive(&at, key, size)?;
                    self.at_most(&at, key, size, 100_000_000)?;
                }
                self.check_distribution(&at, &draw.distribution)?;
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
        for name in self.config.dataset.keys() {
            self.check_name(&["dataset", name], name)?;
        }
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
        match model {
            ModelSpec::Mlp { hidden, .. } => {
                for &width in hidden {
                    self.positive(&at, "hidden", width)?;
                    self.at_most(&at, "hidden", width, 100_000)?;
                }
            }
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

    fn check_distribution(&self, at: &[&str], distribution: &Distribution) -> Result<(), ConfigError> {
        match distribution {
            Distribution::Gaussians { dimension, mean } => {
                self.positive(at, "distribution", *dimension)?;
                self.at_most(at, "distribution", *dimension, 100_000)?;
                self.in_range(at, "distribution", *mean, -1e6, 1e6)
            }
            Distribution::Sinusoid { w, w_prime, .. } => {
                if w[0] * w_prime[0] + w[1] * w_prime[1] != 0.0 {
                    let remedy = "the paper asks for w orthogonal to w_prime";
                    return Err(self.invalid(
                        at,
                        "distribution",
                        format!("{w:?}, {w_prime:?}"),
                        "not orthogonal",
                        remedy,
                    ));
                }
                Ok(())
            }
            Distribution::Spiral { tau } => self.in_range(at, "distribution", *tau, 0.0, 1e6),
        }
    }

    fn check_protocol(&self, name: &str, protocol: &Protocol) -> Result<(), ConfigError> {
        let at = ["protocol", name];
        self.positive(&at, "epochs", protocol.epochs)?;
        self.positive(&at, "trials", protocol.trials)?;
        self.at_most(&at, "epochs", protocol.epochs, 1_000_000)?;
        self.at_most(&at, "trials", protocol.trials, 10_000)?;
        self.levels(&protocol.levels, &["protocol", name, "levels"])?;
        if let Some(size) = protocol.batch_size {
            self.positive(&at, "batch_size", size)?;
        }
        if let Some(fraction) = protocol.validation_fraction {
            self.in_range(&at, "validation_fraction", fraction, 0.001, 0.9)?;
        }
        match protocol.optimiser {
            OptimiserSpec::Adam { lr, beta1, beta2, epsilon, weight_decay } => {
                self.in_range(&at, "optimiser", lr, f64::MIN_POSITIVE, 1e3)?;
                self.in_range(&at, "optimiser", beta1, 0.0, 0.999_999)?;
                self.in_range(&at, "optimiser", beta2, 0.0, 0.999_999_9)?;
                self.in_range(&at, "optimiser", epsilon, 0.0, 1.0)?;
                self.in_range(&at, "optimiser", weight_decay, 0.0, 1.0)
            }
            OptimiserSpec::Sgd { lr, momentum, weight_decay } => {
                self.in_range(&at, "optimiser", lr, f64::MIN_POSITIVE, 1e3)?;
                self.in_range(&at, "optimiser", momentum, 0.0, 0.999_999)?;
                self.in_range(&at, "optimiser", weight_decay, 0.0, 1.0)
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
        self.known(&at, "protocol", &setting.protocol, self.config.protocol.keys(), "protocols")?;
        self.in_range(&at, "label_noise", setting.label_noise, 0.0, 0.5)?;
        self.in_range(&at, "weight_decay", setting.weight_decay, 0.0, 1.0)?;
        if !setting.schedule.milestones.is_empty() {
            self.in_range(&at, "schedule", setting.schedule.factor, f64::MIN_POSITIVE, 1.0)?;
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
        self.known(at, "dataset", &setting.dataset, names.into_iter(), "data sets")?;
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
        if let Some(repetitions) = profile.theorem_repetitions {
            self.in_range(&["profile", name], "theorem_repetitions", repetitions as f64, 2.0, 1e12)?;
        }
        for (index, part) in profile.part.iter().enumerate() {
            let index = index.to_string();
            let at = ["profile", name, "part", index.as_str()];
            for (key, value) in [
                ("trials", part.trials),
                ("epochs", part.epochs),
                ("train_size", part.train_size),
                ("test_size", part.test_size),
            ] {
                if let Some(value) = value {
                    self.positive(&at, key, value)?;
                }
            }
            if let Some(grid) = &part.levels {
                self.levels(grid, &[&at[..], &["levels"]].concat())?;
            }
        }
        // Resolving the parts also checks their settings and readings.
        self.settings(name, profile, &Overrides::default()).map(|_| ())
    }

    fn check_theorem(&self) -> Result<(), ConfigError> {
        let at = ["theorem"];
        let theorem = &self.config.theorem;
        self.in_range(&at, "repetitions", theorem.repetitions as f64, 2.0, 1e12)?;
        for &n in &theorem.sample_sizes {
            self.positive(&at, "sample_sizes", n)?;
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

    /// A grid as ascending levels without duplicates.
    fn levels(&self, grid: &LevelGrid, at: &[&str]) -> Result<Vec<Level>, ConfigError> {
        let values = match grid {
            LevelGrid::List(values) => values.clone(),
            LevelGrid::Range(range) => {
                let steps = ((range.to - range.from) / range.step).round();
                if !(range.step > 0.0 && (0.0..=10_000.0).contains(&steps)) {
                    let remedy = "from <= to, step > 0, and at most 10,000 steps";
                    return Err(self.located.invalid(at, format!("{range:?}"), "not a grid", remedy));
                }
                (0..=steps as u32).map(|i| ((range.from + f64::from(i) * range.step) * 1e6).round() / 1e6).collect()
            }
        };
        if values.is_empty() {
            return Err(self.located.invalid(at, "[]", "no flood level", "name at least one"));
        }
        let mut levels = Vec::with_capacity(values.len());
        for value in values {
            levels.push(Level::try_from(value).map_err(|error| {
                self.located.invalid(at, value, error.to_string(), "write it as a decimal number such as 0.05")
            })?);
        }
        levels.sort_unstable();
        levels.dedup();
        Ok(levels)
    }

    /// What the configuration has and this plan does not run.
    fn left_out(&self, profile: &str, whole: &[Setting], chosen: &[Setting]) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for (id, config) in &self.config.setting {
            let in_profile = whole.iter().any(|setting| setting.base == *id);
            let why = match (in_profile, chosen.iter().any(|setting| setting.base == *id)) {
                (_, true) => continue,
                (true, false) => "left out by --only".to_owned(),
                (false, false) => format!("not part of profile `{profile}`"),
            };
            left_out.push(LeftOut { setting: id.clone(), row: config.row.clone(), why });
        }
        left_out
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

    fn positive(&self, at: &[&str], key: &str, value: u32) -> Result<(), ConfigError> {
        if value > 0 { Ok(()) } else { Err(self.invalid(at, key, value, "must not be zero", "use 1 or more")) }
    }

    fn at_most(&self, at: &[&str], key: &str, value: u32, limit: u32) -> Result<(), ConfigError> {
        if value <= limit {
            return Ok(());
        }
        Err(self.invalid(at, key, value, "absurdly large", format!("use at most {limit}")))
    }

    fn in_range(&self, at: &[&str], key: &str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(self.invalid(at, key, value, "out of range", format!("use a number from {low} to {high}")))
    }

    fn invalid(
        &self,
        at: &[&str],
        key: &str,
        value: impl ToString,
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

fn retain_matching(settings: &mut Vec<Setting>, profile: &str, only: &[String]) -> Result<(), ConfigError> {
    let matches = |setting: &Setting, pattern: &str| {
        [setting.data.name(), &setting.id, &setting.base].iter().any(|name| glob_matches(pattern, name))
    };
    for pattern in only {
        if !settings.iter().any(|setting| matches(setting, pattern)) {
            let mut datasets: Vec<&str> = settings.iter().map(|setting| setting.data.name()).collect();
            datasets.dedup();
            return Err(ConfigError::NothingMatches {
                pattern: pattern.clone(),
                profile: profile.to_owned(),
                datasets: datasets.join(", "),
                settings: settings.iter().map(|setting| &*setting.id).collect::<Vec<_>>().join(", "),
            });
        }
    }
    if !only.is_empty() {
        settings.retain(|setting| only.iter().any(|pattern| matches(setting, pattern)));
    }
    Ok(())
}

fn check_overrides(overrides: &Overrides) -> Result<(), ConfigError> {
    let sizes = [
        ("--epochs", overrides.epochs),
        ("--train-size", overrides.train_size),
        ("--test-size", overrides.test_size),
        ("--trials", overrides.trials),
    ];
    for (option, value) in sizes {
        if value == Some(0) {
            return Err(ConfigError::Option { option, value: "0".into(), problem: "must be 1 or more".into() });
        }
    }
    Ok(())
}

fn option_levels(values: &[f64]) -> Result<Vec<Level>, ConfigError> {
    let mut levels = Vec::with_capacity(values.len());
    for &value in values {
        levels.push(Level::try_from(value).map_err(|error| ConfigError::Option {
            option: "--levels",
            value: value.to_string(),
            problem: error.to_string(),
        })?);
    }
    levels.sort_unstable();
    levels.dedup();
    Ok(levels)
}
