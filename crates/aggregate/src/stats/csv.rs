//! Two columns of a CSV file, for a t-test from the command line.

use csv::{ReaderBuilder, StringRecord};

use super::csv_quotes::check_quotes;
use super::{Kind, StatsError};

/// The columns named `a` and `b` of a CSV text (RFC 4180) with a header line and commas.
///
/// An empty cell is a missing value: an unpaired test goes without it, a paired one without its whole pair. Lines
/// without any text are passed over; everything else that is not a row of the header's length is refused.
pub fn columns_of_csv(text: &str, a: &str, b: &str, kind: Kind) -> Result<(Vec<f64>, Vec<f64>), StatsError> {
    // Spreadsheets write a byte-order mark in front of UTF-8.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    check_quotes(text)?;
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let broken = |error: csv::Error| StatsError::Csv(error.to_string());
    let header = reader.headers().map_err(broken)?.clone();
    let (at_a, at_b) = (column(&header, a)?, column(&header, b)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for row in reader.records() {
        let row = row.map_err(broken)?;
        let line = row.position().map_or(0, csv::Position::line);
        if row.len() == 1 && header.len() > 1 && row[0].trim().is_empty() {
            continue;
        }
        if row.len() != header.len() {
            return Err(StatsError::Ragged { line, fields: row.len() as u64, header: header.len() as u64 });
        }
        let cell = |at: usize| match row[at].trim() {
            "" => Ok(None),
            text => text.parse::<f64>().map(Some).map_err(|_| StatsError::NotANumber {
                line,
                column: header[at].to_owned(),
                text: text.to_owned(),
            }),
        };
        let (x, y) = (cell(at_a)?, cell(at_b)?);
        if kind == Kind::Paired && (x.is_none() || y.is_none()) {
            continue;
        }
        left.extend(x);
        right.extend(y);
    }
    Ok((left, right))
}

fn column(header: &StringRecord, name: &str) -> Result<usize, StatsError> {
    let found: Vec<usize> = header.iter().enumerate().filter(|(_, field)| *field == name).map(|(i, _)| i).collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let fields: Vec<&str> = header.iter().collect();
            let known = match fields[..] {
                [] | [""] => "none, because the file is empty".to_owned(),
                [one] if one.contains([';', '\t']) => {
                    format!("{one} (a single one: separate the fields by commas, not by semicolons or tabs)")
                }
                _ => fields.join(", "),
            };
            Err(StatsError::NoColumn { name: name.to_owned(), known })
        }
        _ => Err(StatsError::AmbiguousColumn { name: name.to_owned(), count: found.len() }),
    }
}
