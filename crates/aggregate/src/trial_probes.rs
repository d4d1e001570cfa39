//! One row a probed trial: what its probes say of the mechanism, with flooding beside without.

use flooding_core::judged::TrialProbeRow;
use flooding_core::plan::Setting;
use flooding_core::probes::{Calibration, Flatness, ProbedModel, loss_at_model, sharpness};
use flooding_core::record::GradientNorms;
use flooding_core::replay::Replay;

use crate::curves::RunEnd;
use crate::descent::depth_share;
use crate::stats::Sample;

/// What the probes left of a trial.
pub(crate) struct Documents<'a> {
    pub flatness: Option<&'a Flatness>,
    pub calibration: Option<&'a Calibration>,
    pub replay: Option<&'a Replay>,
}

/// The row; `None` where there is no probe. Probes of another level than the first one found are passed over.
pub(crate) fn trial_row(
    setting: &Setting,
    trial: u32,
    documents: &Documents<'_>,
    ends: &[RunEnd],
) -> Option<TrialProbeRow> {
    let Documents { flatness, calibration, replay } = documents;
    let levels = [replay.map(|p| p.level), flatness.map(|p| p.level), calibration.map(|p| p.level)];
    let level = levels.into_iter().flatten().next()?;
    let end = ends.iter().find(|end| end.trial == trial && end.level == level);
    let flooded_from = end.and_then(|end| end.flooded_from);
    let flatness = flatness.filter(|probe| probe.level == level);
    let calibration = calibration.filter(|probe| probe.level == level);
    let replay = replay.filter(|probe| probe.level == level);
    let last_tenth = f64::from(setting.epochs) * 0.9;
    let gradient = |of: fn(&GradientNorms) -> f64| {
        let mean = |model| {
            let run = replay?.models.iter().find(|run| run.model == model)?;
            let late = run.gradients.iter().filter(|(epoch, _)| f64::from(*epoch) > last_tenth);
            let values: Vec<f64> = late.map(|(_, norms)| of(norms)).collect();
            (!values.is_empty()).then(|| Sample::of(&values).mean)
        };
        mean(ProbedModel::With).zip(mean(ProbedModel::Without))
    };
    let depth = |model| {
        let run = replay?.models.iter().find(|run| run.model == model)?;
        let curve: Vec<(u32, f64)> = run.test.iter().map(|(epoch, loss, _)| (*epoch, *loss)).collect();
        depth_share(&curve, flooded_from?)
    };
    let overconfidence = |model| {
        let found = calibration?.models.iter().find(|found| found.model == model)?;
        Some(100.0 * (found.confidence() - found.accuracy()))
    };
    let models = [ProbedModel::FirstBelow, ProbedModel::With, ProbedModel::Without];
    Some(TrialProbeRow {
        setting: setting.id.clone(),
        trial,
        level,
        flooded_from,
        train_gradient: gradient(|norms| norms.train_filter),
        test_gradient: gradient(|norms| norms.test_filter),
        descent: depth(ProbedModel::With).zip(depth(ProbedModel::Without)),
        rise: models.map(|model| around(flatness?, model, sharpness)),
        test_loss: models.map(|model| around(flatness?, model, loss_at_model)),
        overconfidence: overconfidence(ProbedModel::With).zip(overconfidence(ProbedModel::Without)),
        theorem: replay.map(|replay| replay.theorem),
    })
}

/// The mean over directions of a measure of a model's test losses.
fn around(probe: &Flatness, model: ProbedModel, measure: fn(&[f64], &[Option<f64>]) -> Option<f64>) -> Option<f64> {
    let landscape = probe.models.iter().find(|found| found.model == model)?;
    let values = landscape.curves.iter().map(|curve| measure(&probe.alphas, &curve.test));
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| Sample::of(&values).mean)
}
