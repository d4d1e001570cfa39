//! Theorem 1: the verdict, and where flooding helps.

use flooding_core::config::Scenario;
use flooding_tables::TheoremRow;
use serde::Serialize;

use crate::figure::scenario_label;
use crate::format::{NONE, significant};
use crate::tables::Tables;

/// The section on Theorem 1.
#[derive(Clone, Debug, Serialize)]
pub struct TheoremContext {
    /// The checks.
    pub checks: Vec<Check>,
    /// The best level computed, for each scenario and sample size.
    pub optima: Vec<Optimum>,
    /// How many cells were computed.
    pub cells: usize,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What is checked.
    pub statement: String,
    /// Where in the paper.
    pub source: String,
    /// Did it hold?
    pub passed: bool,
    /// Cells looked at.
    pub cells: u32,
    /// The statistic.
    pub detail: String,
}

/// The best level of one scenario and sample size.
#[derive(Clone, Debug, Serialize)]
pub struct Optimum {
    /// The scenario.
    pub scenario: String,
    /// Losses averaged.
    pub n: u32,
    /// The true risk.
    pub risk: String,
    /// Levels computed at which flooding has the smaller error.
    pub helps: String,
    /// The best level, as a multiple of the risk.
    pub best: String,
    /// Mean squared error without flooding.
    pub without: String,
    /// Mean squared error at the best level.
    pub with: String,
    /// By how much it is smaller.
    pub reduction: String,
}

impl TheoremContext {
    /// From the theorem's tables.
    pub fn new(tables: &Tables) -> Self {
        let rows = tables.theorem.as_deref().unwrap_or_default();
        let mut optima = Vec::new();
        for (scenario, of) in scenarios(rows) {
            let mut sizes: Vec<u32> = of.iter().map(|row| row.sample_size).collect();
            sizes.sort_unstable();
            sizes.dedup();
            for n in sizes {
                let cells: Vec<_> = of.iter().filter(|row| row.sample_size == n).copied().collect();
                optima.extend(optimum(scenario_label(scenario), n, &cells));
            }
        }
        let checks = tables.checks.iter().flatten().map(|check| Check {
            statement: check.statement.clone(),
            source: check.source.clone(),
            passed: check.passed,
            cells: check.cells,
            detail: check.detail.clone(),
        });
        Self { checks: checks.collect(), optima, cells: rows.len() }
    }
}

/// The rows of each scenario, in order of appearance.
pub fn scenarios(rows: &[TheoremRow]) -> Vec<(&Scenario, Vec<&TheoremRow>)> {
    let mut groups: Vec<(&Scenario, Vec<&TheoremRow>)> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|(scenario, _)| **scenario == row.scenario) {
            Some((_, group)) => group.push(row),
            None => groups.push((&row.scenario, vec![row])),
        }
    }
    groups
}

fn optimum(scenario: String, n: u32, cells: &[&TheoremRow]) -> Option<Optimum> {
    let best = cells.iter().min_by(|a, b| a.mse_flooded.exact.total_cmp(&b.mse_flooded.exact))?;
    let helped: Vec<f64> = cells.iter().filter(|row| row.gain.exact > 0.0).map(|row| row.level).collect();
    let helps = match (helped.first(), helped.last()) {
        (Some(low), Some(high)) => format!("{} to {}", significant(*low), significant(*high)),
        _ => "none".to_owned(),
    };
    let (without, with) = (best.mse_empirical.exact, best.mse_flooded.exact);
    let any = best.gain.exact > 0.0;
    Some(Optimum {
        scenario,
        n,
        risk: significant(best.risk),
        helps,
        best: if any { format!("{:.2} R", best.level / best.risk) } else { NONE.to_owned() },
        without: significant(without),
        with: significant(with),
        reduction: if any { format!("{:.1}%", 100.0 * (without - with) / without) } else { NONE.to_owned() },
    })
}
