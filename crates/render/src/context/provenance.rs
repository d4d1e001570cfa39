//! What stands behind each cell: its runs, their keys, and the commands that repeat them.

use flooding_tables::{AccuracyRow, RunRow, RunStatus};
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
    /// Text on the further tests.
    pub tests: String,
    /// Text on selection under other choices.
    pub sensitivity: Vec<String>,
    /// Missing runs.
    pub missing: String,
    /// One a complete trial.
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
    /// Key of the run of b = 0: as many digits as `pipeline explain` needs.
    pub baseline: String,
    /// Key of the run of the selected level.
    pub selected: String,
}

impl ProvenanceContext {
    /// From the accuracy and run tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        Self { settings: index.iter().map(|facts| setting(tables, facts)).collect() }
    }
}

fn setting(tables: &Tables, facts: &Facts) -> SettingProvenance {
    let rows = tables.accuracy.iter().flatten().filter(|row| row.setting == facts.id);
    let runs = tables.runs.iter().flatten().filter(|run| run.setting == facts.id);
    SettingProvenance {
        anchor: setting_anchor(&facts.id),
        id: facts.id.clone(),
        label: facts.label.clone(),
        scale: facts.scale.sentence(),
        command: command(tables, facts),
        cells: rows.map(|row| cell(tables, row)).collect(),
        failed: runs.filter_map(failed).collect(),
    }
}

/// What became of a run that left something other than results.
fn failed(run: &RunRow) -> Option<String> {
    let status = match run.status {
        RunStatus::Complete | RunStatus::Missing => return None,
        RunStatus::Failed => "failed",
        RunStatus::Damaged => "damaged",
    };
    let cause = run.cause.as_deref().unwrap_or_default();
    Some(format!("t{:02} b{} ({}): {status}: {cause}", run.trial, run.level, run.key.short()))
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

fn cell(tables: &Tables, row: &AccuracyRow) -> CellProvenance {
    let shown = 8;
    let missing = tables.missing(&row.setting);
    let missing = match missing.len() {
        0 => String::new(),
        n if n <= shown => missing.join(", "),
        n => format!("{} and {} more", missing[..shown].join(", "), n - shown),
    };
    CellProvenance {
        anchor: cell_anchor(&row.setting, row.checkpoint),
        letter: letter(row.checkpoint),
        tests: tests(row),
        sensitivity: (tables.sensitivity.iter().flatten())
            .filter(|other| other.setting == row.setting && other.checkpoint == row.checkpoint)
            .map(|other| {
                format!("{}: {:.2}% with flooding, mean b {:.3}", other.choice, other.with, other.selected_level)
            })
            .collect(),
        missing,
        trials: tables
            .selections(row)
            .map(|t| Trial {
                seed: t.trial,
                without: format!("{:.2}", t.without),
                with: format!("{:.2}", t.with),
                level: t.level.to_string(),
                epochs: format!("{} / {}", t.without_epoch, t.with_epoch),
                train: format!("{:.2}", t.train_accuracy),
                baseline: t.without_run.short().to_owned(),
                selected: t.with_run.short().to_owned(),
            })
            .collect(),
    }
}

fn tests(row: &AccuracyRow) -> String {
    let Some(d) = row.difference else { return "No complete trial: no test.".to_owned() };
    let mut parts = vec![format!("Difference {} points", signed(d.mean))];
    parts.extend(d.ci.map(|i| format!("95% interval {}", interval(i))));
    for (name, p) in [
        ("Student", d.p_student),
        ("Welch", d.p_welch),
        ("paired", d.p_paired),
        ("Student with Holm’s correction", d.p_holm),
    ] {
        parts.extend(
            p.map(|p| format!("{name} p {}", if p < 0.001 { p_value(p) } else { format!("= {}", p_value(p)) })),
        );
    }
    parts.extend(d.cohens_d.map(|effect| format!("Cohen’s d {effect:.2}")));
    parts.extend(d.power.map(|power| format!("power at 1% {power:.2}")));
    if let Some((without, with)) = row.paper.and_then(|paper| paper.z_without.zip(paper.z_with)) {
        parts.push(format!(
            "distance from the paper’s means in standard errors: {without:+.1} without, {with:+.1} with"
        ));
    }
    format!("{}.", parts.join("; "))
}
