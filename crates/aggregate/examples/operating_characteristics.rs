//! Prints `docs/operating-characteristics.md`: how often each rule of `claims.toml` says what, under known truths.
//!
//! `cargo run --release -p flooding-aggregate --example operating_characteristics`

#![allow(clippy::print_stdout)]

use flooding_aggregate::claims::operating::{markdown, simulate};

const SEED: u64 = 20_200_713;
const REPETITIONS: u32 = 2_000;

const HEAD: &str = "# How often each rule says what
Made by `make operating`: a seeded simulation that calls the functions which judge the claims (`crates/aggregate/claims.toml`).
Shares in percent of REPETITIONS repetitions, so the standard error of a share is at most 1.1.

- **Table 2**: each row's difference is drawn with the paper's two standard deviations as if with and without were independent.
  Our trials pair up, which makes their spread smaller and the rules more powerful than here. \"The paper's\" takes the table's
  own means as the truth; \"half\" halves every row's difference.
- **Table 3**: one run a cell, so the rows are the sample; their spread is that of the paper's own rows.
- **Levels**: normal with the paper's mean and standard deviation, on the grid; \"half\" draws the means half together.
- **Shares of trials**: independent trials.
- Where the paper gives no number, the spread between trials is assumed: a factor of 1.35 (0.3 in ln) for ratios, 2 points for
  accuracies and confidences, 0.1 for depths; three settings.
- A rule *agrees* with no effect at all in 2.5% of the cases at most, by its construction; it *disagrees* with an effect of
  just the smallest size that counts as rarely.

";

fn main() {
    let all = simulate(SEED, REPETITIONS);
    print!("{}{}", HEAD.replace("REPETITIONS", "2,000"), markdown(&all));
}
