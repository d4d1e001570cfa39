//! The paper's claims (`claims.toml`) and their verdicts.

mod accuracy;
mod mechanism;

use flooding_core::config::TableId;
use flooding_core::plan::Plan;
use flooding_tables::{
    AccuracyRow, Checkpoint, ClaimRow, CurveRow, DescentRow, FinalLossRow, LevelRow, SelectionRow, SharpnessRow,
    TheoremCheck, Verdict,
};
use serde::Deserialize;

/// The tables that claims are judged by.
pub(crate) struct Evidence<'a> {
    pub plan: &'a Plan,
    pub accuracy: &'a [AccuracyRow],
    pub selections: &'a [SelectionRow],
    pub levels: &'a [LevelRow],
    pub curves: &'a [CurveRow],
    pub descents: &'a [DescentRow],
    pub final_losses: &'a [FinalLossRow],
    pub sharpness: &'a [SharpnessRow],
    pub checks: &'a [TheoremCheck],
    /// Complete runs of each setting of the plan.
    pub complete: &'a [u64],
}

/// The whole of `claims.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    claim: Vec<Claim>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claim {
    id: String,
    #[serde(rename = "claim")]
    sentence: String,
    source: String,
    rule: String,
    rows: HowMany,
    judge: Judge,
}

/// How many of the judged rows must agree.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HowMany {
    Every,
    Most,
}

/// A column of an accuracy table: without or with flooding, and the checkpoint selection.
type Cell = (Side, Checkpoint);

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Side {
    Without,
    With,
}

/// What is compared.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Judge {
    /// Two columns of a table, row by row.
    Accuracy { table: TableId, better: Cell, worse: Cell },
    /// Chosen levels of a data set's noise rates.
    LevelGrowsWithNoise { checkpoint: Checkpoint },
    /// Table 3's underlined cells.
    BestCell,
    /// Training accuracy of the selected runs.
    ZeroTrainingError { checkpoint: Checkpoint },
    /// Training loss over the last epochs against b: within this share of b, and more than that share away.
    LossFloats { within: f64, away: f64 },
    /// Test loss at the last epoch against that of b = 0.
    TestLoss,
    /// Depth of the second descent over the loss at its peak.
    SecondDescent { least: f64, negligible: f64 },
    /// Gradient norm of the test loss at the last epoch.
    TestGradient,
    /// Sharpness of the test loss.
    Flatness,
    /// The checks of `verify`.
    Theorem,
}

/// What one row (a setting, a data set, a check) says of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Vote {
    Agrees,
    Disagrees,
    Open,
}

/// What all rows under one reading say.
struct Judgement {
    reading: String,
    votes: Vec<Vote>,
    /// The numbers behind the votes, in words and digits.
    statistic: String,
    /// Ids of the settings behind them.
    settings: Vec<String>,
    /// Is this the paper's whole grid?
    whole: bool,
}

/// A verdict for every claim and reading, in the order of `claims.toml`.
pub(crate) fn judge(evidence: &Evidence) -> Vec<ClaimRow> {
    let claims: Claims = toml::from_str(include_str!("../../claims.toml")).expect("claims.toml is tracked and tested");
    claims.claim.iter().flat_map(|claim| rows(claim, evidence)).collect()
}

fn rows(claim: &Claim, evidence: &Evidence) -> Vec<ClaimRow> {
    let mut judgements = match claim.judge {
        Judge::Accuracy { table, better, worse } => accuracy::columns(evidence, table, better, worse),
        Judge::LevelGrowsWithNoise { checkpoint } => accuracy::level_grows_with_noise(evidence, checkpoint),
        Judge::BestCell => accuracy::best_cell(evidence),
        Judge::ZeroTrainingError { checkpoint } => accuracy::zero_training_error(evidence, checkpoint),
        Judge::LossFloats { within, away } => mechanism::loss_floats(evidence, within, away),
        Judge::TestLoss => mechanism::test_loss(evidence),
        Judge::SecondDescent { least, negligible } => mechanism::second_descent(evidence, least, negligible),
        Judge::TestGradient => mechanism::test_gradient(evidence),
        Judge::Flatness => mechanism::flatness(evidence),
        Judge::Theorem => mechanism::theorem(evidence),
    };
    judgements.retain(|judgement| !judgement.votes.is_empty());
    if judgements.is_empty() {
        judgements.push(Judgement {
            reading: "none".to_owned(),
            votes: Vec::new(),
            statistic: "nothing that bears on it was run".to_owned(),
            settings: Vec::new(),
            whole: false,
        });
    }
    let runs = |settings: &[String]| {
        let of = evidence.plan.settings.iter().zip(evidence.complete);
        of.filter(|(setting, _)| settings.contains(&setting.id)).map(|(_, runs)| runs).sum()
    };
    judgements
        .into_iter()
        .map(|judgement| ClaimRow {
            id: claim.id.clone(),
            claim: claim.sentence.clone(),
            source: claim.source.clone(),
            verdict: verdict(claim.rows, &judgement),
            reading: judgement.reading,
            statistic: judgement.statistic,
            runs: runs(&judgement.settings),
            settings: judgement.settings,
            rule: claim.rule.clone(),
        })
        .collect()
}

fn verdict(rows: HowMany, judgement: &Judgement) -> Verdict {
    let count = |vote: Vote| judgement.votes.iter().filter(|v| **v == vote).count();
    let (agree, disagree, all) = (count(Vote::Agrees), count(Vote::Disagrees), judgement.votes.len());
    let (agrees, disagrees) = match rows {
        HowMany::Every => (agree == all, disagree > 0),
        HowMany::Most => (2 * agree > all, 2 * disagree > all),
    };
    match (all, agrees, disagrees, judgement.whole) {
        (0, ..) => Verdict::NotRun,
        (_, true, _, true) => Verdict::Confirmed,
        (_, true, _, false) => Verdict::ConsistentAtThisScale,
        (_, _, true, true) => Verdict::Contradicted,
        (_, _, true, false) => Verdict::InconsistentAtThisScale,
        _ => Verdict::Inconclusive,
    }
}

impl Evidence<'_> {
    /// The readings that occur, each once, in the plan's order.
    fn readings(&self) -> Vec<String> {
        let mut readings: Vec<String> = Vec::new();
        for setting in &self.plan.settings {
            if !readings.contains(&setting.reading) {
                readings.push(setting.reading.clone());
            }
        }
        readings
    }

    /// The trials behind a row.
    fn selections(&self, row: &AccuracyRow) -> impl Iterator<Item = &SelectionRow> {
        let of = (row.setting.clone(), row.checkpoint);
        self.selections.iter().filter(move |one| (&one.setting, one.checkpoint) == (&of.0, of.1))
    }

    /// Did these settings run as in the paper, with nothing left out or missing?
    fn whole(&self, settings: &[String]) -> bool {
        let as_in_the_paper = |row: &AccuracyRow| {
            row.trials >= row.paper_trials
                && row.levels >= row.paper_levels
                && row.reduced.is_empty()
                && row.missing_runs == 0
        };
        settings.iter().all(|id| self.accuracy.iter().filter(|row| row.setting == *id).all(as_in_the_paper))
    }

    /// Does the plan run every setting of the configuration as in the paper?
    fn whole_plan(&self) -> bool {
        let all: Vec<String> = self.plan.settings.iter().map(|setting| setting.id.clone()).collect();
        self.plan.left_out.is_empty() && self.whole(&all)
    }
}

/// `k of n WHAT agree, m disagree`.
fn tally(votes: &[Vote], what: &str) -> String {
    let count = |vote: Vote| votes.iter().filter(|v| **v == vote).count();
    let disagree = match count(Vote::Disagrees) {
        0 => String::new(),
        n => format!(", {n} disagree"),
    };
    format!("{} of {} {what} agree{disagree}", count(Vote::Agrees), votes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(rows: HowMany, votes: &[Vote], whole: bool) -> Verdict {
        let (reading, statistic) = (String::new(), String::new());
        verdict(rows, &Judgement { reading, votes: votes.to_vec(), statistic, settings: Vec::new(), whole })
    }

    #[test]
    fn every_claim_of_the_file_is_well_formed_and_has_an_id_of_its_own() {
        let claims: Claims = toml::from_str(include_str!("../../claims.toml")).unwrap();
        let mut ids: Vec<_> = claims.claim.iter().map(|claim| &claim.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), claims.claim.len());
        assert!(ids.len() >= 9);
        for claim in &claims.claim {
            for text in [&claim.sentence, &claim.source, &claim.rule] {
                assert!(text.len() > 10, "{}: {text:?}", claim.id);
            }
        }
    }

    #[test]
    fn only_the_whole_grid_confirms_or_contradicts() {
        use Vote::{Agrees, Disagrees, Open};
        for (votes, whole, reduced) in [
            (vec![Agrees, Agrees], Verdict::Confirmed, Verdict::ConsistentAtThisScale),
            (vec![Agrees, Disagrees], Verdict::Contradicted, Verdict::InconsistentAtThisScale),
            (vec![Agrees, Open], Verdict::Inconclusive, Verdict::Inconclusive),
            (vec![], Verdict::NotRun, Verdict::NotRun),
        ] {
            assert_eq!(judged(HowMany::Every, &votes, true), whole, "{votes:?}");
            assert_eq!(judged(HowMany::Every, &votes, false), reduced, "{votes:?}");
        }
    }

    #[test]
    fn most_is_more_than_half() {
        use Vote::{Agrees, Disagrees, Open};
        assert_eq!(judged(HowMany::Most, &[Agrees, Agrees, Disagrees], true), Verdict::Confirmed);
        assert_eq!(judged(HowMany::Most, &[Agrees, Disagrees], true), Verdict::Inconclusive);
        assert_eq!(judged(HowMany::Most, &[Disagrees, Disagrees, Open], true), Verdict::Contradicted);
    }
}
