//! The stage: reads the tables, writes the report, and knows when that is not needed.

use flooding_core::clock;
use flooding_core::context::Context;
use flooding_core::digest::{Digest, Hasher};
use flooding_core::plan::Plan;
use flooding_core::store::{Document, Store};
use flooding_core::work::{Decision, Reason, Stage, StageReport, WorkItem};
use serde::{Deserialize, Serialize};

use crate::tables::Tables;
use crate::{RenderError, html, latex, render};

/// Raised whenever a change of this crate's code changes the report, so that old reports are made again.
const REVISION: u32 = 1;

/// What the report's folder holds, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// One digest over all tables.
    pub tables: Digest,
    /// One digest over the templates and the revision of the code.
    pub templates: Digest,
    /// The day on which a report was first made from these tables.
    #[serde(default)]
    pub published: Option<String>,
    /// Path under `reports/` and SHA-256 of every file.
    pub files: Vec<(String, Digest)>,
}

impl Document for Manifest {
    const KIND: &'static str = "report-manifest";
    const VERSION: u32 = 1;
}

fn manifest_path(store: &Store) -> std::path::PathBuf {
    store.layout().reports().join("manifest.json")
}

/// Does the report have to be made, and why?
pub fn work(_: &Plan, store: &Store, context: &Context) -> Result<Vec<WorkItem>, RenderError> {
    let decision = decide(store, context)?;
    Ok(vec![WorkItem { stage: Stage::Render, id: "index.html".to_owned(), decision }])
}

/// Makes the report from the stored tables, whatever the plan; warns where they are another profile's.
pub fn run(plan: &Plan, store: &Store, context: &Context) -> Result<StageReport, RenderError> {
    if !decide(store, context)?.runs() {
        return Ok(StageReport { skipped: 1, ..StageReport::default() });
    }
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
    let before = store.read_document::<Manifest>(&manifest_path(store)).ok().flatten();
    let digest = Tables::digest(store)?;
    // The same tables keep their day, so that drawing them again gives the same bytes.
    let same = before.as_ref().filter(|manifest| manifest.tables == digest);
    let published = same.and_then(|manifest| manifest.published.clone()).unwrap_or_else(clock::today);
    tables.published = Some(published.clone());
    let made = render(&tables)?;
    let mut files = Vec::with_capacity(made.len());
    for (name, bytes) in &made {
        files.push((name.clone(), store.write(&store.layout().reports().join(name), bytes)?));
    }
    // What an earlier report had and this one has not would look as if it belonged to this one.
    for (name, _) in before.into_iter().flat_map(|manifest| manifest.files) {
        if !made.contains_key(&name) {
            store.remove(&store.layout().reports().join(name))?;
        }
    }
    let manifest = Manifest { tables: digest, templates: templates_digest(), published: Some(published), files };
    store.write_document(&manifest_path(store), &manifest)?;
    progress.item_finished("index.html", &format!("{} files", made.len()));
    progress.stage_finished();
    Ok(StageReport { done: 1, ..StageReport::default() })
}

fn decide(store: &Store, context: &Context) -> Result<Decision, RenderError> {
    if context.force {
        return Ok(Decision::Run(Reason::Forced));
    }
    let manifest = match store.read_document::<Manifest>(&manifest_path(store)) {
        Ok(Some(manifest)) => manifest,
        Ok(None) => return Ok(Decision::Run(Reason::New)),
        Err(error) => return Ok(Decision::Run(Reason::Damaged { why: error.to_string() })),
    };
    let changed = |input: &str| Ok(Decision::Run(Reason::InputChanged { input: input.to_owned() }));
    if manifest.templates != templates_digest() {
        return changed("templates");
    }
    if manifest.tables != Tables::digest(store)? {
        return changed("tables");
    }
    for (name, digest) in &manifest.files {
        if store.digest(&store.layout().reports().join(name))?.as_ref() != Some(digest) {
            return Ok(Decision::Run(Reason::Damaged { why: format!("{name} is missing or was changed") }));
        }
    }
    Ok(Decision::Skip(Reason::UpToDate))
}

fn templates_digest() -> Digest {
    let mut hasher = Hasher::new().chain(&REVISION.to_le_bytes()).chain(env!("CARGO_PKG_VERSION").as_bytes());
    for (name, source) in html::TEMPLATES.iter().chain(&latex::TEMPLATES) {
        hasher.update(name.as_bytes());
        hasher.update(source.as_bytes());
    }
    hasher.update(crate::figure::svg::STYLE.as_bytes());
    hasher.finish()
}
