//! How far the training is, by a look at the records alone: for lists and forecasts, which must be quick at 100,000 runs.
//!
//! Training itself decides by all digests (`decide`); here a record counts when it is of the run in question.

use std::collections::HashSet;
use std::path::Path;

use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::plan::{Group, Plan};
use flooding_core::record::Record;
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Document as _, Layout, Store, StoreError};
use flooding_core::task::TaskId;
use rayon::prelude::*;

use crate::probes;

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
    /// Its complete runs, if there are any.
    pub complete: Option<Complete>,
    /// Will probes of it be made, once its runs are complete?
    pub is_probed: bool,
}

/// The complete runs of a task, which differ in the level alone.
#[derive(Clone, Debug)]
pub struct Complete {
    /// One of them.
    pub run: RunSpec,
    /// The levels of all of them, in the plan's order.
    pub levels: Vec<Level>,
}

/// All tasks of the plan, in its order; with `force`, whatever is stored of them.
pub fn survey(plan: &Plan, store: &Store, force: bool) -> Result<Vec<Survey>, StoreError> {
    let probed: HashSet<TaskId> = probes::tasks(plan).collect();
    let groups: Vec<Group> = plan.groups().collect();
    let tasks = groups.into_par_iter().filter_map(|group| {
        let task = TaskId::of_group(&group)?;
        let is_probed = probed.contains(&task);
        let runs = group.runs.len();
        let survey = Survey { task, runs, failed: 0, damaged: 0, left: Vec::new(), complete: None, is_probed };
        Some(look_at(survey, group, store, force))
    });
    tasks.collect()
}

fn look_at(mut survey: Survey, group: Group, store: &Store, force: bool) -> Result<Survey, StoreError> {
    let folder = store.layout().group(&survey.task.setting, survey.task.trial);
    let names = if force { Vec::new() } else { store.list(&folder)? };
    for run in group.runs {
        let (text, key) = run.text_and_key();
        let place = store.layout().keyed_run(&run, &key);
        let is_listed = |place: &Path| {
            let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
        };
        let bytes = if is_listed(&place) { store.read(&place.join(Layout::RECORD))? } else { None };
        match bytes.map_or(State::Missing, |bytes| state(&bytes, &text, &key)) {
            State::Complete => {
                let level = run.level;
                survey.complete.get_or_insert_with(|| Complete { run, levels: Vec::new() }).levels.push(level);
            }
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
fn state(record: &[u8], spec: &str, key: &RunKey) -> State {
    let (kind, version) = (Record::KIND, Record::VERSION);
    let header = format!(r#"{{"kind":"{kind}","version":{version},"sha256":""#);
    let begin = format!(r#"","body":{{"key":"{key}","spec":{spec},"#);
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
