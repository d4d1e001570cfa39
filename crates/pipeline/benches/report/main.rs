//! Table 2 whole: 18 settings (three datasets, three noise rates, two readings) of 51 levels and 10 trials, 500 epochs each,
//! made up; then aggregated and rendered. Prints seconds of wall and processor time, the size of the page and its parts.
//!
//! `cargo bench -p flooding-pipeline --bench report`. On a memory file system (`TMPDIR=/dev/shm`) the 9,180 records are
//! written in seconds. `PIPELINE_BENCH_STORE=FOLDER` keeps data and report there, to be looked at.

#![allow(clippy::print_stdout)]

mod curve;
mod probes;
mod record;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flooding_core::config::Config;
use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan, Resolver};
use flooding_core::store::Store;
use flooding_render::Templates;

const CONFIGURATION: &str = include_str!("../../../../pipeline.toml");

fn main() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let kept = std::env::var_os("PIPELINE_BENCH_STORE").map(PathBuf::from);
    let folder = kept.unwrap_or_else(|| temporary.path().to_owned());
    let store = Store::open(folder.join("data"), folder.join("reports")).expect("a store");
    let plan = plan();
    timed(&format!("{} records written", plan.runs().count()), || fill(&store, &plan));
    let context = Context::default();
    timed("verify", || flooding_verify::prepare(&plan, &store, &context).unwrap().run().unwrap());
    let inputs = flooding_aggregate::Inputs { configuration: CONFIGURATION.to_owned(), ..Default::default() };
    timed("aggregate", || flooding_aggregate::prepare(&plan, &store, &context, inputs).unwrap().run().unwrap());
    timed("render", || {
        flooding_render::prepare(&plan, &store, &context, Templates::built_in()).unwrap().run().unwrap();
    });
    let page = std::fs::read_to_string(folder.join("reports/index.html")).expect("the page was rendered");
    let drawings: usize = page.split("<svg").skip(1).map(|part| part.find("</svg>").unwrap_or(0)).sum();
    println!("page: {:.2} MB, of it {:.2} MB drawings", page.len() as f64 / 1e6, drawings as f64 / 1e6);
    println!("report with all files: {:.1} MB", size(&folder.join("reports")) as f64 / 1e6);
}

/// A record of every run, and the probes of the probed trials.
fn fill(store: &Store, plan: &Plan) {
    plan.runs().for_each(|run| record::write(store, &run));
    for setting in &plan.settings {
        for trial in 0..setting.probes.min(setting.trials) {
            probes::write(store, plan, setting, trial);
        }
    }
}

/// Table 2 under the two readings that run all of it.
fn plan() -> Plan {
    let path = Path::new("pipeline.toml");
    let config = Config::parse(CONFIGURATION, path).expect("the tracked configuration");
    let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
    let catalogue: BTreeMap<String, Digest> =
        names.iter().map(|name| ((*name).to_owned(), Digest::of(name.as_bytes()))).collect();
    let resolver = Resolver::new(&config, CONFIGURATION, path, &catalogue);
    let mut plan = resolver.plan("table2", &Overrides::default()).expect("the profile is there");
    // The theorem's tables are there; their numbers do not matter here.
    plan.theorem.repetitions = 2_000;
    plan.settings.retain(|setting| ["paper", "demo"].contains(&&*setting.reading));
    assert_eq!(plan.runs().count(), 18 * 51 * 10);
    plan
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) {
    let (start, before) = (Instant::now(), processor_seconds());
    drop(work());
    let (wall, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
    println!("{what}: {wall:.2} s, {busy:.2} s of processor time");
}

/// Time of all threads of this process, from /proc/self/stat in ticks of 10 ms; 0 where there is no such file.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn size(path: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(path) else { return std::fs::metadata(path).map_or(0, |data| data.len()) };
    entries.flatten().map(|entry| size(&entry.path())).sum()
}
