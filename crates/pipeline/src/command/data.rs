//! `pipeline data`: look after the image datasets.

use std::path::Path;

use flooding_core::context::Context;
use flooding_core::shown;
use flooding_core::store::{self, Store};
use flooding_fetch::download::Mirror;
use flooding_fetch::manifest::Entry;
use flooding_fetch::state::{FileReport, FileState};
use flooding_fetch::tools::export::{ExportError, ExportFormat, export};
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
                stop: interrupt::stop_flag(),
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
        DataCommand::Check { name, args } => check(name, args),
        DataCommand::Prune { dry_run, args } => prune(*dry_run, args),
    }
}

/// The project, and its store for reading.
fn open(args: &DataArgs) -> Result<(Datasets, Store), Failure> {
    let project = Datasets::load(args)?;
    let store = project.read_only_store();
    Ok((project, store))
}

/// The datasets of these names, or all of them.
fn chosen<'a>(project: &'a Datasets, names: &'a [String]) -> Result<Vec<Entry<'a>>, Failure> {
    let every: Vec<&str> = project.manifest.names().collect();
    let chosen = if names.is_empty() { every } else { names.iter().map(String::as_str).collect() };
    chosen.into_iter().map(|name| project.manifest.get(name).ok_or_else(|| unknown(project, name))).collect()
}

fn unknown(project: &Datasets, name: &str) -> Failure {
    let known = project.manifest.names().collect::<Vec<_>>().join(", ");
    let name = shown::line(name);
    Failure::Usage(format!(
        "there is no dataset `{name}`; the datasets are: {known} (describe your own in a [dataset.NAME] block of \
         pipeline.toml, see docs/add-a-dataset.md)"
    ))
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
    print(&shown::text(&text))?;
    Ok(Outcome::Done)
}

fn fetch(names: &[String], context: &Context, args: &DataArgs) -> Result<Outcome, Failure> {
    let project = Datasets::load(args)?;
    for name in names {
        if project.manifest.get(name).is_none() {
            return Err(unknown(&project, name));
        }
    }
    if let Some(Err(problem)) = Mirror::of(context) {
        return Err(Failure::Usage(problem.to_string()));
    }
    let store = project.store()?;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let report = flooding_fetch::fetch(&names, &store, context, &project.manifest).map_err(Failure::stage)?;
    if args.json {
        print_json(&report)?;
    } else {
        let datasets = |n: u64| if n == 1 { "1 dataset".to_owned() } else { format!("{n} datasets") };
        print(&format!("{} fetched, {} already here\n", datasets(report.done), report.skipped))?;
    }
    for missing in &report.missing {
        log(&format!("warning: {}: {}", missing.id, missing.why));
    }
    Ok(match (report.interrupted, report.missing.is_empty()) {
        (true, _) => Outcome::Interrupted,
        (false, true) => Outcome::Done,
        (false, false) => Outcome::Incomplete,
    })
}

/// A missing or damaged file makes the exit code 3, as a missing result does everywhere.
fn verify(names: &[String], folder: Option<&Path>, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let mut verifications: Vec<Verification> = Vec::new();
    for entry in chosen(&project, names)? {
        verifications.push(match (entry, folder) {
            (Entry::Published(dataset), Some(folder)) => tools::verify_folder(folder, dataset),
            (Entry::Published(dataset), None) => tools::verify(&store, dataset)?,
            (Entry::User(files), _) => tools::verify_own(files),
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
        let lines = verifications.iter().map(|of| match &of.own {
            None => of.files.iter().map(|file| line(&of.name, file)).collect(),
            Some(own) => format!("{:<10} {own}\n", of.name),
        });
        print(&shown::text(&lines.collect::<String>()))?;
    }
    Ok(if verifications.iter().all(Verification::is_whole) { Outcome::Done } else { Outcome::Incomplete })
}

fn show(name: &str, choice: &Choice, output: &Path, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    let images = load(name, &project, &store)?;
    let sheet = tools::sheet(&images, choice).map_err(|error| match error {
        SheetError::Class { .. } | SheetError::Count { .. } => Failure::Usage(error.to_string()),
        error => Failure::stage(error),
    })?;
    store::refuse_other(output, "a PNG image", |start| start.starts_with(b"\x89PNG"))
        .and_then(|()| store::write_whole(output, &sheet.png))
        .map_err(|error| Failure::Usage(format!("cannot write {}: {error} (-o FILE)", output.display())))?;
    print(&format!("{}\n{}", shown::path(output), sheet.legend))?;
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
    let sources = match project.manifest.get(name) {
        Some(Entry::User(files)) => files.sources().into_iter().map(|(_, path)| path.to_owned()).collect(),
        _ => Vec::new(),
    };
    let written = export(&images, format, folder, &sources).map_err(|error| match error {
        error @ (ExportError::NotEmpty { .. }
        | ExportError::AmongSources { .. }
        | ExportError::Class { .. }
        | ExportError::EqualClasses { .. }) => Failure::Usage(error.to_string()),
        error => Failure::stage(error),
    })?;
    print(&written.iter().map(|path| format!("{}\n", shown::path(path))).collect::<String>())?;
    Ok(Outcome::Done)
}

fn card(name: &str, croissant: bool, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    if let Some(Entry::User(_)) = project.manifest.get(name) {
        let problem = "is your own, and a card describes a published one (`pipeline data check` says what it holds)";
        return Err(Failure::Usage(format!("dataset `{name}` {problem}")));
    }
    let card = tools::card(name, &store, &project.manifest).map_err(|error| match error {
        LoadError::Unknown { .. } => unknown(&project, name),
        error => Failure::stage(error),
    })?;
    print(if croissant { &card.croissant } else { &card.markdown })?;
    Ok(Outcome::Done)
}

fn check(name: &str, args: &DataArgs) -> Result<Outcome, Failure> {
    let (project, store) = open(args)?;
    if project.manifest.get(name).is_none() {
        return Err(unknown(&project, name));
    }
    let checked = tools::check(name, &store, &project.manifest).map_err(Failure::stage)?;
    if args.json {
        print_json(&checked)?;
    } else {
        let [channels, height, width] = checked.image;
        let [train, test] = [&checked.train, &checked.test].map(|counts| counts.iter().sum::<u32>());
        let mut text = format!(
            "{name}: {train} images to train and {test} to test, {width} x {height} pixels, {channels} channel(s), {} classes\n",
            checked.classes.len()
        );
        for (class, (train, test)) in checked.classes.iter().zip(checked.train.iter().zip(&checked.test)) {
            text.push_str(&format!("  {:<24} {train:>8} to train {test:>8} to test\n", shown::line(class)));
        }
        for left in &checked.left_out {
            text.push_str(&format!("{left}\n"));
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
        let line = |p: &tools::Pruned| format!("{verb} {} ({} bytes): {}\n", shown::path(&p.path), p.bytes, p.why);
        print(&pruned.iter().map(line).collect::<String>())?;
    }
    Ok(Outcome::Done)
}
