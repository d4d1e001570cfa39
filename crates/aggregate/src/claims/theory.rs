//! What the verify stage checked.

use flooding_tables::TheoremCheck;

use super::definition::Checked;

/// The checks of the theorem or of equation 7.
pub(super) fn checks(all: &[TheoremCheck], which: Checked) -> Vec<&TheoremCheck> {
    let is_of = |check: &&TheoremCheck| match which {
        Checked::Theorem => !check.source.contains("equation 7"),
        // What qualifies the equation is no agreement with it.
        Checked::Batches => check.source.starts_with("Section 3.3"),
    };
    all.iter().filter(is_of).collect()
}

/// The statistic: what passed, over how many cells of the grid, and what failed.
pub(super) fn statistic(checks: &[&TheoremCheck]) -> String {
    let passed = checks.iter().filter(|check| check.passed).count();
    // Checks look at the same cells over and over: what was tested is the largest set of them, not their sum.
    let cells = checks.iter().map(|check| check.cells).max().unwrap_or(0);
    let failed: Vec<&str> = checks.iter().filter(|check| !check.passed).map(|check| &*check.statement).collect();
    let text = format!("{passed} of {} statements hold on {cells} cells", checks.len());
    if failed.is_empty() { text } else { format!("{text}; failed: {}", failed.join("; ")) }
}
