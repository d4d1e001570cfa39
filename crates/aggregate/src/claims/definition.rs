//! `claims.toml` as types.

use flooding_core::config::TableId;
use flooding_tables::Checkpoint;
use flooding_tables::ClaimGroup;
use serde::Deserialize;

use super::rule::Rule;

/// The tracked file.
const FILE: &str = include_str!("../../claims.toml");

/// The whole of `claims.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Within how many points our effect is of the paper's size.
    pub magnitude_margin: f64,
    pub claim: Vec<Claim>,
}

/// One claim and how it is judged.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    pub id: String,
    pub group: ClaimGroup,
    #[serde(rename = "claim")]
    pub sentence: String,
    pub source: String,
    /// Why this measure, this rule and this margin.
    pub reason: String,
    /// The paper's settings that it may be judged on; none for a theorem.
    #[serde(default)]
    pub domain: Vec<Domain>,
    pub measure: Measure,
    pub rule: Rule,
    #[serde(default)]
    pub needs: Needs,
    /// What the reader must know beside the verdict.
    pub qualification: Option<String>,
    /// Overrides the file's.
    pub magnitude_margin: Option<f64>,
}

/// Rows of one of the paper's tables.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    pub table: TableId,
    /// Only rows with one of these second labels; all where absent.
    #[serde(default)]
    pub rows: Vec<String>,
}

/// How much evidence a verdict needs.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// Trials of a setting that it takes to be judged at all.
    pub trials: u32,
    /// Levels of a setting that it takes to be judged at all, b = 0 among them.
    pub levels: u32,
}

impl Default for Needs {
    fn default() -> Self {
        Self { trials: 1, levels: 3 }
    }
}

/// A column of an accuracy table: without or with flooding, and the checkpoint selection.
pub type Cell = (Side, Checkpoint);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    Without,
    With,
}

/// What is measured in each trial of a setting. All measures are positive where they favour the claim.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Measure {
    /// Test accuracy of one column minus that of another, in points.
    Gain { better: Cell, worse: Cell },
    /// The same, averaged over both checkpoint selections.
    MeanGain,
    /// "With" minus the best of as many baselines, in points.
    GainOverPlacebo { checkpoint: Checkpoint },
    /// Selected level against label noise.
    LevelAgainstNoise { checkpoint: Checkpoint },
    /// Is the best cell of a dataset one with flooding?
    BestCell,
    /// Is the training accuracy of the selected run 100%? Trials with a selected level above 0 alone.
    ZeroTrainingError { checkpoint: Checkpoint },
    /// Does the training loss end within this share of b at the compared level?
    LossFloats { within: f64 },
    /// Training accuracy at b = 0 minus that at the highest level, in points.
    TrainingAccuracyFall,
    /// ln(without / with) of the test loss at the last epoch.
    TestLoss,
    /// Depth of the second descent with flooding minus without, each over the loss at its peak.
    SecondDescent,
    /// ln(without / with) of the test gradient's norm over the last tenth of the epochs.
    TestGradient,
    /// ln(with / without) of the training gradient's norm over the last tenth of the epochs.
    TrainingGradient,
    /// ln(first crossing / end) of the test loss itself.
    LowerDuringTraining,
    /// ln(first crossing / end) of the unsigned rise of the test loss.
    FlatterDuringTraining,
    /// ln(without / with) of the unsigned rise of the test loss at the end.
    FlatterThanBaseline,
    /// Mean confidence minus accuracy on the test set at the end without flooding, in points.
    Overconfidence,
    /// The same without minus with flooding.
    OverconfidenceFall,
    /// Checks of the verify stage whose source starts with this.
    Checks { source: Checked },
}

/// Which checks of the verify stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Checked {
    /// Theorem 1 and its proof.
    Theorem,
    /// Equation 7.
    Batches,
}

impl Claims {
    /// Parses the tracked file.
    pub fn load() -> Self {
        toml::from_str(FILE).expect("claims.toml is tracked and tested")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_is_well_formed_and_has_an_id_a_source_and_a_reason_of_its_own() {
        let claims: Claims = toml::from_str(FILE).unwrap();
        let mut ids: Vec<_> = claims.claim.iter().map(|claim| &claim.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), claims.claim.len());
        for claim in &claims.claim {
            for text in [&claim.sentence, &claim.source, &claim.reason] {
                assert!(text.len() > 10, "{}: {text:?}", claim.id);
            }
            let theory = matches!(claim.measure, Measure::Checks { .. });
            assert_eq!(claim.domain.is_empty(), theory, "{}: a theorem has no domain, other claims have one", claim.id);
        }
    }
}
