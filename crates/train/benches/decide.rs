//! How long it takes to see that the whole of Table 2 (4,590 runs of 500 epochs) is up to date.
#![allow(missing_docs, clippy::print_stdout)] // A benchmark prints.

#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::time::Instant;

use flooding_core::digest::Digest;
use flooding_core::record::{EpochRow, History, Measure, Outcome, Record, Status, Summary};
use flooding_core::store::Layout;
use support::{jobs, plan, setting, store, work};

fn main() {
    let levels: Vec<f64> = (0..=50).map(|i| f64::from(i) / 100.0).collect();
    let mut settings: Vec<_> = (0..9).map(|i| setting(&format!("clouds-{i}"), &levels)).collect();
    for setting in &mut settings {
        (setting.trials, setting.epochs) = (10, 500);
    }
    let plan = plan(settings);
    let (_folder, store) = store();
    let measure = Measure { loss: 1.0 / 3.0, accuracy: 0.87, clean_accuracy: 0.91 };
    let row = |epoch| EpochRow {
        epoch,
        batch_loss: f64::from(epoch).recip(),
        train: Some(measure),
        validation: measure,
        test: None,
        gradients: None,
    };
    let history = History { rows: (1..=500).map(row).collect() }.to_csv();
    let outcome = Outcome { epoch: 500, train: measure, validation: measure, test: measure };
    for spec in plan.runs() {
        let folder = store.layout().run(&spec);
        let record = Record {
            key: spec.key(),
            data: Digest::of(b"data"),
            examples: [30, 20, 50],
            parameters: 1,
            status: Status::Complete,
            summary: Some(Summary { last: outcome, best: outcome }),
            history: Digest::of(history.as_bytes()),
            files: std::collections::BTreeMap::new(),
            first_crossing: None,
            spec,
        };
        store.write_document(&folder.join(Layout::RECORD), &record).expect("a temporary folder is writable");
        fs::write(folder.join(Layout::HISTORY), &history).expect("a temporary folder is writable");
    }
    for _ in 0..5 {
        let start = Instant::now();
        let items = work(&plan, &store, &jobs(1)).expect("the store is readable");
        let left = items.iter().filter(|item| item.decision.runs()).count();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{} runs, {left} to train: decided in {seconds:.2} s ({} KB a history)",
            items.len(),
            history.len() / 1000
        );
    }
}
