//! A row of Table 2 or 3 in one of its two halves.

use flooding_core::spec::RunKey;
use flooding_core::tables::{AccuracyRow, MeanStd, Stopping};

use super::stored::Known;
use super::{Explained, departures, repeat, unique};
use crate::exit::Failure;

pub fn explain(setting: &str, stopping: Stopping, known: &Known) -> Result<Explained, Failure> {
    let rows = known.accuracy()?;
    if rows.is_empty() {
        let command = known.project.command(["run"]);
        return Err(Failure::Usage(format!("there are no tables yet; this makes them:\n  {command}")));
    }
    let Some(row) = rows.iter().find(|row| row.setting == setting && row.stopping == stopping) else {
        let settings: Vec<&str> = rows.iter().map(|row| &*row.setting).collect();
        return Err(Failure::Usage(format!("no row is called `{setting}`; the tables have: {}", unique(settings))));
    };
    let specs = known.runs_of(setting)?;
    let commands = Vec::from_iter(repeat::command(known.project, &specs));
    let mut text = format!("{} / {} under the reading `{}`\n", row.row[0], row.row[1], row.reading);
    text.push_str(&grid(row));
    text.push_str(&departures(&row.reduced));
    text.push_str(&numbers(row));
    text.push_str("trial  without   with      b     run of b = 0      selected run\n");
    let mut runs: Vec<RunKey> = Vec::new();
    for trial in &row.per_trial {
        text.push_str(&format!(
            "{:>5}  {:>7.2}  {:>7.2}  {:>5}  {}  {}\n",
            trial.trial,
            trial.without,
            trial.with,
            trial.level.to_string(),
            trial.baseline_run.short(),
            trial.selected_run.short()
        ));
        runs.extend([trial.baseline_run.clone(), trial.selected_run.clone()]);
    }
    for missing in &row.missing {
        text.push_str(&format!("missing: {missing}\n"));
    }
    text.push_str(&super::setting::how_to_repeat(&commands, specs.len()));
    Ok(Explained { text, runs, commands, rows: vec![row.clone()], ..Explained::default() })
}

/// How much of the grid is behind a row. Its levels need not be among the paper's.
pub fn grid(row: &AccuracyRow) -> String {
    let (trials, levels) = row.full_grid;
    let plural = |n: u32, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    format!(
        "{} (the paper: {trials}), {} (the paper's grid: {levels})\n",
        plural(row.trials, "trial"),
        plural(row.levels, "level")
    )
}

/// The cells of a row, ours beside the paper's.
pub fn numbers(row: &AccuracyRow) -> String {
    let ours = |cell: Option<MeanStd>| cell.map_or_else(|| "not run".to_owned(), |m| pair(m.mean, m.std));
    let theirs = |cell: Option<(f64, Option<f64>)>| cell.map_or_else(|| "-".to_owned(), |(mean, std)| pair(mean, std));
    let paper = row.paper;
    let lines = [
        ("without flooding", ours(row.without), theirs(paper.and_then(|p| p.without))),
        ("with flooding", ours(row.with), theirs(paper.and_then(|p| p.with))),
        ("selected b", ours(row.chosen_b), theirs(paper.and_then(|p| p.chosen_b).map(|(m, s)| (m, Some(s))))),
    ];
    let half = match row.stopping {
        Stopping::LastEpoch => "test accuracy in percent, last epoch",
        Stopping::EarlyStopping => "test accuracy in percent, best validation epoch",
    };
    let mut text = format!("{half:<52} {:<18} paper\n", "here");
    for (name, ours, theirs) in lines {
        text.push_str(&format!("  {name:<50} {ours:<18} {theirs}\n"));
    }
    if let Some(difference) = row.difference {
        let interval = difference.interval.map_or_else(String::new, |(low, high)| format!(" [{low:+.2}, {high:+.2}]"));
        let p = difference.p_student.map_or_else(String::new, |p| format!(", p = {p:.4} (Student)"));
        text.push_str(&format!("  {:<50} {:+.2}{interval}{p}\n", "with minus without, 95% interval", difference.mean));
    }
    text
}

fn pair(mean: f64, std: Option<f64>) -> String {
    std.map_or_else(|| format!("{mean:.2}"), |std| format!("{mean:.2} ({std:.2})"))
}
