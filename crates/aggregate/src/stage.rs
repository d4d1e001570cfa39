//! The stage itself: reads records, makes every table, writes them all.

use std::collections::BTreeMap;

use flooding_core::config::TableId;
use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::store::{Document, Store};
use flooding_core::tables::{
    AccuracyRow, ClaimRow, CurveRow, DescentRow, FloatRow, LevelRow, Overview, Rows, RunRow, TheoremCheck,
};
use flooding_core::work::{Gap, Stage, StageReport, WorkItem};
use polars::prelude::{DataFrame, IntoLazy as _, PolarsResult};

use crate::accuracy::accuracy_rows;
use crate::claims::{Evidence, judge};
use crate::curves::{curves, thinned};
use crate::error::AggregateError;
use crate::export;
use crate::frame::{runs_frame, settings_frame};
use crate::inputs::Inputs;
use crate::levels::level_rows;
use crate::manifest::{self, Manifest};
use crate::probes::{ProbeTables, probe_tables};
use crate::scan::{Found, gaps, made_by, run_rows, scan};
use crate::select::in_whole_trials;

/// Everything the stage makes.
struct Tables {
    overview: Overview,
    accuracy: Vec<AccuracyRow>,
    levels: Vec<LevelRow>,
    curves: Vec<CurveRow>,
    curves_in_report: Vec<CurveRow>,
    descents: Vec<DescentRow>,
    floats: Vec<FloatRow>,
    runs: Vec<RunRow>,
    claims: Vec<ClaimRow>,
    probes: ProbeTables,
}

/// Makes the tables of the plan's records under `data/tables/`, unless they are up to date.
///
/// Missing, failed and damaged records are gaps of the report, not errors. A raised stop flag leaves the tables as they
/// were.
pub fn run(plan: &Plan, store: &Store, context: &Context, inputs: &Inputs) -> Result<StageReport, AggregateError> {
    let digests = manifest::inputs(plan, store, inputs)?;
    let (decision, manifest) = manifest::decide(store, &digests, context.force)?;
    if let (false, Some(manifest)) = (decision.runs(), manifest) {
        return Ok(StageReport { skipped: 1, gaps: manifest.gaps, ..StageReport::default() });
    }
    let interrupted = StageReport { interrupted: true, ..StageReport::default() };
    let progress = &context.progress;
    progress.stage_started(Stage::Aggregate.name(), plan.settings.len() as u64 + 1, "part");
    let runs = scan(plan, store);
    let mut found_gaps = gaps(plan, &runs, &inputs.gaps);
    let (mut all, mut in_report) = (Vec::new(), Vec::new());
    let (mut descents, mut floats) = (Vec::new(), Vec::new());
    for (index, setting) in plan.settings.iter().enumerate() {
        if context.stop.is_raised() {
            progress.stage_finished();
            return Ok(interrupted);
        }
        progress.item_started(&setting.id, 1);
        let of_setting: Vec<&Found> =
            runs.iter().filter(|run| run.setting == index && run.complete().is_some()).collect();
        let made = curves(plan, store, setting, &of_setting, context.force)?;
        in_report.extend(thinned(setting, &made.rows));
        all.extend(made.rows);
        descents.extend(made.descents);
        floats.extend(made.floats);
        found_gaps.extend(made.gaps);
        progress.item_finished(&setting.id, &format!("{} runs", of_setting.len()));
    }
    progress.item_started("tables", 1);
    let whole_frame = |frame: PolarsResult<DataFrame>| frame.map_err(AggregateError::table("runs"));
    let frame = whole_frame(runs_frame(&runs))?.lazy();
    let whole = in_whole_trials(&frame, whole_frame(settings_frame(plan))?.lazy());
    let accuracy = accuracy_rows(plan, &runs, &whole)?;
    let levels = level_rows(plan, &frame, &whole)?;
    let probes = probe_tables(plan, store, &runs);
    found_gaps.extend(probes.gaps.iter().cloned());
    let checks = theorem_checks(store, &mut found_gaps);
    let mut complete_in = vec![0; plan.settings.len()];
    for run in runs.iter().filter(|run| run.complete().is_some()) {
        complete_in[run.setting] += 1;
    }
    let complete: u64 = complete_in.iter().sum();
    let claims = judge(&Evidence {
        plan,
        accuracy: &accuracy,
        levels: &levels,
        curves: &all,
        descents: &descents,
        floats: &floats,
        sharpness: &probes.sharpness,
        checks: &checks,
        complete: &complete_in,
    });
    let tables = Tables {
        overview: Overview {
            profile: plan.profile.clone(),
            options: plan.overrides.options().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            summary: plan.summary.clone(),
            master_seed: plan.master_seed,
            readings: plan.readings.clone(),
            runs: (runs.len() as u64, complete),
            gaps: inputs.gaps.iter().chain(&found_gaps).cloned().collect(),
            left_out: plan.left_out.clone(),
            made_by: made_by(store, &runs),
            datasets: inputs.datasets.clone(),
            configuration: inputs.configuration.clone(),
        },
        accuracy,
        levels,
        curves: all,
        curves_in_report: in_report,
        descents,
        floats,
        runs: run_rows(&runs),
        claims,
        probes,
    };
    write(store, tables, digests, &found_gaps)?;
    progress.item_finished("tables", &format!("{complete} of {} runs", runs.len()));
    progress.stage_finished();
    Ok(StageReport { done: 1, gaps: found_gaps, ..StageReport::default() })
}

/// What `verify` found; nothing where it has not run, and a gap where its document is damaged.
fn theorem_checks(store: &Store, gaps: &mut Vec<Gap>) -> Vec<TheoremCheck> {
    match store.read_document::<Rows<TheoremCheck>>(&manifest::theorem_checks(store)) {
        Ok(rows) => rows.map_or_else(Vec::new, |rows| rows.0),
        Err(error) => {
            let why = format!("{error}; run the verify stage again to replace it");
            gaps.push(Gap { stage: Stage::Aggregate, id: "theorem checks".to_owned(), why });
            Vec::new()
        }
    }
}

/// Whether [`run`] would make the tables, and why.
pub fn work(plan: &Plan, store: &Store, context: &Context, inputs: &Inputs) -> Result<Vec<WorkItem>, AggregateError> {
    let digests = manifest::inputs(plan, store, inputs)?;
    let (decision, _) = manifest::decide(store, &digests, context.force)?;
    Ok(vec![WorkItem { stage: Stage::Aggregate, id: "tables".to_owned(), decision }])
}

fn write(store: &Store, tables: Tables, inputs: BTreeMap<String, Digest>, gaps: &[Gap]) -> Result<(), AggregateError> {
    // An older manifest must not vouch for new tables, should we be stopped half way.
    store.remove(&manifest::path(store))?;
    let mut out = Writer { store, outputs: BTreeMap::new() };
    out.document("overview", &tables.overview)?;
    for (name, id) in [("table2", TableId::Table2), ("table3", TableId::Table3)] {
        let rows: Vec<AccuracyRow> = tables.accuracy.iter().filter(|row| row.table == Some(id)).cloned().collect();
        out.table(name, export::accuracy(&rows))?;
        out.document(name, &Rows(rows))?;
    }
    out.table("accuracy", export::accuracy(&tables.accuracy))?;
    out.document("accuracy", &Rows(tables.accuracy))?;
    out.table("levels", export::levels(&tables.levels))?;
    out.document("levels", &Rows(tables.levels))?;
    out.table("curves", export::curves(&tables.curves))?;
    out.document("curves", &Rows(tables.curves_in_report))?;
    out.table("descents", export::descents(&tables.descents))?;
    out.document("descents", &Rows(tables.descents))?;
    out.table("floats", export::floats(&tables.floats))?;
    out.document("floats", &Rows(tables.floats))?;
    out.table("runs", export::runs(&tables.runs))?;
    out.document("runs", &Rows(tables.runs))?;
    out.table("claims", export::claims(&tables.claims))?;
    out.document("claims", &Rows(tables.claims))?;
    out.table("flatness", export::flatness(&tables.probes.flatness))?;
    out.document("flatness", &Rows(tables.probes.flatness))?;
    out.table("sharpness", export::sharpness(&tables.probes.sharpness))?;
    out.document("sharpness", &Rows(tables.probes.sharpness))?;
    out.table("calibration", export::calibration(&tables.probes.calibration))?;
    out.document("calibration", &Rows(tables.probes.calibration))?;
    // Last: whoever is killed before this line makes the tables again.
    let manifest = Manifest { inputs, outputs: out.outputs, gaps: gaps.to_vec() };
    store.write_document(&manifest::path(store), &manifest)?;
    Ok(())
}

/// Writes tables and remembers their digests.
struct Writer<'a> {
    store: &'a Store,
    outputs: BTreeMap<String, Digest>,
}

impl Writer<'_> {
    fn document<T: Document>(&mut self, name: &str, value: &T) -> Result<(), AggregateError> {
        let file = format!("{name}.json");
        let digest = self.store.write_document(&self.store.layout().tables().join(&file), value)?;
        self.outputs.insert(file, digest);
        Ok(())
    }

    fn table(&mut self, name: &'static str, frame: PolarsResult<DataFrame>) -> Result<(), AggregateError> {
        let failed = AggregateError::table(name);
        let mut frame = frame.map_err(&failed)?;
        for (ending, bytes) in [("parquet", export::parquet(&mut frame)), ("csv", export::csv(&frame))] {
            let file = format!("{name}.{ending}");
            let bytes = bytes.map_err(&failed)?;
            let digest = self.store.write(&self.store.layout().tables().join(&file), &bytes)?;
            self.outputs.insert(file, digest);
        }
        Ok(())
    }
}
