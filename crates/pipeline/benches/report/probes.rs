//! Made-up probes of a trial: flatness, calibration, and the replay of the two compared runs.

use flooding_core::digest::Digest;
use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::resampling::TheoremAtModel;
use flooding_core::store::Store;
use flooding_tables::probes::{
    CONFIDENCE_BINS, Calibration, ConfidenceBin, DirectionCurve, Flatness, Landscape, ProbedModel, Reliability, Replay,
    ReplayedRun,
};

use crate::curve::Curve;

const MODELS: [ProbedModel; 3] = [ProbedModel::FirstCrossing, ProbedModel::With, ProbedModel::Without];
/// How steep the losses rise around each, and where they begin.
const SHAPES: [[f64; 2]; 3] = [[1.1, 0.5], [0.4, 0.3], [2.5, 0.9]];

pub fn write(store: &Store, plan: &Plan, setting: &Setting, trial: u32) {
    let level = Level::from_millionths(180_000 + 10_000 * (trial % 4));
    let run = |level| setting.run(plan.master_seed, trial, level);
    let spec_of = |model| run(if model == ProbedModel::Without { Level::ZERO } else { level });
    let folder = store.layout().probes(&setting.id, trial);
    let made_from = Digest::of(b"made up");
    let alphas: Vec<f64> = (-20..=20).map(|step| f64::from(step) / 20.0).collect();
    let landscape = |(model, [steep, base]): (ProbedModel, [f64; 2])| {
        let curve = |direction: u32| {
            let loss =
                |at: f64| alphas.iter().map(move |a| Some(at + steep * (1.0 + 0.1 * f64::from(direction)) * a * a));
            DirectionCurve { train: loss(base * 0.1).collect(), test: loss(base).collect() }
        };
        Landscape { model, run: spec_of(model).key(), curves: (0..5).map(curve).collect() }
    };
    let flatness = Flatness {
        made_from: made_from.clone(),
        setting: setting.id.clone(),
        trial,
        level,
        alphas: alphas.clone(),
        examples: [100, 2_000],
        models: MODELS.into_iter().zip(SHAPES).map(landscape).collect(),
    };
    store.write_document(&folder.join("flatness.json"), &flatness).expect("a probe");
    let bin = |slope: f64, index: usize| {
        let examples = if index < 7 { 0 } else { 100 * index as u64 };
        let confidence = (index as f64 + 0.5) / CONFIDENCE_BINS as f64;
        let hits = (examples as f64 * (0.5 + slope * (confidence - 0.5))) as u64;
        ConfidenceBin { examples, hits, confidence: examples as f64 * confidence }
    };
    let compared = [(ProbedModel::With, 0.8), (ProbedModel::Without, 0.3)];
    let reliability = |(model, slope)| Reliability {
        model,
        run: spec_of(model).key(),
        bins: (0..CONFIDENCE_BINS).map(|index| bin(slope, index)).collect(),
    };
    let calibration = Calibration {
        made_from: made_from.clone(),
        setting: setting.id.clone(),
        trial,
        level,
        models: compared.into_iter().map(reliability).collect(),
    };
    store.write_document(&folder.join("calibration.json"), &calibration).expect("a probe");
    let replayed = |(model, _)| {
        let spec = spec_of(model);
        let curve = Curve::new(&spec);
        ReplayedRun {
            model,
            run: spec.key(),
            test: (1..=spec.epochs).map(|epoch| (epoch, curve.test(epoch).loss, curve.test(epoch).accuracy)).collect(),
            gradients: (1..=spec.epochs / 5).map(|step| (5 * step, curve.gradients(5 * step))).collect(),
        }
    };
    let replay = Replay {
        made_from,
        setting: setting.id.clone(),
        trial,
        level,
        test_points: 5_000,
        models: compared.into_iter().map(replayed).collect(),
        theorem: TheoremAtModel { n: 100, risk: 0.4, prob_below: 0.01, gain: 1e-4, mse_empirical: 2e-3 },
    };
    store.write_document(&folder.join("replay.json"), &replay).expect("a probe");
}
