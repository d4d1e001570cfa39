//! `pipeline verify-store`: re-hashes everything that is kept; with `--repair`, removes what is damaged, so that the next
//! run computes it again.

use std::path::PathBuf;

use flooding_core::files;
use flooding_core::store::{Lock, Store};
use flooding_fetch::Manifest;
use serde::Serialize;

use super::{log, print, print_json};
use crate::audit::{Audit, audit};
use crate::cli::VerifyStoreArgs;
use crate::exit::{Failure, Outcome};
use crate::shell;

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    audit: Audit,
    #[serde(flatten)]
    repair: Repair,
}

/// What `--repair` did.
#[derive(Default, Serialize)]
struct Repair {
    /// Files that are gone.
    #[serde(serialize_with = "files::serialize_paths")]
    removed: Vec<PathBuf>,
    /// Files that should go and could not be removed, with the reason.
    kept: Vec<String>,
}

pub fn run(args: &VerifyStoreArgs) -> Result<Outcome, Failure> {
    let manifest = Manifest::load(&args.place.folder().join("data/datasets.toml")).map_err(Failure::manifest)?;
    let [data, reports] = args.place.folders();
    let store = if args.repair { Store::open(data, reports)? } else { Store::read_only(data, reports) };
    // A pipeline at work would see its files vanish.
    let lock = if args.repair { Some(store.lock()?) } else { None };
    for notice in lock.iter().flat_map(Lock::notices) {
        log(&format!("warning: {notice}"));
    }
    let audit = audit(&store, &manifest)?;
    let repair = if args.repair { remove(&audit, &store) } else { Repair::default() };
    let outcome = if audit.damaged.is_empty() { Outcome::Done } else { Outcome::Incomplete };
    if args.json {
        print_json(&Answer { audit, repair })?;
    } else {
        print(&describe(&audit, args.repair.then_some(&repair), args))?;
    }
    Ok(outcome)
}

/// Removes everything damaged that is ours. What cannot be removed stays, and the rest is removed all the same.
fn remove(audit: &Audit, store: &Store) -> Repair {
    let mut wanted: Vec<PathBuf> = audit.damaged.iter().flat_map(|damage| damage.remove.clone()).collect();
    wanted.sort();
    wanted.dedup();
    let mut repair = Repair::default();
    for path in wanted {
        match store.remove(&path) {
            Ok(()) => repair.removed.push(path),
            Err(error) => repair.kept.push(error.to_string()),
        }
    }
    repair
}

fn describe(audit: &Audit, repair: Option<&Repair>, args: &VerifyStoreArgs) -> String {
    let mut text = String::new();
    for damage in &audit.damaged {
        text.push_str(&format!("damaged: {}: {}\n", damage.path.display(), damage.problem));
    }
    for path in &audit.foreign {
        text.push_str(&format!("not a document of this program, left alone: {}\n", path.display()));
    }
    let (files, megabytes) = (audit.files, audit.bytes as f64 / 1e6);
    text.push_str(&format!("{files} files ({megabytes:.1} MB) match their digests, {} do not\n", audit.damaged.len()));
    let unremovable = audit.damaged.iter().filter(|damage| damage.remove.is_empty()).count();
    if let Some(repair) = repair {
        for path in &repair.removed {
            text.push_str(&format!("removed: {}\n", path.display()));
        }
        for problem in &repair.kept {
            text.push_str(&format!("not removed: {problem}\n"));
        }
        if !repair.removed.is_empty() {
            text.push_str("the next `pipeline run` computes again what was removed\n");
        }
    } else if unremovable < audit.damaged.len() {
        text.push_str(&format!("to remove it, so that the next run computes it again:\n  {}\n", repair_command(args)));
    }
    if unremovable > 0 {
        text.push_str(&format!("{unremovable} of them this command does not remove: see to them yourself\n"));
    }
    text
}

fn repair_command(args: &VerifyStoreArgs) -> String {
    let mut command = shell::Command::new(["verify-store", "--repair"]);
    command.project(&args.place.config, args.place.data.as_deref(), args.place.reports.as_deref());
    command.to_string()
}
