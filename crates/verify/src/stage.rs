//! The stage: one document a scenario, then the tables of all cells and of the verdicts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use flooding_core::config::Scenario;
use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::store::{Document, DocumentError, OutputManifest, OutputWriter, Registered, Store};
use flooding_core::work::{Decision, Prepared, Reason, Stage, StageReport, WorkItem};
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

/// The kinds of documents that only this stage reads.
pub const DOCUMENTS: [Registered; 1] = [Registered::of::<Part>()];

/// The item that stands for both tables.
const TABLES: &str = "theorem tables";

/// Decides what there is to do: an item a scenario, and one for the tables.
///
/// Running it computes what is new or changed on `context.jobs` threads and writes the tables of the cells and of the
/// verdicts. What was finished before a stop is kept.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
) -> Result<Prepared<'a, VerifyError>, VerifyError> {
    let mut items = Vec::new();
    let mut wanted = Vec::new();
    for scenario in scenarios(plan) {
        let decision = part_decision(scenario, plan, store, context)?;
        if decision.runs() {
            wanted.push(scenario);
        }
        items.push(item(scenario_word(scenario), decision));
    }
    // The digests of parts that are about to be written are not known yet.
    let decision = match wanted.first() {
        Some(scenario) if OutputManifest::path(&store.layout().theorem()).exists() => {
            Decision::Run(Reason::InputChanged { input: scenario_word(scenario) })
        }
        Some(_) => Decision::Run(Reason::New),
        None => {
            let inputs = part_digests(plan, store)?;
            OutputManifest::decide(store, &store.layout().theorem(), &inputs, context.force)?.0
        }
    };
    let skipped = items.len() - wanted.len();
    let tables = decision.runs();
    items.push(item(TABLES.to_owned(), decision));
    Ok(Prepared::new(items, move || {
        let mut report = StageReport { skipped: skipped as u64 + u64::from(!tables), ..StageReport::default() };
        run(&wanted, tables, plan, store, context, &mut report)?;
        Ok(report)
    }))
}

fn item(id: String, decision: Decision) -> WorkItem {
    WorkItem { stage: Stage::Verify, id, decision }
}

fn run(
    wanted: &[&Scenario],
    tables: bool,
    plan: &Plan,
    store: &Store,
    context: &Context,
    report: &mut StageReport,
) -> Result<(), VerifyError> {
    let all = wanted.len() as u64 + u64::from(tables);
    context.progress.stage_started(Stage::Verify.name(), all, "scenario");
    let pool = threads(context.workers(usize::MAX))?;
    for scenario in wanted {
        if !pool.install(|| compute(scenario, plan, store, context))? {
            report.interrupted = true;
            break;
        }
        report.done += 1;
    }
    if tables && !report.interrupted {
        context.progress.item_started(TABLES, 1);
        let verdict = tabulate(plan, store)?;
        context.progress.item_finished(TABLES, &verdict);
        report.done += 1;
    }
    context.progress.stage_finished();
    Ok(())
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
        context.progress.item_paused(&id);
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
    let mut outputs = OutputWriter::begin(store, store.layout().theorem())?;
    flooding_tables::write(&mut outputs, &Rows(rows))?;
    flooding_tables::write(&mut outputs, &Rows(checks))?;
    outputs.finish(part_digests(plan, store)?, Vec::new())?;
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

const fn up_to_date(context: &Context) -> Decision {
    if context.force { Decision::Run(Reason::Forced) } else { Decision::Skip(Reason::UpToDate) }
}

/// A document that cannot be used is rebuilt; a store that cannot be read is an error.
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
