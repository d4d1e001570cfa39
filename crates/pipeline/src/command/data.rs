//! `pipeline data`: look after the image data sets.

use std::fs;
use std::path::Path;

use flooding_core::context::Context;
use flooding_core::store::Store;
use flooding_fetch::manifest::{Dataset, Entry};
use flooding_fetch::state::{FileReport, FileState};
use flooding_fetch::tools::export::{ExportFormat, export};
use flooding_fetch::tools::{self, Choice, SetState, SheetError, Verification};
use flooding_fetch::{Images, LoadError};

use super::{log, print, print_json};
use crate::cli::{DataArgs, DataCommand, DataFormat};
use crate::exit::{Failure, Outcome};
use crate::project::Datasets;
use crate::{display, interrupt};

pub fn run(command: &DataCommand) -> Result<Outcome, Failure> {
    match command {
        DataCommand::Ls(args) => list(args),
        DataCommand::Fetch { names, mirror, offline, force, args } => {
            let context = Context {
                mirror: mirror.clone(),
                offline: *offline,
                force: *force,
                stop: interrupt::stop_flag(None),
                progress: display::for_terminal(),
                ..Context::default()
            };
            fetch(names, &context, args)
        }
        DataCommand::Verify { names, folder, args } => verify(names, folder.as_deref(), args),
        DataCommand::Show { name, class, n, test, output, args } => {
            show(name, &Choice { test: *test, class: class.clone(), count: *n }, output, args)
        }
        DataCommand::Export { name, format, folder, args } => write_out(name, *format, folder, args),
        DataCommand::Card { name, croissant, args } => card(name, *croissant, args),
        DataCommand::Add { name, args } => add(name, args),
        DataCommand::Prune { dry_run, args } => prune(*dry_run, args),
    }
}

/// The project, and its store for reading.
fn open(args: &DataArgs) -> Result<(Datasets, Store), Failure> {
    let project = Datasets::load(args)?;
    let store = project.read_only_store();
    Ok((project, store))
}

fn published<'a>(project: &'a Datasets, names: &[String]) -> Result<Vec<&'a Dataset>, Failure> {
    let every = || project.manifest.names().map(str::to_owned).collect();
    let chosen: Vec<String> = if names.is_empty() { every() } else { names.to_vec() };
    let mut datasets = Vec::new();
    for name in &chosen {
        match project.manifest.get(name) {
            Some(Entry::Published(dataset)) => datasets.push(dataset),
            // A user's own files have no published digests to compare with.
            Some(Entry::User(_)) => {}
            None => return Err(unknown(project, name)),
        }
    }
    Ok(datasets)
}

fn unknown(project: &Datasets, name: &str) -> Failure {
    let known = project.manifest.names().collect::<Vec<_>>().join(", ");
    Failure::Usage(format!("no dataset is called `{name}`; the datasets are: {known}"))
}

fn load(name: &str, project: &Datasets, store: &Store) -> Result<Images, Failure> {
    flooding_fetch::load(name, store, &project.manifest).map_err(|error| match error {
        LoadError::Unknown { .. } => unknown(project, name),
        error => Failure::stage(error),
    })
}

fn list(args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let listings = tools::list(&store, &project.manifest);
    if args.json {
        print_json(&listings)?;
        return Ok(Outcome::Done);
    }
    let mut text = format!("{:<10} {:>16} {:>8} {:>13}  state\n", "name", "train + test", "classes", "bytes");
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    for listing in listings {
        let state = match &listing.state {
            SetState::Whole => "whole".to_owned(),
            SetState::Partial { whole, files } => format!("{whole} of {files} files"),
            SetState::Missing => "not here".to_owned(),
            SetState::Damaged { why } => format!("damaged: {why}"),
            SetState::Own => "your own files".to_owned(),
        };
        text.push_str(&format!(
            "{:<10} {:>16} {:>8} {:>13}  {state}\n",
            listing.name,
            or_dash(listing.images.map(|[train, test]| format!("{train} + {test}"))),
            or_dash(listing.classes.map(|n| n.to_string())),
            or_dash(listing.bytes.map(|n| n.to_string())),
        ));
    }
    print(&text)?;
    Ok(Outcome::Done)
}

fn fetch(names: &[String], context: &Context, args: &DataArgs) -> Result<Outcome, Failure> {
    let project = Datasets::load(args)?;
    for name in names {
        if project.manifest.get(name).is_none() {
            return Err(unknown(&project, name));
        }
    }
    let store = project.store()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = flooding_fetch::fetch(&names, &store, context, &project.manifest).map_err(Failure::stage)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&format!("{} fetched, {} were already here\n", report.done, report.skipped))?;
    }
    for gap in &report.gaps {
        log(&format!("warning: {}: {}", gap.id, gap.why));
    }
    Ok(match (report.interrupted, report.gaps.is_empty()) {
        (true, _) => Outcome::Interrupted,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::Gaps,
    })
}

/// A missing or damaged file makes the exit code 3, as a gap does everywhere.
fn verify(names: &[String], folder: Option<&Path>, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let mut verifications: Vec<Verification> = Vec::new();
    for dataset in published(&project, names)? {
        verifications.push(match folder {
            Some(folder) => tools::verify_folder(folder, dataset),
            None => tools::verify(&store, dataset)?,
        });
    }
    if args.json {
        print_json(&verifications)?;
    } else {
        let line = |name: &str, file: &FileReport| {
            let state = match &file.state {
                FileState::Whole { unpacked: false } => "whole".to_owned(),
                FileState::Whole { unpacked: true } => "whole (its unpacked members)".to_owned(),
                FileState::Missing => "missing".to_owned(),
                FileState::Damaged { why } => format!("damaged: {why}"),
            };
            format!("{name:<10} {:<28} {state}\n", file.name)
        };
        let lines = verifications.iter().flat_map(|of| of.files.iter().map(|file| line(&of.name, file)));
        print(&lines.collect::<String>())?;
    }
    Ok(if verifications.iter().all(Verification::is_whole) { Outcome::Done } else { Outcome::Gaps })
}

fn show(name: &str, choice: &Choice, output: &Path, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let images = load(name, &project, &store)?;
    let sheet = tools::sheet(&images, choice).map_err(|error| match error {
        SheetError::Class { .. } | SheetError::Count { .. } => Failure::Usage(error.to_string()),
        error => Failure::stage(error),
    })?;
    fs::write(output, sheet).map_err(|error| Failure::Usage(format!("cannot write {}: {error}", output.display())))?;
    print(&format!("{}\n", output.display()))?;
    Ok(Outcome::Done)
}

fn write_out(name: &str, format: DataFormat, folder: &Path, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let images = load(name, &project, &store)?;
    let format = match format {
        DataFormat::Parquet => ExportFormat::Parquet,
        DataFormat::Npz => ExportFormat::Npz,
        DataFormat::Png => ExportFormat::Png,
    };
    let written = export(&images, format, folder).map_err(Failure::stage)?;
    print(&written.iter().map(|path| format!("{}\n", path.display())).collect::<String>())?;
    Ok(Outcome::Done)
}

fn card(name: &str, croissant: bool, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let card = tools::card(name, &store, &project.manifest).map_err(|error| Failure::Usage(error.to_string()))?;
    print(if croissant { &card.croissant } else { &card.markdown })?;
    Ok(Outcome::Done)
}

fn add(name: &str, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    if project.manifest.get(name).is_none() {
        let problem = "describe it first in a [dataset.NAME] block of pipeline.toml (docs/add-a-dataset.md)";
        return Err(Failure::Usage(format!("no dataset is called `{name}`: {problem}")));
    }
    let checked = tools::check(name, &store, &project.manifest).map_err(Failure::stage)?;
    if args.json {
        print_json(&checked)?;
    } else {
        let [channels, height, width] = checked.image;
        let mut text = format!("{name}: images of {height} x {width} pixels, {channels} channel(s)\n");
        for (class, (train, test)) in checked.classes.iter().zip(checked.train.iter().zip(&checked.test)) {
            text.push_str(&format!("  {class:<24} {train:>8} to train {test:>8} to test\n"));
        }
        print(&text)?;
    }
    for warning in &checked.warnings {
        log(&format!("warning: {warning}"));
    }
    Ok(Outcome::Done)
}

fn prune(dry_run: bool, args: &DataArgs) -> Result<Outcome, Failure> {
    let project = Datasets::load(args)?;
    let store = if dry_run { project.read_only_store() } else { project.store()? };
    let pruned = tools::prune(&store, &project.manifest, dry_run)?;
    if args.json {
        print_json(&pruned)?;
    } else {
        let verb = if dry_run { "would remove" } else { "removed" };
        let line = |p: &tools::Pruned| format!("{verb} {} ({} bytes): {}\n", p.path.display(), p.bytes, p.why);
        print(&pruned.iter().map(line).collect::<String>())?;
    }
    Ok(Outcome::Done)
}
