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
use flooding_core::store::{Layout, Store, StoreError, document_body};
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
    /// What tells each run's record from others ([`document_body`]), in the plan's order; `None` where there is none.
    pub records: Vec<Option<Digest>>,
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
        let (records, left, complete) = Default::default();
        let survey = Survey { task, runs, failed: 0, damaged: 0, records, left, complete, is_probed };
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
        let (state, digest) = match &bytes {
            None => (State::Missing, None),
            Some(bytes) => match document_body::<Record>(bytes) {
                Ok((body, digest)) => (state(body, &text, &key), Some(digest)),
                Err(digest) => (State::Damaged, Some(digest)),
            },
        };
        survey.records.push(digest);
        match state {
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

/// What the body of a record says.
fn state(body: &[u8], spec: &str, key: &RunKey) -> State {
    let begin = format!(r#"{{"key":"{key}","spec":{spec},"#);
    let Some(rest) = body.strip_prefix(begin.as_bytes()) else { return State::Damaged };
    let complete = br#""status":{"status":"complete""#;
    let is_complete = rest.windows(complete.len()).any(|window| window == complete);
    if is_complete { State::Complete } else { State::Failed }
}
