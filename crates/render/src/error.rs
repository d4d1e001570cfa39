//! Why a report could not be made.

use flooding_core::store::{DocumentError, StoreError};

use crate::figure::DrawError;

/// Why a report could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A table is damaged, or of another version.
    #[error("{0} (run `pipeline stage aggregate` and `pipeline stage verify` again)")]
    Table(#[from] DocumentError),
    /// A file could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A template does not fit its context.
    #[error("template {name}: {source:#}")]
    Template {
        /// The template.
        name: &'static str,
        /// The template engine's word.
        source: minijinja::Error,
    },
    /// A file that would replace a template could not be read.
    #[error("cannot read the template {path}: {source}", path = path.display())]
    TemplateFile {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A figure could not be laid out.
    #[error("drawing a figure: {0}")]
    Draw(#[from] DrawError),
    /// The description of the files could not be written as JSON.
    #[error("writing {file} as JSON: {source}")]
    Json {
        /// The file.
        file: String,
        /// The serialiser's word.
        source: serde_json::Error,
    },
}
