//! Where a project is, as typed.

use std::path::{Path, PathBuf};

use clap::Args;

/// A project's configuration and folders.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// The configuration; data/ and reports/ lie beside it
    #[arg(long, value_name = "FILE", default_value = "pipeline.toml")]
    pub config: PathBuf,
    /// Where data, runs and tables are kept [default: data, beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the report is written [default: reports, beside the configuration]
    #[arg(long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
}

impl PlaceArgs {
    /// The configuration's folder.
    pub fn folder(&self) -> PathBuf {
        self.config.parent().map_or_else(PathBuf::new, Path::to_owned)
    }

    /// The data folder and the report's.
    pub fn folders(&self) -> [PathBuf; 2] {
        let folder = |given: &Option<PathBuf>, name| given.clone().unwrap_or_else(|| self.folder().join(name));
        [folder(&self.data, "data"), folder(&self.reports, "reports")]
    }
}
