//! `docs/operating-characteristics.md` is what the simulation says, and the rules behave as their margins promise.

use std::path::Path;

use flooding_aggregate::claims::operating::{Frequencies, markdown, simulate};

const SEED: u64 = 20_200_713;
const REPETITIONS: u32 = 1_000;

const HEAD: &str = "# How often each rule says what
Made by `make operating`: a seeded simulation that calls the functions which judge the claims (`crates/aggregate/claims.toml`).
Shares in percent of 1,000 repetitions, so the standard error of a share is at most 1.6.

- **Table 2**: each row's difference is drawn with the paper's two standard deviations as if with and without were independent.
  Our trials pair up, which makes their spread smaller and the rules more powerful than here. \"The paper's\" takes the table's
  own means as the truth; \"half\" halves every row's difference.
- **Table 3**: one run a cell, so the rows are the sample; their spread is that of the paper's own rows.
- **Levels**: normal with the paper's mean and standard deviation, on the grid; \"half\" draws the means half together.
- **Shares of trials**: independent trials.
- Where the paper gives no number, the spread between trials is assumed: a factor of 1.35 (0.3 in ln) for ratios, 2 points for
  accuracies and confidences, 0.1 for depths; three settings.
- With no effect at all a rule *agrees* in about 2.5% of the cases, by its construction; with an effect of just the smallest
  size that counts it *disagrees* as rarely.

";

fn document() -> (Vec<Frequencies>, String) {
    let all = simulate(SEED, REPETITIONS);
    let text = format!("{HEAD}{}", markdown(&all));
    (all, text)
}

#[test]
fn the_document_is_what_the_simulation_says_and_no_rule_agrees_with_nothing() {
    let (all, text) = document();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating-characteristics.md");
    if std::env::var_os("WRITE_OPERATING_CHARACTERISTICS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "`make operating` writes it again");

    let of = |truth: &str| all.iter().filter(|one| one.truth == truth).collect::<Vec<_>>();
    // A coin for each of five datasets agrees by chance more often; a loss of zero is what "no harm" claims.
    let chance = |one: &&&Frequencies| !one.claim.contains("not-hurt") && !one.claim.contains("as-good-as");
    let nothing: Vec<_> = of("no effect");
    assert!(nothing.len() > 20);
    for one in nothing.iter().filter(chance) {
        assert!(one.verdicts[0] < 0.06, "{}: agrees in {} without an effect", one.claim, one.verdicts[0]);
    }
    for one in of("the paper's").iter().filter(|one| one.trials == 10) {
        assert!(one.verdicts[1] < 0.01, "{}: the paper contradicts itself", one.claim);
        assert!(one.sizes.is_none_or(|sizes| sizes[1] + sizes[2] < 0.06), "{}: its own size is not its own", one.claim);
    }
    let gain = |truth: &str| {
        let of = of(truth).into_iter().find(|one| one.claim == "flooding-improves-last-epoch" && one.trials == 10);
        of.unwrap().verdicts
    };
    assert!(gain("the paper's")[0] > 0.99 && gain("half of the paper's")[0] > 0.99);
    assert!(gain("no effect")[1] > 0.9 && gain("as wrong as the paper is right")[1] > 0.99);
}
