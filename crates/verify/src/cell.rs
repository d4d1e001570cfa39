//! One cell of Theorem 1, for the command line.

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use serde::Serialize;

use crate::VerifyError;
use crate::error::threads;
use crate::exact::{self, Exact, flooded};
use crate::monte_carlo::{self, Draws, MonteCarlo, Source};

/// All quantities of one cell; as JSON one flat object, the Monte Carlo means as `NAME_mc` and `NAME_se`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TheoremCell {
    /// The exact quantities, with an estimate of their relative error (`accuracy`).
    #[serde(flatten)]
    pub exact: Exact,
    /// The Monte Carlo means, where draws were asked for.
    #[serde(flatten)]
    pub monte_carlo: Option<MonteCarloJson>,
}

/// The Monte Carlo means of a cell, named as in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "NAME_mc is the Monte Carlo mean of NAME and NAME_se its standard error")]
pub struct MonteCarloJson {
    pub mse_empirical_mc: f64,
    pub mse_empirical_se: f64,
    pub mse_flooded_mc: f64,
    pub mse_flooded_se: f64,
    pub gain_mc: f64,
    pub gain_se: f64,
    pub shortfall_mc: f64,
    pub shortfall_se: f64,
    pub prob_below_mc: f64,
    pub prob_below_se: f64,
}

impl From<MonteCarlo> for MonteCarloJson {
    fn from(means: MonteCarlo) -> Self {
        let MonteCarlo { mse_empirical, mse_flooded, gain, shortfall, prob_below } = means;
        Self {
            mse_empirical_mc: mse_empirical.value,
            mse_empirical_se: mse_empirical.error,
            mse_flooded_mc: mse_flooded.value,
            mse_flooded_se: mse_flooded.error,
            gain_mc: gain.value,
            gain_se: gain.error,
            shortfall_mc: shortfall.value,
            shortfall_se: shortfall.error,
            prob_below_mc: prob_below.value,
            prob_below_se: prob_below.error,
        }
    }
}

/// The cell of a scenario, a sample size n and a level b, exact and (with `draws` empirical risks of n losses each) by
/// Monte Carlo on `context.jobs` threads.
///
/// # Errors
/// Parameters out of range, refused threads, or the stop flag.
pub fn cell(
    scenario: &Scenario,
    n: u32,
    level: f64,
    draws: Option<u64>,
    seed: u64,
    context: &Context,
) -> Result<TheoremCell, VerifyError> {
    scenario.check().map_err(|(key, value, remedy)| VerifyError::Parameter { key, value, remedy })?;
    check(n, level, draws)?;
    let exact = exact::exact(scenario, n, level);
    let scope = monte_carlo::scope(scenario, n, level);
    let sample = |repetitions: u64| {
        let source = Source::of(scenario);
        let draws = Draws { source, scope, n, level, risk: exact.risk, repetitions, seed };
        sample(&draws, context)
    };
    let monte_carlo = draws.map(sample).transpose()?.map(MonteCarloJson::from);
    Ok(TheoremCell { exact, monte_carlo })
}

fn sample(draws: &Draws, context: &Context) -> Result<MonteCarlo, VerifyError> {
    threads(context.workers(usize::MAX))?
        .install(|| monte_carlo::run(draws, &context.stop, flooded))
        .ok_or(VerifyError::Interrupted)
}

fn check(n: u32, level: f64, draws: Option<u64>) -> Result<(), VerifyError> {
    if n == 0 {
        return Err(VerifyError::Parameter { key: "n", value: 0.0, remedy: "average at least one loss" });
    }
    if !(0.0..=1e9).contains(&level) {
        return Err(VerifyError::Parameter { key: "b", value: level, remedy: "use a number from 0 to 1e9" });
    }
    match draws {
        Some(draws @ 0..2) => {
            Err(VerifyError::Parameter { key: "draws", value: draws as f64, remedy: "draw at least two" })
        }
        _ => Ok(()),
    }
}
