//! The fetch stage: exactly the image data sets that a plan needs.

use flooding_core::context::Context;
use flooding_core::plan::Plan;
use flooding_core::store::Store;
use flooding_core::work::{Decision, Gap, Reason, Stage, StageReport, WorkItem};

use crate::download::{FetchError, Fetched, Fetcher};
use crate::manifest::{Entry, Manifest};
use crate::state::{FileState, inspect};

/// Fetches what the plan needs and the store does not have. A data set that cannot be had becomes a gap.
///
/// # Errors
/// A store that cannot be written, or a mirror folder that does not exist.
pub fn run(plan: &Plan, store: &Store, context: &Context, manifest: &Manifest) -> Result<StageReport, FetchError> {
    let names = plan.image_datasets();
    fetch(&names, store, context, manifest)
}

/// Fetches these data sets, whatever a plan says.
///
/// # Errors
/// As [`run`], and a name that no data set has.
pub fn fetch(names: &[&str], store: &Store, context: &Context, manifest: &Manifest) -> Result<StageReport, FetchError> {
    let fetcher = Fetcher::new(store, context, manifest)?;
    let mut report = StageReport::default();
    // Progress is told file by file.
    let files = |name: &&str| match manifest.get(name) {
        Some(Entry::Published(dataset)) => dataset.files.len() as u64,
        _ => 0,
    };
    context.progress.stage_started(Stage::Fetch.name(), names.iter().map(files).sum(), "file");
    for name in names {
        match fetcher.fetch(name)? {
            Fetched::UpToDate => report.skipped += 1,
            Fetched::Now { .. } => report.done += 1,
            Fetched::Unavailable { why } => {
                report.gaps.push(Gap { stage: Stage::Fetch, id: (*name).to_owned(), why });
            }
            Fetched::Interrupted => {
                report.interrupted = true;
                break;
            }
        }
    }
    context.progress.stage_finished();
    Ok(report)
}

/// What [`run`] would do, and why; touches no network.
///
/// # Errors
/// A mirror folder that does not exist.
pub fn work(plan: &Plan, store: &Store, context: &Context, manifest: &Manifest) -> Result<Vec<WorkItem>, FetchError> {
    if let Some(mirror) = &context.mirror {
        crate::download::Mirror::parse(mirror)?;
    }
    let item = |name: &str| WorkItem {
        stage: Stage::Fetch,
        id: name.to_owned(),
        decision: decide(name, store, context, manifest),
    };
    Ok(plan.image_datasets().into_iter().map(item).collect())
}

fn decide(name: &str, store: &Store, context: &Context, manifest: &Manifest) -> Decision {
    let dataset = match manifest.get(name) {
        Some(Entry::Published(dataset)) => dataset,
        Some(Entry::User(_)) => return Decision::Skip(Reason::UpToDate),
        None => return Decision::Skip(Reason::Unavailable { why: format!("no data set is called `{name}`") }),
    };
    let mut missing = false;
    let mut damaged = None;
    for file in inspect(store, dataset) {
        match file.state {
            FileState::Whole { .. } => {}
            FileState::Missing => missing = true,
            FileState::Damaged { why } => damaged = damaged.or(Some(why)),
        }
    }
    let reason = match damaged {
        _ if context.force => Reason::Forced,
        Some(why) => Reason::Damaged { why },
        None if missing => Reason::New,
        None => return Decision::Skip(Reason::UpToDate),
    };
    if context.offline && context.mirror.is_none() {
        return Decision::Skip(Reason::Unavailable {
            why: "not in data/raw, and --offline without --mirror".to_owned(),
        });
    }
    Decision::Run(reason)
}
