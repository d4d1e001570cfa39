//! `pipeline import`: results that were made elsewhere.

use std::path::PathBuf;

use serde::Serialize;

use super::pack::checkpoints as listed;
use super::{print, print_json};
use crate::cli::ImportArgs;
use crate::exchange::{self, Imported, ImportedReport};
use crate::exit::{Failure, Outcome};
use crate::project;

pub fn run(args: &ImportArgs) -> Result<Outcome, Failure> {
    let (mut known, store) = project::known_settings(&args.place)?;
    let _lock = store.share()?;
    let (reports, sources): (Vec<PathBuf>, Vec<PathBuf>) =
        args.sources.iter().cloned().partition(|source| exchange::is_published_report(source));
    let imported = exchange::import(&sources, &store, &mut known, args.prefer)?.map_err(Failure::exchange)?;
    let reports: Vec<ImportedReport> = (reports.iter())
        .map(|folder| exchange::import_report(folder, &store, &known)?.map_err(Failure::exchange))
        .collect::<Result<_, _>>()?;
    if args.json {
        print_json(&Answer { imported: &imported, reports: &reports })?;
    } else {
        let results = (!sources.is_empty()).then(|| describe(&imported));
        print(&results.into_iter().chain(reports.iter().map(describe_report)).collect::<String>())?;
    }
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    imported: &'a Imported,
    /// Published reports.
    reports: &'a [ImportedReport],
}

fn describe_report(report: &ImportedReport) -> String {
    let ImportedReport { name, runs, settings, unplanned, lacking } = report;
    let mut text = format!(
        "imported the published report {name}: {runs} runs of {settings} settings, which count where fewer of a setting's \
         runs are trained here\n"
    );
    if *unplanned > 0 {
        text.push_str(&format!("{unplanned} other runs count for nothing: no profile of this project plans them\n"));
    }
    for file in lacking {
        text.push_str(&format!("{file} was too large to be published: what is made from it will be missing\n"));
    }
    text
}

fn describe(imported: &Imported) -> String {
    let Imported {
        runs,
        drawn,
        probes,
        checkpoints,
        unplanned,
        kept,
        replaced,
        contradicting,
        without_weights,
        machines,
    } = imported;
    let checkpoints = listed(*checkpoints);
    let mut text = format!(
        "imported {runs} runs, {drawn} drawn trials{checkpoints} and {probes} probes; {kept} of what came were here already\n"
    );
    if *replaced > 0 {
        text.push_str(&format!("{replaced} of them replaced other results that were here (--prefer theirs)\n"));
    }
    if *contradicting > 0 {
        text.push_str(&format!("{contradicting} were left out: other results are here already (--prefer mine)\n"));
    }
    for machine in machines {
        text.push_str(&format!("trained on {machine}\n"));
    }
    if *unplanned > 0 {
        text.push_str(&format!("{unplanned} checkpoints were left out: no profile of this project plans their runs\n"));
    }
    if *without_weights > 0 {
        text.push_str(&format!("the weights of {without_weights} runs did not come with them\n"));
    }
    text
}
