//! The fetch stage: exactly the image datasets that a plan needs.

use flooding_core::context::Context;
use flooding_core::plan::Plan;
use flooding_core::store::Store;
use flooding_core::work::{Decision, MissingResult, Prepared, Reason, Stage, StageReport, WorkItem};

use crate::download::{FetchError, Fetched, Fetcher, Mirror};
use crate::manifest::{Entry, Manifest, UserProblem};
use crate::state::{FileState, inspect};

/// Decides what there is to do: an item an image dataset of the plan; touches no network. Running it fetches what the
/// store does not have. A dataset that is not available becomes a missing result.
///
/// # Errors
/// Running it: a store that cannot be written.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
    manifest: &'a Manifest,
) -> Prepared<'a, FetchError> {
    let item = |name: &str| WorkItem {
        stage: Stage::Fetch,
        id: name.to_owned(),
        decision: decide(name, store, context, manifest),
    };
    let items: Vec<WorkItem> = plan.image_datasets().into_iter().map(item).collect();
    let up_to_date = |item: &&WorkItem| item.decision == Decision::Skip(Reason::UpToDate);
    let skipped = items.iter().filter(up_to_date).count() as u64;
    let wanted: Vec<String> = items.iter().filter(|item| !up_to_date(item)).map(|item| item.id.clone()).collect();
    Prepared::new(items, move || {
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let report = fetch(&names, store, context, manifest)?;
        Ok(StageReport { skipped: report.skipped + skipped, ..report })
    })
}

/// Fetches these datasets, whatever a plan says.
///
/// # Errors
/// A store that cannot be written, and a name that no dataset has.
pub fn fetch(names: &[&str], store: &Store, context: &Context, manifest: &Manifest) -> Result<StageReport, FetchError> {
    let fetcher = Fetcher::new(store, context, manifest);
    let mut report = StageReport::default();
    let files = names.iter().map(|name| fetcher.missing(name)).sum();
    if files > 0 {
        context.progress.stage_started(Stage::Fetch.name(), files, "file");
    }
    for name in names {
        match fetcher.fetch(name)? {
            Fetched::UpToDate => report.skipped += 1,
            Fetched::Now { .. } => report.done += 1,
            Fetched::Unavailable { why } => {
                report.missing.push(MissingResult { stage: Stage::Fetch, id: (*name).to_owned(), why });
            }
            Fetched::Interrupted => {
                report.interrupted = true;
                break;
            }
        }
    }
    if files > 0 {
        context.progress.stage_finished();
    }
    Ok(report)
}

fn decide(name: &str, store: &Store, context: &Context, manifest: &Manifest) -> Decision {
    let dataset = match manifest.get(name) {
        Some(Entry::Published(dataset)) => dataset,
        Some(Entry::User(files)) => {
            let why = |problem: &UserProblem| Reason::Unavailable { why: problem.to_string() };
            return Decision::Skip(files.inventory().map_or_else(why, |_| Reason::UpToDate));
        }
        None => return Decision::Skip(Reason::Unavailable { why: format!("there is no dataset `{name}`") }),
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
    if context.offline {
        let why = match Mirror::of(context) {
            None => Some("not in data/raw, and --offline without --mirror".to_owned()),
            Some(Err(problem)) => Some(problem.to_string()),
            Some(Ok(mirror)) => mirror.problem().map(|problem| problem.to_string()),
        };
        if let Some(why) = why {
            return Decision::Skip(Reason::Unavailable { why });
        }
    }
    Decision::Run(reason)
}
