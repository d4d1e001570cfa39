//! Reads what the plan's runs left: records and provenance. Whatever is missing or damaged is listed, never fatal.

use flooding_core::plan::Plan;
use flooding_core::record::{Outcome, Provenance, Record, Status, Summary};
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_core::work::{MissingResult, Stage};
use flooding_tables::{ComputeRow, EpochAccuracy, RunRow, RunStatus};
use rayon::prelude::*;

use crate::compute::Account;
use crate::frame::percent;

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
    /// Training failed; the cause.
    Failed(String),
    /// A record is there and cannot be used; why.
    Damaged(String),
    Missing,
}

impl Found {
    /// The run's name in messages.
    pub fn id(&self) -> String {
        run_id(&self.spec)
    }

    /// The record and its results, if the run is complete.
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

/// Reads every record of the plan, in the plan's order.
pub(crate) fn scan(plan: &Plan, store: &Store) -> Vec<Found> {
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
pub(crate) fn made_by(plan: &Plan, store: &Store, runs: &[Found]) -> (Vec<Provenance>, Vec<ComputeRow>) {
    let found: Vec<(&Found, Provenance)> = (runs.par_iter())
        .filter(|run| run.complete().is_some())
        .filter_map(|run| {
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
            Finding::Complete(_, summary) => (RunStatus::Complete, None, Some(summary)),
            Finding::Failed(cause) => (RunStatus::Failed, Some(cause.clone()), None),
            Finding::Damaged(why) => (RunStatus::Damaged, Some(why.clone()), None),
            Finding::Missing => (RunStatus::Missing, None, None),
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
                Finding::Complete(..) => continue,
                Finding::Missing => {
                    if !said(&id) {
                        without_record.push(id);
                    }
                    continue;
                }
                Finding::Failed(cause) => format!("failed: {cause}"),
                Finding::Damaged(why) => format!("{why}; run the train stage again to replace it"),
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
