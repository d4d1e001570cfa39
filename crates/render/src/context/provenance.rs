//! What stands behind each cell: its runs, their keys, and the commands that repeat them.

use flooding_core::tables::{AccuracyRow, RunRow};
use serde::Serialize;

use super::accuracy::letter;
use super::facts::{Facts, Index};
use super::{cell_anchor, setting_anchor};
use crate::format::{interval, p_value, signed};
use crate::tables::Tables;

/// All settings with their cells.
#[derive(Clone, Debug, Serialize)]
pub struct ProvenanceContext {
    /// One a setting.
    pub settings: Vec<SettingProvenance>,
}

/// One setting.
#[derive(Clone, Debug, Serialize)]
pub struct SettingProvenance {
    /// Its anchor.
    pub anchor: String,
    /// Its id.
    pub id: String,
    /// Its words.
    pub label: String,
    /// At what scale it was run.
    pub scale: String,
    /// The command that repeats its runs.
    pub command: String,
    /// Its two table rows.
    pub cells: Vec<CellProvenance>,
    /// Runs that failed, with the cause.
    pub failed: Vec<String>,
}

/// One row of a sub-table.
#[derive(Clone, Debug, Serialize)]
pub struct CellProvenance {
    /// Its anchor.
    pub anchor: String,
    /// `A` or `B`.
    pub letter: &'static str,
    /// The further tests, in words.
    pub tests: String,
    /// Selection under other choices, in words.
    pub sensitivity: Vec<String>,
    /// Missing runs.
    pub missing: String,
    /// One a whole trial.
    pub trials: Vec<Trial>,
}

/// One trial of a cell.
#[derive(Clone, Debug, Serialize)]
pub struct Trial {
    /// The seed index.
    pub seed: u32,
    /// Test accuracy without flooding.
    pub without: String,
    /// Test accuracy with flooding.
    pub with: String,
    /// The selected level.
    pub level: String,
    /// The epochs reported.
    pub epochs: String,
    /// Training accuracy of the selected run.
    pub train: String,
    /// Key of the run of b = 0: what `pipeline explain` takes.
    pub baseline: Key,
    /// Key of the run of the selected level.
    pub selected: Key,
}

/// A run's key.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// The first digits.
    pub short: String,
    /// All digits.
    pub full: String,
}

impl ProvenanceContext {
    /// From the accuracy and run tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let rows = tables.accuracy.as_deref().unwrap_or_default();
        let runs = tables.runs.as_deref().unwrap_or_default();
        let settings = index.iter().map(|facts| setting(tables, facts, rows, runs)).collect();
        Self { settings }
    }
}

fn setting(tables: &Tables, facts: &Facts, rows: &[AccuracyRow], runs: &[RunRow]) -> SettingProvenance {
    let failed = runs.iter().filter(|run| run.setting == facts.id && run.status != "complete");
    SettingProvenance {
        anchor: setting_anchor(&facts.id),
        id: facts.id.clone(),
        label: facts.label.clone(),
        scale: facts.scale.sentence(),
        command: command(tables, facts),
        cells: rows.iter().filter(|row| row.setting == facts.id).map(cell).collect(),
        failed: failed
            .map(|run| format!("t{:02} b{} ({}): {}", run.trial, run.level, run.key.short(), run.status))
            .collect(),
    }
}

/// The command that trains the runs of a setting, with the options that made the report's plan.
fn command(tables: &Tables, facts: &Facts) -> String {
    let profile = tables.overview.as_ref().map_or("quick", |overview| &*overview.profile);
    let mut command = format!("pipeline stage train --profile {} --only {}", shell(profile), shell(&facts.id));
    let options = tables.overview.iter().flat_map(|overview| &overview.options);
    for (name, value) in options.filter(|(name, _)| name != "only") {
        command.push_str(&format!(" --{name} {}", shell(value)));
    }
    command
}

/// A word for a POSIX shell.
fn shell(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ',')) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn cell(row: &AccuracyRow) -> CellProvenance {
    let shown = 8;
    let missing = match row.missing.len() {
        0 => String::new(),
        n if n <= shown => row.missing.join(", "),
        n => format!("{} and {} more", row.missing[..shown].join(", "), n - shown),
    };
    CellProvenance {
        anchor: cell_anchor(&row.setting, row.stopping),
        letter: letter(row.stopping),
        tests: tests(row),
        sensitivity: row
            .sensitivity
            .iter()
            .map(|s| format!("{}: {:.2}% with flooding, mean b {:.3}", s.choice, s.with, s.chosen_b))
            .collect(),
        missing,
        trials: row
            .per_trial
            .iter()
            .map(|t| Trial {
                seed: t.trial,
                without: format!("{:.2}", t.without),
                with: format!("{:.2}", t.with),
                level: t.level.to_string(),
                epochs: format!("{} / {}", t.epochs.0, t.epochs.1),
                train: format!("{:.2}", t.train_accuracy),
                baseline: Key { short: t.baseline_run.short().to_owned(), full: t.baseline_run.to_string() },
                selected: Key { short: t.selected_run.short().to_owned(), full: t.selected_run.to_string() },
            })
            .collect(),
    }
}

fn tests(row: &AccuracyRow) -> String {
    let Some(d) = row.difference else { return "No whole trial: no test.".to_owned() };
    let mut parts = vec![format!("difference {} points", signed(d.mean))];
    parts.extend(d.interval.map(|i| format!("95% interval {}", interval(i))));
    for (name, p) in [
        ("Student", d.p_student),
        ("Welch", d.p_welch),
        ("paired", d.p_paired),
        ("Student with Holm’s correction", d.p_holm),
    ] {
        parts.extend(
            p.map(|p| format!("{name} p {}", if p < 0.0001 { p_value(p) } else { format!("= {}", p_value(p)) })),
        );
    }
    parts.extend(d.effect.map(|effect| format!("Cohen’s d {effect:.2}")));
    parts.extend(d.power.map(|power| format!("power at 1% {power:.2}")));
    if let Some((without, with)) = row.paper.and_then(|paper| paper.z) {
        parts.push(format!(
            "distance from the paper’s means in standard errors: {without:+.1} without, {with:+.1} with"
        ));
    }
    format!("{}.", parts.join("; "))
}
