//! A row of Table 2 or 3 in one of its two halves.

use flooding_core::spec::RunKey;
use flooding_tables::{AccuracyRow, Checkpoint, Interval, MeanStd, Printed, Rows, RunRow, RunStatus, SelectionRow};

use super::stored::Known;
use super::{Explained, departures, repeat, unique};
use crate::exit::Failure;

pub fn explain(setting: &str, checkpoint: Checkpoint, known: &Known) -> Result<Explained, Failure> {
    let rows = known.accuracy()?;
    if rows.is_empty() {
        let command = known.project.command(["run"]);
        return Err(Failure::Usage(format!("there are no tables yet; this makes them:\n  {command}")));
    }
    let Some(row) = rows.iter().find(|row| row.setting == setting && row.checkpoint == checkpoint) else {
        let settings: Vec<&str> = rows.iter().map(|row| &*row.setting).collect();
        return Err(Failure::Usage(format!("no row is called `{setting}`; the tables have: {}", unique(settings))));
    };
    let specs = known.runs_of(setting)?;
    let commands = repeat::command(known.project, &specs).into_iter().collect::<Vec<_>>();
    let mut text = format!("{} / {} under the reading `{}`\n", row.data, row.setup, row.reading);
    text.push_str(&grid(row));
    text.push_str(&departures(&row.reduced));
    text.push_str(&numbers(row));
    text.push_str("trial  without   with      b     run of b = 0      selected run\n");
    let mut runs: Vec<RunKey> = Vec::new();
    let of_row = |one: &&SelectionRow| one.setting == setting && one.checkpoint == checkpoint;
    for trial in known.selections()?.iter().filter(of_row) {
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
    let has_no_result = |run: &&RunRow| run.setting == setting && run.status != RunStatus::Complete;
    for run in known.tabulated()?.iter().filter(has_no_result) {
        text.push_str(&format!("missing: {}\n", run.id()));
    }
    text.push_str(&super::setting::how_to_repeat(&commands, specs.len()));
    Ok(Explained { text, runs, commands, rows: Some(Rows(vec![row.clone()])), ..Explained::default() })
}

/// How much of the grid is behind a row. Its levels need not be among the paper's.
pub fn grid(row: &AccuracyRow) -> String {
    let plural = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    format!(
        "{} (the paper: {}), {} (the paper's grid: {})\n",
        plural(row.trials, "trial"),
        row.paper_trials,
        plural(row.levels, "level"),
        row.paper_levels
    )
}

/// The cells of a row, ours beside the paper's.
pub fn numbers(row: &AccuracyRow) -> String {
    let ours = |cell: Option<MeanStd>| cell.map_or_else(|| "not run".to_owned(), |m| pair(m.mean, m.std));
    let theirs = |cell: Option<Printed>| cell.map_or_else(|| "-".to_owned(), |p| pair(p.mean, p.std));
    let paper = row.paper;
    let lines = [
        ("without flooding", ours(row.without), theirs(paper.and_then(|p| p.without))),
        ("with flooding", ours(row.with), theirs(paper.and_then(|p| p.with))),
        ("selected b", ours(row.selected_level), theirs(paper.and_then(|p| p.selected_level))),
    ];
    let half = match row.checkpoint {
        Checkpoint::LastEpoch => "test accuracy in percent, last epoch",
        Checkpoint::BestValidation => "test accuracy in percent, best validation epoch",
    };
    let mut text = format!("{half:<52} {:<18} paper\n", "here");
    for (name, ours, theirs) in lines {
        text.push_str(&format!("  {name:<50} {ours:<18} {theirs}\n"));
    }
    if let Some(difference) = row.difference {
        let interval =
            difference.ci.map_or_else(String::new, |Interval { low, high }| format!(" [{low:+.2}, {high:+.2}]"));
        let p = difference.p_student.map_or_else(String::new, |p| format!(", p = {p:.4} (Student)"));
        text.push_str(&format!("  {:<50} {:+.2}{interval}{p}\n", "with minus without, 95% interval", difference.mean));
    }
    text
}

fn pair(mean: f64, std: Option<f64>) -> String {
    std.map_or_else(|| format!("{mean:.2}"), |std| format!("{mean:.2} ({std:.2})"))
}
