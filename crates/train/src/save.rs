//! Writing what a run leaves; the record comes last, so that a run with a record is whole.

use std::collections::BTreeMap;
use std::time::Duration;

use flooding_core::dataset::Splits;
use flooding_core::digest::Digest;
use flooding_core::record::{History, Record, Status};
use flooding_core::spec::RunSpec;
use flooding_core::store::{DocumentError, Layout, Store};

use crate::outcome::Trained;
use crate::provenance;

/// Where records go, and from which device they come.
pub struct SaveContext<'a> {
    /// Where to write.
    pub store: &'a Store,
    /// The device's name.
    pub device: &'a str,
}

/// What was learned from: enough of it for the record.
#[derive(Clone, Debug)]
pub struct DatasetFingerprint {
    /// Digest of the three sets.
    pub digest: Digest,
    /// Training, validation and test examples.
    pub examples: [u32; 3],
}

impl DatasetFingerprint {
    /// Describes these sets.
    pub fn of(splits: &Splits) -> Self {
        let examples = [&splits.train, &splits.validation, &splits.test].map(|set| set.len() as u32);
        Self { digest: splits.digest(), examples }
    }
}

/// Writes the history, the provenance, the weights and the record of one run.
pub fn save(
    context: &SaveContext<'_>,
    spec: &RunSpec,
    seen: &DatasetFingerprint,
    trained: Trained,
    took: Duration,
) -> Result<Status, DocumentError> {
    let store = context.store;
    let folder = store.layout().run(spec);
    // An older record must not stand beside new files, should we be stopped half way.
    store.remove(&folder.join(Layout::RECORD))?;
    let history = History { rows: trained.history }.to_csv();
    let history = store.write(&folder.join(Layout::HISTORY), history.as_bytes())?;
    let mut files = BTreeMap::new();
    for (name, weights) in trained.weights {
        let name = format!("{name}.safetensors");
        let digest = store.write(&folder.join(&name), &weights.to_safetensors())?;
        files.insert(name, digest);
    }
    let provenance = provenance::now(context.device, took, trained.training);
    store.write_document(&folder.join(Layout::PROVENANCE), &provenance)?;
    let (status, summary) = match trained.result {
        Ok(summary) => (Status::Complete, Some(summary)),
        Err(failure) => {
            let (cause, step, last_finite_loss) = (failure.cause.to_string(), failure.step, failure.last_finite_loss);
            (Status::Failed { cause, step, last_finite_loss }, None)
        }
    };
    let record = Record {
        key: spec.key(),
        spec: spec.clone(),
        data: seen.digest.clone(),
        examples: seen.examples,
        parameters: trained.parameters,
        status,
        summary,
        history,
        files,
        first_crossing: trained.first_crossing,
    };
    store.write_document(&folder.join(Layout::RECORD), &record)?;
    Ok(record.status)
}
