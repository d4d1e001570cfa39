//! Tables 2 and 3: ours beside the paper's, a table for each reading and checkpoint selection.

use flooding_core::config::TableId;
use flooding_tables::{AccuracyRow, Checkpoint, MeanStd, Printed};
use serde::Serialize;

use super::facts::{Index, Scale};
use super::{cell_anchor, names, setting_anchor};
use crate::format::{NONE, count, interval, mean_std, p_value, signed};
use crate::tables::Tables;

/// Table 2 or Table 3.
#[derive(Clone, Debug, Serialize)]
pub struct TableContext {
    /// `table-2`.
    pub id: &'static str,
    /// `Table 2`.
    pub label: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// One for each reading and checkpoint selection that has rows.
    pub parts: Vec<Part>,
    /// The readings side by side, where there are several.
    pub readings: Option<Readings>,
    /// Rows of the paper's table that were not run.
    pub not_run: Vec<NotRun>,
    /// The stem of its LaTeX file; empty without one.
    pub file: &'static str,
}

/// A sub-table under one reading.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// Its anchor.
    pub id: String,
    /// `A` or `B`.
    pub letter: &'static str,
    /// The reading.
    pub reading: String,
    /// The caption: what it is and at what scale it was run.
    pub caption: String,
    /// Is it on a reduced grid?
    pub quick: bool,
    /// Has the paper numbers for these rows?
    pub published: bool,
    /// Has the paper a selected flood level for these rows?
    pub paper_levels: bool,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of a sub-table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The row's first label.
    pub first: String,
    /// Its second label.
    pub second: String,
    /// Does the first label differ from the row's above?
    pub starts_block: bool,
    /// The anchor of the runs behind it.
    pub anchor: String,
    /// Why there are no numbers; empty where there are.
    pub missing: String,
    /// Without flooding, ours.
    pub without: Cell,
    /// Without flooding, the paper's.
    pub paper_without: Cell,
    /// With flooding, ours.
    pub with: Cell,
    /// With flooding, the paper's.
    pub paper_with: Cell,
    /// The selected flood level, ours.
    pub chosen_b: String,
    /// The selected flood level, the paper's.
    pub paper_b: String,
    /// With minus without, in points.
    pub difference: String,
    /// Its 95% interval.
    pub interval: String,
    /// Student's p-value.
    pub p: String,
    /// Trials behind it, where fewer than planned, and those in which "with" is the baseline: a note.
    pub note: String,
    /// Scale of this row where the rows of the table differ.
    pub scale: String,
}

/// A number in print.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cell {
    /// The number, or why there is none.
    pub text: String,
    /// Bold?
    pub bold: bool,
    /// Underlined?
    pub underline: bool,
}

/// The differences under all readings.
#[derive(Clone, Debug, Serialize)]
pub struct Readings {
    /// Their names.
    pub names: Vec<String>,
    /// One a row of the paper's table and checkpoint selection.
    pub rows: Vec<ReadingsRow>,
}

/// One row of the comparison of readings.
#[derive(Clone, Debug, Serialize)]
pub struct ReadingsRow {
    /// Labels and sub-table.
    pub label: String,
    /// The paper's difference.
    pub paper: String,
    /// Ours, one a reading.
    pub cells: Vec<ReadingCell>,
}

/// One difference.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReadingCell {
    /// With minus without and its interval.
    pub text: String,
    /// The p-value.
    pub p: String,
    /// The anchor of the runs behind it; empty without runs.
    pub anchor: String,
}

/// A row that was not run.
#[derive(Clone, Debug, Serialize)]
pub struct NotRun {
    /// Its labels.
    pub label: String,
    /// Why.
    pub why: String,
}

impl TableContext {
    /// Table 2.
    pub fn synthetic(tables: &Tables, index: &Index) -> Self {
        let title = "Test accuracy on the synthetic data, without and with flooding";
        Self::new(tables, index, Some(TableId::Table2), ["table-2", "Table 2", title, "table2"])
    }

    /// Table 3.
    pub fn benchmarks(tables: &Tables, index: &Index) -> Self {
        let title = "Test accuracy on the benchmark data, without and with flooding";
        Self::new(tables, index, Some(TableId::Table3), ["table-3", "Table 3", title, "table3"])
    }

    /// The settings that no table of the paper has; `None` without one.
    pub fn others(tables: &Tables, index: &Index) -> Option<Self> {
        let title = "Test accuracy of settings that no table of the paper has, without and with flooding";
        let table = Self::new(tables, index, None, ["other-settings", "Other settings", title, ""]);
        (!table.parts.is_empty()).then_some(table)
    }

    fn new(tables: &Tables, index: &Index, table: Option<TableId>, words: [&'static str; 4]) -> Self {
        let [id, label, title, file] = words;
        let rows: Vec<&AccuracyRow> = tables.accuracy.iter().flatten().filter(|r| r.table == table).collect();
        let mut readings_run: Vec<&str> = Vec::new();
        for row in &rows {
            if !readings_run.contains(&row.reading.as_str()) {
                readings_run.push(&row.reading);
            }
        }
        let mut parts = Vec::new();
        for reading in &readings_run {
            for checkpoint in [Checkpoint::LastEpoch, Checkpoint::BestValidation] {
                let of: Vec<_> =
                    rows.iter().filter(|r| r.reading == *reading && r.checkpoint == checkpoint).copied().collect();
                if !of.is_empty() {
                    parts.push(part(id, label, (reading, &names::label(tables, reading)), checkpoint, &of, index));
                }
            }
        }
        let left_out = tables.overview.iter().flat_map(|overview| &overview.left_out);
        let not_run = left_out.filter(|left| table.is_some() && left.table == table);
        Self {
            id,
            label,
            title,
            parts,
            readings: (readings_run.len() > 1).then(|| readings(tables, &readings_run, &rows)),
            not_run: not_run.map(|l| NotRun { label: l.row.join(", "), why: l.why.clone() }).collect(),
            file,
        }
    }
}

fn part(
    id: &str,
    label: &str,
    (reading, reading_label): (&str, &str),
    checkpoint: Checkpoint,
    rows: &[&AccuracyRow],
    index: &Index,
) -> Part {
    let letter = letter(checkpoint);
    let how = if checkpoint == Checkpoint::LastEpoch { "without early stopping" } else { "with early stopping" };
    let scales: Vec<&Scale> = rows.iter().filter_map(|r| index.get(&r.setting)).map(|f| &f.scale).collect();
    let same = scales.windows(2).all(|pair| pair[0].is_planned_as(pair[1]));
    let quick = scales.iter().any(|scale| !scale.is_full());
    let scale = Scale::common_sentence(&scales).unwrap_or_default();
    let mut context_rows: Vec<Row> = Vec::new();
    for row in rows {
        let starts_block = context_rows.last().is_none_or(|last| last.first != row.data);
        let scale = if same { None } else { index.get(&row.setting).map(|facts| facts.scale.departures()) };
        context_rows.push(table_row(row, starts_block, scale.unwrap_or_default()));
    }
    Part {
        id: crate::slug::slug(&format!("{id}-{letter}-{reading}")),
        letter,
        reading: reading_label.to_owned(),
        caption: format!("{label} ({letter}), {how}, {reading_label}. {scale}"),
        quick,
        published: rows.iter().any(|row| row.paper.is_some()),
        paper_levels: rows.iter().any(|row| row.paper.is_some_and(|paper| paper.selected_level.is_some())),
        rows: context_rows,
    }
}

/// `A` or `B`.
pub const fn letter(checkpoint: Checkpoint) -> &'static str {
    match checkpoint {
        Checkpoint::LastEpoch => "A",
        Checkpoint::BestValidation => "B",
    }
}

fn table_row(row: &AccuracyRow, starts_block: bool, scale: String) -> Row {
    let whole = row.complete_trials;
    let missing = if row.without.is_none() && row.with.is_none() {
        if row.missing_runs == 0 { "not run".to_owned() } else { "missing".to_owned() }
    } else {
        String::new()
    };
    let mut notes = Vec::new();
    if row.missing_runs > 0 || whole < row.trials {
        notes.push(format!("{whole} of {} complete", count(row.trials.into(), "trial")));
    }
    // There, with flooding is the baseline itself, and the difference zero by construction.
    if row.without_selected > 0 && !row.dash {
        notes.push(format!("b = 0 selected in {} of {whole}", row.without_selected));
    }
    if row.selected_before_flooding > 0 {
        notes.push(format!("selected before flooding began in {} of {whole}", row.selected_before_flooding));
    }
    let with_bold = row.bold_with && !row.dash;
    let difference = row.difference;
    Row {
        first: row.data.clone(),
        second: row.setup.clone(),
        starts_block,
        anchor: cell_anchor(&row.setting, row.checkpoint),
        missing,
        without: ours(row.without, row.bold_without, row.underline_without),
        with: if row.dash {
            let text = row.with.map_or(NONE.to_owned(), |with| format!("– ({:.2})", with.mean));
            Cell { text, bold: false, underline: row.underline_with }
        } else {
            ours(row.with, with_bold, row.underline_with)
        },
        paper_without: theirs(row, false),
        paper_with: theirs(row, true),
        chosen_b: row.selected_level.map_or_else(|| NONE.to_owned(), chosen),
        paper_b: row.paper.and_then(|paper| paper.selected_level).map_or_else(|| NONE.to_owned(), printed),
        difference: difference.map_or_else(|| NONE.to_owned(), |d| signed(d.mean)),
        interval: difference.and_then(|d| d.ci).map_or_else(|| NONE.to_owned(), interval),
        p: difference.and_then(|d| d.p_student).map_or_else(|| NONE.to_owned(), p_value),
        note: notes.join("; "),
        scale,
    }
}

fn chosen(b: MeanStd) -> String {
    b.std.map_or_else(|| format!("{:.2}", b.mean), |std| format!("{:.2} ({std:.2})", b.mean))
}

fn ours(value: Option<MeanStd>, bold: bool, underline: bool) -> Cell {
    match value {
        Some(value) => Cell { text: mean_std(value), bold, underline },
        None => Cell { text: "missing".to_owned(), ..Cell::default() },
    }
}

fn theirs(row: &AccuracyRow, with: bool) -> Cell {
    let Some(paper) = row.paper else { return Cell { text: NONE.to_owned(), ..Cell::default() } };
    let (value, bold, underline) = if with {
        (paper.with, paper.bold_with, paper.underline_with)
    } else {
        (paper.without, paper.bold_without, paper.underline_without)
    };
    let text = value.map_or_else(|| NONE.to_owned(), printed);
    Cell { text, bold: bold && value.is_some(), underline }
}

fn printed(value: Printed) -> String {
    match value.std {
        Some(std) => format!("{:.2} ({std:.2})", value.mean),
        None => format!("{:.2}", value.mean),
    }
}

fn readings(tables: &Tables, names: &[&str], rows: &[&AccuracyRow]) -> Readings {
    let mut keys: Vec<([&str; 2], Checkpoint)> = Vec::new();
    for row in rows {
        let key = ([&*row.data, &*row.setup], row.checkpoint);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let context_rows = keys.into_iter().map(|(labels, checkpoint)| {
        let of: Vec<_> =
            rows.iter().filter(|r| [&*r.data, &*r.setup] == labels && r.checkpoint == checkpoint).collect();
        let paper = of.iter().find_map(|r| r.paper).and_then(|p| Some(p.with?.mean - p.without?.mean));
        let cells = names.iter().map(|name| {
            let Some(row) = of.iter().find(|row| row.reading == **name) else {
                return ReadingCell { text: NONE.to_owned(), ..ReadingCell::default() };
            };
            let Some(d) = row.difference else {
                return ReadingCell {
                    text: "missing".to_owned(),
                    p: String::new(),
                    anchor: setting_anchor(&row.setting),
                };
            };
            let range = d.ci.map_or_else(String::new, |i| format!(" {}", interval(i)));
            ReadingCell {
                text: format!("{}{range}", signed(d.mean)),
                p: d.p_student.map_or_else(|| NONE.to_owned(), p_value),
                anchor: cell_anchor(&row.setting, row.checkpoint),
            }
        });
        ReadingsRow {
            label: format!("{}, {} ({})", labels[0], labels[1], letter(checkpoint)),
            paper: paper.map_or_else(|| NONE.to_owned(), signed),
            cells: cells.collect(),
        }
    });
    Readings { names: names.iter().map(|name| names::label(tables, name)).collect(), rows: context_rows.collect() }
}
