//! `docs/tables.md`, from the definitions.

use std::fmt::Write as _;

use crate::catalogue::{AGGREGATED, Definition, PUBLISHED, VERIFIED};

/// The text of `docs/tables.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Tables\n\
         Every table is written once, as Parquet, CSV and JSON of the same rows with the same columns. `data/tables/` \
         holds those of\nthe aggregate stage and `data/theorem/` those of the verify stage; the report copies them to \
         `reports/tables/`. An optional cell\nmay be empty: no value in Parquet, an empty field in CSV, `null` in JSON. \
         Parquet files carry the units and meanings below in\ntheir metadata (key `columns`). The JSON documents hold \
         the rows under `body`.\n\n\
         This page is generated from the definitions in `crates/tables` by `make tables-doc`; a test fails when it is \
         out of date.\n",
    );
    for (place, tables) in [("data/tables", &AGGREGATED[..]), ("data/theorem", &VERIFIED[..])] {
        for table in tables {
            section(&mut text, &format!("{place}/{}.*", table.name), table);
        }
    }
    for table in &PUBLISHED {
        section(&mut text, "runs.parquet` of `pipeline publish", table);
    }
    text
}

fn section(text: &mut String, files: &str, table: &Definition) {
    let Definition { name, version, about, columns, .. } = table;
    let about = paragraph(about);
    let columns = columns();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!("\n## {name}\n`{files}`, version {version}. {about}\n"));
    line("| column | holds | unit | meaning |\n|---|---|---|---|".to_owned());
    for column in columns {
        let optional = if column.optional { ", optional" } else { "" };
        let (name, holds, unit, meaning) = (&column.name, column.holds.name(), column.unit, &column.meaning);
        line(format!("| `{name}` | {holds}{optional} | {unit} | {meaning} |"));
    }
}

/// A doc comment's lines as one paragraph of text.
pub(crate) fn paragraph(comment: &str) -> String {
    let mut text = String::new();
    for word in comment.split_whitespace() {
        write!(text, "{}{word}", if text.is_empty() { "" } else { " " }).expect("writing to a string cannot fail");
    }
    text
}
