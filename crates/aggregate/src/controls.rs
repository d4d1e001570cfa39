//! Controls beside the tables: a placebo for the selection among many runs, the readings' differences, and the baselines
//! beside the paper's.

use flooding_core::config::TableId;
use flooding_core::judged::{BaselineCell, BaselineRow, FactorRow, PlaceboRow};
use flooding_core::plan::{Plan, Setting};
use flooding_core::spec::Objective;
use flooding_core::tables::{AccuracyRow, MeanStd, Stopping};

use crate::compare::{difference, z};
use crate::frame::STOPPINGS;
use crate::paper::TABLE2_TRIALS;
use crate::stats::{CONFIDENCE, Pooled, Sample};

fn row<'a>(accuracy: &'a [AccuracyRow], setting: &str, stopping: Stopping) -> Option<&'a AccuracyRow> {
    accuracy.iter().find(|row| row.setting == setting && row.stopping == stopping)
}

fn mean_std(values: &[f64]) -> MeanStd {
    let Sample { n, mean, std } = Sample::of(values);
    MeanStd { n, mean, std: (n > 1).then_some(std) }
}

/// Is this setting a placebo: baselines alone, on the examples of another setting?
fn is_placebo(setting: &Setting) -> bool {
    setting.objective == Objective::None && setting.streams_of.is_some()
}

/// A row of Table 2 with the paper's objective.
fn is_of_table_2(setting: &&Setting) -> bool {
    setting.table == Some(TableId::Table2) && setting.objective == Objective::Flood
}

/// One row a placebo and checkpoint selection whose setting with flooding is in the plan and shares a trial with it.
pub(crate) fn placebo_rows(plan: &Plan, accuracy: &[AccuracyRow]) -> Vec<PlaceboRow> {
    let mut rows = Vec::new();
    for placebo in plan.settings.iter().filter(|setting| is_placebo(setting)) {
        let flooded = plan
            .settings
            .iter()
            .find(|setting| Some(&setting.id) == placebo.streams_of.as_ref() && setting.objective == Objective::Flood);
        let Some(flooded) = flooded else { continue };
        for stopping in STOPPINGS {
            let of = |setting: &Setting| row(accuracy, &setting.id, stopping).map(|row| &row.per_trial);
            let Some((with, chosen)) = of(flooded).zip(of(placebo)) else { continue };
            let pairs: Vec<(f64, f64, f64)> = (with.iter())
                .filter_map(|a| {
                    let b = chosen.iter().find(|b| b.trial == a.trial)?;
                    Some((a.without, a.with, b.with))
                })
                .collect();
            if pairs.is_empty() {
                continue;
            }
            let column = |of: fn(&(f64, f64, f64)) -> f64| pairs.iter().map(of).collect::<Vec<f64>>();
            let (without, with, best) = (column(|p| p.0), column(|p| p.1), column(|p| p.2));
            rows.push(PlaceboRow {
                setting: flooded.id.clone(),
                placebo_setting: placebo.id.clone(),
                reading: flooded.reading.clone(),
                row: flooded.row.clone(),
                stopping,
                candidates: (flooded.levels.len() as u32, placebo.levels.len() as u32),
                without: mean_std(&without),
                with: mean_std(&with),
                placebo: mean_std(&best),
                selection: difference(&without, &best, None),
                effect: difference(&best, &with, None),
                per_trial: with.iter().zip(&best).map(|(with, best)| with - best).collect(),
            });
        }
    }
    rows
}

/// Flooding's gain under each reading, by setting and over all of the reading's settings; empty for fewer than two readings.
/// The first reading is what the others are compared with.
pub(crate) fn factor_rows(plan: &Plan, accuracy: &[AccuracyRow]) -> Vec<FactorRow> {
    let of_reading = |reading: &str| -> Vec<&Setting> {
        plan.settings.iter().filter(is_of_table_2).filter(|setting| setting.reading == reading).collect()
    };
    let readings: Vec<&(String, String)> =
        plan.readings.iter().filter(|(name, _)| !of_reading(name).is_empty()).collect();
    let [first, _, ..] = readings[..] else { return Vec::new() };
    let mut rows = Vec::new();
    for stopping in STOPPINGS {
        let gain = |settings: &[&Setting]| -> Option<Pooled> {
            let gains = |setting: &&Setting| {
                let row = row(accuracy, &setting.id, stopping)?;
                Some(row.per_trial.iter().map(|choice| choice.with - choice.without).collect::<Vec<f64>>())
            };
            Pooled::of(&settings.iter().filter_map(gains).collect::<Vec<_>>())
        };
        for reading in &readings {
            let settings = of_reading(&reading.0);
            let singles = settings.iter().map(|setting| (Some(setting.row.join(", ")), vec![*setting]));
            for (label, settings) in singles.chain([(None, settings.clone())]) {
                let Some(pooled) = gain(&settings) else { continue };
                let shared: Vec<&Setting> = of_reading(&first.0)
                    .into_iter()
                    .filter(|one| settings.iter().any(|s| s.base == one.base))
                    .collect();
                let own: Vec<&Setting> =
                    settings.iter().copied().filter(|one| shared.iter().any(|s| s.base == one.base)).collect();
                let change = gain(&own).zip(gain(&shared)).filter(|_| reading.0 != first.0).map(|(a, b)| a.minus(&b));
                rows.push(FactorRow {
                    reading: reading.0.clone(),
                    summary: reading.1.clone(),
                    row: label,
                    stopping,
                    settings: settings.len() as u32,
                    trials: pooled.values,
                    gain: pooled.effect,
                    interval: pooled.interval(CONFIDENCE),
                    change: change.map(|change| change.effect),
                    change_interval: change.map(|change| change.interval(CONFIDENCE)),
                });
            }
        }
    }
    rows
}

/// Each data set's baselines under each reading beside the paper's.
pub(crate) fn baseline_rows(plan: &Plan, accuracy: &[AccuracyRow]) -> Vec<BaselineRow> {
    let mut rows: Vec<BaselineRow> = Vec::new();
    for setting in plan.settings.iter().filter(is_of_table_2) {
        let summary = plan.readings.iter().find(|(name, _)| *name == setting.reading);
        for stopping in STOPPINGS {
            let Some(found) = row(accuracy, &setting.id, stopping) else { continue };
            let values: Vec<f64> = found.per_trial.iter().map(|choice| choice.without).collect();
            let paper = found.paper.and_then(|paper| paper.without);
            let (Some((mean, Some(std))), false) = (paper, values.is_empty()) else { continue };
            let cell = BaselineCell {
                row: setting.row[1].clone(),
                stopping,
                ours: mean_std(&values),
                paper: (mean, std),
                z: z(Some(Sample::of(&values)), Some((mean, Some(std))), TABLE2_TRIALS),
            };
            let known = rows.iter_mut().find(|row| row.dataset == setting.row[0] && row.reading == setting.reading);
            match known {
                Some(row) => row.cells.push(cell),
                None => rows.push(BaselineRow {
                    dataset: setting.row[0].clone(),
                    reading: setting.reading.clone(),
                    summary: summary.map_or_else(String::new, |(_, summary)| summary.clone()),
                    cells: vec![cell],
                    mean_square: None,
                    closest: false,
                }),
            }
        }
    }
    for row in &mut rows {
        let papers = crate::paper::rows(TableId::Table2).filter(|labels| labels[0] == row.dataset).count();
        let scores: Option<Vec<f64>> = row.cells.iter().map(|cell| cell.z).collect();
        row.mean_square = scores
            .filter(|scores| scores.len() == papers * STOPPINGS.len())
            .map(|scores| scores.iter().map(|z| z * z).sum::<f64>() / scores.len() as f64);
    }
    let least = |dataset: &str| {
        let of = rows.iter().filter(|row| row.dataset == dataset).filter_map(|row| row.mean_square);
        of.min_by(f64::total_cmp)
    };
    let closest: Vec<bool> =
        rows.iter().map(|row| row.mean_square.is_some() && row.mean_square == least(&row.dataset)).collect();
    for (row, closest) in rows.iter_mut().zip(closest) {
        row.closest = closest;
    }
    rows
}
