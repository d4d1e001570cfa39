//! One row a probed trial: what its probes say of the mechanism, with flooding beside without.

use flooding_core::plan::Setting;
use flooding_core::record::GradientNorms;
use flooding_tables::probes::{Calibration, Flatness, ProbedModel, Replay, loss_at_model, sharpness};
use flooding_tables::{Pair, RunEndRow, Three, TrainedTheorem, TrialProbeRow};

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
    ends: &[RunEndRow],
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
        pair(&mean)
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
    let three = |measure: fn(&[f64], &[Option<f64>]) -> Option<f64>| {
        let of = |model| around(flatness?, model, measure);
        let [first_crossing, with, without] =
            [ProbedModel::FirstCrossing, ProbedModel::With, ProbedModel::Without].map(of);
        Three { first_crossing, with, without }
    };
    let theorem = replay.map(|replay| {
        let cell = replay.theorem;
        TrainedTheorem {
            n: cell.n,
            risk: cell.risk,
            prob_below: cell.prob_below,
            gain: cell.gain,
            mse_empirical: cell.mse_empirical,
        }
    });
    Some(TrialProbeRow {
        setting: setting.id.clone(),
        reading: setting.reading.clone(),
        trial,
        level,
        flooded_from,
        train_gradient: gradient(|norms| norms.train_filter),
        test_gradient: gradient(|norms| norms.test_filter),
        second_descent: pair(&depth),
        sharpness: three(sharpness),
        test_loss: three(loss_at_model),
        overconfidence: pair(&overconfidence),
        theorem,
    })
}

/// A measure with and without flooding, where both are there.
fn pair(of: &dyn Fn(ProbedModel) -> Option<f64>) -> Option<Pair> {
    Some(Pair { with: of(ProbedModel::With)?, without: of(ProbedModel::Without)? })
}

/// The mean over directions of a measure of a model's test losses.
fn around(probe: &Flatness, model: ProbedModel, measure: fn(&[f64], &[Option<f64>]) -> Option<f64>) -> Option<f64> {
    let landscape = probe.models.iter().find(|found| found.model == model)?;
    let values = landscape.curves.iter().map(|curve| measure(&probe.alphas, &curve.test));
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| Sample::of(&values).mean)
}
