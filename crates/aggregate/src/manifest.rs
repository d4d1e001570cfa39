//! What the tables were made from: the reason to make them again, or not to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::Plan;
use flooding_core::record::Provenance;
use flooding_core::store::{Document, Layout, Store};
use flooding_core::work::{Decision, Gap, Reason};
use flooding_tables::{Table as _, TheoremCheck};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::AggregateError;
use crate::inputs::Inputs;
use crate::probes::files;
use crate::scan::planned;

/// Raised whenever this crate makes other tables from the same records.
pub(crate) const REVISION: u32 = 4;

/// What the last run of the stage read and wrote.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Digests of the inputs by name.
    pub inputs: BTreeMap<String, Digest>,
    /// Digests of the files by name.
    pub outputs: BTreeMap<String, Digest>,
    /// What it could not do.
    pub gaps: Vec<Gap>,
}

impl Document for Manifest {
    const KIND: &'static str = "tables-manifest";
    const VERSION: u32 = 1;
}

/// Where it lies.
pub(crate) fn path(store: &Store) -> PathBuf {
    store.layout().tables().join("manifest.json")
}

/// Digests of everything that the tables depend on. Times in provenance do not count: they are in no table.
pub(crate) fn inputs(plan: &Plan, store: &Store, inputs: &Inputs) -> Result<BTreeMap<String, Digest>, AggregateError> {
    let json = |value: Result<Vec<u8>, serde_json::Error>| Digest::of(&value.expect("plain data"));
    let runs = planned(plan);
    let records: Vec<Digest> = (runs.par_iter())
        .map(|(_, spec)| {
            let folder = store.layout().run(spec);
            let mut hasher = Hasher::new().chain(spec.key().as_str().as_bytes());
            if let Some(record) = store.read(&folder.join(Layout::RECORD))? {
                hasher.update(&record);
                let size = std::fs::metadata(folder.join(Layout::HISTORY)).map_or(u64::MAX, |data| data.len());
                hasher.update(&size.to_le_bytes());
                if let Ok(Some(made)) = store.read_document::<Provenance>(&folder.join(Layout::PROVENANCE)) {
                    for part in [made.version, made.commit, made.rustc, made.device, made.processor] {
                        hasher.update(part.as_bytes());
                        hasher.update(&[0]);
                    }
                }
            }
            Ok(hasher.finish())
        })
        .collect::<Result<_, AggregateError>>()?;
    let records = records.iter().fold(Hasher::new(), |hasher, digest| hasher.chain(digest.as_str().as_bytes()));
    let theorem = store.read(&theorem_checks(store))?.unwrap_or_default();
    let mut probes = Hasher::new();
    for setting in &plan.settings {
        for file in (0..setting.trials).flat_map(|trial| files(store, setting, trial)) {
            probes.update(Digest::of(&store.read(&file)?.unwrap_or_default()).as_str().as_bytes());
        }
    }
    Ok(BTreeMap::from([
        ("the tables' own revision".to_owned(), Digest::of(&REVISION.to_le_bytes())),
        ("the plan".to_owned(), json(serde_json::to_vec(plan))),
        ("the records".to_owned(), records.finish()),
        ("the probes".to_owned(), probes.finish()),
        ("the check of Theorem 1".to_owned(), Digest::of(&theorem)),
        ("the gaps of earlier stages".to_owned(), json(serde_json::to_vec(&inputs.gaps))),
        ("the data sets".to_owned(), json(serde_json::to_vec(&inputs.datasets))),
        ("the configuration".to_owned(), Digest::of(inputs.configuration.as_bytes())),
    ]))
}

/// What `verify` found.
fn theorem_checks(store: &Store) -> PathBuf {
    store.layout().theorem().join(format!("{}.json", TheoremCheck::NAME))
}

/// Are the tables those that these inputs make? Also returns the manifest of tables that are up to date.
pub(crate) fn decide(
    store: &Store,
    inputs: &BTreeMap<String, Digest>,
    force: bool,
) -> Result<(Decision, Option<Manifest>), AggregateError> {
    let manifest = match store.read_document::<Manifest>(&path(store)) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return Ok((Decision::Run(Reason::New), None)),
        Err(error) => return Ok((Decision::Run(Reason::Damaged { why: error.to_string() }), None)),
    };
    if force {
        return Ok((Decision::Run(Reason::Forced), None));
    }
    if let Some((name, _)) = inputs.iter().find(|(name, digest)| manifest.inputs.get(*name) != Some(digest)) {
        return Ok((Decision::Run(Reason::InputChanged { input: name.clone() }), None));
    }
    for (name, digest) in &manifest.outputs {
        let file = store.layout().tables().join(name);
        if store.digest(&file)?.as_ref() != Some(digest) {
            let why = format!("{} is missing or not as it was written", file.display());
            return Ok((Decision::Run(Reason::Damaged { why }), None));
        }
    }
    Ok((Decision::Skip(Reason::UpToDate), Some(manifest)))
}
