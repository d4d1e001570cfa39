//! The cells of the plan's grid.

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_core::plan::TheoremPlan;
use flooding_tables::{Estimate, TheoremRow};
use rayon::prelude::*;

use crate::exact::{self, decimal, risk};
use crate::monte_carlo::{self, Draws, Mean, Source};

/// All cells of one scenario, sample sizes outermost; `None` when asked to stop. `seen` hears of each finished cell.
pub(crate) fn rows<F>(
    scenario: &Scenario,
    plan: &TheoremPlan,
    seed: u64,
    context: &Context,
    flood: F,
    seen: impl Fn() + Sync,
) -> Option<Vec<TheoremRow>>
where
    F: Fn(f64, f64) -> f64 + Sync,
{
    let risk = risk(scenario);
    let levels = |n: u32| plan.levels_over_risk.iter().map(move |multiple| (n, decimal(multiple * risk)));
    let cells: Vec<(u32, f64)> = plan.sample_sizes.iter().flat_map(|&n| levels(n)).collect();
    let row = |&(n, level): &(u32, f64)| {
        if context.stop.is_raised() {
            return None;
        }
        let exact = exact::exact(scenario, n, level);
        let scope = monte_carlo::scope(scenario, n, level);
        let source = Source::of(scenario);
        let draws = Draws { source, scope, n, level, risk: exact.risk, repetitions: plan.repetitions, seed };
        let drawn = monte_carlo::run(&draws, &context.stop, &flood)?;
        seen();
        let estimate = |exact: f64, mean: Mean| Estimate { exact, mc: mean.value, se: mean.error };
        Some(TheoremRow {
            scenario: scenario.clone(),
            sample_size: n,
            level,
            risk: exact.risk,
            mse_empirical: estimate(exact.mse_empirical, drawn.mse_empirical),
            mse_flooded: estimate(exact.mse_flooded, drawn.mse_flooded),
            gain: estimate(exact.gain, drawn.gain),
            shortfall: estimate(exact.shortfall, drawn.shortfall),
            prob_below: estimate(exact.prob_below, drawn.prob_below),
        })
    };
    // Large samples take longest: starting with them keeps every thread busy to the end.
    let reversed: Option<Vec<TheoremRow>> = cells.par_iter().rev().map(row).collect();
    reversed.map(|mut rows| {
        rows.reverse();
        rows
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::judge;
    use crate::exact::flooded;

    const REPETITIONS: u64 = 40_000;

    fn scenarios() -> Vec<Scenario> {
        vec![
            Scenario::Bernoulli { p: 0.3 },
            Scenario::ShiftedBernoulli { p: 0.3, c: 0.2 },
            Scenario::Constant { c: 0.5 },
            Scenario::Exponential { theta: 0.5 },
            Scenario::Gaussian { mu: 0.5, s: 0.2 },
            Scenario::CrossEntropy { alpha: 1.0, eps: 0.1, m: 1.0, d: 10 },
        ]
    }

    fn failed(flood: impl Fn(f64, f64) -> f64 + Sync + Copy) -> Vec<String> {
        let plan = TheoremPlan {
            repetitions: REPETITIONS,
            sample_sizes: vec![1, 10, 50],
            levels_over_risk: vec![0.0, 0.25, 0.5, 0.75, 0.9, 1.0, 1.01, 1.1, 1.5, 2.0],
            scenarios: scenarios(),
        };
        let context = Context::default();
        let of = |scenario: &Scenario| rows(scenario, &plan, 20_260_101, &context, flood, || ()).unwrap();
        let rows: Vec<TheoremRow> = plan.scenarios.iter().flat_map(of).collect();
        assert_eq!(rows.len(), 180);
        judge(&rows, REPETITIONS).into_iter().filter(|check| !check.passed).map(|check| check.statement).collect()
    }

    #[test]
    fn every_statement_holds_for_the_flooded_estimator() {
        assert_eq!(failed(flooded), Vec::<String>::new());
    }

    #[test]
    fn an_estimator_with_a_level_one_percent_off_is_caught() {
        for factor in [1.01, 0.99] {
            let statements = failed(|empirical, level| flooded(empirical, factor * level));
            assert!(statements.contains(&"Monte Carlo agrees on MSE(R~)".to_owned()), "{factor}: {statements:?}");
            assert!(statements.contains(&"z-scores over the grid are uniform".to_owned()), "{factor}: {statements:?}");
        }
    }

    #[test]
    fn an_estimator_that_clamps_instead_of_reflecting_is_caught() {
        let statements = failed(f64::max);
        assert!(statements.contains(&"Monte Carlo agrees on MSE(R~)".to_owned()), "{statements:?}");
        assert!(statements.contains(&"Monte Carlo agrees on MSE(R^) - MSE(R~)".to_owned()), "{statements:?}");
        // Clamping at b above R may even help, which the identity forbids.
        assert!(statements.len() >= 3, "{statements:?}");
    }

    #[test]
    fn rows_are_the_same_on_one_thread_and_on_four() {
        let plan = TheoremPlan {
            repetitions: 30_000,
            sample_sizes: vec![1, 30],
            levels_over_risk: vec![0.5, 1.5],
            scenarios: scenarios(),
        };
        let context = Context::default();
        for scenario in &plan.scenarios {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| rows(scenario, &plan, 1, &context, flooded, || ()).unwrap())
            };
            assert_eq!(on(1), on(4));
        }
    }
}
