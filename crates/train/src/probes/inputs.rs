//! Which stored weights a probe reads, and whether it has read them already.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::Group;
use flooding_core::record::{Record, Status};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document, DocumentError, Layout, Store, StoreError};
use flooding_core::work::{Decision, Reason};
use flooding_tables::probes::{Calibration, Flatness};

use super::Kind;
use flooding_engine::weights;

/// Raised whenever a probe's numbers change, so that old documents are made again.
const REVISION: u32 = 1;

/// One document to be made.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// What is looked at.
    pub kind: Kind,
    /// All levels of the trial.
    pub group: Group,
    /// The runs compared, or why there are none.
    pub inputs: Result<Inputs, String>,
}

/// The two runs that a trial's probes compare.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// With flooding.
    pub with: Trained,
    /// Without.
    pub without: Trained,
}

/// A complete run that kept its weights.
#[derive(Clone, Debug)]
pub struct Trained {
    /// Its specification.
    pub spec: RunSpec,
    /// The weights beside its record, by file name.
    pub weights: BTreeMap<String, Digest>,
    /// Validation accuracy at the last epoch.
    validation: f64,
}

impl Candidate {
    /// What it is called in messages.
    pub fn id(&self) -> String {
        let run = &self.group.runs[0];
        format!("{} t{:02} {}", run.setting, run.trial, self.kind.name())
    }

    /// Where its document is.
    pub fn path(&self, store: &Store) -> PathBuf {
        let run = &self.group.runs[0];
        store.layout().probes(&run.setting, run.trial).join(format!("{}.json", self.kind.name()))
    }

    /// The digest of what its document is made from.
    pub fn made_from(&self, inputs: &Inputs) -> Digest {
        let mut hasher = Hasher::new().chain(self.kind.name().as_bytes()).chain(&REVISION.to_le_bytes());
        for run in [&inputs.with, &inputs.without] {
            hasher.update(run.spec.key().as_str().as_bytes());
            for (name, digest) in &run.weights {
                hasher.update(name.as_bytes());
                hasher.update(digest.as_str().as_bytes());
            }
        }
        hasher.finish()
    }
}

/// Does this trial keep weights of something to compare?
pub fn has_probes(group: &Group) -> bool {
    let keeps = |run: &RunSpec| run.observe.weights;
    group.runs.iter().any(|run| keeps(run) && run.level.is_zero())
        && group.runs.iter().any(|run| keeps(run) && !run.level.is_zero())
}

/// The runs that a trial's probes compare, or why there are none.
pub fn of(group: &Group, store: &Store) -> Result<Result<Inputs, String>, StoreError> {
    let mut without = None;
    let mut with: Option<Trained> = None;
    let mut missing = Vec::new();
    for spec in &group.runs {
        let Some(trained) = trained(spec, store)? else {
            missing.push(format!("b{}", spec.level));
            continue;
        };
        if spec.level.is_zero() {
            without = Some(trained);
        } else if with.as_ref().is_none_or(|best| trained.validation > best.validation) {
            // Levels ascend, so the smallest of equals stays.
            with = Some(trained);
        }
    }
    if !missing.is_empty() {
        return Ok(Err(format!("the runs {} have no complete record with weights", missing.join(", "))));
    }
    let both = with.zip(without).map(|(with, without)| Inputs { with, without });
    Ok(both.ok_or_else(|| "needs b = 0 and a level above it".to_owned()))
}

/// A record that is missing, failed or damaged is told as such by the training that comes before.
fn trained(spec: &RunSpec, store: &Store) -> Result<Option<Trained>, StoreError> {
    let record: Record = match store.read_document(&store.layout().run(spec).join(Layout::RECORD)) {
        Ok(Some(record)) => record,
        Err(DocumentError::Store(error)) => return Err(error),
        Ok(None) | Err(_) => return Ok(None),
    };
    let wanted = [weights::LAST, weights::FIRST_BELOW].map(|name| format!("{name}.safetensors"));
    let weights: BTreeMap<_, _> = record.files.into_iter().filter(|(name, _)| wanted.contains(name)).collect();
    let complete = record.status == Status::Complete && record.spec == *spec && weights.contains_key(&wanted[0]);
    let validation = record.summary.filter(|_| complete).map(|summary| summary.last.validation.accuracy);
    Ok(validation.map(|validation| Trained { spec: spec.clone(), weights, validation }))
}

/// Is there a document, and was it made from these inputs?
pub fn decide(candidate: &Candidate, store: &Store, force: bool) -> Result<Decision, StoreError> {
    let inputs = match &candidate.inputs {
        Err(why) => return Ok(Decision::Run(Reason::Unavailable { why: why.clone() })),
        Ok(_) if force => return Ok(Decision::Run(Reason::Forced)),
        Ok(inputs) => inputs,
    };
    let found = match candidate.kind {
        Kind::Flatness => made_from::<Flatness>(candidate, store, |probe| probe.made_from),
        Kind::Calibration => made_from::<Calibration>(candidate, store, |probe| probe.made_from),
    };
    Ok(match found {
        Ok(Some(digest)) if digest == candidate.made_from(inputs) => Decision::Skip(Reason::UpToDate),
        Ok(Some(_)) => will_change(),
        Ok(None) => Decision::Run(Reason::New),
        Err(DocumentError::Store(error)) => return Err(error),
        Err(error) => Decision::Run(Reason::Damaged { why: error.to_string() }),
    })
}

fn made_from<T: Document>(
    candidate: &Candidate,
    store: &Store,
    digest: impl Fn(T) -> Digest,
) -> Result<Option<Digest>, DocumentError> {
    Ok(store.read_document(&candidate.path(store))?.map(digest))
}

/// The weights are other ones than those that the document was made from.
pub fn will_change() -> Decision {
    Decision::Run(Reason::InputChanged { input: "the weights of its runs".to_owned() })
}
