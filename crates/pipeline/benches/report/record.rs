//! Made-up records: of the size, the form and the digits of real ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::record::{History, Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document, Layout, Store, document_bytes};

use crate::curve::Curve;

/// Writes the record of a run, its history and its provenance; nothing is synced.
pub fn write(store: &Store, spec: &RunSpec) {
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
    let history = history.to_csv();
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(Layout::HISTORY), &history).expect("a history");
    let record = Record {
        key: spec.key(),
        spec: spec.clone(),
        data: Digest::of(b"made up"),
        examples: [100, 100, 20_000],
        parameters: 1_000,
        status: Status::Complete,
        summary: Some(summary),
        history: Digest::of(history.as_bytes()),
        files: BTreeMap::new(),
        first_crossing: None,
    };
    document(&folder.join(Layout::PROVENANCE), &provenance(spec));
    document(&folder.join(Layout::RECORD), &record);
}

fn document<D: Document>(path: &Path, document: &D) {
    fs::write(path, document_bytes(path, document).expect("a document")).expect("a file");
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
