//! From the command line's paths and choices to a plan and a store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flooding_core::config::{Config, ConfigError};
use flooding_core::context::Context;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::spec::DataSpec;
use flooding_core::store::Store;
use flooding_fetch::Manifest;
use flooding_fetch::manifest::Entry;

use crate::batch;
use crate::cli::{DataArgs, PartArgs, PlaceArgs, PlanArgs, RunArgs};
use crate::display;
use crate::exchange::KnownSettings;
use crate::exit::Failure;
use crate::interrupt;
use crate::shell;

/// The datasets that exist and where they are kept: all that `pipeline data` needs, which works without a valid plan.
pub struct Datasets {
    /// The published datasets and the user's own.
    pub manifest: Manifest,
    folder: PathBuf,
    reports: PathBuf,
}

impl Datasets {
    /// Reads the configuration and the manifest beside it.
    pub fn load(args: &DataArgs) -> Result<Self, Failure> {
        let (config, _) = Config::load(&args.config)?;
        let base = folder_of(&args.config);
        let folder = args.data.clone().unwrap_or_else(|| base.join("data"));
        Ok(Self { manifest: manifest(&config, &base)?, folder, reports: base.join("reports") })
    }

    /// The store, for writing: its data folder is made and tried.
    pub fn store(&self) -> Result<Store, Failure> {
        Ok(Store::open_data(&self.folder, &self.reports)?)
    }

    /// The store, for looking.
    pub fn read_only_store(&self) -> Store {
        Store::read_only(&self.folder, &self.reports)
    }
}

fn folder_of(config: &Path) -> PathBuf {
    config.parent().map_or_else(PathBuf::new, Path::to_owned)
}

/// `data/datasets.toml` and the configuration's own blocks.
fn manifest(config: &Config, base: &Path) -> Result<Manifest, Failure> {
    let published = Manifest::load(&base.join("data/datasets.toml")).map_err(Failure::manifest)?;
    published.with_user_datasets(&config.dataset, base).map_err(Failure::manifest)
}

/// Everything a command needs to know about the project it works on.
pub struct Project {
    /// What is to be done.
    pub plan: Plan,
    /// The published datasets and the user's own.
    pub manifest: Manifest,
    /// `pipeline.toml`, as it is.
    pub configuration: String,
    config: Config,
    place: PlaceArgs,
}

impl Project {
    /// Reads and checks the configuration and resolves the plan; reads the user's own files that the plan needs, and
    /// writes nothing.
    pub fn load(args: &PlanArgs) -> Result<Self, Failure> {
        Self::load_runs(args, &[])
    }

    /// As [`load`](Self::load), with only those runs whose keys start with these digits; with none, all.
    pub fn load_runs(args: &PlanArgs, keys: &[String]) -> Result<Self, Failure> {
        let place = args.place.clone();
        let (config, configuration) = Config::load(&place.config)?;
        let manifest = manifest(&config, &place.folder())?;
        let overrides = Overrides {
            only: args.only.clone(),
            epochs: args.epochs,
            train_size: args.train_size,
            test_size: args.test_size,
            levels: args.levels.clone(),
            trials: args.trials,
            keys: keys.to_vec(),
            tasks: None,
        };
        let plan = resolve(&config, &configuration, &place, &manifest, &args.profile, &overrides)?;
        Ok(Self { plan, manifest, configuration, config, place })
    }

    /// Leaves only the part of the plan that the command line names.
    pub fn keep(&mut self, part: &PartArgs) -> Result<(), Failure> {
        let tasks = match (part.task.as_slice(), part.shard) {
            ([], None) => return Ok(()),
            ([], Some(shard)) => shard.of(&self.plan),
            (tasks, None) => tasks.iter().cloned().collect(),
            _ => {
                return Err(Failure::Usage(
                    "--task names the work and --shard divides it: give one of them".to_owned(),
                ));
            }
        };
        Ok(self.plan.keep_tasks(tasks)?)
    }

    /// Another plan of the same configuration.
    pub fn plan_of(&self, profile: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
        resolve(&self.config, &self.configuration, &self.place, &self.manifest, profile, overrides)
    }

    /// The names of the configuration's profiles, that of the plan first.
    pub fn profiles(&self) -> impl Iterator<Item = &str> {
        let others = self.config.profile.keys().map(|name| &**name).filter(|name| *name != self.plan.profile);
        std::iter::once(&*self.plan.profile).chain(others)
    }

    /// A command of this program that works on this project from any folder.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> shell::Command {
        let PlaceArgs { config, data, reports } = &self.place;
        let mut command = shell::Command::new(arguments);
        command.project(config, data.as_deref(), reports.as_deref());
        command
    }

    /// The same, on this plan.
    pub fn planned<const N: usize>(&self, arguments: [&str; N]) -> shell::Command {
        let mut command = self.command(arguments);
        command.option("profile", &self.plan.profile);
        for (name, value) in (Overrides { tasks: None, ..self.plan.overrides.clone() }).options() {
            command.option(name, value);
        }
        command
    }

    /// The configuration's folder.
    pub fn folder(&self) -> PathBuf {
        self.place.folder()
    }

    /// The folder whose files replace the built-in templates.
    pub fn templates(&self) -> PathBuf {
        self.folder().join("templates")
    }

    /// The store, for writing: its folders are made and tried.
    pub fn store(&self) -> Result<Store, Failure> {
        let [data, reports] = self.place.folders();
        Ok(Store::open(data, reports)?)
    }

    /// The store, for looking.
    pub fn read_only_store(&self) -> Store {
        let [data, reports] = self.place.folders();
        Store::read_only(data, reports)
    }
}

/// The plan, with the digests of the user's own files that it needs.
fn resolve(
    config: &Config,
    text: &str,
    place: &PlaceArgs,
    manifest: &Manifest,
    profile: &str,
    overrides: &Overrides,
) -> Result<Plan, ConfigError> {
    let catalogue: BTreeMap<_, _> = manifest.catalogue();
    let mut plan = Resolver::new(config, text, &place.config, &catalogue).plan(profile, overrides)?;
    let datasets: Vec<String> = plan.image_datasets().into_iter().map(str::to_owned).collect();
    for (name, digest) in datasets.iter().filter_map(|name| Some((name, manifest.user_digest(name)?))) {
        plan.set_files(name, digest);
    }
    check_sizes(&plan, manifest)?;
    plan.check_keys()?;
    Ok(plan)
}

/// A part of a dataset cannot be larger than the dataset: the whole of it would be called reduced.
fn check_sizes(plan: &Plan, manifest: &Manifest) -> Result<(), ConfigError> {
    for setting in &plan.settings {
        let DataSpec::Images(images) = &setting.data else { continue };
        let Some(Entry::Published(dataset)) = manifest.get(&images.dataset) else { continue };
        let sizes = [
            ("--train-size", plan.overrides.train_size, u64::from(dataset.train), "training"),
            ("--test-size", plan.overrides.test_size, u64::from(dataset.test), "test"),
        ];
        for (option, size, there, set) in sizes {
            if let Some(size) = size.filter(|size| u64::from(*size) > there) {
                let problem =
                    format!("the dataset `{}` of setting {} has {there} {set} images", dataset.name, setting.id);
                return Err(ConfigError::Option { option, value: size.to_string(), problem });
            }
        }
    }
    Ok(())
}

/// The settings that an import may bring results of, and the store that takes them, for writing.
pub fn known_settings(place: &PlaceArgs) -> Result<(KnownSettings, Store), Failure> {
    let (config, text) = Config::load(&place.config)?;
    let catalogue: BTreeMap<_, _> = manifest(&config, &place.folder())?.catalogue();
    let [data, reports] = place.folders();
    Ok((KnownSettings::new(config, text, &place.config, catalogue), Store::open(data, reports)?))
}

/// The datasets of a published configuration, described by the list of this data folder.
pub fn published_datasets(config: &Path, data: &Path) -> Result<Manifest, Failure> {
    let (config, _) = Config::load(config)?;
    let published = Manifest::load(&data.join("datasets.toml")).map_err(Failure::manifest)?;
    published.with_user_datasets(&config.dataset, &folder_of(data)).map_err(Failure::manifest)
}

/// How the stages are to work.
pub fn context(args: &RunArgs) -> Result<Context, Failure> {
    let devices = args.device.clone().unwrap_or_default();
    if devices.are_cpu() && args.group_size.is_some() {
        let problem = "--group-size goes with --device cuda: the CPU trains every run by itself, --jobs N side by side";
        return Err(Failure::Usage(problem.to_owned()));
    }
    for &device in devices.all() {
        flooding_engine::device::check(device).map_err(|error| Failure::Device(Box::new(error)))?;
    }
    let usual = Context::default();
    Ok(Context {
        ends: batch::job_end(),
        jobs: args.jobs.map_or_else(cores, usize::from),
        devices,
        group_size: args.group_size.unwrap_or_default(),
        force: args.force,
        offline: args.offline,
        mirror: args.mirror.clone(),
        checkpoint_every: args.checkpoint_every.map_or(usual.checkpoint_every, Duration::from_secs),
        fail_fast: args.fail_fast,
        stop: interrupt::stop_flag(),
        progress: display::for_terminal(),
    })
}

/// How many runs go side by side unless the user says otherwise.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
