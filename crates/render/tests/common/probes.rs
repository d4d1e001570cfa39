//! Made-up probes.

use flooding_core::level::Level;
use flooding_tables::probes::{CONFIDENCE_BINS, ProbedModel};
use flooding_tables::{
    Band, CalibrationRow, DescentRow, FlatnessRow, GradientNorms, MeanStd, ReliabilityBinRow, ReplayRow, Sharpness,
    SharpnessRow,
};

const MODELS: [(ProbedModel, f64); 3] =
    [(ProbedModel::FirstCrossing, 1.1), (ProbedModel::With, 0.4), (ProbedModel::Without, 2.5)];

pub fn flatness(setting: &str) -> Vec<FlatnessRow> {
    let mut rows = Vec::new();
    for (model, steep) in MODELS {
        for step in -20..=20 {
            let alpha = f64::from(step) / 20.0;
            let band = |base: f64| {
                let mean = base + steep * alpha * alpha;
                Some(Band { mean, min: mean * 0.8, max: mean * 1.3 })
            };
            rows.push(FlatnessRow {
                setting: setting.to_owned(),
                reading: "paper".to_owned(),
                model,
                levels: vec![Level::from_millionths(120_000)],
                directions: 5,
                train_examples: 100,
                test_examples: 2000,
                alpha,
                train_loss: band(if model == ProbedModel::Without { 0.0003 } else { 0.12 }),
                test_loss: band(0.4 * steep + 0.2),
            });
        }
    }
    rows
}

pub fn replays(setting: &str) -> Vec<ReplayRow> {
    let band = |mean: f64| Band { mean, min: 0.9 * mean, max: 1.1 * mean };
    let row = |model, epoch: u32| {
        let share = f64::from(epoch) / 50.0;
        let loss = if model == ProbedModel::With { 0.5 + share * (1.0 - share) } else { 0.5 + share };
        ReplayRow {
            setting: setting.to_owned(),
            reading: "paper".to_owned(),
            model,
            levels: vec![Level::from_millionths(120_000), Level::from_millionths(150_000)],
            epoch,
            trials: 2,
            test_examples: 5_000,
            test_loss: band(loss),
            test_accuracy: band(90.0 - 8.0 * loss),
            gradient_norm: epoch.is_multiple_of(5).then_some(GradientNorms { train: 0.1 / loss, test: loss }),
        }
    };
    [ProbedModel::With, ProbedModel::Without]
        .into_iter()
        .flat_map(|model| (1..=50).map(move |epoch| row(model, epoch)))
        .collect()
}

pub fn sharpness(setting: &str) -> Vec<SharpnessRow> {
    MODELS
        .into_iter()
        .map(|(model, steep)| {
            let minus = (model != ProbedModel::Without).then_some(steep - 2.5);
            let value = Some(Sharpness {
                change: steep / 4.0,
                change_ci: Some((steep / 5.0, steep / 3.0).into()),
                minus_without: minus,
                minus_without_ci: minus.map(|m| (m - 0.2, m + 0.2).into()),
            });
            SharpnessRow {
                setting: setting.to_owned(),
                reading: "paper".to_owned(),
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
            reading: "paper".to_owned(),
            model,
            levels: vec![Level::from_millionths(120_000)],
            expected_calibration_error: one(if slope > 0.5 { 4.2 } else { 17.9 }),
            accuracy: one(82.0),
            confidence: one(if slope > 0.5 { 85.0 } else { 99.1 }),
        })
        .collect()
}

pub fn reliability_bins(setting: &str) -> Vec<ReliabilityBinRow> {
    let models = [(ProbedModel::With, 0.8), (ProbedModel::Without, 0.3)];
    let bins = |(model, slope): (ProbedModel, f64)| {
        (0..CONFIDENCE_BINS as u32).map(move |bin| {
            let center = (f64::from(bin) + 0.5) / CONFIDENCE_BINS as f64;
            let examples = if bin < 7 { 0 } else { 100 + u64::from(bin * bin * bin) };
            let accuracy = 0.5 + slope * (center - 0.5);
            ReliabilityBinRow {
                setting: setting.to_owned(),
                reading: "paper".to_owned(),
                model,
                bin,
                examples,
                hits: (examples as f64 * accuracy) as u64,
                confidence: examples as f64 * center,
            }
        })
    };
    models.into_iter().flat_map(bins).collect()
}

pub fn descents(setting: &str) -> Vec<DescentRow> {
    [(0, 0.0), (50_000, 0.12), (100_000, 0.31)]
        .into_iter()
        .map(|(level, depth)| DescentRow {
            setting: setting.to_owned(),
            reading: "paper".to_owned(),
            level: Level::from_millionths(level),
            trials: 3,
            peak_epoch: 76,
            peak_loss: 1.1,
            valley_epoch: 480,
            valley_loss: 0.61,
            rise: depth + 0.1,
            fall: depth,
            depth,
            peak_epoch_ci: Some((51.0, 101.0).into()),
            depth_ci: Some((depth * 0.7, depth * 1.2).into()),
        })
        .collect()
}
