//! Text of rules and statistics.

use flooding_core::config::TableId;

use super::accuracy::signs;
use super::block::Sampled;
use super::definition::{Claim, Measure};
use super::rule::Rule;
use crate::stats::{CONFIDENCE, Pooled, SIGNIFICANCE, holm};

/// What a measure's effect is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Points,
    LogRatio,
    /// A difference of shares of a loss.
    Share,
    Level,
    Count,
}

impl Unit {
    pub const fn of(measure: Measure) -> Self {
        match measure {
            Measure::Gain { .. }
            | Measure::MeanGain
            | Measure::GainOverPlacebo { .. }
            | Measure::TrainingAccuracyFall
            | Measure::Overconfidence
            | Measure::OverconfidenceFall => Self::Points,
            Measure::TestLoss
            | Measure::TestGradient
            | Measure::TrainingGradient
            | Measure::LowerDuringTraining
            | Measure::FlatterDuringTraining
            | Measure::FlatterThanBaseline => Self::LogRatio,
            Measure::SecondDescent | Measure::ZeroTrainingError { .. } | Measure::LossFloats { .. } => Self::Share,
            Measure::LevelAgainstNoise { .. } => Self::Level,
            Measure::BestCell | Measure::Checks { .. } => Self::Count,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::LogRatio => "log ratio",
            Self::Share => "share",
            Self::Level => "level",
            Self::Count => "count",
        }
    }

    fn value(self, value: f64) -> String {
        match self {
            Self::Points => format!("{value:+.2}"),
            Self::LogRatio => format!("{:.2}", value.exp()),
            Self::Share | Self::Level | Self::Count => format!("{value:+.3}"),
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Points => " points",
            Self::LogRatio => " times",
            Self::Share => " of the peak",
            Self::Level | Self::Count => "",
        }
    }
}

/// `+1.20 points [+0.80, +1.60]`.
pub(super) fn effect(pooled: &Pooled, unit: Unit) -> String {
    let (low, high) = pooled.interval(CONFIDENCE);
    format!("{}{} [{}, {}]", unit.value(pooled.effect), unit.suffix(), unit.value(low), unit.value(high))
}

/// What stands behind a pooled effect: rows and trials, the least and the greatest row, and which rows are significant
/// by themselves after Holm's correction.
pub(super) fn rows(sampled: &[Sampled<'_>], unit: Unit, zeros: bool) -> String {
    let values = |one: &Sampled<'_>| if zeros { one.with_zeros() } else { one.values.clone() };
    let rows: Vec<(f64, Option<f64>, String)> = (sampled.iter())
        .filter(|one| !values(one).is_empty())
        .map(|one| {
            let pooled = Pooled::of(&[values(one)]);
            let mean = values(one).iter().sum::<f64>() / values(one).len() as f64;
            (mean, pooled.map(|pooled| pooled.p(0.0)), one.judged.label())
        })
        .collect();
    let trials: usize = sampled.iter().map(|one| values(one).len()).sum();
    let mut text = format!("over {} and {}", counted(rows.len(), "row"), counted(trials, "trial"));
    let (above, below) = signs(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
    let corrected = holm(&rows.iter().map(|row| row.1).collect::<Vec<_>>());
    let significant = |sign: f64| -> Vec<&str> {
        let of =
            rows.iter().zip(&corrected).filter(|(row, p)| row.0 * sign > 0.0 && p.is_some_and(|p| p < SIGNIFICANCE));
        of.map(|(row, _)| &*row.2).collect()
    };
    let (for_it, against) = (significant(1.0), significant(-1.0));
    let by_chance = format!("{} of them significantly (1%, Holm)", for_it.len());
    text = format!("{text}; in favour in {above} ({by_chance}), against in {below} ({})", against.len());
    let least = rows.iter().min_by(|a, b| a.0.total_cmp(&b.0));
    let most = rows.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(least), Some(most), true) = (least, most, rows.len() > 1) {
        text = format!("{text}; from {} ({}) to {} ({})", unit.value(least.0), least.2, unit.value(most.0), most.2);
    }
    if !against.is_empty() {
        text = format!("{text}; significantly against it: {}", against.join("; "));
    }
    let left_out: u32 = sampled.iter().map(|one| one.zeros).sum();
    if left_out > 0 {
        let what = if zeros { "zero by construction" } else { "zero by construction, left out" };
        text = format!("{text}; {} {what}", counted(left_out as usize, "trial"));
    }
    text
}

/// `1 row`, `9 rows`.
pub(super) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// The rule of a claim in a sentence.
pub(super) fn rule(claim: &Claim) -> String {
    let unit = Unit::of(claim.measure);
    let size = |value: f64| match unit {
        Unit::Points => format!("{value} point{}", if value == 1.0 { "" } else { "s" }),
        Unit::LogRatio => format!("{:.0}%", 100.0 * (value.exp() - 1.0)),
        Unit::Share => format!("{:.0}% of the loss at the peak", 100.0 * value),
        Unit::Level | Unit::Count => value.to_string(),
    };
    let needs = if claim.domain.is_empty() {
        String::new()
    } else {
        format!(
            " Judged under each reading with at least {} and {} in at least half of the settings.",
            counted(claim.needs.trials as usize, "trial"),
            counted(claim.needs.levels as usize, "level")
        )
    };
    let text = match claim.rule {
        Rule::Superior { smallest } => format!(
            "Agrees if the 95% interval of the mean effect over the settings lies above 0; disagrees if it does \
             not and lies below {}, so that an effect of that size is excluded.",
            size(smallest)
        ),
        Rule::NotInferior { margin } => format!(
            "Agrees if the 95% interval of the mean effect over the settings lies above -{0}; disagrees if it lies below. \
             Trials whose difference is zero by construction are left out.",
            size(margin)
        ),
        Rule::MoreThan { share } => format!(
            "Agrees if the exact 95% interval of the share of trials lies above {0:.0}%; disagrees if it lies below.",
            100.0 * share
        ),
        Rule::Trend { smallest } => format!(
            "Agrees if Jonckheere's test, stratified over the datasets, finds a growth (one-sided p < 2.5%); disagrees if it \
             does not and the 95% interval of the rise from the lowest to the highest group lies below {smallest}."
        ),
        Rule::Every => "Agrees if it holds in every dataset; disagrees if it holds in none.".to_owned(),
        Rule::AllPass => {
            "Agrees if every check passes; disagrees if one fails. No training run bears on it.".to_owned()
        }
    };
    format!("{text}{needs}")
}

/// A block: the reading, or the benchmarks.
pub(super) fn block(reading: &str, table: Option<TableId>) -> String {
    match table {
        Some(TableId::Table3) => "benchmarks".to_owned(),
        _ => reading.to_owned(),
    }
}

/// Why nothing was judged.
pub(super) fn too_few(claim: &Claim) -> String {
    format!(
        "no setting has {} and {}",
        counted(claim.needs.trials as usize, "trial"),
        counted(claim.needs.levels as usize, "level")
    )
}

/// A p-value for people.
pub(super) fn p(p: f64) -> String {
    if p < 0.0005 { "less than 0.001".to_owned() } else { format!("{p:.3}") }
}
