//! `pipeline verify-store`: re-hashes everything that is kept; with `--repair`, has the damaged pieces made again.

use std::path::PathBuf;

use flooding_core::store::Store;
use flooding_fetch::Manifest;
use serde::Serialize;

use super::{print, print_json};
use crate::audit::{Audit, audit};
use crate::cli::VerifyStoreArgs;
use crate::exit::{Failure, Outcome};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    audit: Audit,
    /// What `--repair` removed.
    removed: Vec<PathBuf>,
}

pub fn run(args: &VerifyStoreArgs) -> Result<Outcome, Failure> {
    let folder = args.config.parent().map_or_else(PathBuf::new, ToOwned::to_owned);
    let manifest = Manifest::load(&folder.join("data/datasets.toml")).map_err(Failure::manifest)?;
    let data = args.data.clone().unwrap_or_else(|| folder.join("data"));
    let reports = args.reports.clone().unwrap_or_else(|| folder.join("reports"));
    let store = if args.repair { Store::open(data, reports)? } else { Store::read_only(data, reports) };
    // A pipeline at work would see its files vanish.
    let _lock = if args.repair { Some(store.lock()?) } else { None };
    let audit = audit(&store, &manifest)?;
    let mut removed: Vec<PathBuf> = Vec::new();
    if args.repair {
        removed = audit.damaged.iter().flat_map(|damage| damage.remove.clone()).collect();
        removed.sort();
        removed.dedup();
        for path in &removed {
            store.remove(path)?;
        }
    }
    let outcome = if audit.damaged.is_empty() { Outcome::Done } else { Outcome::Gaps };
    if args.json {
        print_json(&Answer { audit, removed })?;
    } else {
        print(&describe(&audit, args.repair))?;
    }
    Ok(outcome)
}

fn describe(audit: &Audit, repaired: bool) -> String {
    let mut text = String::new();
    for damage in &audit.damaged {
        text.push_str(&format!("damaged: {}: {}\n", damage.path.display(), damage.problem));
    }
    let (files, megabytes) = (audit.files, audit.bytes as f64 / 1e6);
    text.push_str(&format!("{files} files ({megabytes:.1} MB) match their digests, {} do not\n", audit.damaged.len()));
    match (audit.damaged.is_empty(), repaired) {
        (true, _) => {}
        (false, true) => text.push_str("removed what is damaged; the next `pipeline run` makes it again\n"),
        (false, false) => {
            text.push_str("`pipeline verify-store --repair` removes it, so that the next run makes it again\n");
        }
    }
    text
}
