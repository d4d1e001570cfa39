//! The last stage: stored tables become the report that people open, and the files they quote.
//!
//! [`render`] is a pure function: the same tables give the same bytes. It computes nothing: every number was made by
//! `aggregate` or `verify`; here they are only written down and drawn.

mod context;
mod crate_metadata;
mod error;
mod figure;
mod format;
mod html;
mod latex;
mod slug;
mod stage;
mod tables;
mod templates;

pub use context::ReportContext;
pub use error::RenderError;
pub use stage::{REPORT_REVISION, prepare};
pub use tables::Tables;
pub use templates::{TEMPLATES, Templates};

/// Files by their path under `reports/`.
pub type Files = std::collections::BTreeMap<String, Vec<u8>>;

/// Every file of the report by its path under `reports/`, the manifest excepted.
pub fn render(tables: &Tables, templates: &Templates) -> Result<Files, RenderError> {
    let (report, figures) = ReportContext::new(tables)?;
    let mut files = Files::new();
    files.insert("index.html".to_owned(), html::page(&report, templates)?.into_bytes());
    files.extend(tables.files.iter().map(|(name, bytes)| (format!("tables/{name}"), bytes.clone())));
    for (name, text) in latex::files(tables, &report, &figures, templates)? {
        files.insert(format!("latex/{name}"), text.into_bytes());
    }
    let style = templates.get(templates::FIGURE_STYLE);
    for figure in figures {
        let stem = format!("figures/{}", figure.id);
        let svg = figure::svg::file(&figure.scene, &figure.id, &figure.title, &figure.description, style);
        files.insert(format!("{stem}.svg"), svg.into_bytes());
        files.insert(format!("{stem}.pdf"), figure::pdf::file(&figure.scene, &figure.title));
        files.insert(format!("{stem}.csv"), figure.csv);
    }
    crate_metadata::add(&mut files, tables)?;
    Ok(files)
}
