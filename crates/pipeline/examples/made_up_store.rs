//! Writes made-up records of a whole plan, to measure what large stores cost: `made_up_store CONFIG PROFILE [TRIALS ONLY]`
//! writes `data/runs` beside the configuration; with TRIALS and ONLY, that number of trials of the settings that ONLY names.
//! Nothing is synced. `scripts/scale_figures.py` calls it.
#![allow(dead_code, clippy::print_stdout)] // It prints what it did, and takes from the benchmark what it needs.

#[path = "../benches/report/curve.rs"]
mod curve;
#[path = "../benches/report/record.rs"]
mod record;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use flooding_core::config::Config;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::spec::RunSpec;
use flooding_core::store::Store;
use flooding_fetch::Manifest;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (config, profile, overrides) = match arguments.as_slice() {
        [config, profile] => (config, profile, Overrides::default()),
        [config, profile, trials, only] => {
            let only = only.split(',').map(str::to_owned).collect();
            (config, profile, Overrides { only, trials: Some(trials.parse()?), ..Overrides::default() })
        }
        _ => return Err("usage: made_up_store CONFIG PROFILE [TRIALS ONLY]".into()),
    };
    let config = PathBuf::from(config);
    let folder = config.parent().map_or_else(PathBuf::new, Path::to_owned);
    let plan = plan(&config, &folder, profile, &overrides)?;
    let store = Store::open(folder.join("data"), folder.join("reports"))?;
    let runs: Vec<RunSpec> = plan.runs().collect();
    let part = runs.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(1);
    std::thread::scope(|scope| {
        for part in runs.chunks(part) {
            scope.spawn(|| part.iter().for_each(|run| record::write(&store, run)));
        }
    });
    println!("{} records", runs.len());
    Ok(())
}

fn plan(config: &Path, folder: &Path, profile: &str, overrides: &Overrides) -> Result<Plan, Box<dyn Error>> {
    let catalogue: BTreeMap<_, _> = Manifest::load(&folder.join("data/datasets.toml"))?.catalogue();
    let (parsed, text) = Config::load(config)?;
    Ok(Resolver::new(&parsed, &text, config, &catalogue).plan(profile, overrides)?)
}
