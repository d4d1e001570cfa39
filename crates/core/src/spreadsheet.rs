//! CSV that is opened in a spreadsheet: a cell that begins like a formula is run as one.

use std::borrow::Cow;

/// The text of a CSV cell, behind an apostrophe where a spreadsheet would take it for a formula. Numbers stay numbers;
/// [`original`] takes the apostrophe away again.
///
/// Source: OWASP, "CSV Injection".
pub fn inert(cell: &str) -> Cow<'_, str> {
    if is_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// The text that [`inert`] was given.
pub fn original(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| is_formula(rest)).unwrap_or(cell)
}

/// Is it a formula, behind any number of apostrophes?
fn is_formula(cell: &str) -> bool {
    let cell = cell.trim_start_matches('\'');
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<f64>().is_err()
}

#[cfg(test)]
mod tests {
    use super::{inert, original};

    #[test]
    fn what_a_spreadsheet_would_run_stands_behind_an_apostrophe_and_numbers_do_not() {
        for formula in
            ["=HYPERLINK(\"x\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "'=1", "''+x"]
        {
            assert_eq!(inert(formula), format!("'{formula}"));
        }
        for harmless in ["-0.03", "+1e-9", "-inf", "", "a=b", "dog b/1.png", "'quoted'"] {
            assert_eq!(inert(harmless), harmless);
        }
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in ["=1", "'=1", "''=1", "'x", "", "'", "-1", "'-1", "-x", "'-x"] {
            assert_eq!(original(&inert(text)), text);
        }
    }
}
