//! The stage: reads the tables, writes the report, and knows when that is not needed.

use std::collections::BTreeMap;

use flooding_core::clock;
use flooding_core::context::Context;
use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::Plan;
use flooding_core::store::{OutputManifest, OutputWriter, Store};
use flooding_core::work::{Prepared, Stage, StageReport, WorkItem};

use crate::tables::Tables;
use crate::templates::Templates;
use crate::{RenderError, render};

/// Raised whenever a change of this crate's code changes the report, so that old reports are rebuilt.
pub const REPORT_REVISION: u32 = 5;

/// The name of the tables among the inputs.
const TABLES: &str = "tables";

/// The day on which a report was first made from its tables.
const PUBLISHED: &str = "published";

/// Decides whether the report is the one of the stored tables, whatever the plan. Running it makes the report; it warns
/// where the tables are another profile's.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
    templates: Templates,
) -> Result<Prepared<'a, RenderError>, RenderError> {
    let inputs = BTreeMap::from([
        (TABLES.to_owned(), Tables::digest(store)?),
        ("templates".to_owned(), templates_digest(&templates)),
    ]);
    let (decision, _) = OutputManifest::decide(store, store.layout().reports(), &inputs, context.force)?;
    let runs = decision.runs();
    let item = WorkItem { stage: Stage::Render, id: "index.html".to_owned(), decision };
    Ok(Prepared::new(vec![item], move || {
        if runs {
            make(plan, store, context, &templates, inputs)
        } else {
            Ok(StageReport { skipped: 1, ..StageReport::default() })
        }
    }))
}

fn make(
    plan: &Plan,
    store: &Store,
    context: &Context,
    templates: &Templates,
    inputs: BTreeMap<String, Digest>,
) -> Result<StageReport, RenderError> {
    let progress = &context.progress;
    progress.stage_started(Stage::Render.name(), 1, "report");
    progress.item_started("index.html", 1);
    let mut tables = Tables::read(store)?;
    if let Some(overview) = tables.overview.as_ref().filter(|overview| overview.profile != plan.profile) {
        progress.warn(&format!(
            "the stored tables are of profile `{}`, not `{}`; the report shows what is stored \
             (`pipeline stage aggregate --profile {}` makes the others)",
            overview.profile, plan.profile, plan.profile
        ));
    }
    // The same tables keep their day, so that drawing them again gives the same bytes.
    let before = store.read_document::<OutputManifest>(&OutputManifest::path(store.layout().reports())).ok().flatten();
    let same = before.filter(|manifest| manifest.inputs.get(TABLES) == inputs.get(TABLES));
    let published = same.and_then(|manifest| manifest.facts.get(PUBLISHED).cloned()).unwrap_or_else(clock::today);
    tables.published = Some(published.clone());
    let files = render(&tables, templates)?;
    // What an earlier report had and this one has not would look as if it belonged to this one: the writer removes it.
    let mut outputs = OutputWriter::begin(store, store.layout().reports().to_owned())?;
    for name in COMPILED {
        store.remove(&store.layout().reports().join(name))?;
    }
    for (name, bytes) in &files {
        outputs.write(name, bytes)?;
    }
    outputs.fact(PUBLISHED, published);
    outputs.finish(inputs, Vec::new())?;
    progress.item_finished("index.html", &format!("{} files", files.len()));
    progress.stage_finished();
    Ok(StageReport { done: 1, ..StageReport::default() })
}

/// What `scripts/make_pdf.sh` makes of the LaTeX: of an earlier report's, as long as it is not run again.
const COMPILED: [&str; 2] = ["latex/report.pdf", "latex/article.pdf"];

fn templates_digest(templates: &Templates) -> Digest {
    let revision = Hasher::new().chain(&REPORT_REVISION.to_le_bytes()).chain(env!("CARGO_PKG_VERSION").as_bytes());
    revision.chain(templates.digest().as_str().as_bytes()).finish()
}
