//! How far the training is, by a look at the records alone: for lists and forecasts, which must be quick at 100,000 runs.
//!
//! Training itself decides by all digests (`decide`); here a record counts when it is of the run in question.

use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::plan::{Group, Plan};
use flooding_core::record::Record;
use flooding_core::spec::RunSpec;
use flooding_core::store::{Document as _, Layout, Store, StoreError};
use flooding_core::task::TaskId;
use rayon::prelude::*;

/// How far one task is.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Which.
    pub task: TaskId,
    /// Its runs.
    pub runs: usize,
    /// Of these, runs with a record of a failure; they are tried again.
    pub failed: usize,
    /// Of these, runs whose record is damaged; they are trained again.
    pub damaged: usize,
    /// Runs to be trained, the failed ones among them.
    pub left: Vec<RunSpec>,
    /// A run that is complete, if there is one.
    pub complete: Option<RunSpec>,
}

/// All tasks of the plan, in its order.
pub fn survey(plan: &Plan, store: &Store) -> Result<Vec<Survey>, StoreError> {
    let groups: Vec<Group> = plan.groups().collect();
    let tasks = groups.into_par_iter().filter_map(|group| {
        let task = TaskId::of_group(&group)?;
        Some(look_at(task, group, store))
    });
    tasks.collect()
}

fn look_at(task: TaskId, group: Group, store: &Store) -> Result<Survey, StoreError> {
    let folder = store.layout().group(&task.setting, task.trial);
    let names = store.list(&folder)?;
    let mut survey = Survey { task, runs: group.runs.len(), failed: 0, damaged: 0, left: Vec::new(), complete: None };
    for run in group.runs {
        let place = store.layout().run(&run);
        let is_listed = |place: &Path| {
            let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
        };
        let bytes = if is_listed(&place) { store.read(&place.join(Layout::RECORD))? } else { None };
        match bytes.map_or(State::Missing, |bytes| state(&bytes, &run)) {
            State::Complete => survey.complete = Some(run),
            state => {
                survey.failed += usize::from(state == State::Failed);
                survey.damaged += usize::from(state == State::Damaged);
                survey.left.push(run);
            }
        }
    }
    Ok(survey)
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Complete,
    Failed,
    Damaged,
    Missing,
}

/// What a record says, by its text alone: reading it as JSON would take most of the time.
fn state(record: &[u8], run: &RunSpec) -> State {
    let (kind, version) = (Record::KIND, Record::VERSION);
    let spec = serde_json::to_string(run).expect("a specification is plain data");
    let header = format!(r#"{{"kind":"{kind}","version":{version},"sha256":""#);
    let begin = format!(r#"","body":{{"key":"{}","spec":{spec},"#, run.key());
    let parts = record.strip_prefix(header.as_bytes()).and_then(|rest| rest.split_at_checked(64));
    let Some((sha256, rest)) = parts.filter(|(_, rest)| rest.starts_with(begin.as_bytes())) else {
        return State::Damaged;
    };
    let body = rest.strip_prefix(br#"","body":"#).and_then(|rest| rest.strip_suffix(b"}\n"));
    if body.is_none_or(|body| Digest::of(body).as_str().as_bytes() != sha256) {
        return State::Damaged;
    }
    let says = |status: &str| {
        let text = format!(r#""status":{{"status":"{status}""#);
        rest[begin.len()..].windows(text.len()).any(|window| window == text.as_bytes())
    };
    if says("complete") { State::Complete } else { State::Failed }
}
