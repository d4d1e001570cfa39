//! What the report calls the readings.

use flooding_core::config::TableId;

use crate::tables::Tables;

/// How many readings a figure can tell apart.
const MOST: usize = 3;

/// The label of a reading: its own, or its name in quotes.
pub fn label(tables: &Tables, reading: &str) -> String {
    let labels = tables.overview.iter().flat_map(|overview| &overview.reading_labels);
    let own = labels.into_iter().find(|(name, _)| name == reading);
    own.map_or_else(|| format!("reading “{reading}”"), |(_, label)| label.clone())
}

/// The readings, with their labels, that run the most rows of a table of the paper: the first few of equals.
pub fn main_readings(tables: &Tables, table: TableId) -> Vec<(String, String)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for row in tables.accuracy.iter().flatten().filter(|row| row.table == Some(table)) {
        match found.iter_mut().find(|(name, _)| *name == row.reading) {
            Some((_, rows)) => *rows += 1,
            None => found.push((&row.reading, 1)),
        }
    }
    let mut by_size: Vec<usize> = found.iter().map(|(_, rows)| *rows).collect();
    by_size.sort_unstable_by(|a, b| b.cmp(a));
    let least = by_size.get(MOST - 1).copied().unwrap_or(0);
    let named = |(name, _): &(&str, usize)| ((*name).to_owned(), label(tables, name));
    found.iter().filter(|(_, rows)| *rows >= least).take(MOST).map(named).collect()
}
