//! From what the probes found in each trial to rows of a setting, and a row a trial for the claims.

use std::collections::BTreeSet;
use std::path::PathBuf;

use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::spec::RunKey;
use flooding_core::store::{Document, Store};
use flooding_core::work::{MissingResult, Stage};
use flooding_tables::probes::{
    Calibration, ConfidenceBin, DirectionCurve, Flatness, Landscape, ProbedModel, Reliability, Replay, ReplayedRun,
    sharpness,
};
use flooding_tables::{
    Band, CalibrationRow, FlatnessRow, GradientNorms, MeanStd, ReliabilityBinRow, ReplayRow, RunEndRow, Sharpness,
    SharpnessRow, TrialProbeRow,
};

use crate::published_report::{Origins, merge};
use crate::scan::Found;
use crate::stats::{Sample, mean_interval};
use crate::trial_probes::{Documents, trial_row};

/// The models, in the order of the figures.
const MODELS: [ProbedModel; 3] = [ProbedModel::FirstCrossing, ProbedModel::With, ProbedModel::Without];

/// The probes' tables.
#[derive(Default)]
pub(crate) struct ProbeTables {
    pub replays: Vec<ReplayRow>,
    pub flatness: Vec<FlatnessRow>,
    pub sharpness: Vec<SharpnessRow>,
    pub calibration: Vec<CalibrationRow>,
    pub reliability_bins: Vec<ReliabilityBinRow>,
    pub trials: Vec<TrialProbeRow>,
    /// Documents that could not be read.
    pub missing: Vec<MissingResult>,
}

impl ProbeTables {
    /// With the rows of the settings that come from a published report.
    pub fn with_published(self, plan: &Plan, origins: &Origins<'_>) -> Self {
        Self {
            replays: merge(plan, origins, self.replays, |measured| &measured.replays, |row| &row.setting),
            flatness: merge(plan, origins, self.flatness, |measured| &measured.flatness, |row| &row.setting),
            sharpness: merge(plan, origins, self.sharpness, |measured| &measured.sharpness, |row| &row.setting),
            calibration: merge(plan, origins, self.calibration, |measured| &measured.calibration, |row| &row.setting),
            reliability_bins: merge(
                plan,
                origins,
                self.reliability_bins,
                |measured| &measured.reliability_bins,
                |row| &row.setting,
            ),
            trials: merge(plan, origins, self.trials, |measured| &measured.trial_probes, |row| &row.setting),
            missing: self.missing,
        }
    }
}

/// The probes' documents of a trial.
pub(crate) fn files(store: &Store, setting: &Setting, trial: u32) -> [PathBuf; 3] {
    let folder = store.layout().probes(&setting.id, trial);
    ["flatness.json", "calibration.json", "replay.json"].map(|name| folder.join(name))
}

/// Reads the probes of the plan's trials. One of runs that are not the plan's (any more) is passed over.
pub(crate) fn probe_tables(plan: &Plan, store: &Store, runs: &[Found], ends: &[Vec<RunEndRow>]) -> ProbeTables {
    let keys: BTreeSet<&RunKey> = runs.iter().filter(|run| run.complete().is_some()).map(|run| &run.key).collect();
    let mut tables = ProbeTables::default();
    for (setting, ends) in plan.settings.iter().zip(ends) {
        let (mut landscapes, mut reliabilities, mut replays) = (Vec::new(), Vec::new(), Vec::new());
        for trial in 0..setting.trials {
            let [flatness, calibration, replay] = files(store, setting, trial);
            landscapes.extend(read::<Flatness>(store, &flatness, setting, trial, &mut tables.missing));
            reliabilities.extend(read::<Calibration>(store, &calibration, setting, trial, &mut tables.missing));
            replays.extend(read::<Replay>(store, &replay, setting, trial, &mut tables.missing));
        }
        landscapes.retain(|probe| probe.models.iter().all(|model| keys.contains(&model.run)));
        reliabilities.retain(|probe| probe.models.iter().all(|model| keys.contains(&model.run)));
        replays.retain(|probe| probe.models.iter().all(|model| keys.contains(&model.run)));
        // Curves over other distances (of an older definition of the probe) cannot be averaged with these.
        if let Some(alphas) = landscapes.first().map(|probe| probe.alphas.clone()) {
            landscapes.retain(|probe| probe.alphas == alphas);
        }
        let found = |trial: u32| Documents {
            flatness: landscapes.iter().find(|probe| probe.trial == trial),
            calibration: reliabilities.iter().find(|probe| probe.trial == trial),
            replay: replays.iter().find(|probe| probe.trial == trial),
        };
        tables.trials.extend((0..setting.trials).filter_map(|trial| trial_row(setting, trial, &found(trial), ends)));
        for model in MODELS {
            tables.replays.extend(replay_rows(setting, model, &replays));
            tables.flatness.extend(flatness_rows(setting, model, &landscapes));
            tables.sharpness.extend(sharpness_row(setting, model, &landscapes));
            if let Some((row, bins)) = calibration(setting, model, &reliabilities) {
                tables.calibration.push(row);
                tables.reliability_bins.extend(bins);
            }
        }
    }
    tables
}

fn read<T: Document>(
    store: &Store,
    path: &std::path::Path,
    setting: &Setting,
    trial: u32,
    missing: &mut Vec<MissingResult>,
) -> Option<T> {
    match store.read_document(path) {
        Ok(probe) => probe,
        Err(error) => {
            let why = format!("{error}; run the probes again to replace it");
            missing.push(MissingResult {
                stage: Stage::Aggregate,
                id: format!("{} t{trial:02} probes", setting.id),
                why,
            });
            None
        }
    }
}

/// One row an epoch that every replayed trial measured, on as many test examples as the first.
fn replay_rows(setting: &Setting, model: ProbedModel, replays: &[Replay]) -> Vec<ReplayRow> {
    let Some(test_points) = replays.first().map(|replay| replay.test_points) else { return Vec::new() };
    let found: Vec<(&Replay, &ReplayedRun)> = (replays.iter())
        .filter(|replay| replay.test_points == test_points)
        .filter_map(|replay| Some((replay, replay.models.iter().find(|run| run.model == model)?)))
        .collect();
    let Some((_, first)) = found.first() else { return Vec::new() };
    let row = |epoch: u32| {
        let at: Vec<(f64, f64)> = (found.iter())
            .map(|(_, run)| run.test.iter().find(|(e, ..)| *e == epoch).map(|(_, loss, accuracy)| (*loss, *accuracy)))
            .collect::<Option<_>>()?;
        let norms: Option<Vec<_>> = (found.iter())
            .map(|(_, run)| run.gradients.iter().find(|(e, _)| *e == epoch).map(|(_, norms)| *norms))
            .collect();
        let mean = |values: Vec<f64>| Sample::of(&values).mean;
        Some(ReplayRow {
            setting: setting.id.clone(),
            reading: setting.reading.clone(),
            model,
            levels: found.iter().map(|(replay, _)| replay.level).collect(),
            epoch,
            trials: found.len() as u32,
            test_examples: test_points,
            test_loss: band(at.iter().map(|(loss, _)| Some(*loss)))?,
            test_accuracy: band(at.iter().map(|(_, accuracy)| Some(100.0 * accuracy)))?,
            gradient_norm: norms.map(|norms| GradientNorms {
                train: mean(norms.iter().map(|norms| norms.train_filter).collect()),
                test: mean(norms.iter().map(|norms| norms.test_filter).collect()),
            }),
        })
    };
    first.test.iter().filter_map(|(epoch, ..)| row(*epoch)).collect()
}

/// The trials that have this model, each with its landscape.
fn with_model(probes: &[Flatness], model: ProbedModel) -> Vec<(&Flatness, &Landscape)> {
    let landscape = |probe: &'_ Flatness| probe.models.iter().position(|found| found.model == model);
    probes.iter().filter_map(|probe| landscape(probe).map(|at| (probe, &probe.models[at]))).collect()
}

fn levels(found: &[(&Flatness, &Landscape)]) -> Vec<Level> {
    found.iter().map(|(probe, _)| probe.level).collect()
}

/// One row a distance.
fn flatness_rows(setting: &Setting, model: ProbedModel, probes: &[Flatness]) -> Vec<FlatnessRow> {
    let found = with_model(probes, model);
    let Some((first, landscape)) = found.first() else { return Vec::new() };
    let curves: Vec<&DirectionCurve> = found.iter().flat_map(|(_, landscape)| &landscape.curves).collect();
    let at = |index: usize| FlatnessRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        model,
        levels: levels(&found),
        directions: landscape.curves.len() as u32,
        train_examples: first.examples[0],
        test_examples: first.examples[1],
        alpha: first.alphas[index],
        train_loss: band(curves.iter().map(|curve| curve.train.get(index).copied().flatten())),
        test_loss: band(curves.iter().map(|curve| curve.test.get(index).copied().flatten())),
    };
    (0..first.alphas.len()).map(at).collect()
}

fn band(values: impl Iterator<Item = Option<f64>>) -> Option<Band> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    let min = values.iter().copied().min_by(f64::total_cmp)?;
    let max = values.iter().copied().max_by(f64::total_cmp)?;
    Some(Band { mean: Sample::of(&values).mean, min, max })
}

fn sharpness_row(setting: &Setting, model: ProbedModel, probes: &[Flatness]) -> Option<SharpnessRow> {
    let found = with_model(probes, model);
    let (_, first) = found.first()?;
    let of = |losses: fn(&DirectionCurve) -> &Vec<Option<f64>>| {
        let own: Vec<Vec<f64>> = found.iter().map(|(probe, own)| rises(probe, own, losses)).collect::<Option<_>>()?;
        let minus = (model != ProbedModel::Without).then(|| differences(&found, &own, losses)).flatten();
        let (mean, interval) = over_trials(&own)?;
        let minus = minus.and_then(|minus| over_trials(&minus));
        Some(Sharpness {
            change: mean,
            change_ci: interval.map(Into::into),
            minus_without: minus.map(|minus| minus.0),
            minus_without_ci: minus.and_then(|minus| minus.1).map(Into::into),
        })
    };
    Some(SharpnessRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        model,
        levels: levels(&found),
        trials: found.len() as u32,
        directions: first.curves.len() as u32,
        train: of(|curve| &curve.train),
        test: of(|curve| &curve.test),
    })
}

/// The sharpness along each direction; `None` where one is not finite.
fn rises(
    probe: &Flatness,
    landscape: &Landscape,
    losses: fn(&DirectionCurve) -> &Vec<Option<f64>>,
) -> Option<Vec<f64>> {
    landscape.curves.iter().map(|curve| sharpness(&probe.alphas, losses(curve))).collect()
}

/// The sharpness of each trial's model minus that of the same trial without flooding, direction by direction.
fn differences(
    found: &[(&Flatness, &Landscape)],
    own: &[Vec<f64>],
    losses: fn(&DirectionCurve) -> &Vec<Option<f64>>,
) -> Option<Vec<Vec<f64>>> {
    let one = |((probe, _), own): (&(&Flatness, &Landscape), &Vec<f64>)| {
        let without = probe.models.iter().find(|found| found.model == ProbedModel::Without)?;
        let without = rises(probe, without, losses)?;
        Some(own.iter().zip(without).map(|(own, without)| own - without).collect())
    };
    found.iter().zip(own).map(one).collect()
}

/// The mean of all, and its interval over the means of the trials.
fn over_trials(values: &[Vec<f64>]) -> Option<(f64, Option<(f64, f64)>)> {
    let units: Vec<f64> = values.iter().map(|trial| Sample::of(trial).mean).collect();
    let sample = Sample::of(&units);
    (sample.n > 0 && sample.mean.is_finite()).then(|| (sample.mean, mean_interval(sample)))
}

fn calibration(
    setting: &Setting,
    model: ProbedModel,
    probes: &[Calibration],
) -> Option<(CalibrationRow, Vec<ReliabilityBinRow>)> {
    let found: Vec<(&Calibration, &Reliability)> = (probes.iter())
        .flat_map(|probe| probe.models.iter().map(move |reliability| (probe, reliability)))
        .filter(|(_, reliability)| reliability.model == model)
        .collect();
    let (_, first) = found.first()?;
    let moments = |of: fn(&Reliability) -> f64| {
        let sample = Sample::of(&found.iter().map(|(_, reliability)| 100.0 * of(reliability)).collect::<Vec<_>>());
        MeanStd { n: sample.n, mean: sample.mean, std: (sample.n > 1).then_some(sample.std) }
    };
    let mut bins = vec![ConfidenceBin::default(); first.bins.len()];
    for (_, reliability) in &found {
        for (sum, bin) in bins.iter_mut().zip(&reliability.bins) {
            sum.examples += bin.examples;
            sum.hits += bin.hits;
            sum.confidence += bin.confidence;
        }
    }
    let bin_row = |(bin, sums): (usize, &ConfidenceBin)| ReliabilityBinRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        model,
        bin: bin as u32,
        examples: sums.examples,
        hits: sums.hits,
        confidence: sums.confidence,
    };
    let bins = bins.iter().enumerate().map(bin_row).collect();
    let row = CalibrationRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        model,
        levels: found.iter().map(|(probe, _)| probe.level).collect(),
        expected_calibration_error: moments(Reliability::expected_calibration_error),
        accuracy: moments(Reliability::accuracy),
        confidence: moments(Reliability::confidence),
    };
    Some((row, bins))
}
