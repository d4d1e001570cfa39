//! One way to ask any stage what it would do, and to do it.

use flooding_aggregate::Inputs;
use flooding_core::context::Context;
use flooding_core::store::{Claim, Store};
use flooding_core::work::{MissingResult, Prepared, Stage};
use flooding_fetch::manifest::{Entry, Inventory};
use flooding_fetch::state::{FileState, inspect};
use flooding_render::Templates;
use flooding_tables::DatasetRow;
use flooding_train::Survey;
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

/// Decides what `task` has to do, and why; running what is returned does exactly that.
pub fn prepare<'a>(
    task: &'a Task,
    project: &'a Project,
    store: &'a Store,
    context: &'a Context,
) -> Result<Prepared<'a, Failure>, Failure> {
    let Project { plan, manifest, .. } = project;
    let examples = || StoredExamples::new(store, manifest, &*context.progress);
    let stage = match task {
        Task::Stage(stage) => *stage,
        Task::Probes(kinds) => return ready(probes::prepare(plan, store, context, examples(), kinds)),
    };
    match stage {
        Stage::Fetch => Ok(flooding_fetch::prepare(plan, store, context, manifest).map_err(Failure::stage)),
        Stage::Generate => ready(flooding_generate::prepare(plan, store, context)),
        Stage::Train => ready(flooding_train::prepare(plan, store, context, examples())),
        Stage::Verify => ready(flooding_verify::prepare(plan, store, context)),
        Stage::Aggregate => ready(flooding_aggregate::prepare(plan, store, context, inputs(project, store))),
        Stage::Render => {
            let templates = Templates::with_folder(&project.templates()).map_err(Failure::stage)?;
            ready(flooding_render::prepare(plan, store, context, templates))
        }
    }
}

/// As [`prepare`] does of the tables, where a survey has just looked at the records.
pub fn prepare_tables<'a>(
    surveys: &[Survey],
    project: &'a Project,
    store: &'a Store,
    context: &'a Context,
) -> Result<Prepared<'a, Failure>, Failure> {
    let records = surveys.iter().flat_map(|survey| survey.records.iter().cloned()).collect();
    let inputs = Inputs { records: Some(records), ..inputs(project, store) };
    ready(flooding_aggregate::prepare(&project.plan, store, context, inputs))
}

/// A stage's own errors as this program's.
fn ready<E: std::error::Error + Send + Sync + 'static>(
    prepared: Result<Prepared<'_, E>, E>,
) -> Result<Prepared<'_, Failure>, Failure> {
    prepared.map(|prepared| prepared.map_err(Failure::stage)).map_err(Failure::stage)
}

/// What the tables say besides the records. It depends on what is stored alone, not on how this process got there, so
/// that `stage aggregate` by itself writes the same tables as `run`.
fn inputs(project: &Project, store: &Store) -> Inputs {
    let mut missing = Vec::new();
    let mut datasets = Vec::new();
    for name in project.plan.image_datasets() {
        let Some(entry) = project.manifest.get(name) else { continue };
        if let Some(why) = why_missing(entry, store) {
            missing.push(MissingResult { stage: Stage::Fetch, id: name.to_owned(), why: why.to_owned() });
        }
        datasets.push(dataset_row(name, entry));
    }
    Inputs { missing, datasets, configuration: project.configuration.clone(), records: None }
}

/// Why the runs over a dataset have no data; the same words wherever the tables are made.
fn why_missing(entry: Entry, store: &Store) -> Option<&'static str> {
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
