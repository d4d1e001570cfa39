//! Claims about why flooding works: losses, gradients, flatness, and Theorem 1.

use flooding_core::level::Level;
use flooding_core::plan::Setting;
use flooding_tables::probes::ProbedModel;
use flooding_tables::{Checkpoint, FinalLossRow, Interval, LevelRow, MeanStd};

use super::{Evidence, Judgement, Vote, tally};
use crate::stats::{Kind, SIGNIFICANCE, Sample, ttest_from_summary};

/// Judges each setting by `vote` (with its numbers in words), under each reading.
fn by_setting(evidence: &Evidence, what: &str, vote: impl Fn(&Setting) -> Option<(Vote, String)>) -> Vec<Judgement> {
    let one = |reading: String| {
        let (mut votes, mut settings, mut details) = (Vec::new(), Vec::new(), Vec::new());
        for setting in evidence.plan.settings.iter().filter(|setting| setting.reading == reading) {
            if let Some((vote, detail)) = vote(setting) {
                votes.push(vote);
                settings.push(setting.id.clone());
                details.push(format!("{} {detail}", setting.row.join(", ")));
            }
        }
        let statistic = format!("{}; {what}: {}", tally(&votes, "settings"), details.join("; "));
        Judgement {
            whole: evidence.plan.left_out.is_empty() && evidence.whole(&settings),
            reading,
            votes,
            statistic,
            settings,
        }
    };
    evidence.readings().into_iter().map(one).collect()
}

/// The level above 0 that most trials chose at the last epoch; the smallest of equals, `None` where none did.
fn chosen_level(evidence: &Evidence, setting: &Setting) -> Option<Level> {
    let mut best: Option<&LevelRow> = None;
    for row in level_rows(evidence, setting).filter(|row| !row.level.is_zero() && row.selected_in > 0) {
        if best.is_none_or(|best| row.selected_in > best.selected_in) {
            best = Some(row);
        }
    }
    best.map(|row| row.level)
}

fn level_rows<'a>(evidence: &'a Evidence, setting: &'a Setting) -> impl Iterator<Item = &'a LevelRow> {
    evidence.levels.iter().filter(|row| row.setting == setting.id && row.checkpoint == Checkpoint::LastEpoch)
}

/// Does the training loss end around b at most levels?
pub(super) fn loss_floats(evidence: &Evidence, within: f64, away: f64) -> Vec<Judgement> {
    by_setting(evidence, "levels b > 0 whose loss floats, and the lowest of all", |setting| {
        let flooded: Vec<&FinalLossRow> =
            evidence.final_losses.iter().filter(|row| row.setting == setting.id && !row.level.is_zero()).collect();
        let lowest = flooded.first()?;
        let distance = |row: &&&FinalLossRow| (row.train_loss.mean / row.level.value() - 1.0).abs();
        let floating = flooded.iter().filter(|row| distance(row) <= within).count();
        let elsewhere = flooded.iter().filter(|row| distance(row) > away).count();
        let vote = match flooded.len() {
            all if 2 * floating > all => Vote::Agrees,
            all if 2 * elsewhere > all => Vote::Disagrees,
            _ => Vote::Open,
        };
        let detail = format!(
            "{floating} of {} (b = {}: {:.5} at a training accuracy of {:.2}%)",
            flooded.len(),
            lowest.level,
            lowest.train_loss.mean,
            lowest.train_accuracy.mean
        );
        Some((vote, detail))
    })
}

/// Is the test loss at the end of training lower with flooding?
pub(super) fn test_loss(evidence: &Evidence) -> Vec<Judgement> {
    let sample = |m: MeanStd| Sample { n: m.n, mean: m.mean, std: m.std.unwrap_or(0.0) };
    by_setting(evidence, "test loss without and with", |setting| {
        let level = chosen_level(evidence, setting)?;
        let at = |level: Level| level_rows(evidence, setting).find(|row| row.level == level).map(|row| row.test_loss);
        let (without, with) = (sample(at(Level::ZERO)?), sample(at(level)?));
        let significant = ttest_from_summary(Kind::Student, without, with).map_or(true, |test| test.p < SIGNIFICANCE);
        let vote = match without.mean - with.mean {
            d if d > 0.0 => Vote::Agrees,
            d if d < 0.0 && significant => Vote::Disagrees,
            _ => Vote::Open,
        };
        Some((vote, format!("{:.3} and {:.3} (b = {level})", without.mean, with.mean)))
    })
}

/// Does the test loss descend a second time?
pub(super) fn second_descent(evidence: &Evidence, least: f64, negligible: f64) -> Vec<Judgement> {
    by_setting(evidence, "second descent over the loss at its peak", |setting| {
        let level = chosen_level(evidence, setting)?;
        let row = evidence.descents.iter().find(|row| row.setting == setting.id && row.level == level)?;
        let share = if row.peak_loss > 0.0 { row.depth / row.peak_loss } else { 0.0 };
        let beyond_doubt = row.depth_ci.is_none_or(|ci| ci.low > 0.0);
        let vote = match share {
            s if s >= least && beyond_doubt => Vote::Agrees,
            s if s < negligible => Vote::Disagrees,
            _ => Vote::Open,
        };
        let detail = format!("{:.1}% at epoch {} (b = {level})", 100.0 * share, row.peak_epoch);
        Some((vote, detail))
    })
}

/// Is the gradient of the test loss smaller at the last epoch?
pub(super) fn test_gradient(evidence: &Evidence) -> Vec<Judgement> {
    by_setting(evidence, "norm without and with", |setting| {
        let level = chosen_level(evidence, setting)?;
        let at = |level: Level| {
            let of = |row: &&flooding_tables::CurveRow| {
                row.setting == setting.id && row.level == level && row.epoch == setting.epochs
            };
            evidence.curves.iter().find(of).and_then(|row| row.gradient_norm).map(|norms| norms.test)
        };
        let (without, with) = (at(Level::ZERO)?, at(level)?);
        let vote = match without.total_cmp(&with) {
            std::cmp::Ordering::Greater => Vote::Agrees,
            std::cmp::Ordering::Equal => Vote::Open,
            std::cmp::Ordering::Less => Vote::Disagrees,
        };
        Some((vote, format!("{without:.3e} and {with:.3e} (b = {level})")))
    })
}

/// Does the test loss rise less around the end of training with flooding?
pub(super) fn flatness(evidence: &Evidence) -> Vec<Judgement> {
    by_setting(evidence, "rise of the test loss with minus without", |setting| {
        let of = |row: &&flooding_tables::SharpnessRow| row.setting == setting.id && row.model == ProbedModel::With;
        let test = evidence.sharpness.iter().find(of)?.test?;
        let (difference, Interval { low, high }) = (test.minus_without?, test.minus_without_ci?);
        let vote = match (high < 0.0, low > 0.0) {
            (true, _) => Vote::Agrees,
            (_, true) => Vote::Disagrees,
            _ => Vote::Open,
        };
        Some((vote, format!("{difference:+.3} [{low:+.3}, {high:+.3}]")))
    })
}

/// Did every check of Theorem 1 pass?
pub(super) fn theorem(evidence: &Evidence) -> Vec<Judgement> {
    let votes: Vec<Vote> =
        evidence.checks.iter().map(|check| if check.passed { Vote::Agrees } else { Vote::Disagrees }).collect();
    let failed: Vec<&str> =
        evidence.checks.iter().filter(|check| !check.passed).map(|check| &*check.statement).collect();
    let cells: u32 = evidence.checks.iter().map(|check| check.cells).sum();
    let mut statistic = format!("{} over {cells} cells", tally(&votes, "checks"));
    if !failed.is_empty() {
        statistic = format!("{statistic}; failed: {}", failed.join("; "));
    }
    // The theorem is about no data set; its full Monte Carlo belongs to the full profile.
    let whole = evidence.whole_plan();
    vec![Judgement { reading: "any".to_owned(), votes, statistic, settings: Vec::new(), whole }]
}
