//! Made records and probes whose truth is known, for the claims.

use flooding_core::config::TableId;
use flooding_core::digest::Digest;
use flooding_core::plan::{Overrides, Plan};
use flooding_core::record::{EpochRow, GradientNorms, History, Measure, Outcome, Status, Summary};
use flooding_core::resampling::TheoremAtModel;
use flooding_core::spec::RunSpec;
use flooding_tables::probes::{
    CONFIDENCE_BINS, Calibration, ConfidenceBin, DirectionCurve, Flatness, Landscape, ProbedModel, Reliability, Replay,
    ReplayedRun,
};
use flooding_tables::{ClaimReadingRow, ClaimRow};

use super::{Grid, plan};

/// The nine rows of Table 2 under these readings, with these trials and levels, a few epochs each.
pub fn table_2(readings: &[&str], trials: u32, levels: &[f64]) -> Plan {
    let mut plan = plan(
        "full",
        &Overrides { epochs: Some(4), trials: Some(trials), levels: Some(levels.to_vec()), ..Overrides::default() },
    );
    plan.settings.retain(|setting| setting.table == Some(TableId::Table2) && readings.contains(&&*setting.reading));
    assert_eq!(plan.settings.len(), 9 * readings.len());
    plan
}

/// The twelve rows of Table 3 as in the paper, with these levels.
pub fn table_3(levels: Option<&[f64]>) -> Plan {
    let overrides = Overrides { levels: levels.map(<[f64]>::to_vec), ..Overrides::default() };
    let mut plan = plan("full", &overrides);
    plan.settings.retain(|setting| setting.table == Some(TableId::Table3));
    assert_eq!(plan.settings.len(), 12);
    plan
}

/// What one run is made to have measured; accuracies from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    pub validation: f64,
    pub train: f64,
    pub train_loss: f64,
    /// Test accuracy at the last epoch and at the best one.
    pub test: [f64; 2],
    pub test_loss: f64,
    /// The best epoch.
    pub best: u32,
    /// The epoch in which the run parts from the baseline.
    pub parts_at: Option<u32>,
}

impl Default for Made {
    fn default() -> Self {
        Self { validation: 0.8, train: 1.0, train_loss: 0.1, test: [0.8; 2], test_loss: 0.5, best: 2, parts_at: None }
    }
}

impl Grid {
    pub fn make(&self, spec: &RunSpec, made: Made) {
        let measure = |loss, accuracy| Measure { loss, accuracy, clean_accuracy: accuracy };
        let outcome = |epoch, test| Outcome {
            epoch,
            train: measure(made.train_loss, made.train),
            validation: measure(1.0, made.validation),
            test: measure(made.test_loss, test),
        };
        let rows = (1..=spec.epochs).map(|epoch| EpochRow {
            epoch,
            batch_loss: if made.parts_at.is_some_and(|from| epoch >= from) { 0.25 } else { 0.5 },
            train: Some(measure(made.train_loss, made.train)),
            // Up to its first flooded step a run is the baseline.
            validation: measure(if made.parts_at.is_some_and(|from| epoch >= from) { 2.0 } else { 1.0 }, 0.5),
            test: None,
            gradients: None,
        });
        let history = History { rows: rows.collect() };
        let summary = Summary { last: outcome(spec.epochs, made.test[0]), best: outcome(made.best, made.test[1]) };
        self.write(spec, Status::Complete, Some(summary), &history);
    }

    pub fn make_all(&self, plan: &Plan, of: impl Fn(&RunSpec) -> Made) {
        for spec in plan.runs() {
            self.make(&spec, of(&spec));
        }
    }

    pub fn claims(&self, plan: &Plan) -> Claims {
        self.aggregate(plan);
        let folder = self.store.layout().tables();
        let rows = flooding_tables::read(&self.store, &folder).unwrap().unwrap();
        let readings = flooding_tables::read(&self.store, &folder).unwrap().unwrap();
        Claims { rows, readings }
    }

    /// Probes of one trial that compare b with the baseline.
    pub fn probe(&self, with: &RunSpec, without: &RunSpec, made: &MadeProbe) {
        let folder = self.store.layout().probes(&with.setting, with.trial);
        let alphas: Vec<f64> = (-4..=4).map(|i| f64::from(i) / 4.0).collect();
        let landscape = |model, run: &RunSpec, loss: f64, curvature: f64| {
            let curve: Vec<Option<f64>> = alphas.iter().map(|a| Some(loss + curvature * a * a)).collect();
            Landscape { model, run: run.key(), curves: vec![DirectionCurve { train: curve.clone(), test: curve }] }
        };
        let flatness = Flatness {
            made_from: Digest::of(b"made"),
            setting: with.setting.clone(),
            trial: with.trial,
            level: with.level,
            alphas: alphas.clone(),
            examples: [100, 100],
            models: vec![
                landscape(ProbedModel::FirstCrossing, with, made.losses[0], made.curvatures[0]),
                landscape(ProbedModel::With, with, made.losses[1], made.curvatures[1]),
                landscape(ProbedModel::Without, without, 1.0, made.curvatures[2]),
            ],
        };
        self.store.write_document(&folder.join("flatness.json"), &flatness).unwrap();
        let reliability = |model, run: &RunSpec, confidence: f64| {
            let mut bins = vec![ConfidenceBin::default(); CONFIDENCE_BINS];
            bins[CONFIDENCE_BINS - 1] = ConfidenceBin { examples: 1000, hits: 800, confidence: 1000.0 * confidence };
            Reliability { model, run: run.key(), bins }
        };
        let calibration = Calibration {
            made_from: Digest::of(b"made"),
            setting: with.setting.clone(),
            trial: with.trial,
            level: with.level,
            models: vec![
                reliability(ProbedModel::With, with, made.confidences[0]),
                reliability(ProbedModel::Without, without, made.confidences[1]),
            ],
        };
        self.store.write_document(&folder.join("calibration.json"), &calibration).unwrap();
        let replayed = |model, run: &RunSpec, bump: f64, [train_filter, test_filter]: [f64; 2]| ReplayedRun {
            model,
            run: run.key(),
            test: [3.0, 1.0, 1.0 + bump, 1.0].into_iter().zip(1..).map(|(loss, epoch)| (epoch, loss, 0.8)).collect(),
            gradients: vec![(4, GradientNorms { train_filter, train_tensor: 1.0, test_filter, test_tensor: 1.0 })],
        };
        let replay = Replay {
            made_from: Digest::of(b"made"),
            setting: with.setting.clone(),
            trial: with.trial,
            level: with.level,
            test_points: 100,
            models: vec![
                replayed(ProbedModel::With, with, made.bumps[0], made.gradients[0]),
                replayed(ProbedModel::Without, without, made.bumps[1], made.gradients[1]),
            ],
            theorem: TheoremAtModel { n: 100, risk: 0.5, prob_below: 0.1, gain: 0.01, mse_empirical: 0.02 },
        };
        self.store.write_document(&folder.join("replay.json"), &replay).unwrap();
    }
}

/// What a trial's probes are made to have found.
#[derive(Clone, Copy, Debug)]
pub struct MadeProbe {
    /// Test loss at the first crossing and at the end with flooding.
    pub losses: [f64; 2],
    /// Curvature at the first crossing, with, without.
    pub curvatures: [f64; 3],
    /// Height of the bump of the test curve: with, without.
    pub bumps: [f64; 2],
    /// Training and test gradient: with, without.
    pub gradients: [[f64; 2]; 2],
    /// Mean confidence at an accuracy of 0.8: with, without.
    pub confidences: [f64; 2],
}

/// The verdicts of one run of the stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    pub rows: Vec<ClaimRow>,
    pub readings: Vec<ClaimReadingRow>,
}

pub fn claim<'a>(claims: &'a Claims, id: &str) -> &'a ClaimRow {
    claims.rows.iter().find(|row| row.id == id).unwrap_or_else(|| panic!("no claim {id}"))
}

pub fn readings<'a>(claims: &'a Claims, id: &str) -> Vec<&'a ClaimReadingRow> {
    claims.readings.iter().filter(|row| row.claim == id).collect()
}

/// A spread with mean 0 over three trials (or any multiple of three): other phases for other things.
pub fn wobble(trial: u32, phase: u32) -> f64 {
    [-1.0, 0.0, 1.0][((trial + phase) % 3) as usize]
}
