//! What a report loses when another plan's takes its place: the records stay, but a reader finds fewer numbers.

use std::collections::BTreeSet;

use flooding_core::spec::RunKey;
use flooding_core::store::Store;
use flooding_tables::{Overview, RunRow, RunStatus, read};

use crate::project::Project;

/// A word on the stored tables, and the command that brings them back, where they hold complete runs that this plan does
/// not have. Tables that cannot be read are not missed.
pub fn notice(project: &Project, store: &Store) -> Option<String> {
    let tables = store.layout().tables();
    let overview: Overview = store.read_document(&tables.join("overview.json")).ok()??;
    let rows: Vec<RunRow> = read(store, &tables).ok()??;
    let planned: BTreeSet<RunKey> = project.plan.runs().map(|run| run.key()).collect();
    let lost = rows.iter().filter(|row| row.status == RunStatus::Complete && !planned.contains(&row.key)).count();
    if lost == 0 {
        return None;
    }
    let mut command = project.command(["run"]);
    command.option("profile", &overview.profile);
    for (name, value) in &overview.options {
        command.option(name, value);
    }
    let options: String = overview.options.iter().map(|(name, value)| format!(" --{name} {value}")).collect();
    Some(format!(
        "the tables and the report of profile `{}`{options} are replaced: {lost} of their {} runs are not in this plan. \
         Their records stay, and this brings them back:\n  {command}",
        overview.profile,
        rows.len()
    ))
}
