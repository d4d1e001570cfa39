//! One way to ask any stage what it would do, and to do it.

use flooding_aggregate::Inputs;
use flooding_core::context::Context;
use flooding_core::store::{Claim, Store};
use flooding_core::work::{Gap, Stage, StageReport, WorkItem};
use flooding_fetch::manifest::{Entry, Inventory};
use flooding_fetch::state::{FileState, inspect};
use flooding_tables::DatasetRow;
use flooding_train::probes::{self, Kind};

use crate::exit::Failure;
use crate::project::Project;
use crate::source::StoredExamples;

/// A piece of a command: a stage, or only the probes of the training stage.
#[derive(Clone, Debug)]
pub enum Task {
    /// The whole stage.
    Stage(Stage),
    /// These probes alone.
    Probes(Vec<Kind>),
}

impl Task {
    /// The stage that it is or belongs to.
    pub const fn stage(&self) -> Stage {
        match self {
            Self::Stage(stage) => *stage,
            Self::Probes(_) => Stage::Train,
        }
    }
}

/// Takes a stage that writes files which its whole plan shares; waits while another process works on it. Fetching locks
/// its folders and training claims its tasks: several processes do these side by side, and here is no claim for them.
pub fn claim(stage: Stage, store: &Store, context: &Context) -> Result<Option<Claim>, Failure> {
    let name = match stage {
        Stage::Fetch | Stage::Train => return Ok(None),
        Stage::Generate | Stage::Verify => stage.name(),
        // The report is drawn from the tables: nobody changes them meanwhile.
        Stage::Aggregate | Stage::Render => "tables",
    };
    let waiting = |holder: &str| context.progress.warn(&format!("waiting for {holder}, which works on {stage}"));
    Ok(store.claim_when_free(&format!(".stages/{name}"), &context.stop, waiting)?)
}

/// What `task` would do, and why.
pub fn work(task: &Task, project: &Project, store: &Store, context: &Context) -> Result<Vec<WorkItem>, Failure> {
    let Project { plan, manifest, .. } = project;
    let stage = match task {
        Task::Stage(stage) => *stage,
        Task::Probes(kinds) => return probes::work(plan, store, context, kinds, &|_| true).map_err(Failure::stage),
    };
    match stage {
        Stage::Fetch => Ok(flooding_fetch::work(plan, store, context, manifest)),
        Stage::Generate => flooding_generate::work(plan, store, context).map_err(Failure::stage),
        Stage::Train => flooding_train::work(plan, store, context).map_err(Failure::stage),
        Stage::Verify => flooding_verify::work(plan, store, context).map_err(Failure::stage),
        Stage::Aggregate => {
            flooding_aggregate::work(plan, store, context, &inputs(project, store)).map_err(Failure::stage)
        }
        Stage::Render => flooding_render::work(plan, store, context).map_err(Failure::stage),
    }
}

/// Does what `task` has to do.
pub fn run(task: &Task, project: &Project, store: &Store, context: &Context) -> Result<StageReport, Failure> {
    let Project { plan, manifest, .. } = project;
    let stage = match task {
        Task::Stage(stage) => *stage,
        Task::Probes(kinds) => {
            let source = StoredExamples::new(store, manifest, &*context.progress);
            return probes::run(plan, store, context, &source, kinds).map_err(Failure::stage);
        }
    };
    match stage {
        Stage::Fetch => flooding_fetch::run(plan, store, context, manifest).map_err(Failure::stage),
        Stage::Generate => flooding_generate::run(plan, store, context).map_err(Failure::stage),
        Stage::Train => {
            let source = StoredExamples::new(store, manifest, &*context.progress);
            flooding_train::run(plan, store, context, &source).map_err(Failure::stage)
        }
        Stage::Verify => flooding_verify::run(plan, store, context).map_err(Failure::stage),
        Stage::Aggregate => {
            flooding_aggregate::run(plan, store, context, &inputs(project, store)).map_err(Failure::stage)
        }
        Stage::Render => flooding_render::run(plan, store, context).map_err(Failure::stage),
    }
}

/// What the tables say besides the records. It depends on what is stored alone, not on how this process got there, so
/// that `stage aggregate` by itself writes the same tables as `run`.
fn inputs(project: &Project, store: &Store) -> Inputs {
    let mut gaps = Vec::new();
    let mut datasets = Vec::new();
    for name in project.plan.image_datasets() {
        let Some(entry) = project.manifest.get(name) else { continue };
        if let Some(why) = gap(entry, store) {
            gaps.push(Gap { stage: Stage::Fetch, id: name.to_owned(), why: why.to_owned() });
        }
        datasets.push(dataset_row(name, entry));
    }
    Inputs { gaps, datasets, configuration: project.configuration.clone() }
}

/// Why the runs over a dataset have no data; the same words wherever the tables are made.
fn gap(entry: Entry, store: &Store) -> Option<&'static str> {
    match entry {
        Entry::Published(dataset) => {
            let whole = inspect(store, dataset).iter().all(|file| matches!(file.state, FileState::Whole { .. }));
            (!whole).then_some("dataset not available: it was not downloaded, and no mirror had it")
        }
        Entry::User(files) => files.inventory().is_err().then_some("dataset not available: its files cannot be read"),
    }
}

fn dataset_row(name: &str, entry: Entry) -> DatasetRow {
    match entry {
        Entry::Published(dataset) => DatasetRow {
            name: name.to_owned(),
            licence: dataset.licence.clone(),
            citation: dataset.citation.clone(),
            files: (dataset.files.iter())
                .map(|file| (file.name.clone(), file.bytes, file.sha256.to_string()))
                .collect(),
        },
        Entry::User(files) => DatasetRow {
            name: name.to_owned(),
            licence: "the user's own".to_owned(),
            citation: String::new(),
            files: files.inventory().map_or_else(|_| Vec::new(), own_files),
        },
    }
}

fn own_files(inventory: &Inventory) -> Vec<(String, u64, String)> {
    let left_out: u64 = inventory.left_out.iter().map(|left| left.count).sum();
    let more = if left_out > 0 { format!(", {left_out} more not used") } else { String::new() };
    vec![(format!("all {} files together{more}", inventory.files), inventory.bytes, inventory.digest.to_string())]
}
