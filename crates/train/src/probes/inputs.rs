//! Which runs a probe compares, and whether it has done so already.

use std::path::PathBuf;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::{Group, Plan, Setting};
use flooding_core::record::{Record, Status};
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document, DocumentError, Layout, Store, StoreError};
use flooding_core::task::TaskId;
use flooding_core::work::{Decision, Reason};
use flooding_tables::probes::Replay;
use flooding_tables::probes::{Calibration, Flatness};

use super::Kind;

/// Raised whenever a probe's numbers change, so that old documents are rebuilt.
pub const PROBES_REVISION: u32 = 2;

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
    pub with: Compared,
    /// Without.
    pub without: Compared,
}

/// A complete run.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Its specification.
    pub spec: RunSpec,
    /// What it left.
    pub record: Record,
    /// Validation accuracy at the last epoch.
    validation: f64,
}

impl Candidate {
    /// What it is called in messages.
    pub fn id(&self) -> String {
        format!("{} {}", self.trial_id(), self.kind.name())
    }

    /// The trial's name in messages.
    pub fn trial_id(&self) -> String {
        let run = &self.group.runs[0];
        format!("{} t{:02}", run.setting, run.trial)
    }

    /// Where its document is.
    pub fn path(&self, store: &Store) -> PathBuf {
        let run = &self.group.runs[0];
        store.layout().probes(&run.setting, run.trial).join(format!("{}.json", self.kind.name()))
    }
}

/// The digest of what a document is made from: the probe's definition and the records of its runs.
pub fn made_from(kind: Kind, inputs: &Inputs) -> Digest {
    let mut hasher = Hasher::new().chain(kind.name().as_bytes()).chain(&PROBES_REVISION.to_le_bytes());
    for run in [&inputs.with, &inputs.without] {
        hasher.update(run.spec.key().as_str().as_bytes());
        hasher.update(run.record.history.as_str().as_bytes());
    }
    hasher.finish()
}

/// The settings and trials of the plan that are probed.
fn probed_trials(plan: &Plan) -> impl Iterator<Item = (&Setting, u32)> + '_ {
    let trials = |setting: &Setting| setting.probes.min(setting.trials);
    // There is nothing to compare where the plan has no baseline, or the baseline alone.
    let compares = |setting: &&Setting| setting.levels.len() > 1 && setting.levels.iter().any(|level| level.is_zero());
    plan.settings.iter().filter(compares).flat_map(move |setting| {
        let kept = move |trial: &u32| plan.overrides.keeps_trial(&setting.id, *trial);
        (0..trials(setting)).filter(kept).map(move |trial| (setting, trial))
    })
}

/// The trials of the plan that are probed, each with the runs of all levels.
pub fn probed(plan: &Plan) -> impl Iterator<Item = Group> + '_ {
    probed_trials(plan).map(|(setting, trial)| Group {
        runs: setting.levels.iter().map(|&level| setting.run(plan.master_seed, trial, level)).collect(),
    })
}

/// The tasks of the plan whose trials are probed.
pub fn tasks(plan: &Plan) -> impl Iterator<Item = TaskId> + '_ {
    probed_trials(plan).map(|(setting, trial)| TaskId { setting: setting.id.clone(), trial })
}

/// The runs that a trial's probes compare, or why there are none.
pub fn of(group: &Group, store: &Store) -> Result<Result<Inputs, String>, StoreError> {
    let mut without = None;
    let mut with: Option<Compared> = None;
    let mut missing = Vec::new();
    for spec in &group.runs {
        let Some(compared) = compared(spec, store)? else {
            missing.push(format!("b{}", spec.level));
            continue;
        };
        if spec.level.is_zero() {
            without = Some(compared);
        } else if with.as_ref().is_none_or(|best| compared.validation > best.validation) {
            // Levels ascend, so the smallest of equals stays.
            with = Some(compared);
        }
    }
    if !missing.is_empty() {
        return Ok(Err(format!("the runs {} have no complete record", missing.join(", "))));
    }
    let both = with.zip(without).map(|(with, without)| Inputs { with, without });
    Ok(both.ok_or_else(|| "needs b = 0 and a level above it".to_owned()))
}

/// A record that is missing, failed or damaged is reported by the training that comes before.
fn compared(spec: &RunSpec, store: &Store) -> Result<Option<Compared>, StoreError> {
    let record: Record = match store.read_document(&store.layout().run(spec).join(Layout::RECORD)) {
        Ok(Some(record)) => record,
        Err(DocumentError::Store(error)) => return Err(error),
        Ok(None) | Err(_) => return Ok(None),
    };
    let complete = record.status == Status::Complete && record.spec == *spec;
    let validation = record.summary.as_ref().filter(|_| complete).map(|summary| summary.last.validation.accuracy);
    Ok(validation.map(|validation| Compared { spec: spec.clone(), record, validation }))
}

/// Is there a document, and was it made from these inputs?
pub fn decide(candidate: &Candidate, store: &Store, force: bool) -> Result<Decision, StoreError> {
    let inputs = match &candidate.inputs {
        Err(why) => return Ok(Decision::Run(Reason::Unavailable { why: why.clone() })),
        Ok(_) if force => return Ok(Decision::Run(Reason::Forced)),
        Ok(inputs) => inputs,
    };
    let found = match candidate.kind {
        Kind::Flatness => stored::<Flatness>(candidate, store, |probe| probe.made_from),
        Kind::Calibration => stored::<Calibration>(candidate, store, |probe| probe.made_from),
        Kind::Replay => stored::<Replay>(candidate, store, |probe| probe.made_from),
    };
    Ok(match found {
        Ok(Some(digest)) if digest == made_from(candidate.kind, inputs) => Decision::Skip(Reason::UpToDate),
        Ok(Some(_)) => will_change(),
        Ok(None) => Decision::Run(Reason::New),
        Err(DocumentError::Store(error)) => return Err(error),
        Err(error) => Decision::Run(Reason::Damaged { why: error.to_string() }),
    })
}

fn stored<T: Document>(
    candidate: &Candidate,
    store: &Store,
    digest: impl Fn(T) -> Digest,
) -> Result<Option<Digest>, DocumentError> {
    Ok(store.read_document(&candidate.path(store))?.map(digest))
}

/// The runs are other ones than those that the document was made from.
pub fn will_change() -> Decision {
    Decision::Run(Reason::InputChanged { input: "its runs".to_owned() })
}
