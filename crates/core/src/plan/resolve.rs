//! From a configuration to a plan: every name looked up, every number checked, every default filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::limits::check_overrides;
use super::select::glob_matches;
use super::{ID_ALONE, LeftOut, Overrides, Plan, Setting, TheoremPlan};
use crate::config::{
    Config, ConfigError, GridEntry, LevelGrid, LevelRange, Located, NothingMatches, Profile, Protocol, Reading,
    SettingConfig,
};
use crate::digest::Digest;
use crate::level::Level;
use crate::spec::{DataSpec, ImagesSpec, ModelSpec, Observe, SyntheticSpec};

/// The reading whose settings carry no suffix, and the only one for image data.
pub(super) const DEFAULT_READING: &str = "paper";

/// A configuration with the file it came from and the image datasets that exist.
pub struct Resolver<'a> {
    pub(super) config: &'a Config,
    pub(super) located: Located<'a>,
    /// Names of the image datasets, each with one digest over its files' digests.
    pub(super) catalogue: &'a BTreeMap<String, Digest>,
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
        let mut settings = self.settings(profile_name, profile, overrides, false)?;
        let when_named = self.settings(profile_name, profile, overrides, true)?;
        let whole: Vec<Setting> = settings.clone();
        for pattern in &overrides.only {
            if !settings.iter().any(|setting| setting.is_named(pattern)) {
                let here: Vec<_> = when_named.iter().filter(|setting| setting.is_named(pattern)).cloned().collect();
                settings.extend(if here.is_empty() { self.beyond_profile(pattern, overrides)? } else { here });
            }
        }
        if !overrides.only.is_empty() {
            settings.retain(|setting| overrides.only.iter().any(|pattern| setting.is_named(pattern)));
        }
        check_effect(overrides, &settings)?;
        self.check_runs(profile_name, &settings)?;
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
            reading_labels: (self.config.reading.iter())
                .filter(|(name, _)| settings.iter().any(|s| s.reading == **name))
                .filter_map(|(name, reading)| reading.label.clone().map(|label| (name.clone(), label)))
                .collect(),
            margin: self.config.scorecard.map(|scorecard| scorecard.margin),
            settings,
            theorem: TheoremPlan {
                repetitions: profile.theorem_repetitions.unwrap_or(theorem.repetitions),
                sample_sizes: theorem.sample_sizes.clone(),
                levels_over_risk: theorem.levels_over_risk.clone(),
                scenarios: theorem.scenario.clone(),
            },
            overrides: overrides.clone(),
        })
    }

    /// The settings of a profile: those that always run, or those that run only when they are named.
    pub(super) fn settings(
        &self,
        name: &str,
        profile: &Profile,
        overrides: &Overrides,
        when_named: bool,
    ) -> Result<Vec<Setting>, ConfigError> {
        let mut settings: Vec<Setting> = Vec::new();
        for (index, entry) in profile.grid.iter().enumerate().filter(|(_, entry)| entry.only_when_named == when_named) {
            let index = index.to_string();
            let at = ["profile", name, "grid", index.as_str()];
            for (id, config) in self.matching(entry, &at)? {
                for reading in self.readings(entry, id, config, &at)? {
                    let setting = self.setting(id, config, reading, entry, &at, overrides)?;
                    if let (Some(size), DataSpec::Synthetic(data)) = (entry.train_size, &setting.data) {
                        let problem = format!("setting {} draws {} training examples", setting.id, data.train);
                        let remedy = "leave it out, or name settings with images alone";
                        return Err(self.invalid(&at, "train_size", size, problem, remedy));
                    }
                    if settings.iter().any(|other| other.id == setting.id) {
                        let problem = format!("setting {} is already in an earlier entry of this profile", setting.id);
                        return Err(self.invalid(&at, "settings", entry.settings.join(", "), problem, "name it once"));
                    }
                    settings.push(setting);
                }
            }
        }
        Ok(settings)
    }

    /// The settings that `--only` names and the profile does not contain, at their protocol's full size.
    fn beyond_profile(&self, pattern: &str, overrides: &Overrides) -> Result<Vec<Setting>, ConfigError> {
        let mut named = Vec::new();
        let mut known = Vec::new();
        for (id, config) in &self.config.setting {
            for (reading, details) in &self.config.reading {
                if self.gives(reading, details, &config.dataset) {
                    let setting = self.setting(id, config, reading, &GridEntry::default(), &["--only"], overrides)?;
                    // A dataset or a row is meant under the paper's reading, unless another is spelled out.
                    let id = pattern.strip_prefix(ID_ALONE).unwrap_or(pattern);
                    if setting.is_named(pattern) && (reading == DEFAULT_READING || glob_matches(id, &setting.id)) {
                        named.push(setting.clone());
                    }
                    known.push(setting);
                }
            }
        }
        if named.is_empty() {
            let mut datasets: Vec<&str> = known.iter().map(|setting| setting.data.name()).collect();
            datasets.sort_unstable();
            datasets.dedup();
            let (settings, others): (Vec<&Setting>, Vec<&Setting>) =
                known.iter().partition(|setting| setting.reading == DEFAULT_READING);
            let mut settings = settings.iter().map(|setting| &*setting.id).collect::<Vec<_>>().join(", ");
            if let Some(example) = others.first() {
                let readings: BTreeSet<&str> = others.iter().map(|setting| &*setting.reading).collect();
                let readings = readings.into_iter().collect::<Vec<_>>().join(", ");
                settings
                    .push_str(&format!(", and under the readings {readings} with their name, as in {}", example.id));
            }
            return Err(ConfigError::NothingMatches(Box::new(NothingMatches {
                pattern: pattern.to_owned(),
                datasets: datasets.join(", "),
                settings,
            })));
        }
        Ok(named)
    }

    /// The settings that an entry names, in the configuration's order.
    fn matching(&self, entry: &GridEntry, at: &[&str]) -> Result<Vec<(&'a str, &'a SettingConfig)>, ConfigError> {
        for pattern in &entry.settings {
            if !self.config.setting.keys().any(|id| glob_matches(pattern, id)) {
                let known = self.config.setting.keys().cloned().collect::<Vec<_>>().join(", ");
                let remedy = format!("the settings are: {known}");
                return Err(self.invalid(at, "settings", pattern, "matches no setting", remedy));
            }
        }
        let wanted = |id: &str| entry.settings.iter().any(|pattern| glob_matches(pattern, id));
        Ok(self.config.setting.iter().filter(|(id, _)| wanted(id)).map(|(id, config)| (&**id, config)).collect())
    }

    fn readings<'p>(
        &self,
        entry: &'p GridEntry,
        id: &str,
        config: &SettingConfig,
        at: &[&str],
    ) -> Result<Vec<&'p str>, ConfigError> {
        let readings =
            entry.readings.as_ref().map_or(vec![DEFAULT_READING], |names| names.iter().map(|n| &**n).collect());
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
            if !self.gives(reading, known, &config.dataset) {
                let problem = format!("setting {id} uses `{}`, which is not among this reading's data", config.dataset);
                let remedy = "name readings that draw it; images have the reading `paper` alone";
                return Err(self.invalid(at, "readings", reading, problem, remedy));
            }
        }
        Ok(readings)
    }

    /// Has this reading this dataset? Images, which no reading draws, have the default one alone.
    fn gives(&self, name: &str, reading: &Reading, dataset: &str) -> bool {
        let is_drawn = self.config.reading.values().any(|reading| reading.data.contains_key(dataset));
        if is_drawn { reading.data.contains_key(dataset) } else { name == DEFAULT_READING }
    }

    fn setting(
        &self,
        id: &str,
        config: &SettingConfig,
        reading_name: &str,
        entry: &GridEntry,
        at: &[&str],
        overrides: &Overrides,
    ) -> Result<Setting, ConfigError> {
        let reading = &self.config.reading[reading_name];
        let protocol = &self.config.protocol[&config.protocol];
        let full_levels = self.levels(&protocol.levels, &["protocol", &config.protocol, "levels"])?;
        let levels = match (&overrides.levels, &entry.levels) {
            (Some(levels), _) => option_levels(levels)?,
            (None, Some(grid)) => self.levels(grid, &[at, &["levels"]].concat())?,
            (None, None) => full_levels.clone(),
        };
        let mut reduced = Vec::new();
        let epochs = overrides.epochs.or(entry.epochs).unwrap_or(protocol.epochs);
        if epochs != protocol.epochs {
            reduced.push("epochs".to_owned());
        }
        let train_size = overrides.train_size.or(entry.train_size);
        let test_size = overrides.test_size.or(entry.test_size);
        let is_synthetic = reading.data.contains_key(&config.dataset);
        let (data, model, batch_size) = if let Some(draw) = reading.data.get(&config.dataset) {
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
        } else {
            reduced.extend(train_size.map(|_| "train_size".to_owned()));
            reduced.extend(test_size.map(|_| "test_size".to_owned()));
            (
                DataSpec::Images(self.images(config, protocol, train_size, test_size)),
                config.model.as_ref().expect("checked"),
                protocol.batch_size.expect("checked"),
            )
        };
        let model = &self.config.model[model];
        let observe = observe(config, protocol, is_evaluated_by_training(&data, model, batch_size));
        let full_id = id_under(id, reading_name);
        let streams = id_under(
            config.streams_of.as_deref().unwrap_or(id),
            reading.streams_of.as_deref().filter(|_| is_synthetic).unwrap_or(reading_name),
        );
        Ok(Setting {
            streams_of: Some(streams).filter(|streams| *streams != full_id),
            id: full_id,
            base: id.to_owned(),
            reading: reading_name.to_owned(),
            row: config.row.clone(),
            table: config.table,
            data,
            model: model.clone(),
            optimiser: protocol.optimiser.with_weight_decay(config.weight_decay),
            schedule: config.schedule.clone(),
            objective: config.objective,
            batch_size,
            epochs,
            observe,
            probes: entry.probes.unwrap_or(config.probes),
            initial_weights: config.initial_weights.unwrap_or(reading.initial_weights),
            trials: overrides.trials.or(entry.trials).unwrap_or(protocol.trials),
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

    /// A grid as ascending levels without duplicates.
    pub(super) fn levels(&self, grid: &LevelGrid, at: &[&str]) -> Result<Vec<Level>, ConfigError> {
        let mut levels = match grid {
            LevelGrid::List(values) => {
                values.iter().map(|&value| self.level(at, value)).collect::<Result<Vec<Level>, _>>()?
            }
            LevelGrid::Range(range) => self.even_grid(*range, at)?,
        };
        if levels.is_empty() {
            return Err(self.located.invalid(at, "[]", "no flood level", "name at least one"));
        }
        levels.sort_unstable();
        levels.dedup();
        Ok(levels)
    }

    fn level(&self, at: &[&str], value: f64) -> Result<Level, ConfigError> {
        Level::try_from(value).map_err(|error| {
            self.located.invalid(at, value, error.to_string(), "write it as a decimal number such as 0.05")
        })
    }

    /// Both ends and everything between them, in whole millionths: no level is rounded, and the last one is `to` itself.
    fn even_grid(&self, range: LevelRange, at: &[&str]) -> Result<Vec<Level>, ConfigError> {
        let millionths =
            |key, value| -> Result<u32, ConfigError> { Ok(self.level(&[at, &[key]].concat(), value)?.millionths()) };
        let (from, to) = (millionths("from", range.from)?, millionths("to", range.to)?);
        let step = millionths("step", range.step)?;
        if step == 0 || from > to || (to - from) / step > 10_000 {
            let remedy = "from <= to, step > 0, and at most 10,000 steps";
            let LevelRange { from, to, step } = range;
            let range = format!("{{ from = {from}, to = {to}, step = {step} }}");
            return Err(self.located.invalid(at, range, "not a grid", remedy));
        }
        let rest = (to - from) % step;
        if rest != 0 {
            let [below, above] = [to - rest, to - rest + step].map(Level::from_millionths);
            let problem = format!("the step does not divide the way from {} to {}", range.from, range.to);
            let remedy = format!("end at {below} or {above}, or choose another step");
            return Err(self.located.invalid(&[at, &["step"]].concat(), range.step, problem, remedy));
        }
        Ok((from..=to).step_by(step as usize).map(Level::from_millionths).collect())
    }

    /// What the configuration has and this plan does not run.
    fn left_out(&self, profile: &str, whole: &[Setting], chosen: &[Setting]) -> Vec<LeftOut> {
        let mut left_out = Vec::new();
        for (id, config) in &self.config.setting {
            let in_profile = whole.iter().any(|setting| setting.base == *id);
            let why = match (in_profile, chosen.iter().any(|setting| setting.base == *id)) {
                (_, true) => continue,
                (true, false) => "left out by --only".to_owned(),
                // Not a row of the paper, so nothing is missing from its tables.
                (false, false) if config.table.is_none() => continue,
                (false, false) => format!("not part of profile `{profile}`"),
            };
            left_out.push(LeftOut { setting: id.clone(), row: config.row.clone(), table: config.table, why });
        }
        left_out
    }
}

/// What a setting's runs measure; `is_free`: evaluating the training set costs nothing.
fn observe(config: &SettingConfig, protocol: &Protocol, is_free: bool) -> Observe {
    let asked = if config.observe.train_every == 0 { protocol.train_every } else { config.observe.train_every };
    // One specification for what is measured alike: evaluating at each epoch is 0, however it is written.
    let train_every = if is_free || asked == 1 { 0 } else { asked };
    Observe { train_every, ..config.observe }
}

/// Is the forward pass of a training step also the evaluation of the training set after the step before? So it is with
/// one batch an epoch and a network that computes the same in training and evaluation mode.
fn is_evaluated_by_training(data: &DataSpec, model: &ModelSpec, batch_size: u32) -> bool {
    matches!(model, ModelSpec::Mlp { batch_norm: false, .. })
        && matches!(data, DataSpec::Synthetic(data) if data.train <= batch_size)
}

/// A setting's id under a reading.
fn id_under(id: &str, reading: &str) -> String {
    if reading == DEFAULT_READING { id.to_owned() } else { format!("{id}-{reading}") }
}

/// An option that a chosen setting could not follow is refused: nothing given on the command line is passed over.
fn check_effect(overrides: &Overrides, settings: &[Setting]) -> Result<(), ConfigError> {
    let drawn = settings.iter().find_map(|setting| match &setting.data {
        DataSpec::Synthetic(data) => Some((&setting.id, data.train)),
        DataSpec::Images(_) => None,
    });
    let (Some(size), Some((id, train))) = (overrides.train_size, drawn) else { return Ok(()) };
    let problem = format!(
        "setting {id} draws its {train} training examples and cannot take fewer or more: name settings with images alone, \
         for example --only mnist"
    );
    Err(ConfigError::Option { option: "--train-size", value: size.to_string(), problem })
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
