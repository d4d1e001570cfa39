//! What the verify stage checked.

use flooding_core::tables::TheoremCheck;

use super::definition::Checked;

/// The checks of the theorem or of equation 7.
pub(super) fn checks(all: &[TheoremCheck], which: Checked) -> Vec<&TheoremCheck> {
    let is_batches = |check: &TheoremCheck| check.source.contains("equation 7");
    all.iter().filter(|check| is_batches(check) == (which == Checked::Batches)).collect()
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
