//! Writes made-up records of a whole plan, to measure what large stores cost: `made_up_store CONFIG PROFILE [TRIALS ONLY]`
//! writes `data/runs` beside the configuration; with TRIALS and ONLY, so many trials of the settings that ONLY names.
//! Nothing is synced. `scripts/scale_figures.py` calls it.
#![allow(clippy::print_stdout)] // It prints what it did.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use flooding_core::config::Config;
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::record::{EpochRow, History, Measure, Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Layout, Store, document_bytes};
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
    std::thread::scope(|scope| {
        let part = runs.len().div_ceil(std::thread::available_parallelism().map_or(1, usize::from)).max(1);
        let threads: Vec<_> = runs
            .chunks(part)
            .map(|runs| scope.spawn(|| runs.iter().try_for_each(|run| write(&store, run).map_err(|e| e.to_string()))))
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })?;
    println!("{} records", runs.len());
    Ok(())
}

fn plan(config: &Path, folder: &Path, profile: &str, overrides: &Overrides) -> Result<Plan, Box<dyn Error>> {
    let catalogue: BTreeMap<_, _> = Manifest::load(&folder.join("data/datasets.toml"))?.catalogue();
    let (parsed, text) = Config::load(config)?;
    Ok(Resolver::new(&parsed, &text, config, &catalogue).plan(profile, overrides)?)
}

fn write(store: &Store, run: &RunSpec) -> Result<(), Box<dyn Error>> {
    let folder = store.layout().run(run);
    fs::create_dir_all(&folder)?;
    let history = history(run).to_csv();
    fs::write(folder.join(Layout::HISTORY), &history)?;
    let provenance = Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: "unknown".to_owned(),
        rustc: "rustc".to_owned(),
        device: "cpu".to_owned(),
        processor: "made up".to_owned(),
        finished: "2020-07-13T00:00:00Z".to_owned(),
        seconds: 60.0,
        training_seconds: 30.0,
        cores: None,
        memory: None,
    };
    let path = folder.join(Layout::PROVENANCE);
    fs::write(&path, document_bytes(&path, &provenance)?)?;
    let outcome = |epoch| Outcome { epoch, train: measure(run, 0), validation: measure(run, 1), test: measure(run, 2) };
    let record = Record {
        key: run.key(),
        data: Digest::of(run.setting.as_bytes()),
        examples: [200, 200, 20_000],
        parameters: 1_007_002,
        status: Status::Complete,
        summary: Some(Summary { last: outcome(run.epochs), best: outcome(run.epochs.div_ceil(3)) }),
        history: Digest::of(history.as_bytes()),
        files: BTreeMap::new(),
        first_crossing: None,
        spec: run.clone(),
    };
    let path = folder.join(Layout::RECORD);
    fs::write(&path, document_bytes(&path, &record)?)?;
    Ok(())
}

/// Numbers with as many digits as real ones have.
fn measure(run: &RunSpec, salt: u32) -> Measure {
    let part = f64::from((run.trial * 31 + run.level.millionths() / 10_000 * 17 + salt * 7) % 997) / 997.0;
    Measure { loss: 0.05 + part, accuracy: 1.0 - part / 3.0, clean_accuracy: 1.0 - part / 4.0 }
}

fn history(run: &RunSpec) -> History {
    let row = |epoch: u32| EpochRow {
        epoch,
        batch_loss: 1.0 / f64::from(epoch + run.trial),
        train: Some(measure(run, 3 * epoch)),
        validation: measure(run, 3 * epoch + 1),
        test: None,
        gradients: None,
    };
    History { rows: (1..=run.epochs).map(row).collect() }
}
