//! CSV that is opened in a spreadsheet: a cell that begins like a formula is run as one.

use std::borrow::Cow;

/// The text of a CSV cell, behind an apostrophe where a spreadsheet would take it for a formula. Numbers stay numbers.
///
/// Source: OWASP, "CSV Injection".
pub fn inert(cell: &str) -> Cow<'_, str> {
    let begins_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    if begins_formula && cell.parse::<f64>().is_err() { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

#[cfg(test)]
mod tests {
    use super::inert;

    #[test]
    fn what_a_spreadsheet_would_run_stands_behind_an_apostrophe_and_numbers_do_not() {
        for formula in ["=HYPERLINK(\"x\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-"] {
            assert_eq!(inert(formula), format!("'{formula}"));
        }
        for harmless in ["-0.03", "+1e-9", "-inf", "", "a=b", "dog b/1.png", "'=1"] {
            assert_eq!(inert(harmless), harmless);
        }
    }
}
