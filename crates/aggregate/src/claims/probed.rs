//! What the probes of trained networks say: test curves, gradients, flatness, calibration.

use flooding_core::judged::TrialProbeRow;

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
    let [first_rise, with_rise, without_rise] = row.rise;
    let [first_loss, with_loss, _] = row.test_loss;
    match measure {
        Measure::SecondDescent => row.descent.map(|(with, without)| with - without),
        Measure::TestGradient => row.test_gradient.and_then(|(with, without)| ratio(without, with)),
        Measure::TrainingGradient => row.train_gradient.and_then(|(with, without)| ratio(with, without)),
        Measure::LowerDuringTraining => ratio(first_loss?, with_loss?),
        Measure::FlatterDuringTraining => ratio(first_rise?, with_rise?),
        Measure::FlatterThanBaseline => ratio(without_rise?, with_rise?),
        Measure::Overconfidence => row.overconfidence.map(|(_, without)| without),
        Measure::OverconfidenceFall => row.overconfidence.map(|(with, without)| without - with),
        _ => None,
    }
}
