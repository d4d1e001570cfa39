//! Every table there is.

use flooding_core::store::Registered;

use crate::definition::{Column, Table};
use crate::document::Rows;
use crate::probes::{Calibration, Flatness, Replay};
use crate::rows::{
    AccuracyRow, BaselineRow, CalibrationRow, ClaimReadingRow, ClaimRow, ComputeRow, CurvePoint, CurveRow, DescentRow,
    FinalLossRow, FlatnessRow, GainRow, LevelRow, MethodRow, OverallRow, Overview, PairedRow, PlaceboRow,
    PublishedRunRow, ReliabilityBinRow, ReplayRow, RunEndRow, RunRow, ScorecardCountRow, ScorecardRow,
    SelectionNoiseRow, SelectionRow, SensitivityRow, SharpnessRow, SpreadRow, TheoremCheck, TheoremRow, TrialProbeRow,
};

/// A table, without its rows.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// [`Table::NAME`].
    pub name: &'static str,
    /// [`Table::VERSION`].
    pub version: u32,
    /// [`Table::ABOUT`].
    pub about: &'static str,
    /// [`Table::columns`].
    pub columns: fn() -> Vec<Column>,
    /// Its JSON document.
    pub document: Registered,
}

impl Definition {
    /// That of a type.
    pub const fn of<T: Table>() -> Self {
        Self {
            name: T::NAME,
            version: T::VERSION,
            about: T::ABOUT,
            columns: T::columns,
            document: Registered::of::<Rows<T>>(),
        }
    }
}

/// The tables that the aggregate stage writes to `data/tables/`.
pub const AGGREGATED: [Definition; 29] = [
    Definition::of::<AccuracyRow>(),
    Definition::of::<ScorecardRow>(),
    Definition::of::<ScorecardCountRow>(),
    Definition::of::<OverallRow>(),
    Definition::of::<PairedRow>(),
    Definition::of::<SelectionNoiseRow>(),
    Definition::of::<SpreadRow>(),
    Definition::of::<SelectionRow>(),
    Definition::of::<SensitivityRow>(),
    Definition::of::<ClaimRow>(),
    Definition::of::<ClaimReadingRow>(),
    Definition::of::<PlaceboRow>(),
    Definition::of::<GainRow>(),
    Definition::of::<BaselineRow>(),
    Definition::of::<TrialProbeRow>(),
    Definition::of::<LevelRow>(),
    Definition::of::<FinalLossRow>(),
    Definition::of::<DescentRow>(),
    Definition::of::<RunEndRow>(),
    Definition::of::<CurveRow>(),
    Definition::of::<CurvePoint>(),
    Definition::of::<ReplayRow>(),
    Definition::of::<FlatnessRow>(),
    Definition::of::<SharpnessRow>(),
    Definition::of::<CalibrationRow>(),
    Definition::of::<ReliabilityBinRow>(),
    Definition::of::<RunRow>(),
    Definition::of::<ComputeRow>(),
    Definition::of::<MethodRow>(),
];

/// The tables that the verify stage writes to `data/theorem/`.
pub const VERIFIED: [Definition; 2] = [Definition::of::<TheoremRow>(), Definition::of::<TheoremCheck>()];

/// The table that `pipeline publish` writes beside a report.
pub const PUBLISHED: [Definition; 1] = [Definition::of::<PublishedRunRow>()];

/// The documents of this crate that are no tables.
const OTHER_DOCUMENTS: [Registered; 4] = [
    Registered::of::<Overview>(),
    Registered::of::<Flatness>(),
    Registered::of::<Calibration>(),
    Registered::of::<Replay>(),
];

/// All documents that this crate defines.
pub fn documents() -> impl Iterator<Item = Registered> {
    AGGREGATED.into_iter().chain(VERIFIED).map(|table| table.document).chain(OTHER_DOCUMENTS)
}
