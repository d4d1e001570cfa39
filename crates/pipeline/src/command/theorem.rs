//! `pipeline theorem`: one cell of the check of Theorem 1.

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_verify::{TheoremCell, VerifyError};

use super::{log, print, print_json};
use crate::cli::{ScenarioName, TheoremArgs};
use crate::exit::{Failure, Outcome};
use crate::{interrupt, project};

pub fn run(args: &TheoremArgs) -> Result<Outcome, Failure> {
    let scenario = scenario(args)?;
    if let Err((key, value, range)) = scenario.check() {
        return Err(Failure::Usage(format!("--{key} {value} is out of range: {range}")));
    }
    if !(0.0..=1e9).contains(&args.b) {
        return Err(Failure::Usage(format!("--b {} is out of range: use a number from 0 to 1e9", args.b)));
    }
    let context = Context { jobs: project::cores(), stop: interrupt::stop_flag(), ..Context::default() };
    let cell = flooding_verify::cell(&scenario, args.n, args.b, args.draws, args.seed, &context);
    let cell = match cell {
        Ok(cell) => cell,
        Err(VerifyError::Interrupted) => {
            log("interrupted; nothing of one cell is kept");
            return Ok(Outcome::Interrupted);
        }
        Err(error) => return Err(Failure::stage(error)),
    };
    if args.json {
        print_json(&cell)?;
    } else {
        print(&describe(&cell))?;
    }
    Ok(Outcome::Done)
}

fn describe(cell: &TheoremCell) -> String {
    let exact = &cell.exact;
    let means = cell.monte_carlo.as_ref();
    let lines = [
        ("risk R", exact.risk, None),
        ("MSE of R^", exact.mse_empirical, means.map(|m| (m.mse_empirical_mc, m.mse_empirical_se))),
        ("MSE of |R^ - b| + b", exact.mse_flooded, means.map(|m| (m.mse_flooded_mc, m.mse_flooded_se))),
        ("gain", exact.gain, means.map(|m| (m.gain_mc, m.gain_se))),
        ("E[(b - R^)+]", exact.shortfall, means.map(|m| (m.shortfall_mc, m.shortfall_se))),
        ("Pr[R^ < b]", exact.prob_below, means.map(|m| (m.prob_below_mc, m.prob_below_se))),
    ];
    let line = |(name, exact, means): (&str, f64, Option<(f64, f64)>)| match means {
        Some((mc, se)) => format!("{name:<20} {exact:<22e} Monte Carlo {mc:e} ± {se:.1e}\n"),
        None => format!("{name:<20} {exact:e}\n"),
    };
    lines.into_iter().map(line).collect()
}

/// The scenario with its own parameters, each of which must be there, and no others.
fn scenario(args: &TheoremArgs) -> Result<Scenario, Failure> {
    let given = [
        ("p", args.p.is_some()),
        ("c", args.c.is_some()),
        ("theta", args.theta.is_some()),
        ("mu", args.mu.is_some()),
        ("s", args.s.is_some()),
        ("alpha", args.alpha.is_some()),
        ("eps", args.eps.is_some()),
        ("m", args.m.is_some()),
        ("d", args.d.is_some()),
    ];
    let needed: &[&str] = match args.scenario {
        ScenarioName::Bernoulli => &["p"],
        ScenarioName::ShiftedBernoulli => &["p", "c"],
        ScenarioName::Constant => &["c"],
        ScenarioName::Exponential => &["theta"],
        ScenarioName::Gaussian => &["mu", "s"],
        ScenarioName::CrossEntropy => &["alpha", "eps", "m", "d"],
    };
    for (name, is_given) in given {
        if is_given != needed.contains(&name) {
            let problem = if is_given { "does not take" } else { "needs" };
            let list: Vec<String> = needed.iter().map(|name| format!("--{name}")).collect();
            return Err(Failure::Usage(format!(
                "this scenario {problem} --{name}; its parameters are {}",
                list.join(", ")
            )));
        }
    }
    // Checked just above: what is needed is there.
    let value = |option: Option<f64>| option.unwrap_or_default();
    Ok(match args.scenario {
        ScenarioName::Bernoulli => Scenario::Bernoulli { p: value(args.p) },
        ScenarioName::ShiftedBernoulli => Scenario::ShiftedBernoulli { p: value(args.p), c: value(args.c) },
        ScenarioName::Constant => Scenario::Constant { c: value(args.c) },
        ScenarioName::Exponential => Scenario::Exponential { theta: value(args.theta) },
        ScenarioName::Gaussian => Scenario::Gaussian { mu: value(args.mu), s: value(args.s) },
        ScenarioName::CrossEntropy => Scenario::CrossEntropy {
            alpha: value(args.alpha),
            eps: value(args.eps),
            m: value(args.m),
            d: args.d.unwrap_or_default(),
        },
    })
}
