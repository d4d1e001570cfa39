//! The numbers of the paper's Tables 2 and 3 (see `paper/README.md`).

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, PaperCell, Printed};

use crate::compare::bold;
use crate::stats::{Sample, cohens_d};

const TABLE2: &str = include_str!("../paper/table2.csv");
const TABLE3: &str = include_str!("../paper/table3.csv");

/// Trials behind each mean of Table 2.
pub(crate) const TABLE2_TRIALS: u32 = 10;

/// What the paper's table says for a row and a checkpoint selection; the z-scores are still empty.
pub(crate) fn cell(table: TableId, row: &[String; 2], checkpoint: Checkpoint) -> Option<PaperCell> {
    match table {
        TableId::Table2 => table2(row, checkpoint),
        TableId::Table3 => table3(row, checkpoint),
    }
}

fn table2(row: &[String; 2], checkpoint: Checkpoint) -> Option<PaperCell> {
    let part = match checkpoint {
        Checkpoint::LastEpoch => "A",
        Checkpoint::BestValidation => "B",
    };
    let fields = find(TABLE2, |fields| fields[0] == row[0] && fields[1] == row[1] && fields[3] == part)?;
    let number = |at: usize| fields[at].parse::<f64>().expect("the paper's table is numbers");
    let sample = |at: usize| Sample { n: TABLE2_TRIALS, mean: number(at), std: number(at + 1) };
    let printed = |at: usize| Printed { mean: number(at), std: Some(number(at + 1)) };
    let (without, with) = (sample(4), sample(6));
    let (bold_without, bold_with) = bold(Some(without), Some(with));
    Some(PaperCell {
        without: Some(printed(4)),
        with: Some(printed(6)),
        selected_level: Some(printed(8)),
        bold_without,
        bold_with,
        underline_without: false,
        underline_with: false,
        z_without: None,
        z_with: None,
    })
}

fn table3(row: &[String; 2], checkpoint: Checkpoint) -> Option<PaperCell> {
    let fields = find(TABLE3, |fields| fields[0] == row[0] && fields[1] == row[1])?;
    let (at, bold_at, name) = match checkpoint {
        Checkpoint::LastEpoch => (2, 6, "noES"),
        Checkpoint::BestValidation => (4, 7, "ES"),
    };
    let value = |at: usize| fields[at].parse::<f64>().ok().map(|mean| Printed { mean, std: None });
    // A dash says that b = 0 was selected: with and without are the same run, and both are the better one.
    let dash = fields[at + 1].is_empty();
    Some(PaperCell {
        without: value(at),
        with: value(at + 1),
        selected_level: None,
        bold_without: fields[bold_at] == "without" || dash,
        bold_with: fields[bold_at] == "with" || dash,
        underline_without: fields[8] == format!("{name}_without"),
        underline_with: fields[8] == format!("{name}_with"),
        z_without: None,
        z_with: None,
    })
}

fn find(table: &'static str, matches: impl Fn(&[&str]) -> bool) -> Option<Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).find(|fields| matches(fields))
}

/// Cohen's d of a cell's difference, where the table gives standard deviations that are not both 0.
pub(crate) fn effect(cell: PaperCell) -> Option<f64> {
    let sample = |Printed { mean, std }: Printed| Some(Sample { n: TABLE2_TRIALS, mean, std: std? });
    cohens_d(sample(cell.with?)?, sample(cell.without?)?)
}

/// The labels of the paper's rows, in its order.
pub(crate) fn rows(table: TableId) -> impl Iterator<Item = [&'static str; 2]> {
    let (text, part) = match table {
        TableId::Table2 => (TABLE2, Some("A")),
        TableId::Table3 => (TABLE3, None),
    };
    let fields = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    fields.filter(move |fields| part.is_none_or(|part| fields[3] == part)).map(|fields| [fields[0], fields[1]])
}

/// Has the paper's table this row, with this label noise (images have none)?
pub(crate) fn has_row(table: TableId, row: &[String; 2], label_noise: Option<f64>) -> bool {
    let text = match table {
        TableId::Table2 => TABLE2,
        TableId::Table3 => TABLE3,
    };
    let Some(fields) = find(text, |fields| fields[0] == row[0] && fields[1] == row[1]) else { return false };
    match table {
        TableId::Table2 => label_noise == fields[2].parse().ok(),
        TableId::Table3 => label_noise.is_none(),
    }
}

/// How much the paper ran of each row of a table (Sections 4.1 and 4.2).
#[derive(Clone, Copy, Debug)]
pub(crate) struct GridSize {
    pub trials: u32,
    pub levels: usize,
    pub epochs: u32,
}

/// The paper's grid of a table.
pub(crate) const fn grid(table: TableId) -> GridSize {
    match table {
        TableId::Table2 => GridSize { trials: TABLE2_TRIALS, levels: table.levels() as usize, epochs: 500 },
        TableId::Table3 => GridSize { trials: 1, levels: table.levels() as usize, epochs: 500 },
    }
}

/// Rows of the paper's table, one checkpoint selection.
pub(crate) fn row_count(table: TableId) -> usize {
    match table {
        TableId::Table2 => TABLE2.lines().skip(1).filter(|line| line.split(',').nth(3) == Some("A")).count(),
        TableId::Table3 => TABLE3.lines().skip(1).count(),
    }
}
