//! `pipeline explain`: from a number of the report back to the runs, and forward to the commands that repeat them.

mod claim;
mod repeat;
mod row;
mod run;
mod setting;
mod stored;

use flooding_core::record::{Provenance, Record};
use flooding_core::spec::{RunKey, RunSpec};
use flooding_tables::{AccuracyRow, Checkpoint, ClaimRow, Rows};
use serde::Serialize;

use super::{print, print_json};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;
use stored::Known;

pub fn run(what: &str, args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = Project::load(args)?;
    let store = project.read_only_store();
    let known = Known::new(&project, &store);
    let explained = if let Some((setting, checkpoint)) = cell(what) {
        row::explain(setting, checkpoint, &known)?
    } else if let Some(figure) = what.strip_prefix("figure-") {
        setting::explain_figure(figure, &known)?
    } else if let Some(claim) = claim::explain(what, &known)? {
        claim
    } else if let Some(setting) = setting::explain(what, &known)? {
        setting
    } else {
        run::explain(what, &known)?
    };
    if args.json {
        print_json(&explained)?;
    } else {
        print(&explained.text)?;
    }
    Ok(Outcome::Done)
}

/// An explanation, for people and for programs.
#[derive(Default, Serialize)]
struct Explained {
    #[serde(skip)]
    text: String,
    /// The runs behind the number.
    runs: Vec<RunKey>,
    /// The commands that train them again.
    commands: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Rows<AccuracyRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<Rows<ClaimRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    specification: Option<RunSpec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provenance: Option<Provenance>,
}

/// `SETTING:A` or `SETTING:B`.
fn cell(what: &str) -> Option<(&str, Checkpoint)> {
    match what.rsplit_once(':')? {
        (setting, "A") => Some((setting, Checkpoint::LastEpoch)),
        (setting, "B") => Some((setting, Checkpoint::BestValidation)),
        _ => None,
    }
}

/// A line on how runs depart from the paper's protocol, where they do.
fn departures(reduced: &[String]) -> String {
    if reduced.is_empty() { String::new() } else { format!("reduced, not the paper's: {}\n", reduced.join(", ")) }
}

fn unique(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}
