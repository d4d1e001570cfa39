//! Made-up probes.

use flooding_core::level::Level;
use flooding_core::probes::{
    Band, CONFIDENCE_BINS, CalibrationRow, ConfidenceBin, FlatnessRow, ProbedModel, Sharpness, SharpnessRow,
};
use flooding_core::tables::{DescentRow, MeanStd};

const MODELS: [(ProbedModel, f64); 3] =
    [(ProbedModel::FirstBelow, 1.1), (ProbedModel::With, 0.4), (ProbedModel::Without, 2.5)];

pub fn flatness(setting: &str) -> Vec<FlatnessRow> {
    let mut rows = Vec::new();
    for (model, steep) in MODELS {
        for step in -20..=20 {
            let alpha = f64::from(step) / 20.0;
            let band = |base: f64| {
                let mean = base + steep * alpha * alpha;
                Some(Band { mean, low: mean * 0.8, high: mean * 1.3 })
            };
            rows.push(FlatnessRow {
                setting: setting.to_owned(),
                model,
                levels: vec![Level::from_millionths(120_000)],
                directions: 5,
                examples: [100, 2000],
                alpha,
                train: band(if model == ProbedModel::Without { 0.0003 } else { 0.12 }),
                test: band(0.4 * steep + 0.2),
            });
        }
    }
    rows
}

pub fn sharpness(setting: &str) -> Vec<SharpnessRow> {
    MODELS
        .into_iter()
        .map(|(model, steep)| {
            let minus = (model != ProbedModel::Without).then_some(steep - 2.5);
            let value = Some(Sharpness {
                mean: steep / 4.0,
                interval: Some((steep / 5.0, steep / 3.0)),
                minus_without: minus,
                minus_without_interval: minus.map(|m| (m - 0.2, m + 0.2)),
            });
            SharpnessRow {
                setting: setting.to_owned(),
                model,
                levels: vec![Level::from_millionths(120_000)],
                trials: 1,
                directions: 5,
                train: value,
                test: value,
            }
        })
        .collect()
}

pub fn calibration(setting: &str) -> Vec<CalibrationRow> {
    let one = |mean: f64| MeanStd { n: 1, mean, std: None };
    [(ProbedModel::With, 0.8), (ProbedModel::Without, 0.3)]
        .into_iter()
        .map(|(model, slope)| CalibrationRow {
            setting: setting.to_owned(),
            model,
            levels: vec![Level::from_millionths(120_000)],
            error: one(if slope > 0.5 { 4.2 } else { 17.9 }),
            accuracy: one(82.0),
            confidence: one(if slope > 0.5 { 85.0 } else { 99.1 }),
            bins: (0..CONFIDENCE_BINS)
                .map(|bin| {
                    let center = (bin as f64 + 0.5) / CONFIDENCE_BINS as f64;
                    let examples = if bin < 7 { 0 } else { 100 + (bin * bin * bin) as u64 };
                    let accuracy = 0.5 + slope * (center - 0.5);
                    ConfidenceBin {
                        examples,
                        hits: (examples as f64 * accuracy) as u64,
                        confidence: examples as f64 * center,
                    }
                })
                .collect(),
        })
        .collect()
}

pub fn descents(setting: &str) -> Vec<DescentRow> {
    [(0, 0.0), (50_000, 0.12), (100_000, 0.31)]
        .into_iter()
        .map(|(level, depth)| DescentRow {
            setting: setting.to_owned(),
            level: Level::from_millionths(level),
            trials: 3,
            peak_epoch: 76,
            peak_loss: 1.1,
            valley_epoch: 480,
            valley_loss: 0.61,
            rise: depth + 0.1,
            fall: depth,
            depth,
            peak_epoch_interval: Some((51.0, 101.0)),
            depth_interval: Some((depth * 0.7, depth * 1.2)),
        })
        .collect()
}
