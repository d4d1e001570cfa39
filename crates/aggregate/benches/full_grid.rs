//! The whole synthetic grid of Table 2 under one reading: 4,590 records with 500 epochs each, made up, then aggregated
//! three times: from nothing, with nothing changed, and with one record changed. Prints wall and processor seconds and
//! peak memory. Writing the records takes longest; with TMPDIR on a memory file system it takes seconds.
//!
//! `cargo bench -p flooding-aggregate --bench full_grid` (Linux: memory is read from /proc).

#![allow(clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use flooding_core::context::Context;
use flooding_core::plan::Overrides;
use flooding_core::record::{Outcome, Status, Summary};
use support::{Grid, Made, history, plan};

fn main() {
    let mut plan = plan("full", &Overrides::default());
    plan.settings.retain(|setting| setting.reading == "paper" && setting.trials == 10);
    let grid = Grid::new();
    let start = Instant::now();
    for spec in plan.runs() {
        let test_every = spec.observe.test_every;
        let test = |epoch: u32| {
            (test_every > 0 && epoch.is_multiple_of(test_every)).then(|| 0.5 + f64::from(epoch % 7) / 13.0)
        };
        let outcome = |epoch, accuracy| -> Outcome { support::outcome(epoch, [accuracy; 3], &spec) };
        let accuracy = 0.8 + f64::from((spec.trial * 31 + spec.level.millionths() / 10_000 * 17) % 100) / 1000.0;
        let summary = Summary { last: outcome(spec.epochs, accuracy), best: outcome(3, accuracy) };
        grid.write(&spec, Status::Complete, Some(summary), &history(&spec, test));
    }
    println!("{} records written in {:.1} s", plan.runs().count(), start.elapsed().as_secs_f64());
    report("from nothing", || drop(grid.aggregate(&plan)));
    report("nothing changed", || assert_eq!(grid.aggregate(&plan).skipped, 1));
    let spec = plan.runs().next().expect("the plan has runs");
    grid.complete(&spec, Made::flat(0.5, 0.5));
    report("one record changed", || assert_eq!(grid.aggregate(&plan).done, 1));
    let context = Context::default();
    let prepared = flooding_aggregate::prepare(&plan, &grid.store, &context, flooding_aggregate::Inputs::default());
    assert!(prepared.is_ok_and(|prepared| !prepared.items[0].decision.runs()));
}

fn report(what: &str, work: impl FnOnce()) {
    let (start, before) = (Instant::now(), processor_seconds());
    work();
    let (seconds, busy) = (start.elapsed().as_secs_f64(), processor_seconds() - before);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
    println!("{what}: {seconds:.2} s ({busy:.2} s of processor time), peak memory so far {peak}");
}

/// Time spent by this process in all its threads, from /proc/self/stat in ticks of 10 ms.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}
