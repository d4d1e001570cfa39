//! Reads what the plan's runs left: records and provenance, or a row in a published report. Whatever is missing or damaged is listed, never fatal.

use std::collections::HashMap;

use flooding_core::plan::Plan;
use flooding_core::record::{Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_core::work::{MissingResult, Stage};
use flooding_tables::{ComputeRow, EpochAccuracy, PublishedRunRow, RunRow, RunStatus};
use rayon::prelude::*;

use crate::compute::Account;
use crate::frame::percent;
use crate::published_report::{self, Origins, PublishedReport};

/// One run of the plan and what became of it.
pub(crate) struct Found {
    pub spec: RunSpec,
    pub key: RunKey,
    /// Index of its setting in the plan.
    pub setting: usize,
    pub outcome: Finding,
}

/// What became of a run.
pub(crate) enum Finding {
    Complete(Box<Record>, Summary),
    /// Complete according to a published report; its record is not here.
    Published(Box<PublishedRunRow>, Summary),
    /// Training failed; the cause.
    Failed(String),
    /// A record is there and cannot be used; why.
    Damaged(String),
    Missing,
    /// A complete record is here, but the setting is taken from a published report, which does not have this run.
    Outnumbered,
}

impl Found {
    /// The run's name in messages.
    pub fn id(&self) -> String {
        run_id(&self.spec)
    }

    /// The results, if the run is complete, here or in a published report.
    pub fn summary(&self) -> Option<&Summary> {
        match &self.outcome {
            Finding::Complete(_, summary) | Finding::Published(_, summary) => Some(summary),
            _ => None,
        }
    }

    /// The record and its results, if the run is complete and its record is here.
    pub fn complete(&self) -> Option<(&Record, &Summary)> {
        match &self.outcome {
            Finding::Complete(record, summary) => Some((record, summary)),
            _ => None,
        }
    }
}

/// A run's name in messages, such as `spiral-high t00 b0.05`.
pub(crate) fn run_id(spec: &RunSpec) -> String {
    format!("{} t{:02} b{}", spec.setting, spec.trial, spec.level)
}

/// The plan's runs in the plan's order, with their settings' indices.
pub(crate) fn planned(plan: &Plan) -> Vec<(usize, RunSpec)> {
    let index = |id: &str| plan.settings.iter().position(|s| s.id == id).expect("a run's setting is in the plan");
    plan.groups()
        .flat_map(|group| {
            let setting = index(&group.runs[0].setting);
            group.runs.into_iter().map(move |spec| (setting, spec))
        })
        .collect()
}

/// The runs of a plan and where they come from.
pub(crate) struct Scan<'a> {
    /// In the plan's order.
    pub runs: Vec<Found>,
    /// Where each setting comes from.
    pub origins: Origins<'a>,
    /// Settings that could not be taken from a published report.
    pub missing: Vec<MissingResult>,
}

/// Reads every record of the plan. A setting of which a published report has more of the plan's runs than there are complete
/// records is taken from there, if the report has no other runs of it: what it says of the whole setting is about all of
/// them.
pub(crate) fn scan<'a>(plan: &Plan, store: &Store, reports: &'a [PublishedReport]) -> Scan<'a> {
    let mut runs = read_all(plan, store);
    let published: Vec<HashMap<&str, &PublishedRunRow>> =
        reports.iter().map(|report| report.runs.0.iter().map(|row| (row.key.as_str(), row)).collect()).collect();
    let (mut origins, mut missing): (Origins<'a>, Vec<MissingResult>) = (Vec::new(), Vec::new());
    for (index, setting) in plan.settings.iter().enumerate() {
        let mut of_setting: Vec<&mut Found> = runs.iter_mut().filter(|run| run.setting == index).collect();
        let mut most = of_setting.iter().filter(|run| run.complete().is_some()).count();
        let mut best = None;
        for (report, rows) in reports.iter().zip(&published) {
            let count = of_setting.iter().filter(|run| rows.contains_key(run.key.as_str())).count();
            let others = report.runs.0.iter().filter(|row| row.setting == setting.id).count() - count;
            if count > most && others > 0 {
                let why = format!(
                    "the published report {} has {count} of its runs, and {others} that this plan does not ask for: it is not \
                     taken from there (a plan with all of them takes it)",
                    report.name
                );
                missing.push(MissingResult { stage: Stage::Aggregate, id: setting.id.clone(), why });
            } else if count > most {
                (most, best) = (count, Some((report, rows)));
            }
        }
        if let Some((_, rows)) = best {
            for run in &mut of_setting {
                take(run, rows);
            }
        }
        origins.push(best.map(|(report, _)| report));
    }
    Scan { runs, origins, missing }
}

/// What the report says of a run, in place of what is here.
fn take(run: &mut Found, rows: &HashMap<&str, &PublishedRunRow>) {
    match (rows.get(run.key.as_str()), &run.outcome) {
        (Some(row), _) => {
            run.outcome = Finding::Published(Box::new((*row).clone()), published_report::summary(row));
        }
        (None, Finding::Complete(..)) => run.outcome = Finding::Outnumbered,
        (None, _) => {}
    }
}

fn read_all(plan: &Plan, store: &Store) -> Vec<Found> {
    planned(plan)
        .into_par_iter()
        .map(|(setting, spec)| {
            let key = spec.key();
            let outcome = read(store, &spec, &key);
            Found { spec, key, setting, outcome }
        })
        .collect()
}

fn read(store: &Store, spec: &RunSpec, key: &RunKey) -> Finding {
    let path = store.layout().keyed_run(spec, key).join(Layout::RECORD);
    let record: Record = match store.read_document(&path) {
        Ok(Some(record)) => record,
        Ok(None) => return Finding::Missing,
        Err(error) => return Finding::Damaged(error.to_string()),
    };
    if record.key != *key || record.spec != *spec {
        return Finding::Damaged(format!("{}: is the record of another run ({})", path.display(), record.key.short()));
    }
    match (&record.status, record.summary.clone()) {
        (Status::Complete, Some(summary)) if !is_finite(&summary) => {
            Finding::Damaged(format!("{}: holds a loss or an accuracy that is not finite", path.display()))
        }
        (Status::Complete, Some(summary)) => Finding::Complete(Box::new(record), summary),
        (Status::Complete, None) => Finding::Damaged(format!("{}: complete, but without results", path.display())),
        (Status::Failed { cause, step, .. }, _) => Finding::Failed(format!("{cause} (at step {step})")),
    }
}

fn is_finite(summary: &Summary) -> bool {
    [&summary.last, &summary.best].into_iter().all(|outcome| {
        let measures = [&outcome.train, &outcome.validation, &outcome.test];
        measures.into_iter().all(|m| m.loss.is_finite() && m.accuracy.is_finite() && m.clean_accuracy.is_finite())
    })
}

/// The software and machines behind the complete runs, each distinct one once, without times; and what they took.
pub(crate) fn made_by(
    plan: &Plan,
    store: &Store,
    runs: &[Found],
    origins: &Origins<'_>,
) -> (Vec<Provenance>, Vec<ComputeRow>) {
    let found: Vec<(&Found, Provenance)> = (runs.par_iter())
        .filter(|run| run.summary().is_some())
        .filter_map(|run| {
            if let Finding::Published(row, _) = &run.outcome {
                let version = origins[run.setting].map_or("not recorded", |report| &report.version);
                return Some((run, published_report::provenance(row, version)));
            }
            let path = store.layout().run(&run.spec).join(Layout::PROVENANCE);
            // Damaged provenance costs its line in the report, no number.
            Some((run, store.read_document(&path).ok()??))
        })
        .collect();
    let mut account = Account::default();
    for (run, made) in &found {
        account.add(plan.settings[run.setting].table, &run.spec.setting, run.spec.trial, made);
    }
    let without_times = |(_, made): (&Found, Provenance)| Provenance {
        finished: String::new(),
        seconds: 0.0,
        training_seconds: 0.0,
        ..made
    };
    let mut all: Vec<Provenance> = found.into_iter().map(without_times).collect();
    let key = |p: &Provenance| {
        ([&p.version, &p.commit, &p.rustc, &p.device, &p.processor].map(Clone::clone), p.cores, p.memory)
    };
    all.sort_by_key(key);
    all.dedup();
    (all, account.rows())
}

/// One row a run.
pub(crate) fn run_rows(plan: &Plan, runs: &[Found]) -> Vec<RunRow> {
    let accuracies = |outcome: &Outcome| EpochAccuracy {
        epoch: outcome.epoch,
        train_accuracy: percent(outcome.train.accuracy),
        validation_accuracy: percent(outcome.validation.accuracy),
        test_accuracy: percent(outcome.test.accuracy),
    };
    let row = |run: &Found| {
        let (status, cause, summary) = match &run.outcome {
            Finding::Complete(_, summary) | Finding::Published(_, summary) => {
                (RunStatus::Complete, None, Some(summary))
            }
            Finding::Failed(cause) => (RunStatus::Failed, Some(cause.clone()), None),
            Finding::Damaged(why) => (RunStatus::Damaged, Some(why.clone()), None),
            Finding::Missing | Finding::Outnumbered => (RunStatus::Missing, None, None),
        };
        RunRow {
            key: run.key.clone(),
            setting: run.spec.setting.clone(),
            reading: plan.settings[run.setting].reading.clone(),
            trial: run.spec.trial,
            level: run.spec.level,
            status,
            cause,
            at_last: summary.map(|summary| accuracies(&summary.last)),
            at_best_validation: summary.map(|summary| accuracies(&summary.best)),
        }
    };
    runs.iter().map(row).collect()
}

/// What should be there and is not: damaged and failed runs one by one, missing ones a line a setting. What `known`
/// says already, about the run, its setting or its dataset, is not said again.
pub(crate) fn missing_results(plan: &Plan, runs: &[Found], known: &[MissingResult]) -> Vec<MissingResult> {
    let said = |id: &str| known.iter().any(|one| one.id == id);
    let mut results = Vec::new();
    for (index, setting) in plan.settings.iter().enumerate() {
        let of_setting: Vec<&Found> = runs.iter().filter(|run| run.setting == index).collect();
        let mut without_record = Vec::new();
        for run in &of_setting {
            let id = run.id();
            let why = match &run.outcome {
                Finding::Complete(..) | Finding::Published(..) => continue,
                Finding::Missing => {
                    if !said(&id) {
                        without_record.push(id);
                    }
                    continue;
                }
                Finding::Failed(cause) => format!("failed: {cause}"),
                Finding::Damaged(why) => format!("{why}; run the train stage again to replace it"),
                Finding::Outnumbered => "is here and does not count: its setting is taken from a published report, \
                                         which has more runs of it (train the rest of them, or remove data/published)"
                    .to_owned(),
            };
            if !said(&id) {
                results.push(MissingResult { stage: Stage::Aggregate, id, why });
            }
        }
        if !without_record.is_empty() && !said(&setting.id) && !said(setting.data.name()) {
            let why = format!(
                "{} of {} runs have no record, the first: {}",
                without_record.len(),
                of_setting.len(),
                without_record[0]
            );
            results.push(MissingResult { stage: Stage::Aggregate, id: setting.id.clone(), why });
        }
    }
    results
}
