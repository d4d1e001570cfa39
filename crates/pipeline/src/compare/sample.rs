//! Runs of a published report, drawn at random and trained again on this machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use flooding_core::config::Config;
use flooding_core::context::Context;
use flooding_core::dataset::{Source, SourceError, Splits};
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Resolver};
use flooding_core::record::Record;
use flooding_core::seeds::{Purpose, Streams};
use flooding_core::spec::{DataSpec, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_tables::{PublishedOutcome, PublishedRunRow};
use rand::RngExt as _;
use serde::Serialize;

use crate::published::{CONFIGURATION, by_gpu};
use crate::source::StoredExamples;

/// Losses and accuracies that differ by no more than this, relatively and in percentage points, differ by rounding.
const ROUNDING: f64 = 1e-4;

/// What training a run again came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Agreement {
    /// The record has the same bytes.
    Identical,
    /// The record's numbers agree to rounding, as those of another processor do.
    Rounding,
    /// The numbers differ.
    Different {
        /// Test accuracy at the last epoch, published and now, in percent.
        last: (f64, f64),
        /// The same at the best validation epoch.
        best: (f64, f64),
    },
    /// It could not be trained again.
    NotTrained {
        /// Why.
        why: String,
    },
}

/// One run of the sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampled {
    /// Such as `spiral-high t03 b0.05`.
    pub run: String,
    /// Its key.
    pub key: String,
    /// The processor that trained the published run.
    pub processor: Option<String>,
    /// How the two compare.
    #[serde(flatten)]
    pub agreement: Agreement,
}

/// `count` of the rows that a processor trained, drawn without replacement: the same seed draws the same. What a GPU
/// trained repeats to a tolerance at first and drifts apart, so that training it again here would show nothing.
pub fn draw(rows: &[PublishedRunRow], count: usize, seed: u64) -> Vec<&PublishedRunRow> {
    let mut stream = Streams::new(seed, "compare", 0).stream(Purpose::Bootstrap, 0);
    let mut left: Vec<&PublishedRunRow> = rows.iter().filter(|row| !by_gpu(row)).collect();
    let count = count.min(left.len());
    for at in 0..count {
        let other = stream.random_range(at..left.len());
        left.swap(at, other);
    }
    left.truncate(count);
    left
}

/// Why the published configuration cannot say what its runs are.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {why}")]
pub struct UnknownPlan {
    path: String,
    why: String,
}

/// The specifications of the published configuration's runs, by key, under every profile.
pub fn specifications(
    folder: &Path,
    catalogue: &BTreeMap<String, Digest>,
) -> Result<BTreeMap<String, RunSpec>, UnknownPlan> {
    let path = folder.join(CONFIGURATION);
    let failed = |why: String| UnknownPlan { path: path.display().to_string(), why };
    let (config, text) = Config::load(&path).map_err(|error| failed(error.to_string()))?;
    let resolver = Resolver::new(&config, &text, &path, catalogue);
    let mut specifications = BTreeMap::new();
    for profile in config.profile.keys() {
        let plan = resolver.plan(profile, &Overrides::default()).map_err(|error| failed(error.to_string()))?;
        specifications.extend(plan.runs().map(|run| (run.key().to_string(), run)));
    }
    Ok(specifications)
}

/// Synthetic examples drawn on the spot, images out of the store.
struct Examples<'a> {
    stored: StoredExamples<'a>,
}

impl Source for Examples<'_> {
    fn splits(&self, spec: &RunSpec) -> Result<Arc<Splits>, SourceError> {
        match &spec.data {
            DataSpec::Synthetic(data) => Ok(Arc::new(flooding_generate::draw(data, &spec.streams()))),
            DataSpec::Images(_) => self.stored.splits(spec),
        }
    }
}

/// Trains the sampled runs again in a separate folder and compares; `None` when asked to stop.
pub fn retrain(
    sample: &[&PublishedRunRow],
    specifications: &BTreeMap<String, RunSpec>,
    stored: StoredExamples<'_>,
    context: &Context,
) -> Result<Option<Vec<Sampled>>, Box<dyn std::error::Error + Send + Sync>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(folder.path().join("data"), folder.path().join("reports"))?;
    let runs: Vec<RunSpec> = sample.iter().filter_map(|row| specifications.get(row.key.as_str())).cloned().collect();
    let report = flooding_train::train_runs(runs, &store, context, &Examples { stored })?;
    if report.interrupted {
        return Ok(None);
    }
    let compared = |row: &&PublishedRunRow| Sampled {
        run: format!("{} t{:02} b{}", row.setting, row.trial, row.level),
        key: row.key.short().to_owned(),
        processor: row.processor.clone(),
        agreement: match specifications.get(row.key.as_str()) {
            None => Agreement::NotTrained { why: "no run of the published configuration has this key".to_owned() },
            Some(spec) => agreement(row, spec, &store),
        },
    };
    Ok(Some(sample.iter().map(compared).collect()))
}

fn agreement(row: &PublishedRunRow, spec: &RunSpec, store: &Store) -> Agreement {
    let path = store.layout().run(spec).join(Layout::RECORD);
    let not_trained = |why: String| Agreement::NotTrained { why };
    let bytes = match store.read(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return not_trained("its data are not available".to_owned()),
        Err(error) => return not_trained(error.to_string()),
    };
    if Digest::of(&bytes).as_str() == row.record {
        return Agreement::Identical;
    }
    let record: Record = match store.read_document(&path) {
        Ok(Some(record)) => record,
        Ok(None) => return not_trained("its record is gone".to_owned()),
        Err(error) => return not_trained(error.to_string()),
    };
    let Some(summary) = record.summary else { return not_trained("it failed".to_owned()) };
    let [last, best] = [summary.last, summary.best].map(|at| flooding_aggregate::published_outcome(&at));
    if close(&row.at_last, &last) && close(&row.at_best_validation, &best) {
        return Agreement::Rounding;
    }
    Agreement::Different {
        last: (row.at_last.test_accuracy, last.test_accuracy),
        best: (row.at_best_validation.test_accuracy, best.test_accuracy),
    }
}

fn close(a: &PublishedOutcome, b: &PublishedOutcome) -> bool {
    let numbers = |o: &PublishedOutcome| {
        [
            o.train_loss,
            o.train_accuracy,
            o.validation_loss,
            o.validation_accuracy,
            o.test_loss,
            o.test_accuracy,
            o.test_clean_accuracy,
        ]
    };
    a.epoch == b.epoch
        && numbers(a)
            .into_iter()
            .zip(numbers(b))
            .all(|(a, b)| (a - b).abs() <= ROUNDING * a.abs().max(b.abs()).max(1.0))
}
