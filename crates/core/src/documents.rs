//! The kinds of documents that this crate defines, for those who look at a store without knowing what lies where.

use crate::judged::{BaselineRow, ClaimRow, FactorRow, PlaceboRow, TrialProbeRow};
use crate::probes::{Calibration, CalibrationRow, Flatness, FlatnessRow, SharpnessRow};
use crate::record::{Provenance, Record};
use crate::replay::Replay;
use crate::store::{ImportNote, Kind};
use crate::tables::{
    AccuracyRow, CurveRow, DescentRow, FloatRow, LevelRow, Overview, Rows, RunRow, TheoremCheck, TheoremRow,
};

/// All of them; the stages add their own. One that is left out here is named by `verify-store`, and so by `tests/damage.rs`.
pub const DOCUMENTS: [Kind; 23] = [
    Kind::of::<Record>(),
    Kind::of::<Provenance>(),
    Kind::of::<ImportNote>(),
    Kind::of::<Flatness>(),
    Kind::of::<Calibration>(),
    Kind::of::<Replay>(),
    Kind::of::<Rows<FlatnessRow>>(),
    Kind::of::<Rows<SharpnessRow>>(),
    Kind::of::<Rows<CalibrationRow>>(),
    Kind::of::<Rows<AccuracyRow>>(),
    Kind::of::<Rows<ClaimRow>>(),
    Kind::of::<Rows<TrialProbeRow>>(),
    Kind::of::<Rows<PlaceboRow>>(),
    Kind::of::<Rows<FactorRow>>(),
    Kind::of::<Rows<BaselineRow>>(),
    Kind::of::<Rows<CurveRow>>(),
    Kind::of::<Rows<DescentRow>>(),
    Kind::of::<Rows<FloatRow>>(),
    Kind::of::<Rows<LevelRow>>(),
    Kind::of::<Rows<RunRow>>(),
    Kind::of::<Rows<TheoremCheck>>(),
    Kind::of::<Rows<TheoremRow>>(),
    Kind::of::<Overview>(),
];
