//! The stage itself: reads records, makes every table, writes them all.

use flooding_core::context::Context;
use flooding_core::plan::Plan;
use flooding_core::store::Store;
use flooding_core::work::{Gap, Stage, StageReport, WorkItem};
use flooding_tables::{Overview, TheoremCheck};
use polars::prelude::{DataFrame, IntoLazy as _, PolarsResult};

use crate::accuracy::accuracy;
use crate::claims::{Evidence, judge};
use crate::controls::{baseline_rows, gain_rows, placebo_rows};
use crate::curves::{curves, thinned};
use crate::error::AggregateError;
use crate::frame::{is_judged, papers_levels, runs_frame, settings_frame};
use crate::inputs::Inputs;
use crate::levels::level_rows;
use crate::manifest;
use crate::methods::methods;
use crate::outputs::Outputs;
use crate::probes::probe_tables;
use crate::scan::{Found, gaps, made_by, run_rows, scan};
use crate::scorecard::{counts, overall_effects, paired, scorecard};
use crate::select::{in_whole_trials, only_levels};
use crate::selection_noise::selection_noise;
use crate::spread::spread;

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
    let (mut all, mut drawn) = (Vec::new(), Vec::new());
    let (mut descents, mut final_losses, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    for (index, setting) in plan.settings.iter().enumerate() {
        if context.stop.is_raised() {
            progress.stage_finished();
            return Ok(interrupted);
        }
        progress.item_started(&setting.id, 1);
        let of_setting: Vec<&Found> =
            runs.iter().filter(|run| run.setting == index && run.complete().is_some()).collect();
        let made = curves(plan, store, setting, &of_setting, context.force)?;
        drawn.extend(thinned(setting, &made.rows.0));
        all.extend(made.rows.0);
        descents.extend(made.descents.0);
        final_losses.extend(made.final_losses.0);
        ends.push(made.ends);
        found_gaps.extend(made.gaps);
        progress.item_finished(&setting.id, &format!("{} runs", of_setting.len()));
    }
    progress.item_started("tables", 1);
    let whole_frame = |frame: PolarsResult<DataFrame>| frame.map_err(AggregateError::query("runs"));
    let frame = whole_frame(runs_frame(&runs))?.lazy();
    let whole = in_whole_trials(&frame, whole_frame(settings_frame(plan, |_, _| true))?.lazy());
    // The paper's claims are judged by a selection among the paper's levels.
    let papers = only_levels(&frame, whole_frame(papers_levels(plan))?.lazy());
    let judged = in_whole_trials(&papers, whole_frame(settings_frame(plan, is_judged))?.lazy());
    let judged = accuracy(plan, &runs, &judged)?.with_beginnings(plan, &ends);
    let accuracy = accuracy(plan, &runs, &whole)?.with_beginnings(plan, &ends);
    let levels = level_rows(plan, &frame, &whole)?;
    let cells = scorecard(plan, &accuracy.rows, &accuracy.selections);
    let probes = probe_tables(plan, store, &runs, &ends);
    let placebos = placebo_rows(plan, &accuracy);
    found_gaps.extend(probes.gaps.iter().cloned());
    let checks = theorem_checks(store, &mut found_gaps);
    let complete = runs.iter().filter(|run| run.complete().is_some()).count() as u64;
    let (claims, claim_readings) = judge(&Evidence {
        plan,
        accuracy: &judged,
        runs: &runs,
        ends: &ends,
        probes: &probes.trials,
        placebos: &placebos,
        checks: &checks,
    });
    let gains = gain_rows(plan, &accuracy);
    let baselines = baseline_rows(plan, &accuracy);
    let overview = overview(plan, store, inputs, (&runs, complete), &found_gaps);
    let mut outputs = Outputs::begin(store)?;
    outputs.document("overview", &overview)?;
    outputs.table(counts(&cells, plan.margin))?;
    outputs.table(cells)?;
    outputs.table(overall_effects(&accuracy.rows, &accuracy.selections))?;
    outputs.table(paired(plan, &accuracy.rows, &accuracy.selections))?;
    outputs.table(selection_noise(plan, &runs))?;
    outputs.table(spread(plan, &runs, &accuracy.rows))?;
    outputs.table(accuracy.rows)?;
    outputs.table(accuracy.selections)?;
    outputs.table(accuracy.sensitivity)?;
    outputs.table(levels)?;
    outputs.table(all)?;
    outputs.table(drawn)?;
    outputs.table(descents)?;
    outputs.table(final_losses)?;
    outputs.table(run_rows(plan, &runs))?;
    outputs.table(claims)?;
    outputs.table(claim_readings)?;
    outputs.table(placebos.into_iter().map(|placebo| placebo.row).collect())?;
    outputs.table(gains)?;
    outputs.table(baselines)?;
    outputs.table(probes.trials)?;
    outputs.table(probes.flatness)?;
    outputs.table(probes.sharpness)?;
    outputs.table(probes.calibration)?;
    outputs.table(probes.reliability_bins)?;
    outputs.table(methods())?;
    outputs.finish(digests, &found_gaps)?;
    progress.item_finished("tables", &format!("{complete} of {} runs", runs.len()));
    progress.stage_finished();
    Ok(StageReport { done: 1, gaps: found_gaps, ..StageReport::default() })
}

/// What the report says about the whole.
fn overview(
    plan: &Plan,
    store: &Store,
    inputs: &Inputs,
    (runs, complete): (&[Found], u64),
    found_gaps: &[Gap],
) -> Overview {
    Overview {
        profile: plan.profile.clone(),
        options: plan.overrides.options().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        summary: plan.summary.clone(),
        master_seed: plan.master_seed,
        readings: plan.readings.clone(),
        reading_labels: plan.reading_labels.clone(),
        margin: plan.margin,
        runs: (runs.len() as u64, complete),
        gaps: inputs.gaps.iter().chain(found_gaps).cloned().collect(),
        left_out: plan.left_out.clone(),
        made_by: made_by(store, runs),
        datasets: inputs.datasets.clone(),
        configuration: inputs.configuration.clone(),
    }
}

/// What `verify` found; nothing where it has not run, and a gap where its document is damaged.
fn theorem_checks(store: &Store, gaps: &mut Vec<Gap>) -> Vec<TheoremCheck> {
    match flooding_tables::read(store, &store.layout().theorem()) {
        Ok(rows) => rows.unwrap_or_default(),
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
