//! Two columns of a CSV file, for a t-test from the command line.

use super::{Kind, StatsError};

/// The columns named `a` and `b` of a CSV text with a header line and commas (quoted fields may hold commas).
///
/// An empty cell is a missing value: an unpaired test goes without it, a paired one without its whole pair.
pub fn columns_of_csv(text: &str, a: &str, b: &str, kind: Kind) -> Result<(Vec<f64>, Vec<f64>), StatsError> {
    let mut lines = text.lines();
    let header = fields(lines.next().unwrap_or_default());
    let index = |name: &str| {
        header
            .iter()
            .position(|column| column == name)
            .ok_or_else(|| StatsError::NoColumn { name: name.to_owned(), known: header.join(", ") })
    };
    let (at_a, at_b) = (index(a)?, index(b)?);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (i, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = fields(line);
        let cell = |at: usize| {
            let text = row.get(at).map_or("", |cell| cell.trim());
            if text.is_empty() {
                return Ok(None);
            }
            text.parse::<f64>().map(Some).map_err(|_| StatsError::NotANumber {
                line: i + 2,
                column: header[at].clone(),
                text: text.to_owned(),
            })
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

/// One line's fields, without their quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let field = fields.last_mut().expect("never empty");
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}
