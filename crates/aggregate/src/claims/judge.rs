//! A verdict for every claim.

use flooding_tables::{ClaimReadingRow, ClaimRow, Verdict};

use super::block::{Block, Evidence, Judged, Sampled, blocks};
use super::decide::{Scale, combined, verdict};
use super::definition::{Checked, Claim, Claims, Measure};
use super::rule::{Direction, Rule};
use super::words::{self, Unit};
use super::{accuracy, benchmark, magnitude, probed, theory, training, trend};
use crate::paper;
use crate::stats::{CONFIDENCE, Pooled, proportion_interval};

/// A verdict for every claim, in the order of `claims.toml`, and those of the readings that it follows from.
pub(crate) fn judge(evidence: &Evidence<'_>) -> (Vec<ClaimRow>, Vec<ClaimReadingRow>) {
    let claims = Claims::load();
    let (mut rows, mut readings) = (Vec::new(), Vec::new());
    for claim in &claims.claim {
        let (row, of_claim) = verdict_on(claim, claims.magnitude_margin, evidence);
        rows.push(row);
        readings.extend(of_claim);
    }
    (rows, readings)
}

fn verdict_on(claim: &Claim, margin: f64, evidence: &Evidence<'_>) -> (ClaimRow, Vec<ClaimReadingRow>) {
    let (readings, verdict) = if let Measure::Checks { source } = claim.measure {
        theory_reading(claim, source, evidence)
    } else {
        let blocks = blocks(evidence, &claim.domain);
        let margin = claim.magnitude_margin.unwrap_or(margin);
        let readings: Vec<ClaimReadingRow> = blocks.iter().filter_map(|block| reading(claim, margin, block)).collect();
        let whole = claim.domain.iter().all(|part| readings.iter().any(|r| r.table == Some(part.table)));
        let verdicts: Vec<Verdict> = readings.iter().map(|reading| reading.verdict).collect();
        let verdict = combined(&verdicts, whole);
        (readings, verdict)
    };
    let mut settings: Vec<String> = Vec::new();
    for id in readings.iter().flat_map(|reading| &reading.settings) {
        // One setting may stand under two readings.
        if !settings.contains(id) {
            settings.push(id.clone());
        }
    }
    let of_settings = |run: &&crate::scan::Found| run.summary().is_some() && settings.contains(&run.spec.setting);
    let runs = evidence.runs.iter().filter(of_settings).count() as u64;
    let row = ClaimRow {
        id: claim.id.clone(),
        group: claim.group,
        claim: claim.sentence.clone(),
        source: claim.source.clone(),
        verdict,
        magnitude: magnitude::combined(&readings.iter().map(|reading| reading.magnitude).collect::<Vec<_>>()),
        rule: words::rule(claim),
        reason: claim.reason.clone(),
        statistic: statistic(&readings),
        qualification: claim.qualification.clone(),
        settings,
        runs,
    };
    (row, readings)
}

fn statistic(readings: &[ClaimReadingRow]) -> String {
    match readings {
        [] => "nothing that bears on it was run".to_owned(),
        [one] => one.statistic.clone(),
        many => {
            let parts = many.iter().map(|r| format!("{}: {}", words::block(&r.reading, r.table), r.statistic));
            parts.collect::<Vec<_>>().join(" | ")
        }
    }
}

/// The checks of the verify stage; their verdict does not depend on how much was trained.
fn theory_reading(claim: &Claim, source: Checked, evidence: &Evidence<'_>) -> (Vec<ClaimReadingRow>, Verdict) {
    let checks = theory::checks(evidence.checks, source);
    if checks.is_empty() {
        return (Vec::new(), Verdict::NotRun);
    }
    let passed = checks.iter().filter(|check| check.passed).count();
    let verdict = match claim.rule.on_count(passed, checks.len()) {
        Direction::Agrees => Verdict::Confirmed,
        Direction::Disagrees => Verdict::Contradicted,
        Direction::Open => Verdict::Inconclusive,
    };
    let reading = ClaimReadingRow {
        claim: claim.id.clone(),
        reading: String::new(),
        table: None,
        verdict,
        magnitude: None,
        effect: None,
        effect_ci: None,
        unit: Unit::Count.name().to_owned(),
        paper_effect: None,
        paper_effect_ci: None,
        rows: 0,
        paper_rows: 0,
        trials: 0,
        statistic: theory::statistic(&checks),
        settings: Vec::new(),
    };
    (vec![reading], verdict)
}

/// What one block says; `None` where nothing of it was measured.
fn reading(claim: &Claim, margin: f64, block: &Block<'_>) -> Option<ClaimReadingRow> {
    match claim.measure {
        Measure::LevelAgainstNoise { checkpoint } => growth(claim, block, checkpoint),
        Measure::BestCell => best_cells(claim, block),
        measure => {
            let mut sampled: Vec<Sampled> = block.settings.iter().map(|judged| sample(*judged, measure)).collect();
            let trials = claim.needs.trials.min(paper::grid(block.table).trials);
            let enough =
                |one: &Sampled<'_>| one.trials() >= trials && one.judged.levels().len() >= claim.needs.levels as usize;
            let all = sampled.iter().filter(|one| one.trials() > 0).count();
            if all == 0 {
                return None;
            }
            sampled.retain(enough);
            Some(on_trials(claim, margin, block, &sampled))
        }
    }
}

fn sample(judged: Judged<'_>, measure: Measure) -> Sampled<'_> {
    match measure {
        Measure::Gain { better, worse } => accuracy::gain(judged, better, worse),
        Measure::MeanGain => accuracy::mean_gain(judged),
        Measure::GainOverPlacebo { checkpoint } => accuracy::gain_over_placebo(judged, checkpoint),
        Measure::ZeroTrainingError { checkpoint } => training::zero_training_error(judged, checkpoint),
        Measure::LossFloats { within } => training::loss_floats(judged, within),
        Measure::TrainingAccuracyFall => training::training_accuracy_fall(judged),
        Measure::TestLoss => training::test_loss(judged),
        measure => probed::sampled(judged, measure),
    }
}

fn scale(block: &Block<'_>, sampled: &[Sampled<'_>]) -> Scale {
    let full = sampled.iter().all(|one| one.judged.is_full(one.trials()));
    Scale { settings: sampled.len(), rows: block.rows, full }
}

/// One value a trial: a pooled effect or a share.
fn on_trials(claim: &Claim, margin: f64, block: &Block<'_>, sampled: &[Sampled<'_>]) -> ClaimReadingRow {
    let unit = Unit::of(claim.measure);
    let scale = scale(block, sampled);
    let mut reading = blank(claim, block, scale, unit, sampled);
    if sampled.is_empty() {
        return ClaimReadingRow { statistic: words::too_few(claim), ..reading };
    }
    if let Rule::MoreThan { .. } = claim.rule {
        let values: Vec<f64> = sampled.iter().flat_map(|one| one.values.clone()).collect();
        let (hits, n) = (values.iter().filter(|v| **v > 0.0).count() as u32, values.len() as u32);
        let (low, high) = proportion_interval(hits, n);
        reading.verdict = verdict(claim.rule.on_share(hits, n), scale);
        reading.effect = (n > 0).then(|| f64::from(hits) / f64::from(n));
        reading.effect_ci = Some((low, high).into());
        reading.statistic = format!(
            "{hits} of {} [{:.0}%, {:.0}%] over {}",
            words::counted(n as usize, "trial"),
            100.0 * low,
            100.0 * high,
            words::counted(sampled.len(), "row")
        );
        return reading;
    }
    let zeros = !matches!(claim.rule, Rule::NotInferior { .. });
    let values = |one: &Sampled<'_>| if zeros { one.with_zeros() } else { one.values.clone() };
    let Some(pooled) = Pooled::of(&sampled.iter().map(values).collect::<Vec<_>>()) else {
        reading.verdict = verdict(Direction::Open, scale);
        let statistic = "no effect with an interval: every difference is zero by construction, or there is a single trial \
                         of a single setting";
        return ClaimReadingRow { statistic: statistic.to_owned(), ..reading };
    };
    reading.verdict = verdict(claim.rule.on_effect(&pooled), scale);
    reading.effect = Some(pooled.effect);
    reading.effect_ci = Some(pooled.interval(CONFIDENCE).into());
    reading.statistic = format!("{} {}", words::effect(&pooled, unit), words::rows(sampled, unit, zeros));
    if let Some(paper) = magnitude::paper(sampled) {
        // The paper's means include the trials in which b = 0 was chosen; so do ours.
        let ours = Pooled::of(&sampled.iter().map(Sampled::with_zeros).collect::<Vec<_>>()).unwrap_or(pooled);
        reading.magnitude = Some(magnitude::compare(&ours, &paper, margin));
        reading.paper_effect = Some(paper.effect);
        reading.paper_effect_ci = Some(paper.interval(CONFIDENCE).into());
        reading.statistic = format!("{}; the paper: {}", reading.statistic, words::effect(&paper, unit));
    }
    reading
}

fn blank(claim: &Claim, block: &Block<'_>, scale: Scale, unit: Unit, sampled: &[Sampled<'_>]) -> ClaimReadingRow {
    ClaimReadingRow {
        claim: claim.id.clone(),
        reading: block.reading.to_owned(),
        table: Some(block.table),
        verdict: verdict(Direction::Open, scale),
        magnitude: None,
        effect: None,
        effect_ci: None,
        unit: unit.name().to_owned(),
        paper_effect: None,
        paper_effect_ci: None,
        rows: scale.settings as u32,
        paper_rows: block.rows as u32,
        trials: sampled.iter().map(Sampled::trials).sum(),
        statistic: String::new(),
        settings: sampled.iter().map(|one| one.judged.setting.id.clone()).collect(),
    }
}

fn growth(claim: &Claim, block: &Block<'_>, checkpoint: flooding_tables::Checkpoint) -> Option<ClaimReadingRow> {
    let growth = trend::growth(block, checkpoint)?;
    let enough = growth.least_trials >= claim.needs.trials;
    let full = growth.settings.iter().all(|judged| judged.is_full(growth.least_trials));
    let settings = if enough { growth.settings.len() } else { 0 };
    let scale = Scale { settings, rows: block.rows, full };
    let interval = growth.rise.interval(CONFIDENCE);
    let direction = claim.rule.on_trend(growth.trend.p_growth(), interval.1);
    let margin = match claim.rule {
        Rule::Trend { smallest } => smallest,
        _ => 0.0,
    };
    Some(ClaimReadingRow {
        verdict: verdict(direction, scale),
        magnitude: growth.paper.map(|paper| magnitude::compare(&growth.rise, &paper, margin)),
        effect: Some(growth.rise.effect),
        effect_ci: Some(interval.into()),
        paper_effect: growth.paper.map(|paper| paper.effect),
        paper_effect_ci: growth.paper.map(|paper| paper.interval(CONFIDENCE).into()),
        trials: growth.trials,
        statistic: format!(
            "Jonckheere z = {:.2} (p = {}), {:.0}% of pairs in order; rise {}; mean b by rising noise: {}",
            growth.trend.z(),
            words::p(growth.trend.p_growth()),
            100.0 * growth.trend.share(),
            words::effect(&growth.rise, Unit::Level),
            growth.details.join(", ")
        ),
        settings: growth.settings.iter().map(|judged| judged.setting.id.clone()).collect(),
        ..blank(claim, block, scale, Unit::Level, &[])
    })
}

fn best_cells(claim: &Claim, block: &Block<'_>) -> Option<ClaimReadingRow> {
    let cells = benchmark::best_cells(block);
    if cells.settings.is_empty() {
        return None;
    }
    let full = cells.settings.iter().all(|judged| judged.is_full(judged.setting.trials));
    let scale = Scale { settings: cells.settings.len(), rows: block.rows, full };
    Some(ClaimReadingRow {
        verdict: verdict(
            if cells.all == 0 { Direction::Open } else { claim.rule.on_count(cells.with, cells.all) },
            scale,
        ),
        statistic: format!("{} of {}; {}", cells.with, words::counted(cells.all, "dataset"), cells.details.join(", ")),
        settings: cells.settings.iter().map(|judged| judged.setting.id.clone()).collect(),
        ..blank(claim, block, scale, Unit::Count, &[])
    })
}
