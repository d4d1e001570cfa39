//! What each section of the report says, as small typed structures that templates fill in.

pub mod account;
pub mod accuracy;
pub mod claims;
mod controls;
pub mod facts;
pub mod figures;
pub mod headline;
pub mod measures;
pub mod methods;
pub mod names;
pub mod provenance;
pub mod scorecard;
pub mod theorem;

use flooding_tables::Checkpoint;
use serde::Serialize;

use crate::RenderError;
use crate::figure::Figure;
use crate::slug::slug;
use crate::tables::Tables;

/// The whole page.
#[derive(Clone, Debug, Serialize)]
pub struct ReportContext {
    /// The findings.
    pub headline: headline::HeadlineContext,
    /// The forest plot.
    pub forest: Option<figures::FigureContext>,
    /// The replication scorecard.
    pub scorecard: scorecard::ScorecardContext,
    /// The claims.
    pub claims: claims::ClaimsContext,
    /// Tables 2 and 3, and the settings of neither.
    pub accuracy: Vec<accuracy::TableContext>,
    /// Table 1.
    pub methods: methods::MethodsContext,
    /// Figures 1 to 8.
    pub figures: Vec<figures::SectionContext>,
    /// How drawn lines are thinned.
    pub thinning: &'static str,
    /// Theorem 1.
    pub theorem: theorem::TheoremContext,
    /// Theorem 1's figures.
    pub theorem_figures: Vec<figures::FigureContext>,
    /// What was not run.
    pub missing: account::MissingContext,
    /// The datasets.
    pub data: account::DataContext,
    /// How to repeat and cite.
    pub repeat: account::RepeatContext,
    /// The runs behind every cell.
    pub provenance: provenance::ProvenanceContext,
}

impl ReportContext {
    /// Everything, with the figures for the files beside the page.
    pub fn new(tables: &Tables) -> Result<(Self, Vec<Figure>), RenderError> {
        let index = facts::Index::new(tables);
        let drawn = figures::draw(tables, &index)?;
        let context = Self {
            headline: headline::HeadlineContext::new(tables, &index),
            forest: drawn.forest,
            scorecard: scorecard::ScorecardContext::new(tables, &index),
            claims: claims::ClaimsContext::new(tables, &index),
            accuracy: [
                accuracy::TableContext::synthetic(tables, &index),
                accuracy::TableContext::benchmarks(tables, &index),
            ]
            .into_iter()
            .chain(accuracy::TableContext::others(tables, &index))
            .collect(),
            methods: methods::MethodsContext::new(tables),
            figures: drawn.sections,
            thinning: drawn.rule,
            theorem: theorem::TheoremContext::new(tables),
            theorem_figures: drawn.theorem,
            missing: account::MissingContext::new(tables, &index),
            data: account::DataContext::new(tables),
            repeat: account::RepeatContext::new(tables),
            provenance: provenance::ProvenanceContext::new(tables, &index),
        };
        Ok((context, drawn.figures))
    }
}

/// The anchor of a setting's provenance.
pub fn setting_anchor(setting: &str) -> String {
    format!("runs-{}", slug(setting))
}

/// The anchor of the runs behind one row of a sub-table.
pub fn cell_anchor(setting: &str, checkpoint: Checkpoint) -> String {
    format!("cell-{}-{}", slug(setting), accuracy::letter(checkpoint))
}
