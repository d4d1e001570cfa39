//! The verdict on each statement of Theorem 1 over a grid of cells.

use flooding_tables::{TheoremCheck, TheoremRow};

use crate::agreement::{Agreement, Quantity, scale};

/// The probability below which agreement is called broken: one verdict in ten thousand is wrong by chance.
const SIGNIFICANCE: f64 = 1e-4;

/// Relative error allowed between two ways to an exact value.
const EXACT_TOLERANCE: f64 = 1e-9;

/// Standard errors at which a gain's sign is visible in the draws.
const VISIBLE: f64 = 5.0;

/// Judges all statements that the cells bear on.
pub(crate) fn judge(rows: &[TheoremRow], repetitions: u64) -> Vec<TheoremCheck> {
    let mut checks = vec![not_worse(rows), strictly_better(rows), ties_and_losses(rows), identity(rows), signs(rows)];
    checks.extend(Quantity::ALL.map(|quantity| agreement(quantity, rows, repetitions)));
    checks.push(uniformity(rows, repetitions));
    checks
}

fn check(statement: impl Into<String>, source: &str, passed: bool, cells: usize, detail: String) -> TheoremCheck {
    TheoremCheck { statement: statement.into(), source: source.to_owned(), passed, cells: cells as u32, detail }
}

/// Is the drawn gain clearly of this sign (1 or -1)?
fn visibly(row: &TheoremRow, sign: f64) -> bool {
    sign * row.gain.mc > VISIBLE * row.gain.se + 1e-12 * scale(row)
}

fn not_worse(rows: &[TheoremRow]) -> TheoremCheck {
    let cells: Vec<_> = rows.iter().filter(|row| row.level <= row.risk).collect();
    let exact = cells.iter().filter(|row| row.gain.exact < -1e-12 * scale(row)).count();
    let exact = exact + cells.iter().filter(|r| r.mse_flooded.exact > r.mse_empirical.exact * (1.0 + 1e-9)).count();
    let drawn = cells.iter().filter(|row| visibly(row, -1.0)).count();
    let detail = format!("violations: {exact} exact, {drawn} visible in the draws");
    check("b <= R implies MSE(R^) >= MSE(R~)", "Theorem 1, equation 8", exact + drawn == 0, cells.len(), detail)
}

fn strictly_better(rows: &[TheoremRow]) -> TheoremCheck {
    let cells: Vec<_> = rows.iter().filter(|row| row.level < row.risk && row.shortfall.exact > 0.0).collect();
    let exact = cells.iter().filter(|row| row.gain.exact <= 0.0).count();
    let seen = cells.iter().filter(|row| visibly(row, 1.0)).count();
    let drawn = cells.iter().filter(|row| visibly(row, -1.0)).count();
    let detail = format!("violations: {exact} exact, {drawn} visible in the draws; {seen} gains are visible there");
    let statement = "b < R and Pr[R^ < b] > 0 imply MSE(R^) > MSE(R~)";
    check(statement, "Theorem 1, equation 9", exact + drawn == 0, cells.len(), detail)
}

/// What the theorem leaves out: b = R and Pr[R^ < b] = 0 are ties, and b > R is a loss.
fn ties_and_losses(rows: &[TheoremRow]) -> TheoremCheck {
    let is_tie = |row: &&TheoremRow| row.level == row.risk || row.prob_below.exact == 0.0;
    let ties: Vec<_> = rows.iter().filter(is_tie).collect();
    let losses: Vec<_> = rows.iter().filter(|row| row.level > row.risk && row.shortfall.exact > 0.0).collect();
    let unequal = ties.iter().filter(|row| row.gain.exact.abs() > 1e-12 * scale(row)).count();
    let unequal = unequal + ties.iter().filter(|row| visibly(row, 1.0) || visibly(row, -1.0)).count();
    let gains = losses.iter().filter(|row| row.gain.exact >= 0.0 || visibly(row, 1.0)).count();
    let detail = format!(
        "{} ties, {unequal} of them unequal; {} cells with b > R, {gains} without a loss",
        ties.len(),
        losses.len()
    );
    let statement = "b = R or Pr[R^ < b] = 0 is a tie, and b > R is strictly worse";
    check(statement, "Appendix A, by the identity", unequal + gains == 0, ties.len() + losses.len(), detail)
}

fn identity(rows: &[TheoremRow]) -> TheoremCheck {
    let predicted = |row: &TheoremRow| 4.0 * (row.risk - row.level) * row.shortfall.exact;
    // Both the difference of the two errors and the sum over the outcomes below b.
    let residual = |row: &TheoremRow| {
        let difference = row.mse_empirical.exact - row.mse_flooded.exact;
        let size = scale(row).max(f64::MIN_POSITIVE);
        let summed = (row.gain.exact - predicted(row)).abs() / (predicted(row).abs() + 1e-4 * size);
        summed.max((difference - predicted(row)).abs() / size)
    };
    let worst = rows.iter().map(residual).fold(0.0, |worst: f64, r| if r <= worst { worst } else { r });
    let detail = format!("largest relative residual of the exact values {worst:.1e}");
    let statement = "MSE(R^) - MSE(R~) = 4 (R - b) E[(b - R^)+]";
    check(statement, "Appendix A, sharpened", worst <= EXACT_TOLERANCE, rows.len(), detail)
}

fn signs(rows: &[TheoremRow]) -> TheoremCheck {
    let visible: Vec<_> = rows.iter().filter(|row| visibly(row, 1.0) || visibly(row, -1.0)).collect();
    let wrong = visible.iter().filter(|row| row.gain.mc * (row.risk - row.level) <= 0.0).count();
    let detail =
        format!("{wrong} of {} visible gains (beyond {VISIBLE} standard errors) have the wrong sign", visible.len());
    check("the drawn gain has the sign of R - b", "Theorem 1, Monte Carlo", wrong == 0, visible.len(), detail)
}

fn agreement(quantity: Quantity, rows: &[TheoremRow], repetitions: u64) -> TheoremCheck {
    let agreement = Agreement::new(quantity, rows, repetitions);
    let (largest, chance) = agreement.largest();
    let (distance, p) = agreement.uniformity();
    let passed = agreement.different == 0 && chance > SIGNIFICANCE && p > SIGNIFICANCE;
    let detail = format!(
        "{} z-scores, largest {largest:.2} (p = {chance:.2}), Kolmogorov-Smirnov distance {distance:.3} (p = {p:.2}); \
         {} cells without spread equal, {} different",
        agreement.scores.len(),
        agreement.equal,
        agreement.different
    );
    let cells = agreement.scores.len() + agreement.equal + agreement.different;
    check(format!("Monte Carlo agrees on {}", quantity.name()), "Theorem 1, Monte Carlo", passed, cells, detail)
}

/// One quantity a cell: where it can be seen the flooded error, which the theorem is about.
fn uniformity(rows: &[TheoremRow], repetitions: u64) -> TheoremCheck {
    let agreement = Agreement::new(Quantity::MseFlooded, rows, repetitions);
    let (distance, p) = agreement.uniformity();
    let beyond = |limit: f64| agreement.scores.iter().filter(|z| z.abs() > limit).count();
    let detail = format!(
        "Kolmogorov-Smirnov distance {distance:.3}, p = {p:.2}; {} of {} beyond 1.96 and {} beyond 2.58 standard errors",
        beyond(1.96),
        agreement.scores.len(),
        beyond(2.576)
    );
    let cells = agreement.scores.len();
    check("z-scores over the grid are uniform", "Theorem 1, Monte Carlo", p > SIGNIFICANCE, cells, detail)
}
