//! The tables as CSV, for readers without this software.

use std::fmt::Write as _;

use flooding_core::tables::{TheoremCheck, TheoremRow};

/// A line a cell; numbers with all their digits.
pub(crate) fn cells(rows: &[TheoremRow]) -> String {
    let mut text = String::from("scenario,n,b,risk");
    for name in ["mse_empirical", "mse_flooded", "gain", "shortfall", "prob_below"] {
        write!(text, ",{name},{name}_mc,{name}_se").expect("writing to a string cannot fail");
    }
    text.push('\n');
    for row in rows {
        let scenario = serde_json::to_string(&row.scenario).expect("a scenario is plain data");
        write!(text, "{},{},{},{}", quoted(&scenario), row.n, row.level, row.risk).expect("writing to a string");
        for estimate in [row.mse_empirical, row.mse_flooded, row.gain, row.shortfall, row.prob_below] {
            write!(text, ",{:e},{:e},{:e}", estimate.exact, estimate.mc, estimate.se).expect("writing to a string");
        }
        text.push('\n');
    }
    text
}

/// A line a statement.
pub(crate) fn checks(checks: &[TheoremCheck]) -> String {
    let mut text = String::from("statement,source,passed,cells,detail\n");
    for check in checks {
        let (statement, source, detail) = (quoted(&check.statement), quoted(&check.source), quoted(&check.detail));
        writeln!(text, "{statement},{source},{},{},{detail}", check.passed, check.cells).expect("writing to a string");
    }
    text
}

/// A field in quotes, with quotes doubled (RFC 4180).
fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}
