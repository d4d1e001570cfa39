//! Controls beside the tables: a placebo for the selection among many runs, the readings' differences, and the baselines
//! beside the paper's.

use flooding_core::config::TableId;
use flooding_core::plan::{Plan, Setting};
use flooding_core::spec::Objective;
use flooding_tables::{AccuracyRow, BaselineRow, GainRow, MeanStd, PlaceboRow, Printed, SelectionRow};

use crate::accuracy::Accuracy;
use crate::compare::{difference, z};
use crate::frame::CHECKPOINTS;
use crate::paper::TABLE2_TRIALS;
use crate::stats::{CONFIDENCE, Pooled, Sample};

fn mean_std(values: &[f64]) -> MeanStd {
    let Sample { n, mean, std } = Sample::of(values);
    MeanStd { n, mean, std: (n > 1).then_some(std) }
}

/// Is this setting a placebo: baselines alone, on the examples of another setting?
fn is_placebo(setting: &Setting) -> bool {
    setting.objective == Objective::None && setting.streams_of.is_some()
}

/// A row of Table 2 with the paper's objective.
fn is_of_table_2(setting: &Setting) -> bool {
    setting.table == Some(TableId::Table2) && setting.objective == Objective::Flood
}

/// A placebo beside flooding.
pub(crate) struct Placebo {
    pub row: PlaceboRow,
    /// With minus placebo of each trial, in points.
    pub effects: Vec<f64>,
}

/// One row a placebo and checkpoint selection whose setting with flooding is in the plan and shares a trial with it.
pub(crate) fn placebo_rows(plan: &Plan, accuracy: &Accuracy) -> Vec<Placebo> {
    let mut rows = Vec::new();
    for placebo in plan.settings.iter().filter(|setting| is_placebo(setting)) {
        let flooded = plan
            .settings
            .iter()
            .find(|setting| Some(&setting.id) == placebo.streams_of.as_ref() && setting.objective == Objective::Flood);
        let Some(flooded) = flooded else { continue };
        for checkpoint in CHECKPOINTS {
            let chosen: Vec<&SelectionRow> = accuracy.choices(&placebo.id, checkpoint).collect();
            let pairs: Vec<(f64, f64, f64)> = accuracy
                .choices(&flooded.id, checkpoint)
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
            let row = PlaceboRow {
                setting: flooded.id.clone(),
                reading: flooded.reading.clone(),
                placebo_setting: placebo.id.clone(),
                data: flooded.row[0].clone(),
                setup: flooded.row[1].clone(),
                checkpoint,
                candidates: flooded.levels.len() as u32,
                placebo_candidates: placebo.levels.len() as u32,
                without: mean_std(&without),
                with: mean_std(&with),
                placebo: mean_std(&best),
                selection: difference(&without, &best, None),
                effect: difference(&best, &with, None),
            };
            rows.push(Placebo { row, effects: with.iter().zip(&best).map(|(with, best)| with - best).collect() });
        }
    }
    rows
}

/// Flooding's gain under each reading, by setting and over all of the reading's settings; empty for fewer than two readings.
/// The first reading is what the others are compared with.
pub(crate) fn gain_rows(plan: &Plan, accuracy: &Accuracy) -> Vec<GainRow> {
    let of_reading = |reading: &str| -> Vec<&Setting> {
        plan.settings
            .iter()
            .filter(|setting| is_of_table_2(setting))
            .filter(|setting| setting.reading == reading)
            .collect()
    };
    let readings: Vec<&(String, String)> =
        plan.readings.iter().filter(|(name, _)| !of_reading(name).is_empty()).collect();
    let [first, _, ..] = readings[..] else { return Vec::new() };
    let mut rows = Vec::new();
    for checkpoint in CHECKPOINTS {
        let gain = |settings: &[&Setting]| -> Option<Pooled> {
            let gains = |setting: &&Setting| {
                let choices = accuracy.choices(&setting.id, checkpoint);
                choices.map(|choice| choice.with - choice.without).collect::<Vec<f64>>()
            };
            Pooled::of(&settings.iter().map(gains).collect::<Vec<_>>())
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
                rows.push(GainRow {
                    reading: reading.0.clone(),
                    summary: reading.1.clone(),
                    row: label,
                    checkpoint,
                    settings: settings.len() as u32,
                    trials: pooled.values,
                    gain: pooled.effect,
                    gain_ci: pooled.interval(CONFIDENCE).into(),
                    change: change.map(|change| change.effect),
                    change_ci: change.map(|change| change.interval(CONFIDENCE).into()),
                });
            }
        }
    }
    rows
}

/// Each dataset's baselines under each reading beside the paper's.
pub(crate) fn baseline_rows(plan: &Plan, accuracy: &Accuracy) -> Vec<BaselineRow> {
    let mut rows: Vec<BaselineRow> = Vec::new();
    for setting in plan.settings.iter().filter(|setting| is_of_table_2(setting)) {
        let summary = plan.readings.iter().find(|(name, _)| *name == setting.reading);
        for checkpoint in CHECKPOINTS {
            let of = |row: &&AccuracyRow| row.setting == setting.id && row.checkpoint == checkpoint;
            let paper = accuracy.rows.iter().find(of).and_then(|row| row.paper?.without);
            let values: Vec<f64> = accuracy.choices(&setting.id, checkpoint).map(|choice| choice.without).collect();
            let (Some(paper @ Printed { std: Some(_), .. }), false) = (paper, values.is_empty()) else { continue };
            rows.push(BaselineRow {
                setting: setting.id.clone(),
                reading: setting.reading.clone(),
                summary: summary.map_or_else(String::new, |(_, summary)| summary.clone()),
                data: setting.row[0].clone(),
                setup: setting.row[1].clone(),
                checkpoint,
                ours: mean_std(&values),
                paper,
                z: z(Some(Sample::of(&values)), Some(paper), TABLE2_TRIALS),
                mean_square: None,
                closest: false,
            });
        }
    }
    let mean_square = |data: &str, reading: &str| -> Option<f64> {
        let of = rows.iter().filter(|row| row.data == data && row.reading == reading);
        let scores: Vec<f64> = of.map(|row| row.z).collect::<Option<_>>()?;
        let papers = crate::paper::rows(TableId::Table2).filter(|labels| labels[0] == data).count();
        let whole = scores.len() == papers * CHECKPOINTS.len();
        whole.then(|| scores.iter().map(|z| z * z).sum::<f64>() / scores.len() as f64)
    };
    let squares: Vec<Option<f64>> = rows.iter().map(|row| mean_square(&row.data, &row.reading)).collect();
    let least = |data: &str| {
        let of = rows.iter().zip(&squares).filter(|(row, _)| row.data == data).filter_map(|(_, square)| *square);
        of.min_by(f64::total_cmp)
    };
    let closest: Vec<bool> =
        rows.iter().zip(&squares).map(|(row, square)| square.is_some() && *square == least(&row.data)).collect();
    for (row, (square, closest)) in rows.iter_mut().zip(squares.into_iter().zip(closest)) {
        row.mean_square = square;
        row.closest = closest;
    }
    rows
}
