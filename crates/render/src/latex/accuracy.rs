//! Tables 2 and 3 in LaTeX: the numbers as macros, and a tabular that uses them.

use flooding_tables::{AccuracyRow, MeanStd, Printed};
use minijinja::Value;
use serde::Serialize;

use crate::context::accuracy::{TableContext, letter};
use crate::slug::macro_name;

/// A table for its template.
#[derive(Serialize)]
pub struct LatexTable<'a> {
    label: &'a str,
    id: &'a str,
    title: &'a str,
    macros: Vec<Macro>,
    parts: Vec<LatexPart<'a>>,
}

/// One number: a macro's name, without its backslash, and its LaTeX.
#[derive(Serialize)]
struct Macro {
    name: String,
    value: Value,
}

#[derive(Serialize)]
struct LatexPart<'a> {
    id: &'a str,
    caption: &'a str,
    rows: Vec<LatexRow<'a>>,
}

#[derive(Serialize)]
struct LatexRow<'a> {
    first: &'a str,
    second: &'a str,
    starts_block: bool,
    cells: Vec<Value>,
}

impl<'a> LatexTable<'a> {
    /// The rows of `table` in the order of the page.
    pub fn new(table: &'a TableContext, rows: &[AccuracyRow]) -> Self {
        let mut latex =
            Self { label: table.label, id: table.id, title: table.title, macros: Vec::new(), parts: Vec::new() };
        for part in &table.parts {
            let mut latex_rows = Vec::new();
            for shown in &part.rows {
                let Some(row) =
                    rows.iter().find(|row| crate::context::cell_anchor(&row.setting, row.checkpoint) == shown.anchor)
                else {
                    continue;
                };
                latex_rows.push(LatexRow {
                    first: if shown.starts_block { &shown.first } else { "" },
                    second: &shown.second,
                    starts_block: shown.starts_block,
                    cells: latex.cells(row),
                });
            }
            latex.parts.push(LatexPart { id: &part.id, caption: &part.caption, rows: latex_rows });
        }
        latex
    }

    fn cells(&mut self, row: &AccuracyRow) -> Vec<Value> {
        let prefix = format!("Flood{}{}", macro_name(&row.setting), letter(row.checkpoint));
        let paper = row.paper;
        let pair = |value: Option<MeanStd>| value.map(|v| Printed { mean: v.mean, std: v.std });
        let dash = |value: Value| if row.dash { safe("--".to_owned()) } else { value };
        let absent = if row.missing_runs > 0 { r"\emph{missing}" } else { r"\emph{not run}" };
        let with = self.measured(&format!("{prefix}With"), pair(row.with), row.bold_with, absent);
        let mut cells = vec![
            self.measured(&format!("{prefix}Without"), pair(row.without), row.bold_without, absent),
            self.measured(
                &format!("{prefix}PaperWithout"),
                paper.and_then(|p| p.without),
                paper.is_some_and(|p| p.bold_without),
                "--",
            ),
            dash(with),
            self.measured(
                &format!("{prefix}PaperWith"),
                paper.and_then(|p| p.with),
                paper.is_some_and(|p| p.bold_with),
                "--",
            ),
            self.measured(&format!("{prefix}Level"), pair(row.selected_level), false, "--"),
            self.measured(&format!("{prefix}PaperLevel"), paper.and_then(|p| p.selected_level), false, "--"),
        ];
        let difference = row.difference;
        cells.push(self.number(&format!("{prefix}Difference"), difference.map(|d| format!("${:+.2}$", d.mean))));
        let interval = difference.and_then(|d| d.ci);
        cells.push(
            self.number(
                &format!("{prefix}Interval"),
                interval.map(|ci| format!("$[{:+.2}, {:+.2}]$", ci.low, ci.high)),
            ),
        );
        let p = difference.and_then(|d| d.p_student);
        let words = p.map(|p| if p < 0.001 { "$<0.001$".to_owned() } else { format!("${p:.3}$") });
        cells.push(self.number(&format!("{prefix}P"), words));
        cells
    }

    /// A mean and its deviation as two macros; `absent` where there is none.
    fn measured(&mut self, name: &str, value: Option<Printed>, bold: bool, absent: &str) -> Value {
        let Some(Printed { mean, std }) = value else { return safe(absent.to_owned()) };
        let mut cell = self.number(name, Some(format!("{mean:.2}"))).to_string();
        if let Some(std) = std {
            let std = self.number(&format!("{name}Std"), Some(format!("{std:.2}")));
            cell = format!("{cell}{{}} ({std})");
        }
        safe(if bold { format!(r"\textbf{{{cell}}}") } else { cell })
    }

    fn number(&mut self, name: &str, value: Option<String>) -> Value {
        let Some(value) = value else { return safe("--".to_owned()) };
        let mut unique = name.to_owned();
        // Two settings whose names differ in signs alone would share a macro.
        while self.macros.iter().any(|other| other.name == unique) {
            unique.push('X');
        }
        self.macros.push(Macro { name: unique.clone(), value: safe(value) });
        safe(format!(r"\{unique}"))
    }
}

fn safe(latex: String) -> Value {
    Value::from_safe_string(latex)
}
