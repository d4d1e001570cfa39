//! The templates and style sheets of the report: built in, and replaceable by files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use flooding_core::digest::{Digest, Hasher};
use flooding_core::files::read_text;

use crate::RenderError;

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        /// The built-in ones, by their path under `templates/`.
        pub const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../templates/", $name)))),+];
    };
}

built_in!(
    "report.html",
    "macros.html",
    "sections/headline.html",
    "sections/scorecard.html",
    "sections/claims.html",
    "sections/accuracy.html",
    "sections/methods.html",
    "sections/figures.html",
    "sections/theorem.html",
    "sections/readings.html",
    "sections/details.html",
    "sections/missing.html",
    "sections/data.html",
    "sections/repeat.html",
    "sections/provenance.html",
    "style.css",
    "report.js",
    "figure.css",
    "latex/accuracy.tex",
    "latex/table1.tex",
    "latex/report.tex",
    "latex/article.tex",
    "latex/metadata.yaml",
);

/// No template is as large as this.
const LARGEST: u64 = 1 << 20;

/// The templates that a report is made with, by their path under `templates/`.
#[derive(Clone, Debug)]
pub struct Templates(BTreeMap<&'static str, Cow<'static, str>>);

impl Templates {
    /// The built-in templates alone.
    pub fn built_in() -> Self {
        Self(TEMPLATES.iter().map(|&(name, source)| (name, Cow::Borrowed(source))).collect())
    }

    /// The built-in templates, each replaced by the file of its name in `folder` where there is one.
    pub fn with_folder(folder: &Path) -> Result<Self, RenderError> {
        let mut templates = Self::built_in();
        for (name, source) in &mut templates.0 {
            let path = folder.join(name);
            match read_text(&path, LARGEST) {
                Ok(text) => *source = Cow::Owned(text),
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {}
                Err(source) => return Err(RenderError::TemplateFile { path, source }),
            }
        }
        Ok(templates)
    }

    /// The text of a template; empty for a name that there is not.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", AsRef::as_ref)
    }

    /// The templates of the page, or of LaTeX, with their names for each other.
    pub(crate) fn page(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .iter()
            .filter(|(name, _)| !name.starts_with(LATEX) && **name != FIGURE_STYLE)
            .map(|(name, source)| (*name, source.as_ref()))
    }

    /// The templates of LaTeX, by their names without the folder.
    pub(crate) fn latex(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().filter_map(|(name, source)| Some((name.strip_prefix(LATEX)?, source.as_ref())))
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for (name, source) in &self.0 {
            hasher.update(name.as_bytes());
            hasher.update(source.as_bytes());
        }
        hasher.finish()
    }
}

const LATEX: &str = "latex/";

/// The rules that the page shares with figures in standalone files.
pub(crate) const FIGURE_STYLE: &str = "figure.css";
