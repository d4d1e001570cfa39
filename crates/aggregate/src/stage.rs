//! The stage itself: reads records, makes every table, writes them all.

use std::collections::BTreeMap;

use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::record::Provenance;
use flooding_core::store::{OutputManifest, OutputWriter, Store};
use flooding_core::work::{MissingResult, Prepared, Stage, StageReport, WorkItem};
use flooding_tables::{Overview, Rows, TheoremCheck, write};
use polars::prelude::{DataFrame, IntoLazy as _, PolarsResult};

use crate::accuracy::accuracy;
use crate::claims::{Evidence, judge};
use crate::controls::{baseline_rows, gain_rows, placebo_rows};
use crate::curves::{curves, thinned};
use crate::dependencies;
use crate::error::AggregateError;
use crate::frame::{is_judged, papers_levels, runs_frame, settings_frame};
use crate::inputs::Inputs;
use crate::levels::level_rows;
use crate::methods::methods;
use crate::probes::probe_tables;
use crate::scan::{Found, made_by, missing_results, run_rows, scan};
use crate::scorecard::{counts, overall_effects, paired, scorecard};
use crate::select::{in_whole_trials, only_levels};
use crate::selection_noise::selection_noise;
use crate::spread::spread;

/// Decides whether the tables are those of the plan's records. Running it makes them under `data/tables/`.
///
/// Missing, failed and damaged records are listed in the report as missing, not errors. A raised stop flag leaves the
/// tables as they were.
pub fn prepare<'a>(
    plan: &'a Plan,
    store: &'a Store,
    context: &'a Context,
    inputs: Inputs,
) -> Result<Prepared<'a, AggregateError>, AggregateError> {
    let digests = dependencies::digests(plan, store, &inputs)?;
    let (decision, manifest) = OutputManifest::decide(store, &store.layout().tables(), &digests, context.force)?;
    let item = WorkItem { stage: Stage::Aggregate, id: "tables".to_owned(), decision };
    Ok(Prepared::new(vec![item], move || match manifest {
        Some(manifest) => Ok(StageReport { skipped: 1, missing: manifest.missing, ..StageReport::default() }),
        None => make(plan, store, context, &inputs, digests),
    }))
}

fn make(
    plan: &Plan,
    store: &Store,
    context: &Context,
    inputs: &Inputs,
    digests: BTreeMap<String, Digest>,
) -> Result<StageReport, AggregateError> {
    let interrupted = StageReport { interrupted: true, ..StageReport::default() };
    let progress = &context.progress;
    progress.stage_started(Stage::Aggregate.name(), plan.settings.len() as u64 + 1, "part");
    let runs = scan(plan, store);
    let mut missing = missing_results(plan, &runs, &inputs.missing);
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
        missing.extend(made.missing);
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
    missing.extend(probes.missing.iter().cloned());
    let checks = theorem_checks(store, &mut missing);
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
    let (makers, compute) = made_by(plan, store, &runs);
    let overview = overview(plan, inputs, (&runs, complete), makers, &missing);
    let mut outputs = OutputWriter::begin(store, store.layout().tables())?;
    outputs.document("overview", &overview)?;
    write(&mut outputs, &Rows(counts(&cells, plan.margin)))?;
    write(&mut outputs, &Rows(cells))?;
    write(&mut outputs, &Rows(overall_effects(&accuracy.rows, &accuracy.selections)))?;
    write(&mut outputs, &Rows(paired(plan, &accuracy.rows, &accuracy.selections)))?;
    write(&mut outputs, &Rows(selection_noise(plan, &runs)))?;
    write(&mut outputs, &Rows(spread(plan, &runs, &accuracy.rows)))?;
    write(&mut outputs, &Rows(accuracy.rows))?;
    write(&mut outputs, &Rows(accuracy.selections))?;
    write(&mut outputs, &Rows(accuracy.sensitivity))?;
    write(&mut outputs, &Rows(levels))?;
    write(&mut outputs, &Rows(all))?;
    write(&mut outputs, &Rows(drawn))?;
    write(&mut outputs, &Rows(descents))?;
    write(&mut outputs, &Rows(final_losses))?;
    write(&mut outputs, &Rows(run_rows(plan, &runs)))?;
    write(&mut outputs, &Rows(claims))?;
    write(&mut outputs, &Rows(claim_readings))?;
    write(&mut outputs, &Rows(placebos.into_iter().map(|placebo| placebo.row).collect()))?;
    write(&mut outputs, &Rows(gains))?;
    write(&mut outputs, &Rows(baselines))?;
    write(&mut outputs, &Rows(probes.trials))?;
    write(&mut outputs, &Rows(probes.replays))?;
    write(&mut outputs, &Rows(probes.flatness))?;
    write(&mut outputs, &Rows(probes.sharpness))?;
    write(&mut outputs, &Rows(probes.calibration))?;
    write(&mut outputs, &Rows(probes.reliability_bins))?;
    write(&mut outputs, &Rows(compute))?;
    write(&mut outputs, &Rows(methods()))?;
    outputs.finish(digests, missing.clone())?;
    progress.item_finished("tables", &format!("{complete} of {} runs", runs.len()));
    progress.stage_finished();
    Ok(StageReport { done: 1, missing, ..StageReport::default() })
}

/// What the report says about the whole.
fn overview(
    plan: &Plan,
    inputs: &Inputs,
    (runs, complete): (&[Found], u64),
    made_by: Vec<Provenance>,
    missing: &[MissingResult],
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
        missing: inputs.missing.iter().chain(missing).cloned().collect(),
        left_out: plan.left_out.clone(),
        made_by,
        datasets: inputs.datasets.clone(),
        configuration: inputs.configuration.clone(),
    }
}

/// What `verify` found; nothing where it has not run, and a missing result where its document is damaged.
fn theorem_checks(store: &Store, missing: &mut Vec<MissingResult>) -> Vec<TheoremCheck> {
    match flooding_tables::read(store, &store.layout().theorem()) {
        Ok(rows) => rows.unwrap_or_default(),
        Err(error) => {
            let why = format!("{error}; run the verify stage again to replace it");
            missing.push(MissingResult { stage: Stage::Aggregate, id: "theorem checks".to_owned(), why });
            Vec::new()
        }
    }
}
