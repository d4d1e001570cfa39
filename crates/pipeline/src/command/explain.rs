//! `pipeline explain`: from a number of the report back to the runs, and forward to the command that repeats them.

use flooding_core::level::Level;
use flooding_core::plan::ID_ALONE;
use flooding_core::record::{Provenance, Record};
use flooding_core::spec::{RunKey, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_tables::{AccuracyRow, Checkpoint, RunRow, RunStatus, SelectionRow, read};
use serde::Serialize;

use super::{print, print_json};
use crate::cli::PlanArgs;
use crate::exit::{Failure, Outcome};
use crate::project::Project;

pub fn run(what: &str, args: &PlanArgs) -> Result<Outcome, Failure> {
    let project = Project::load(args)?;
    let store = project.read_only_store();
    let explained = if let Some((setting, checkpoint)) = cell(what) {
        explain_cell(setting, checkpoint, args, &store)?
    } else if let Some(figure) = what.strip_prefix("figure-") {
        explain_figure(figure, args, &project)?
    } else {
        explain_run(what, args, &project, &store)?
    };
    if args.json {
        print_json(&explained)?;
    } else {
        print(&explained.text)?;
    }
    Ok(Outcome::Done)
}

/// An explanation, for people and for programs.
#[derive(Serialize)]
struct Explained {
    #[serde(skip)]
    text: String,
    /// The runs behind the number.
    runs: Vec<RunKey>,
    /// The command that makes them again.
    command: String,
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

fn explain_cell(setting: &str, checkpoint: Checkpoint, args: &PlanArgs, store: &Store) -> Result<Explained, Failure> {
    let tables = store.layout().tables();
    let Some(rows): Option<Vec<AccuracyRow>> = read(store, &tables)? else {
        return Err(Failure::Usage("there are no tables yet: run `pipeline run` first".to_owned()));
    };
    let Some(row) = rows.iter().find(|row| row.setting == setting && row.checkpoint == checkpoint) else {
        let known: Vec<&str> = rows.iter().map(|row| &*row.setting).collect();
        return Err(Failure::Usage(format!("no row is called `{setting}`; the tables have: {}", unique(known))));
    };
    let command = command(args, setting, &[]);
    let mut text = format!("{} / {} under the reading `{}`\n", row.data, row.setup, row.reading);
    text.push_str(&format!(
        "{} of the paper's {} trials, {} of its {} levels\n",
        row.trials, row.paper_trials, row.levels, row.paper_levels
    ));
    text.push_str(&departures(&row.reduced));
    text.push_str("trial  without   with      b     run of b = 0      selected run\n");
    let mut runs = Vec::new();
    let selections: Vec<SelectionRow> = read(store, &tables)?.unwrap_or_default();
    for trial in selections.iter().filter(|one| one.setting == setting && one.checkpoint == checkpoint) {
        text.push_str(&format!(
            "{:>5}  {:>7.2}  {:>7.2}  {:>5}  {}  {}\n",
            trial.trial,
            trial.without,
            trial.with,
            trial.level.to_string(),
            trial.without_run.short(),
            trial.with_run.short()
        ));
        runs.extend([trial.without_run.clone(), trial.with_run.clone()]);
    }
    let all: Vec<RunRow> = read(store, &tables)?.unwrap_or_default();
    for run in all.iter().filter(|run| run.setting == setting && run.status != RunStatus::Complete) {
        text.push_str(&format!("missing: {}\n", run.id()));
    }
    text.push_str(&format!("to repeat all of its runs:\n  {command}\n"));
    Ok(Explained { text, runs, command, specification: None, record: None, provenance: None })
}

/// A figure's id ends in the setting that it shows.
fn explain_figure(figure: &str, args: &PlanArgs, project: &Project) -> Result<Explained, Failure> {
    let mut settings: Vec<_> =
        project.plan.settings.iter().filter(|s| figure.ends_with(&format!("-{}", s.id))).collect();
    // `figure-2-spiral-high-demo` also ends in nothing shorter, but be sure to take the longest id.
    settings.sort_by_key(|setting| std::cmp::Reverse(setting.id.len()));
    let Some(setting) = settings.first() else {
        let known: Vec<&str> = project.plan.settings.iter().map(|setting| &*setting.id).collect();
        let problem =
            format!("a figure of one setting is called figure-NUMBER-SETTING; the settings are: {}", unique(known));
        return Err(Failure::Usage(format!("no setting is named in `figure-{figure}`: {problem}")));
    };
    let runs: Vec<RunKey> =
        (project.plan.runs()).filter(|run| run.setting == setting.id).map(|run| run.key()).collect();
    let command = command(args, &setting.id, &[]);
    let mut text = format!("figure-{figure} is drawn from {} runs of {}\n", runs.len(), setting.id);
    for run in project.plan.runs().filter(|run| run.setting == setting.id) {
        text.push_str(&format!("  {}  trial {} b = {}\n", run.key().short(), run.trial, run.level));
    }
    text.push_str(&format!("to repeat them:\n  {command}\n"));
    Ok(Explained { text, runs, command, specification: None, record: None, provenance: None })
}

fn explain_run(digits: &str, args: &PlanArgs, project: &Project, store: &Store) -> Result<Explained, Failure> {
    let spec = find(digits, project, store)?;
    let folder = store.layout().run(&spec);
    let record: Option<Record> = store.read_document(&folder.join(Layout::RECORD))?;
    let provenance: Option<Provenance> = store.read_document(&folder.join(Layout::PROVENANCE))?;
    let command =
        command(args, &spec.setting, &[("trials", (spec.trial + 1).to_string()), ("levels", spec.level.to_string())]);
    let mut text = format!("run {}\n{}, trial {}, b = {}\n", spec.key(), spec.setting, spec.trial, spec.level);
    text.push_str(&departures(&spec.reduced));
    text.push_str(&serde_json::to_string_pretty(&spec).map_err(Failure::stage)?);
    text.push('\n');
    match &record {
        Some(record) => {
            let [train, validation, test] = record.examples;
            text.push_str(&format!("record: {}\ndata: SHA-256 {}\n", folder.display(), record.data));
            text.push_str(&format!(
                "examples: {train} to learn from, {validation} for validation, {test} for the test\n"
            ));
            if let Some(summary) = &record.summary {
                for (name, at) in [("last epoch", &summary.last), ("selected epoch", &summary.best)] {
                    text.push_str(&format!(
                        "{name} {}: test accuracy {:.2}%, validation {:.2}%, training {:.2}%, test loss {:.4}\n",
                        at.epoch,
                        100.0 * at.test.accuracy,
                        100.0 * at.validation.accuracy,
                        100.0 * at.train.accuracy,
                        at.test.loss
                    ));
                }
            }
        }
        None => text.push_str("not run yet\n"),
    }
    if let Some(made) = &provenance {
        text.push_str(&format!(
            "made by version {} ({}), {}, on {} ({}), {} in {:.1} s\n",
            made.version, made.commit, made.rustc, made.device, made.processor, made.finished, made.seconds
        ));
    }
    text.push_str(&format!("to repeat it:\n  {command} --force\n"));
    let runs = vec![spec.key()];
    Ok(Explained { text, runs, command, specification: Some(spec), record, provenance })
}

/// The one run of the plan, or of the stored tables, whose key starts with these digits.
fn find(digits: &str, project: &Project, store: &Store) -> Result<RunSpec, Failure> {
    let wanted = digits.to_ascii_lowercase();
    let matching: Vec<RunSpec> = project.plan.runs().filter(|run| run.key().as_str().starts_with(&wanted)).collect();
    match matching.as_slice() {
        [only] if wanted.len() >= 4 => Ok(only.clone()),
        [] => {
            let elsewhere = stored_elsewhere(&wanted, store)?;
            Err(Failure::Usage(format!(
                "no run of profile `{}` has a key that starts with `{digits}`{elsewhere}; \
                 a row is SETTING:A or SETTING:B, a figure is figure-NUMBER-SETTING",
                project.plan.profile
            )))
        }
        many => Err(Failure::Usage(format!("`{digits}` fits {} runs: give more digits (at least 4)", many.len()))),
    }
}

/// A word about a run that the tables know and the plan does not.
fn stored_elsewhere(wanted: &str, store: &Store) -> Result<String, Failure> {
    let rows: Vec<RunRow> = read(store, &store.layout().tables())?.unwrap_or_default();
    let found = rows.iter().find(|row| row.key.as_str().starts_with(wanted));
    let describe = |row: &RunRow| {
        let level: Level = row.level;
        format!(
            " (the stored tables have it as {} trial {} b {level}: name the profile that made them)",
            row.setting, row.trial
        )
    };
    Ok(found.map(describe).unwrap_or_default())
}

/// A line on how runs depart from the paper's protocol, where they do.
fn departures(reduced: &[String]) -> String {
    if reduced.is_empty() { String::new() } else { format!("reduced, not the paper's: {}\n", reduced.join(", ")) }
}

/// The command that trains the runs of a setting, with the reductions that this command line was given; `narrowed`
/// options take the place of its own.
fn command(args: &PlanArgs, setting: &str, narrowed: &[(&str, String)]) -> String {
    let levels = args.levels.as_ref().map(|levels| {
        let levels: Vec<String> = levels.iter().map(f64::to_string).collect();
        levels.join(",")
    });
    let given = [
        ("epochs", args.epochs.map(|n| n.to_string())),
        ("train-size", args.train_size.map(|n| n.to_string())),
        ("test-size", args.test_size.map(|n| n.to_string())),
        ("trials", args.trials.map(|n| n.to_string())),
        ("levels", levels),
    ];
    let mut command = format!("pipeline stage train --profile {} --only {ID_ALONE}{setting}", args.profile);
    let kept = given.into_iter().filter(|(option, _)| narrowed.iter().all(|(other, _)| other != option));
    let kept = kept.filter_map(|(option, value)| Some((option, value?)));
    for (option, value) in kept.chain(narrowed.iter().cloned()) {
        command.push_str(&format!(" --{option} {value}"));
    }
    command
}

fn unique(mut names: Vec<&str>) -> String {
    names.dedup();
    names.join(", ")
}
