//! What the stage cannot find out by itself.

use flooding_core::work::Gap;
use flooding_tables::DatasetRow;
use serde::Serialize;

/// What earlier stages and the command line hand to `aggregate`, for the overview.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inputs {
    /// What earlier stages could not do.
    pub gaps: Vec<Gap>,
    /// The image datasets that the plan uses.
    pub datasets: Vec<DatasetRow>,
    /// `pipeline.toml`, as it is.
    pub configuration: String,
}
