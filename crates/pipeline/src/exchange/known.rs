//! The settings of this project's configuration, to tell its records from those of another project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flooding_core::config::{Config, ConfigError};
use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::plan::{ID_ALONE, Overrides, Resolver, Setting};
use flooding_core::spec::{DataSpec, RunSpec};
use flooding_core::work::Reason;

/// The settings of a configuration, looked up one by one.
pub struct KnownSettings {
    config: Config,
    text: String,
    path: PathBuf,
    catalogue: BTreeMap<String, Digest>,
    found: BTreeMap<String, Option<Setting>>,
}

impl KnownSettings {
    /// Those of a configuration that was read from `path`; `catalogue` has the digests of the image datasets.
    pub fn new(config: Config, text: String, path: &Path, catalogue: BTreeMap<String, Digest>) -> Self {
        Self { config, text, path: path.to_owned(), catalogue, found: BTreeMap::new() }
    }

    /// Why a run is not one of this project; `None` where it is. How much of the protocol it covers (epochs, sizes, what
    /// is measured) may be anything: it is the run's own, and part of its key.
    pub fn refuse(&mut self, run: &RunSpec) -> Result<Option<String>, ConfigError> {
        if run.master_seed != self.config.master_seed {
            let (theirs, ours) = (run.master_seed, self.config.master_seed);
            return Ok(Some(format!("belongs to another project: its master_seed is {theirs}, this one's is {ours}")));
        }
        let Some(setting) = self.setting(&run.setting)? else { return Ok(Some(self.unknown(&run.setting))) };
        let mut expected = setting.run(run.master_seed, run.trial, run.level);
        expected.engine = run.engine;
        expected.epochs = run.epochs;
        expected.observe = run.observe;
        expected.reduced.clone_from(&run.reduced);
        match (&mut expected.data, &run.data) {
            (DataSpec::Synthetic(expected), DataSpec::Synthetic(run)) => expected.test = run.test,
            (DataSpec::Images(expected), DataSpec::Images(run)) => {
                expected.train_size = run.train_size;
                expected.test_size = run.test_size;
            }
            _ => {}
        }
        let value = |spec: &RunSpec| serde_json::to_value(spec).expect("a specification is plain data");
        Ok(match Reason::of_difference(&value(run), &value(&expected)) {
            Some(Reason::SpecificationChanged { key, from, to }) => {
                let setting = &run.setting;
                Some(format!("belongs to another project: its {key} is {from}, `{setting}` has {to} here"))
            }
            _ => None,
        })
    }

    /// The same of the examples of one trial.
    pub fn refuse_data(
        &mut self,
        setting: &str,
        master_seed: u64,
        trial: u32,
        data: DataSpec,
    ) -> Result<Option<String>, ConfigError> {
        let Some(known) = self.setting(setting)? else { return Ok(Some(self.unknown(setting))) };
        // A trial's examples are the same at every level.
        let run = RunSpec { data, ..known.run(master_seed, trial, Level::ZERO) };
        self.refuse(&run)
    }

    /// The runs of this setting in any profile.
    pub(super) fn planned(&self, setting: &str) -> Result<Vec<RunSpec>, ConfigError> {
        let mut runs = Vec::new();
        for profile in self.config.profile.keys() {
            let overrides = Overrides { only: vec![format!("{ID_ALONE}{setting}")], ..Overrides::default() };
            let resolver = Resolver::new(&self.config, &self.text, &self.path, &self.catalogue);
            match resolver.plan(profile, &overrides) {
                Ok(plan) => runs.extend(plan.runs()),
                Err(ConfigError::NothingMatches(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(runs)
    }

    /// The same of something that belongs to a whole setting.
    pub fn refuse_setting(&mut self, setting: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.setting(setting)?.is_none().then(|| self.unknown(setting)))
    }

    fn unknown(&self, setting: &str) -> String {
        format!("belongs to another project: {} has no setting `{setting}`", self.path.display())
    }

    /// The setting of this id; `None` where the configuration has none.
    fn setting(&mut self, id: &str) -> Result<Option<Setting>, ConfigError> {
        if let Some(found) = self.found.get(id) {
            return Ok(found.clone());
        }
        let found = self.look_up(id)?;
        self.found.insert(id.to_owned(), found.clone());
        Ok(found)
    }

    fn look_up(&self, id: &str) -> Result<Option<Setting>, ConfigError> {
        // Any profile does: a setting that it does not contain is resolved at full size.
        let Some(profile) = self.config.profile.keys().next() else { return Ok(None) };
        let overrides = Overrides { only: vec![format!("{ID_ALONE}{id}")], ..Overrides::default() };
        let resolver = Resolver::new(&self.config, &self.text, &self.path, &self.catalogue);
        match resolver.plan(profile, &overrides) {
            Ok(plan) => Ok(plan.settings.into_iter().find(|setting| setting.id == id)),
            Err(ConfigError::NothingMatches(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
