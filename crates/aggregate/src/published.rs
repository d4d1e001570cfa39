//! The runs behind a published report: results, provenance and the digest of each record.

use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::record::{FirstCrossing, Outcome, Provenance};
use flooding_core::store::{Layout, Store, StoreError};
use flooding_tables::{PublishedOutcome, PublishedRunRow, PublishedSource};
use rayon::prelude::*;

use crate::frame::percent;
use crate::published_report;
use crate::scan::{Finding, Found, Scan, scan};

/// The complete runs of the plan, in its order, and how many runs the plan has.
pub fn published_runs(plan: &Plan, store: &Store) -> Result<(Vec<PublishedRunRow>, usize), StoreError> {
    let (reports, _) = published_report::read(store)?;
    let runs = scan(plan, store, &reports).runs;
    let rows = runs.par_iter().filter(|run| run.summary().is_some()).map(|run| row(plan, store, run));
    Ok((rows.collect::<Result<_, _>>()?, runs.len()))
}

/// The published reports that settings of the plan would be taken from; see [`PublishedSource`].
pub fn published_sources(plan: &Plan, store: &Store) -> Result<Vec<PublishedSource>, StoreError> {
    let (reports, _) = published_report::read(store)?;
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let Scan { runs, origins, .. } = scan(plan, store, &reports);
    Ok(published_report::sources(plan, &runs, &origins))
}

fn row(plan: &Plan, store: &Store, run: &Found) -> Result<PublishedRunRow, StoreError> {
    if let Finding::Published(row, _) = &run.outcome {
        return Ok((**row).clone());
    }
    let (record, summary) = run.complete().expect("only complete runs are published");
    let folder = store.layout().run(&run.spec);
    let bytes = store.read(&folder.join(Layout::RECORD))?.unwrap_or_default();
    // A run is published without its provenance where that is damaged: it changes no number.
    let provenance: Option<Provenance> = store.read_document(&folder.join(Layout::PROVENANCE)).ok().flatten();
    let of = |text: fn(&Provenance) -> &String| provenance.as_ref().map(text).cloned();
    Ok(PublishedRunRow {
        key: run.key.clone(),
        setting: run.spec.setting.clone(),
        reading: plan.settings[run.setting].reading.clone(),
        trial: run.spec.trial,
        level: run.spec.level,
        crossed: record.first_crossing.map(|crossing| crossing != FirstCrossing::Never),
        first_crossing: record.first_crossing.and_then(|crossing| match crossing {
            FirstCrossing::Step(step) => Some(step),
            FirstCrossing::Never => None,
        }),
        at_last: outcome(&summary.last),
        at_best_validation: outcome(&summary.best),
        record: Digest::of(&bytes).to_string(),
        device: of(|provenance| &provenance.device),
        processor: of(|provenance| &provenance.processor),
        commit: of(|provenance| &provenance.commit),
        seconds: provenance.as_ref().map(|provenance| provenance.seconds),
    })
}

/// The results at one epoch, in the units of the tables.
pub fn outcome(at: &Outcome) -> PublishedOutcome {
    PublishedOutcome {
        epoch: at.epoch,
        train_loss: at.train.loss,
        train_accuracy: percent(at.train.accuracy),
        validation_loss: at.validation.loss,
        validation_accuracy: percent(at.validation.accuracy),
        test_loss: at.test.loss,
        test_accuracy: percent(at.test.accuracy),
        test_clean_accuracy: percent(at.test.clean_accuracy),
    }
}
