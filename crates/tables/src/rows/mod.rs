//! The rows, a file a family of tables.

mod accuracy;
mod claims;
mod curves;
mod levels;
mod methods;
mod overview;
mod probes;
mod published;
mod runs;
mod theorem;
mod values;

pub use accuracy::{AccuracyRow, Difference, PaperCell, Printed, SelectionRow, SensitivityRow};
pub use claims::ClaimRow;
pub use curves::{CurvePoint, CurveRow, DescentRow, FinalLossRow, GradientNorms};
pub use levels::LevelRow;
pub use methods::MethodRow;
pub use overview::{DatasetRow, Overview};
pub use probes::{Band, CalibrationRow, FlatnessRow, ReliabilityBinRow, Sharpness, SharpnessRow};
pub use published::{PublishedOutcome, PublishedRunRow};
pub use runs::{EpochAccuracy, RunRow};
pub use theorem::{Estimate, TheoremCheck, TheoremRow};
pub use values::{Checkpoint, Interval, MeanStd, Measured, RunStatus, Verdict};
