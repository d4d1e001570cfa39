//! Loss draws a second on one core, for each family: `cargo bench -p flooding-verify`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_verify::cell;

fn main() {
    let families = [
        Scenario::Bernoulli { p: 0.3 },
        Scenario::Exponential { theta: 0.5 },
        Scenario::Gaussian { mu: 0.5, s: 0.2 },
        Scenario::CrossEntropy { alpha: 1.0, eps: 0.1, m: 1.0, d: 10 },
    ];
    println!("{:<70} {:>5} {:>14} {:>10}", "scenario", "n", "losses", "losses/s");
    for scenario in families {
        for n in [1_u32, 10, 100] {
            let losses: u64 = if matches!(scenario, Scenario::Bernoulli { .. }) { 2_000_000_000 } else { 50_000_000 };
            let seconds = |draws: Option<u64>| {
                let start = Instant::now();
                cell(&scenario, n, 0.2, draws, 1, &Context::default()).expect("a valid cell");
                start.elapsed().as_secs_f64()
            };
            let seconds = seconds(Some(losses / u64::from(n))) - seconds(None);
            println!("{:<70} {n:>5} {losses:>14} {:>10.2e}", format!("{scenario:?}"), losses as f64 / seconds);
        }
    }
}
