//! Equation 7: the mini-batch objective bounds the full-batch one, for batches of equal size or with weights.

use flooding_core::config::Scenario;
use flooding_core::progress::StopFlag;
use flooding_core::seeds::{Purpose, Streams};
use flooding_tables::TheoremCheck;

use crate::exact::flooded;
use crate::monte_carlo::{Chunk, Source};

/// Datasets drawn.
const DATA_SETS: u32 = 2_000;

/// Levels as multiples of the risk.
const LEVELS: [f64; 3] = [0.5, 1.0, 1.5];

/// Batch sizes of one epoch.
const EQUAL: [usize; 4] = [25, 25, 25, 25];
/// The last batch is smaller, as with 100 examples and a batch size of 32.
const UNEQUAL: [usize; 4] = [32, 32, 32, 4];

/// By how much the mean over batches of `|J_m - b| + b` exceeds `|J - b| + b`; negative where the bound fails.
fn slack(losses: &[f64], sizes: &[usize], weighted: bool, level: f64) -> f64 {
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (mut rest, mut bound) = (losses, 0.0);
    for &size in sizes {
        let (batch, tail) = rest.split_at(size);
        let weight = if weighted { size as f64 / losses.len() as f64 } else { 1.0 / sizes.len() as f64 };
        bound += weight * flooded(mean(batch), level);
        rest = tail;
    }
    bound - flooded(mean(losses), level)
}

/// Counts how often the bound fails, over datasets of exponential losses with mean 1.
fn failures(sizes: &[usize], weighted: bool, seed: u64) -> (u32, f64) {
    let streams = Streams::new(seed, "equation 7", 0);
    let source = Source::of(&Scenario::Exponential { theta: 1.0 });
    let never = StopFlag::default();
    let chunk = Chunk { n: 1, repetitions: sizes.iter().sum::<usize>() as u64, stop: &never };
    let (mut failures, mut worst) = (0, 0.0_f64);
    for index in 0..DATA_SETS {
        let mut losses = Vec::new();
        let mut stream = streams.stream(Purpose::MonteCarlo, u64::from(index));
        source.draw(chunk, &mut stream, |loss, _| losses.push(loss)).expect("nobody raises this flag");
        for level in LEVELS {
            let slack = slack(&losses, sizes, weighted, level);
            failures += u32::from(slack < -1e-12);
            worst = worst.min(slack);
        }
    }
    (failures, worst)
}

/// The three lines of equation 7.
pub(crate) fn judge(seed: u64) -> Vec<TheoremCheck> {
    let cases = DATA_SETS * LEVELS.len() as u32;
    let stated = "Section 3.3, equation 7";
    let line = |statement: &str, source: &str, (sizes, weighted): (&[usize], bool), holds: bool| {
        let (failures, worst) = failures(sizes, weighted, seed);
        let verb = if holds { "held" } else { "failed, as it should," };
        let passed = (failures == 0) == holds;
        let detail =
            if passed { format!("{verb} on these datasets of 100 exponential losses") } else { String::from("not so") };
        TheoremCheck {
            statement: statement.to_owned(),
            source: source.to_owned(),
            passed,
            cells: cases,
            detail: format!(
                "{detail}: {failures} of {cases} below the full-batch objective, by at most {:.2e}",
                -worst
            ),
        }
    };
    vec![
        line("equal batches: the mean over batches bounds the full-batch objective", stated, (&EQUAL, false), true),
        line("unequal batches: the size-weighted mean bounds it", stated, (&UNEQUAL, true), true),
        // The paper leaves the condition out: this is no agreement with it.
        line(
            "unequal batches: the unweighted mean is no bound",
            "Qualification of equation 7",
            (&UNEQUAL, false),
            false,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_batches_have_slack_exactly_when_they_lie_on_both_sides_of_the_level() {
        assert!((slack(&[0.0, 2.0], &[1, 1], false, 1.0) - 1.0).abs() < 1e-15);
        assert_eq!(slack(&[2.0, 4.0], &[1, 1], false, 1.0), 0.0);
    }

    #[test]
    fn a_small_last_batch_breaks_the_unweighted_bound_and_weights_mend_it() {
        // Full batch: (3 * 2 + 1) / 4 = 1.75; unweighted mean of the batches: (2 + 1) / 2 = 1.5.
        let losses = [2.0, 2.0, 2.0, 1.0];
        assert!((slack(&losses, &[3, 1], false, 0.5) + 0.25).abs() < 1e-15);
        assert_eq!(slack(&losses, &[3, 1], true, 0.5), 0.0);
    }

    #[test]
    fn all_three_lines_pass() {
        for check in judge(1) {
            assert!(check.passed, "{}: {}", check.statement, check.detail);
        }
    }
}
