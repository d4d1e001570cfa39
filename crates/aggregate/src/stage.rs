//! The stage itself: reads records, makes every table, writes them all.

use std::collections::BTreeMap;

use flooding_core::context::Context;
use flooding_core::digest::Digest;
use flooding_core::plan::Plan;
use flooding_core::record::Provenance;
use flooding_core::store::{OutputManifest, OutputWriter, Store};
use flooding_core::work::{MissingResult, Prepared, Stage, StageReport, WorkItem};
use flooding_tables::{
    CurvePoint, CurveRow, DescentRow, FinalLossRow, Overview, PublishedSource, Rows, RunEndRow, TheoremCheck, write,
};
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
use crate::published_report::{self, Origins, merge};
use crate::scan::{Found, Scan, made_by, missing_results, run_rows, scan};
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
    let (reports, unread) = published_report::read(store)?;
    let Scan { runs, origins, missing: not_taken } = scan(plan, store, &reports);
    let mut missing = [unread, not_taken].concat();
    let known = [&inputs.missing[..], &missing].concat();
    missing.extend(missing_results(plan, &runs, &known));
    let Some(histories) = read_histories(plan, store, context, (&runs, &origins))? else {
        progress.stage_finished();
        return Ok(interrupted);
    };
    let Histories { all, mut drawn, mut descents, mut final_losses, ends, missing: unusable } = histories;
    missing.extend(unusable);
    progress.item_started("tables", 1);
    let whole_frame = |frame: PolarsResult<DataFrame>| frame.map_err(AggregateError::query("runs"));
    let frame = whole_frame(runs_frame(&runs))?.lazy();
    let whole = in_whole_trials(&frame, whole_frame(settings_frame(plan, |_, _| true))?.lazy());
    // The paper's claims are judged by a selection among the paper's levels.
    let papers = only_levels(&frame, whole_frame(papers_levels(plan))?.lazy());
    let judged = in_whole_trials(&papers, whole_frame(settings_frame(plan, is_judged))?.lazy());
    let judged = accuracy(plan, &runs, &judged)?.with_beginnings(plan, &ends);
    let mut accuracy = accuracy(plan, &runs, &whole)?.with_beginnings(plan, &ends);
    let levels = level_rows(plan, &frame, &whole)?;
    let levels = merge(plan, &origins, levels, |measured| &measured.levels, |row| &row.setting);
    accuracy.sensitivity =
        merge(plan, &origins, accuracy.sensitivity, |measured| &measured.selection_sensitivity, |row| &row.setting);
    drawn = merge(plan, &origins, drawn, |measured| &measured.curve_points, |point| &point.0.setting);
    descents = merge(plan, &origins, descents, |measured| &measured.second_descents, |row| &row.setting);
    final_losses = merge(plan, &origins, final_losses, |measured| &measured.final_training_loss, |row| &row.setting);
    let cells = scorecard(plan, &accuracy.rows, &accuracy.selections);
    let probes = probe_tables(plan, store, &runs, &ends).with_published(plan, &origins);
    let placebos = placebo_rows(plan, &accuracy);
    missing.extend(probes.missing.iter().cloned());
    let checks = theorem_checks(store, &mut missing);
    let complete = runs.iter().filter(|run| run.summary().is_some()).count() as u64;
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
    let (makers, compute) = made_by(plan, store, &runs, &origins);
    let published = published_report::sources(plan, &runs, &origins);
    let overview = overview(plan, inputs, (&runs, complete), (makers, published), &missing);
    let mut outputs = OutputWriter::begin(store, store.layout().tables())?;
    outputs.document("overview", &overview)?;
    write(&mut outputs, &Rows(counts(&cells, plan.margin)))?;
    write(&mut outputs, &Rows(cells))?;
    write(&mut outputs, &Rows(overall_effects(&accuracy.rows, &accuracy.selections)))?;
    write(&mut outputs, &Rows(paired(plan, &accuracy.rows, &accuracy.selections)))?;
    write(&mut outputs, &Rows(selection_noise(plan, &runs, &origins)))?;
    write(&mut outputs, &Rows(spread(plan, &runs, &origins, &accuracy.rows)))?;
    write(&mut outputs, &Rows(accuracy.rows))?;
    write(&mut outputs, &Rows(accuracy.selections))?;
    write(&mut outputs, &Rows(accuracy.sensitivity))?;
    write(&mut outputs, &Rows(levels))?;
    write(&mut outputs, &Rows(ends.concat()))?;
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

/// What the histories of all settings say.
#[derive(Default)]
struct Histories {
    all: Vec<CurveRow>,
    drawn: Vec<CurvePoint>,
    descents: Vec<DescentRow>,
    final_losses: Vec<FinalLossRow>,
    /// By the setting's index.
    ends: Vec<Vec<RunEndRow>>,
    missing: Vec<MissingResult>,
}

/// Of a setting that comes from a published report, only the runs' ends; `None` when asked to stop.
fn read_histories(
    plan: &Plan,
    store: &Store,
    context: &Context,
    (runs, origins): (&[Found], &Origins<'_>),
) -> Result<Option<Histories>, AggregateError> {
    let mut read = Histories::default();
    for (index, setting) in plan.settings.iter().enumerate() {
        if context.stop.is_raised() {
            return Ok(None);
        }
        context.progress.item_started(&setting.id, 1);
        if let Some(report) = origins[index] {
            read.ends.push(published_report::ends(plan, report, index));
            context.progress.item_finished(&setting.id, &format!("from the published report {}", report.name));
            continue;
        }
        let of_setting: Vec<&Found> =
            runs.iter().filter(|run| run.setting == index && run.complete().is_some()).collect();
        let made = curves(plan, store, setting, &of_setting, context.force)?;
        read.drawn.extend(thinned(setting, &made.rows.0));
        read.all.extend(made.rows.0);
        read.descents.extend(made.descents.0);
        read.final_losses.extend(made.final_losses.0);
        read.ends.push(made.ends.0);
        read.missing.extend(made.missing);
        context.progress.item_finished(&setting.id, &format!("{} runs", of_setting.len()));
    }
    Ok(Some(read))
}

/// What the report says about the whole.
fn overview(
    plan: &Plan,
    inputs: &Inputs,
    (runs, complete): (&[Found], u64),
    (made_by, published): (Vec<Provenance>, Vec<PublishedSource>),
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
        published,
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
