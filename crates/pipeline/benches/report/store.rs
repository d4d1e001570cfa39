//! Writes a record for every run of a plan, and the probes of its probed trials.

use std::collections::BTreeMap;

use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::record::{History, Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Layout, Store};

use crate::curve::Curve;
use crate::probes;

pub fn fill(store: &Store, plan: &Plan) {
    for spec in plan.runs() {
        write(store, &spec);
    }
    for setting in &plan.settings {
        for trial in 0..setting.probes.min(setting.trials) {
            probes::write(store, plan, setting, trial);
        }
    }
}

fn write(store: &Store, spec: &RunSpec) {
    let curve = Curve::new(spec);
    let every = spec.observe.test_every;
    let tested = |epoch: u32| every > 0 && (epoch.is_multiple_of(every) || epoch == 1);
    let history = History { rows: (1..=spec.epochs).map(|epoch| curve.row(epoch, tested(epoch))).collect() };
    let by_accuracy = |a: &&_, b: &&_| accuracy(a).total_cmp(&accuracy(b)).then(epoch(b).cmp(&epoch(a)));
    let best = history.rows.iter().max_by(by_accuracy).expect("a run has epochs").epoch;
    let outcome = |epoch| Outcome {
        epoch,
        train: curve.train(epoch),
        validation: curve.validation(epoch),
        test: curve.test(epoch),
    };
    let summary = Summary { last: outcome(spec.epochs), best: outcome(best) };
    let folder = store.layout().run(spec);
    let digest = store.write(&folder.join(Layout::HISTORY), history.to_csv().as_bytes()).expect("a history");
    let record = Record {
        key: spec.key(),
        spec: spec.clone(),
        data: Digest::of(b"made up"),
        examples: [100, 100, 20_000],
        parameters: 1_000,
        status: Status::Complete,
        summary: Some(summary),
        history: digest,
        files: BTreeMap::new(),
        first_crossing: None,
    };
    store.write_document(&folder.join(Layout::PROVENANCE), &provenance(spec)).expect("a provenance");
    store.write_document(&folder.join(Layout::RECORD), &record).expect("a record");
}

fn accuracy(row: &flooding_core::record::EpochRow) -> f64 {
    row.validation.accuracy
}

fn epoch(row: &flooding_core::record::EpochRow) -> u32 {
    row.epoch
}

fn provenance(spec: &RunSpec) -> Provenance {
    Provenance {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: "made-up".to_owned(),
        rustc: "none".to_owned(),
        device: "cpu".to_owned(),
        processor: format!("Imagined processor {}", spec.trial % 2 + 1),
        finished: "2020-07-13T00:00:00Z".to_owned(),
        seconds: 6.0,
        training_seconds: 5.0,
        cores: Some(2),
        memory: Some(16),
    }
}
