//! The stage: one document a scenario, then the tables of all cells and of the verdicts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::store::{Document, DocumentError, Kind, Store};
use flooding_core::work::{Decision, Reason, Stage, StageReport, WorkItem};
use flooding_tables::{Rows, TheoremCheck, TheoremRow, scenario_word};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::threads;
use crate::exact::flooded;
use crate::{VerifyError, batches, checks, grid};

/// Raised whenever a change of this crate changes anyone's numbers.
pub const VERIFY_REVISION: u32 = 2;

/// The rows of one scenario and what they were computed from.
#[derive(Serialize, Deserialize)]
struct Part {
    spec: Value,
    rows: Rows<TheoremRow>,
}

impl Document for Part {
    const KIND: &'static str = "theorem-part";
    const VERSION: u32 = 2;
}

/// What the tables were made from and what they are.
#[derive(Serialize, Deserialize)]
struct Inputs {
    parts: BTreeMap<String, Digest>,
    outputs: BTreeMap<String, Digest>,
}

impl Document for Inputs {
    const KIND: &'static str = "theorem-inputs";
    const VERSION: u32 = 1;
}

/// The kinds of documents that only this stage reads.
pub const DOCUMENTS: [Kind; 2] = [Kind::of::<Part>(), Kind::of::<Inputs>()];

/// The item that stands for both tables.
const TABLES: &str = "theorem tables";

/// What [`run`] would do: an item a scenario, and one for the tables.
pub fn work(plan: &Plan, store: &Store, context: &Context) -> Result<Vec<WorkItem>, VerifyError> {
    let mut items = Vec::new();
    for scenario in scenarios(plan) {
        items.push(item(scenario_word(scenario), part_decision(scenario, plan, store, context)?));
    }
    let changed = items.iter().find(|item: &&WorkItem| item.decision.runs()).map(|item| item.id.clone());
    let decision = tables_decision(plan, store, context, changed)?;
    items.push(item(TABLES.to_owned(), decision));
    Ok(items)
}

fn item(id: String, decision: Decision) -> WorkItem {
    WorkItem { stage: Stage::Verify, id, decision }
}

/// Computes what is new or changed on `context.jobs` threads and writes the tables of the cells and of the verdicts.
/// What was finished before a stop is kept.
pub fn run(plan: &Plan, store: &Store, context: &Context) -> Result<StageReport, VerifyError> {
    let items = work(plan, store, context)?;
    let wanted = |id: &str| items.iter().any(|item| item.id == id && item.decision.runs());
    let mut report = StageReport::default();
    let runs = items.iter().filter(|item| item.decision.runs()).count() as u64;
    report.skipped = items.len() as u64 - runs;
    context.progress.stage_started(Stage::Verify.name(), runs, "scenario");
    let pool = threads(context.jobs)?;
    for scenario in scenarios(plan).filter(|scenario| wanted(&scenario_word(scenario))) {
        if !pool.install(|| compute(scenario, plan, store, context))? {
            report.interrupted = true;
            break;
        }
        report.done += 1;
    }
    if wanted(TABLES) && !report.interrupted {
        context.progress.item_started(TABLES, 1);
        let verdict = tabulate(plan, store)?;
        context.progress.item_finished(TABLES, &verdict);
        report.done += 1;
    }
    context.progress.stage_finished();
    Ok(report)
}

/// Computes and stores one scenario; `false` when asked to stop.
fn compute(scenario: &Scenario, plan: &Plan, store: &Store, context: &Context) -> Result<bool, VerifyError> {
    let id = scenario_word(scenario);
    let cells = (plan.theorem.sample_sizes.len() * plan.theorem.levels_over_risk.len()) as u64;
    context.progress.item_started(&id, cells);
    let done = AtomicU64::new(0);
    let seen = || context.progress.item_advanced(&id, done.fetch_add(1, Ordering::Relaxed) + 1);
    let rows = grid::rows(scenario, &plan.theorem, plan.master_seed, context, flooded, seen);
    let Some(rows) = rows else {
        context.progress.item_finished(&id, "interrupted");
        return Ok(false);
    };
    store.write_document(&part_path(scenario, store), &Part { spec: spec(scenario, plan), rows: Rows(rows) })?;
    context.progress.item_finished(&id, &format!("{cells} cells"));
    Ok(true)
}

/// Joins the parts, judges them, and writes the tables; returns the verdict in a few words.
fn tabulate(plan: &Plan, store: &Store) -> Result<String, VerifyError> {
    let mut rows = Vec::new();
    for scenario in scenarios(plan) {
        rows.extend(store.read_document::<Part>(&part_path(scenario, store))?.map_or(Vec::new(), |part| part.rows.0));
    }
    let mut checks: Vec<TheoremCheck> = checks::judge(&rows, plan.theorem.repetitions);
    checks.extend(batches::judge(plan.master_seed));
    let passed = checks.iter().filter(|check| check.passed).count();
    let verdict = format!("{passed} of {} statements hold", checks.len());
    let folder = store.layout().theorem();
    // An older document must not vouch for new tables, should we be stopped half way.
    store.remove(&folder.join("inputs.json"))?;
    let mut outputs = BTreeMap::new();
    outputs.extend(flooding_tables::write(store, &folder, &Rows(rows))?);
    outputs.extend(flooding_tables::write(store, &folder, &Rows(checks))?);
    let inputs = Inputs { parts: part_digests(plan, store)?, outputs };
    store.write_document(&folder.join("inputs.json"), &inputs)?;
    Ok(verdict)
}

/// The plan's scenarios, each once.
fn scenarios(plan: &Plan) -> impl Iterator<Item = &Scenario> {
    let all = &plan.theorem.scenarios;
    all.iter().enumerate().filter(|(i, scenario)| !all[..*i].contains(scenario)).map(|(_, scenario)| scenario)
}

fn part_path(scenario: &Scenario, store: &Store) -> PathBuf {
    store.layout().theorem().join("parts").join(format!("{}.json", scenario_word(scenario).replace(' ', "_")))
}

/// Everything that determines a scenario's rows.
fn spec(scenario: &Scenario, plan: &Plan) -> Value {
    json!({
        "revision": VERIFY_REVISION,
        "master_seed": plan.master_seed,
        "scenario": scenario,
        "repetitions": plan.theorem.repetitions,
        "sample_sizes": plan.theorem.sample_sizes,
        "levels_over_risk": plan.theorem.levels_over_risk,
    })
}

fn part_decision(scenario: &Scenario, plan: &Plan, store: &Store, context: &Context) -> Result<Decision, VerifyError> {
    Ok(match store.read_document::<Part>(&part_path(scenario, store)) {
        Ok(None) => Decision::Run(Reason::New),
        Ok(Some(part)) => match Reason::of_difference(&part.spec, &spec(scenario, plan)) {
            Some(reason) => Decision::Run(reason),
            None => up_to_date(context),
        },
        Err(error) => damaged(error)?,
    })
}

fn tables_decision(
    plan: &Plan,
    store: &Store,
    context: &Context,
    changed: Option<String>,
) -> Result<Decision, VerifyError> {
    let folder = store.layout().theorem();
    let inputs = match store.read_document::<Inputs>(&folder.join("inputs.json")) {
        Ok(None) => return Ok(Decision::Run(Reason::New)),
        Ok(Some(inputs)) => inputs,
        Err(error) => return damaged(error),
    };
    if let Some(input) = changed {
        return Ok(Decision::Run(Reason::InputChanged { input }));
    }
    if inputs.parts != part_digests(plan, store)? {
        return Ok(Decision::Run(Reason::InputChanged { input: "the list of scenarios".to_owned() }));
    }
    for (name, digest) in &inputs.outputs {
        let path = folder.join(name);
        if store.read(&path)?.is_none_or(|bytes| Digest::of(&bytes) != *digest) {
            let why = format!("{} is not the file that was written", path.display());
            return Ok(Decision::Run(Reason::Damaged { why }));
        }
    }
    Ok(up_to_date(context))
}

const fn up_to_date(context: &Context) -> Decision {
    if context.force { Decision::Run(Reason::Forced) } else { Decision::Skip(Reason::UpToDate) }
}

/// A document that cannot be used is made again; a store that cannot be read is an error.
fn damaged(error: DocumentError) -> Result<Decision, VerifyError> {
    match error {
        DocumentError::Store(error) => Err(error.into()),
        error => Ok(Decision::Run(Reason::Damaged { why: error.to_string() })),
    }
}

fn part_digests(plan: &Plan, store: &Store) -> Result<BTreeMap<String, Digest>, VerifyError> {
    let mut digests = BTreeMap::new();
    for scenario in scenarios(plan) {
        if let Some(bytes) = store.read(&part_path(scenario, store))? {
            digests.insert(scenario_word(scenario), Digest::of(&bytes));
        }
    }
    Ok(digests)
}
