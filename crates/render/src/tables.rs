//! Everything that the report is made from, read at once.

use flooding_core::digest::{Digest, Hasher};
use flooding_core::judged::{BaselineRow, ClaimRow, FactorRow, PlaceboRow, TrialProbeRow};
use flooding_core::probes::{CalibrationRow, FlatnessRow, SharpnessRow};
use flooding_core::store::{Document, DocumentError, Store};
use flooding_core::tables::{
    AccuracyRow, CurveRow, DescentRow, FloatRow, LevelRow, Overview, Rows, RunRow, TheoremCheck, TheoremRow,
};

/// The stored tables; `None` is a table that was never made.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// What was run, by what, and what is missing.
    pub overview: Option<Overview>,
    /// Tables 2 and 3.
    pub accuracy: Option<Vec<AccuracyRow>>,
    /// Figure 3.
    pub levels: Option<Vec<LevelRow>>,
    /// Figures 1, 2, 4, 6 and 7.
    pub curves: Option<Vec<CurveRow>>,
    /// Every run.
    pub runs: Option<Vec<RunRow>>,
    /// The verdicts.
    pub claims: Option<Vec<ClaimRow>>,
    /// The second descents of the test loss.
    pub descents: Option<Vec<DescentRow>>,
    /// Where training losses end.
    pub floats: Option<Vec<FloatRow>>,
    /// Figures 5 and 8.
    pub flatness: Option<Vec<FlatnessRow>>,
    /// Flatness as a number.
    pub sharpness: Option<Vec<SharpnessRow>>,
    /// Confidence against accuracy.
    pub calibration: Option<Vec<CalibrationRow>>,
    /// What the probes of each trial found.
    pub trial_probes: Option<Vec<TrialProbeRow>>,
    /// "With" against a placebo.
    pub placebo: Option<Vec<PlaceboRow>>,
    /// Flooding's gain by reading.
    pub factors: Option<Vec<FactorRow>>,
    /// Baselines beside the paper's.
    pub baselines: Option<Vec<BaselineRow>>,
    /// Theorem 1, cell by cell.
    pub theorem: Option<Vec<TheoremRow>>,
    /// Theorem 1's verdict.
    pub checks: Option<Vec<TheoremCheck>>,
}

const TABLES: [&str; 15] = [
    "overview.json",
    "accuracy.json",
    "levels.json",
    "curves.json",
    "runs.json",
    "claims.json",
    "descents.json",
    "floats.json",
    "flatness.json",
    "sharpness.json",
    "calibration.json",
    "trial-probes.json",
    "placebo.json",
    "factors.json",
    "baselines.json",
];
const THEOREM: [&str; 2] = ["theorem.json", "checks.json"];

impl Tables {
    /// Reads what is there.
    pub fn read(store: &Store) -> Result<Self, DocumentError> {
        let table = |name: &str| store.layout().tables().join(name);
        let theorem = |name: &str| store.layout().theorem().join(name);
        Ok(Self {
            overview: store.read_document(&table("overview.json"))?,
            accuracy: rows(store, &table("accuracy.json"))?,
            levels: rows(store, &table("levels.json"))?,
            curves: rows(store, &table("curves.json"))?,
            runs: rows(store, &table("runs.json"))?,
            claims: rows(store, &table("claims.json"))?,
            descents: rows(store, &table("descents.json"))?,
            floats: rows(store, &table("floats.json"))?,
            flatness: rows(store, &table("flatness.json"))?,
            sharpness: rows(store, &table("sharpness.json"))?,
            calibration: rows(store, &table("calibration.json"))?,
            trial_probes: rows(store, &table("trial-probes.json"))?,
            placebo: rows(store, &table("placebo.json"))?,
            factors: rows(store, &table("factors.json"))?,
            baselines: rows(store, &table("baselines.json"))?,
            theorem: rows(store, &theorem("theorem.json"))?,
            checks: rows(store, &theorem("checks.json"))?,
        })
    }

    /// One digest over the bytes of all tables that are there and the names of those that are not.
    pub fn digest(store: &Store) -> Result<Digest, DocumentError> {
        let mut hasher = Hasher::new();
        let tables = TABLES.map(|name| store.layout().tables().join(name));
        let theorem = THEOREM.map(|name| store.layout().theorem().join(name));
        for (path, name) in tables.iter().zip(TABLES).chain(theorem.iter().zip(THEOREM)) {
            hasher.update(name.as_bytes());
            match store.read(path)? {
                Some(bytes) => hasher.update(Digest::of(&bytes).as_str().as_bytes()),
                None => hasher.update(b"absent"),
            }
        }
        Ok(hasher.finish())
    }
}

fn rows<T>(store: &Store, path: &std::path::Path) -> Result<Option<Vec<T>>, DocumentError>
where
    Rows<T>: Document,
{
    Ok(store.read_document::<Rows<T>>(path)?.map(|rows| rows.0))
}
