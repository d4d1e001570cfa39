//! What the stage cannot find out by itself.

use flooding_core::digest::Digest;
use flooding_core::work::MissingResult;
use flooding_tables::DatasetRow;
use serde::Serialize;

/// What earlier stages and the command line hand to `aggregate`, for the overview.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Inputs {
    /// What earlier stages could not do.
    pub missing: Vec<MissingResult>,
    /// The image datasets that the plan uses.
    pub datasets: Vec<DatasetRow>,
    /// `pipeline.toml`, as it is.
    pub configuration: String,
    /// What tells each run's record from others ([`flooding_core::store::document_body`]), in the plan's order, where
    /// somebody has just looked at them all; `None` in the list where there is none.
    #[serde(skip)]
    pub records: Option<Vec<Option<Digest>>>,
}
