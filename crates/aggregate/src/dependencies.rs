//! What the tables depend on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::Plan;
use flooding_core::record::{Provenance, Record};
use flooding_core::store::{Layout, Store, StoreError, document_body};
use flooding_tables::{Table as _, TheoremCheck};
use rayon::prelude::*;

use crate::compute::Account;
use crate::error::AggregateError;
use crate::inputs::Inputs;
use crate::probes::files;
use crate::scan::planned;

/// Raised whenever this crate makes other tables from the same records.
pub const TABLES_REVISION: u32 = 7;

/// Digests of everything that the tables depend on. Of the times in provenance, what they add up to counts.
pub(crate) fn digests(plan: &Plan, store: &Store, inputs: &Inputs) -> Result<BTreeMap<String, Digest>, AggregateError> {
    let json = |value: Result<Vec<u8>, serde_json::Error>| Digest::of(&value.expect("plain data"));
    let runs = planned(plan);
    let known = inputs.records.as_ref().filter(|records| records.len() == runs.len());
    let records: Vec<(Digest, Option<Provenance>)> = (runs.par_iter().enumerate())
        .map(|(index, (_, spec))| {
            let key = spec.key();
            let folder = store.layout().keyed_run(spec, &key);
            let mut hasher = Hasher::new().chain(key.as_str().as_bytes());
            let mut found = None;
            let record = match known {
                Some(records) => records[index].clone(),
                None => record(store, &folder)?,
            };
            if let Some(record) = record {
                hasher.update(record.as_str().as_bytes());
                let size = std::fs::metadata(folder.join(Layout::HISTORY)).map_or(u64::MAX, |data| data.len());
                hasher.update(&size.to_le_bytes());
                if let Ok(Some(made)) = store.read_document::<Provenance>(&folder.join(Layout::PROVENANCE)) {
                    for part in [&made.version, &made.commit, &made.rustc, &made.device, &made.processor] {
                        hasher.update(part.as_bytes());
                        hasher.update(&[0]);
                    }
                    found = Some(made);
                }
            }
            Ok((hasher.finish(), found))
        })
        .collect::<Result<_, AggregateError>>()?;
    let mut account = Account::default();
    for ((setting, spec), (_, made)) in runs.iter().zip(&records) {
        if let Some(made) = made {
            account.add(plan.settings[*setting].table, &spec.setting, spec.trial, made);
        }
    }
    let records = records.iter().fold(Hasher::new(), |hasher, (digest, _)| hasher.chain(digest.as_str().as_bytes()));
    let theorem = store.read(&theorem_checks(store))?.unwrap_or_default();
    let mut probes = Hasher::new();
    for setting in &plan.settings {
        for file in (0..setting.trials).flat_map(|trial| files(store, setting, trial)) {
            probes.update(Digest::of(&store.read(&file)?.unwrap_or_default()).as_str().as_bytes());
        }
    }
    let mut published = Hasher::new();
    for name in store.list(&store.layout().published())? {
        let bytes = store.read(&store.layout().published().join(name))?.unwrap_or_default();
        published.update(Digest::of(&bytes).as_str().as_bytes());
    }
    Ok(BTreeMap::from([
        ("the tables' own revision".to_owned(), Digest::of(&TABLES_REVISION.to_le_bytes())),
        ("the plan".to_owned(), json(serde_json::to_vec(plan))),
        ("the records".to_owned(), records.finish()),
        ("what computing took".to_owned(), Digest::of(&flooding_tables::to_csv(&account.rows()))),
        ("the probes".to_owned(), probes.finish()),
        ("published reports".to_owned(), published.finish()),
        ("the check of Theorem 1".to_owned(), Digest::of(&theorem)),
        ("what earlier stages lack".to_owned(), json(serde_json::to_vec(&inputs.missing))),
        ("the datasets".to_owned(), json(serde_json::to_vec(&inputs.datasets))),
        ("the configuration".to_owned(), Digest::of(inputs.configuration.as_bytes())),
    ]))
}

/// What tells a run's record from others, as [`Inputs::records`] has it.
fn record(store: &Store, folder: &Path) -> Result<Option<Digest>, StoreError> {
    let bytes = store.read(&folder.join(Layout::RECORD))?;
    Ok(bytes.map(|bytes| document_body::<Record>(&bytes).map_or_else(|whole| whole, |(_, digest)| digest)))
}

/// What `verify` found.
fn theorem_checks(store: &Store) -> PathBuf {
    store.layout().theorem().join(format!("{}.json", TheoremCheck::NAME))
}
