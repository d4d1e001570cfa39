//! Which runs are to be trained, and why.

use std::path::Path;

use flooding_core::plan::{Group, Plan};
use flooding_core::record::{Record, Status};
use flooding_core::spec::RunSpec;
use flooding_core::store::{DocumentError, Layout, Store, StoreError};
use flooding_core::work::{Decision, Reason};
use rayon::prelude::*;
use serde_json::Value;

/// The runs of the plan, in its order, each with what is to be done about it.
pub fn decide(plan: &Plan, store: &Store, force: bool) -> Result<Vec<(RunSpec, Decision)>, StoreError> {
    let groups: Vec<Group> = plan.groups().collect();
    let decided: Vec<_> =
        groups.into_par_iter().map(|group| decide_group(group, store, force)).collect::<Result<_, _>>()?;
    Ok(decided.into_iter().flatten().collect())
}

pub fn decide_group(group: Group, store: &Store, force: bool) -> Result<Vec<(RunSpec, Decision)>, StoreError> {
    let Some(first) = group.runs.first() else { return Ok(Vec::new()) };
    let folder = store.layout().group(&first.setting, first.trial);
    let names = store.list(&folder)?;
    let decide = |spec: RunSpec| {
        let path = store.layout().run(&spec);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let decision = if force {
            Decision::Run(Reason::Forced)
        } else if names.binary_search_by(|known| known.as_str().cmp(name)).is_ok() {
            judge(store, &path, &spec)?
        } else {
            Decision::Run(former(store, &folder, &names, &spec)?)
        };
        Ok((spec, decision))
    };
    group.runs.into_iter().map(decide).collect()
}

/// A run whose folder is there.
fn judge(store: &Store, folder: &Path, spec: &RunSpec) -> Result<Decision, StoreError> {
    let damaged = |why: String| Ok(Decision::Run(Reason::Damaged { why }));
    let record = match store.read_document::<Record>(&folder.join(Layout::RECORD)) {
        // The record is written last: without it, the run was interrupted.
        Ok(None) => return Ok(Decision::Run(Reason::New)),
        Ok(Some(record)) => record,
        Err(DocumentError::Store(error)) => return Err(error),
        Err(error) => return damaged(error.to_string()),
    };
    if record.spec != *spec {
        return damaged(format!("{} holds another run's record", folder.display()));
    }
    if let Status::Failed { cause, .. } = record.status {
        return Ok(Decision::Run(Reason::FailedBefore { cause }));
    }
    let history = [(Layout::HISTORY.to_owned(), record.history)];
    for (name, digest) in history.into_iter().chain(record.files) {
        let path = folder.join(&name);
        match store.digest(&path)? {
            None if store.was_left_out(folder, &name) => {}
            None => return damaged(format!("{} is missing", path.display())),
            Some(found) if found != digest => {
                return damaged(format!("{} does not match the digest in its record", path.display()));
            }
            Some(_) => {}
        }
    }
    Ok(Decision::Skip(Reason::UpToDate))
}

/// A run without a folder: was its level trained under another specification?
fn former(store: &Store, folder: &Path, names: &[String], spec: &RunSpec) -> Result<Reason, StoreError> {
    let prefix = format!("b{}-", spec.level);
    for name in names.iter().filter(|name| name.starts_with(&prefix)) {
        let record = match store.read_document::<Record>(&folder.join(name).join(Layout::RECORD)) {
            Ok(Some(record)) => record,
            Err(DocumentError::Store(error)) => return Err(error),
            Ok(None) | Err(_) => continue,
        };
        if let Some((key, from, to)) = difference(&record.spec, spec) {
            return Ok(Reason::SpecificationChanged { key, from, to });
        }
    }
    Ok(Reason::New)
}

/// The first key in which two specifications differ; `reduced` only mirrors other keys, so it is named last.
fn difference(from: &RunSpec, to: &RunSpec) -> Option<(String, String, String)> {
    let value = |spec: &RunSpec| serde_json::to_value(spec).expect("a specification is plain data");
    let (from, to) = (value(from), value(to));
    let mut found = Vec::new();
    compare("", &from, &to, &mut found);
    let at = found.iter().position(|(key, ..)| key != "reduced").unwrap_or(0);
    found.into_iter().nth(at)
}

fn compare(key: &str, from: &Value, to: &Value, found: &mut Vec<(String, String, String)>) {
    match (from, to) {
        _ if from == to => {}
        (Value::Object(old), Value::Object(new)) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                compare(&key, old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null), found);
            }
        }
        _ => found.push((key.to_owned(), from.to_string(), to.to_string())),
    }
}
