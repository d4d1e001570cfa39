//! What the probes of trained networks say: test curves, gradients, flatness, calibration.

use flooding_tables::TrialProbeRow;

use super::block::{Judged, Sampled};
use super::definition::Measure;

/// One value a probed trial; trials in which flooding never began compare the baseline with itself and are left out.
pub(super) fn sampled(judged: Judged<'_>, measure: Measure) -> Sampled<'_> {
    let flooded = judged.probes().filter(|row| row.flooded_from.is_some());
    let (compared, rest): (Vec<_>, Vec<_>) = match measure {
        // It is about the baseline alone.
        Measure::Overconfidence => (judged.probes().collect(), Vec::new()),
        _ => (flooded.collect(), judged.probes().filter(|row| row.flooded_from.is_none()).collect()),
    };
    let values = compared.into_iter().filter_map(|row| value(row, measure)).filter(|v| v.is_finite()).collect();
    Sampled { judged, values, zeros: rest.len() as u32, paper: None }
}

fn value(row: &TrialProbeRow, measure: Measure) -> Option<f64> {
    let ratio = |above: f64, below: f64| (above > 0.0 && below > 0.0).then(|| (above / below).ln());
    match measure {
        Measure::SecondDescent => row.second_descent.map(|pair| pair.with - pair.without),
        Measure::TestGradient => row.test_gradient.and_then(|pair| ratio(pair.without, pair.with)),
        Measure::TrainingGradient => row.train_gradient.and_then(|pair| ratio(pair.with, pair.without)),
        Measure::LowerDuringTraining => ratio(row.test_loss.first_crossing?, row.test_loss.with?),
        Measure::FlatterDuringTraining => ratio(row.sharpness.first_crossing?, row.sharpness.with?),
        Measure::FlatterThanBaseline => ratio(row.sharpness.without?, row.sharpness.with?),
        Measure::Overconfidence => row.overconfidence.map(|pair| pair.without),
        Measure::OverconfidenceFall => row.overconfidence.map(|pair| pair.without - pair.with),
        _ => None,
    }
}
