//! What holds for every table, and the page that documents them.

use std::collections::BTreeSet;
use std::path::Path;

use flooding_tables::catalogue::{AGGREGATED, VERIFIED};
use flooding_tables::documentation::markdown;

#[test]
fn names_are_unique_and_every_column_has_a_meaning() {
    let mut tables = BTreeSet::new();
    for table in AGGREGATED.iter().chain(&VERIFIED) {
        assert!(tables.insert(table.name), "two tables are called {}", table.name);
        let mut columns = BTreeSet::new();
        for column in (table.columns)() {
            assert!(columns.insert(column.name.clone()), "{} has two columns {}", table.name, column.name);
            assert!(!column.meaning.is_empty(), "{}.{} has no meaning", table.name, column.name);
        }
    }
}

#[test]
fn a_reading_follows_wherever_a_setting_is_named() {
    for table in AGGREGATED.iter().chain(&VERIFIED) {
        let names: Vec<String> = (table.columns)().into_iter().map(|column| column.name).collect();
        if let Some(at) = names.iter().position(|name| name == "setting") {
            assert_eq!(names.get(at + 1).map(String::as_str), Some("reading"), "{}", table.name);
        }
    }
}

#[test]
fn the_documentation_is_the_definitions_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tables.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == markdown(), "docs/tables.md is out of date: run `make tables-doc`");
}
