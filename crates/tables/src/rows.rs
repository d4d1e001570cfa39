//! The rows, a file a family of tables.

mod accuracy;
mod claims;
mod comparisons;
mod compute;
mod controls;
mod curves;
mod levels;
mod methods;
mod overview;
mod probes;
mod published;
mod runs;
mod scorecard;
mod selection_noise;
mod theorem;
mod trial_probes;
mod values;

pub use accuracy::{AccuracyRow, Difference, PaperCell, Printed, SelectionRow, SensitivityRow};
pub use claims::{ClaimReadingRow, ClaimRow};
pub use comparisons::{OverallRow, PairedRow};
pub use compute::ComputeRow;
pub use controls::{BaselineRow, GainRow, PlaceboRow};
pub use curves::{CurvePoint, CurveRow, DescentRow, FinalLossRow, GradientNorms, RunEndRow};
pub use levels::LevelRow;
pub use methods::MethodRow;
pub use overview::{DatasetRow, Overview, PublishedSource};
pub use probes::{Band, CalibrationRow, FlatnessRow, ReliabilityBinRow, ReplayRow, Sharpness, SharpnessRow};
pub use published::{PublishedOutcome, PublishedRunRow};
pub use runs::{EpochAccuracy, RunRow};
pub use scorecard::{Combined, Compared, Count, Criteria, Estimated, Quantity, ScorecardCountRow, ScorecardRow};
pub use selection_noise::{LevelChoice, SelectionNoiseRow, SpreadRow};
pub use theorem::{Estimate, TheoremCheck, TheoremRow};
pub use trial_probes::{Pair, Three, TrainedTheorem, TrialProbeRow};
pub use values::{Checkpoint, ClaimGroup, Interval, Magnitude, MeanStd, Measured, RunStatus, Verdict};
