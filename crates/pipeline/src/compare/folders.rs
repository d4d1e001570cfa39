//! Two reports or data folders, cell by cell.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flooding_tables::definition::{Cell, Table};
use flooding_tables::{AccuracyRow, ClaimRow, SelectionRow, TableError, from_csv};
use serde::Serialize;

use super::cells::{CellDifference, checkpoint};

/// Where two folders differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Differences {
    /// Cells that both have.
    pub compared: usize,
    /// Cells of the accuracy tables.
    pub cells: Vec<CellDifference>,
    /// Verdicts on claims.
    pub verdicts: Vec<Change>,
    /// Selected levels.
    pub levels: Vec<Change>,
    /// Rows of one side alone.
    pub alone: Vec<String>,
}

/// Something that is not a number on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What.
    pub what: String,
    /// On one side.
    pub one: String,
    /// On the other.
    pub other: String,
}

impl Differences {
    /// Do the two agree?
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty() && self.verdicts.is_empty() && self.levels.is_empty() && self.alone.is_empty()
    }
}

/// Why a folder cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// It has no tables.
    #[error(
        "{path} has no tables: name a published report, a report, a data folder or a project in which `pipeline stage \
         aggregate` has run", path = path.display()
    )]
    NoTables {
        /// The folder.
        path: PathBuf,
    },
    /// A table cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TableError,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The folder of a project, report or data folder that holds its tables.
pub fn tables_of(folder: &Path) -> Result<PathBuf, FoldersError> {
    let candidates = ["", "tables", "data/tables", "reports/tables"].map(|inner| folder.join(inner));
    let found = candidates.into_iter().find(|candidate| candidate.join(file::<AccuracyRow>()).is_file());
    found.ok_or_else(|| FoldersError::NoTables { path: folder.to_owned() })
}

fn file<T: Table>() -> String {
    format!("{}.csv", T::NAME)
}

/// A table of such a folder.
pub fn rows<T: Table>(tables: &Path) -> Result<Vec<T>, FoldersError> {
    let path = tables.join(file::<T>());
    let bytes = fs::read(&path).map_err(|source| FoldersError::Read { path: path.clone(), source })?;
    from_csv(&bytes).map_err(|source| FoldersError::Table { path, source })
}

/// Compares two folders.
pub fn compare(one: &Path, other: &Path) -> Result<Differences, FoldersError> {
    let (one, other) = (tables_of(one)?, tables_of(other)?);
    let mut differences = Differences::default();
    let name = |row: &AccuracyRow| format!("{} {}", row.setting, checkpoint(row.checkpoint));
    for (what, a, b) in paired(&mut differences.alone, (rows(&one)?, rows(&other)?), name) {
        for ((column, a), (_, b)) in numbers(&a).into_iter().zip(numbers(&b)) {
            differences.compared += 1;
            if a != b {
                differences.cells.push(CellDifference { row: what.clone(), column, one: a, other: b });
            }
        }
    }
    for (what, a, b) in paired(&mut differences.alone, (rows(&one)?, rows(&other)?), |row: &ClaimRow| row.id.clone()) {
        change(&mut differences.verdicts, what, (a.verdict.describe().to_owned(), b.verdict.describe().to_owned()));
    }
    let name = |row: &SelectionRow| format!("{} {} t{:02}", row.setting, checkpoint(row.checkpoint), row.trial);
    for (what, a, b) in paired(&mut differences.alone, (rows(&one)?, rows(&other)?), name) {
        change(&mut differences.levels, what, (a.level.to_string(), b.level.to_string()));
    }
    Ok(differences)
}

fn change(changes: &mut Vec<Change>, what: String, (one, other): (String, String)) {
    if one != other {
        changes.push(Change { what, one, other });
    }
}

/// The rows that both sides have; names of the others go to `alone`.
fn paired<T>(
    alone: &mut Vec<String>,
    (one, other): (Vec<T>, Vec<T>),
    name: impl Fn(&T) -> String,
) -> Vec<(String, T, T)> {
    let mut others: BTreeMap<String, T> = other.into_iter().map(|row| (name(&row), row)).collect();
    let mut pairs = Vec::new();
    for row in one {
        let what = name(&row);
        match others.remove(&what) {
            Some(other) => pairs.push((what, row, other)),
            None => alone.push(format!("{what}: only in the first")),
        }
    }
    alone.extend(others.into_keys().map(|what| format!("{what}: only in the second")));
    pairs
}

/// The numeric cells of a row, by column.
fn numbers<T: Table>(row: &T) -> Vec<(String, Option<f64>)> {
    let mut cells = Vec::with_capacity(T::WIDTH);
    row.put(&mut cells);
    let number = |cell: Cell| match cell {
        Cell::Real(value) => Some(Some(value)),
        Cell::Integer(value) => Some(Some(value as f64)),
        Cell::Flag(flag) => Some(Some(f64::from(u8::from(flag)))),
        Cell::Empty => Some(None),
        Cell::Text(_) => None,
    };
    let named = T::columns().into_iter().zip(cells);
    named.filter_map(|(column, cell)| Some((column.name, number(cell)?))).collect()
}
