//! What the report says about the whole: no table, since it is one of each.

use flooding_core::digest::Digest;
use flooding_core::plan::LeftOut;
use flooding_core::record::Provenance;
use flooding_core::store::Document;
use flooding_core::work::MissingResult;
use serde::{Deserialize, Serialize};

/// What the report says about the whole: written by `aggregate` from what it was handed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The profile's name.
    pub profile: String,
    /// The command line's options that changed it, each without dashes and with its value.
    #[serde(default)]
    pub options: Vec<(String, String)>,
    /// Its sentence.
    pub summary: String,
    /// The seed of all streams.
    pub master_seed: u64,
    /// The readings run, with their sentences.
    pub readings: Vec<(String, String)>,
    /// The readings that are called by another label than their name, with that label.
    pub reading_labels: Vec<(String, String)>,
    /// The margin of equivalence of the scorecard, in percentage points.
    pub margin: Option<f64>,
    /// Runs of the plan, and how many of them have complete records.
    pub runs: (u64, u64),
    /// What should be there and is not.
    pub missing: Vec<MissingResult>,
    /// Settings that this plan does not contain.
    pub left_out: Vec<LeftOut>,
    /// The software and machines that made the records, each distinct one once; durations set to zero.
    pub made_by: Vec<Provenance>,
    /// The published reports that settings were taken from instead of being trained here.
    #[serde(default)]
    pub published: Vec<PublishedSource>,
    /// The image datasets used.
    pub datasets: Vec<DatasetRow>,
    /// `pipeline.toml`, as it was.
    pub configuration: String,
}

/// A published report that settings were taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedSource {
    /// The folder that it was imported from.
    pub name: String,
    /// Digest of its list of files.
    pub digest: Digest,
    /// Version of the software that published it.
    pub version: String,
    /// Its profile.
    pub profile: String,
    /// Runs of the plan that count as it has them.
    pub runs: u64,
    /// Their settings.
    pub settings: Vec<String>,
}

/// A dataset, for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetRow {
    /// Its name.
    pub name: String,
    /// Where its digests come from and how it may be used.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Name, bytes and SHA-256 of each file.
    pub files: Vec<(String, u64, String)>,
}

impl Document for Overview {
    const KIND: &'static str = "overview";
    const VERSION: u32 = 3;
}
