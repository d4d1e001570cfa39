//! The numbers of the paper's Tables 2 and 3 (see `paper/README.md`).

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, PaperCell, Printed};

use crate::compare::bold;
use crate::stats::Sample;

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

/// Rows of the paper's table, one checkpoint selection.
pub(crate) fn row_count(table: TableId) -> usize {
    match table {
        TableId::Table2 => TABLE2.lines().skip(1).filter(|line| line.split(',').nth(3) == Some("A")).count(),
        TableId::Table3 => TABLE3.lines().skip(1).count(),
    }
}
