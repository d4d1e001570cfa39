//! The figures as the page shows them: drawn, captioned, or said to be missing.

use flooding_core::config::TableId;
use flooding_core::level::Level;
use flooding_tables::probes::ProbedModel;
use flooding_tables::{Checkpoint, CurveRow, ReplayRow, SelectionRow, to_csv};
use serde::Serialize;

use super::controls;
use super::facts::{Facts, Index};
use super::measures::{self, MeasureTable};
use super::names::main_readings;
use super::theorem::scenarios;
use crate::RenderError;
use crate::figure::{self, DECIMATION_RULE, Figure, Point, Side, svg};
use crate::tables::Tables;

/// One of the paper's figures: a section with drawings.
#[derive(Clone, Debug, Serialize)]
pub struct SectionContext {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// What to look for.
    pub intro: &'static str,
    /// The drawings.
    pub figures: Vec<FigureContext>,
    /// A table of numbers beside them.
    pub table: Option<MeasureTable>,
    /// Why there are none, or not all; empty where all are there.
    pub not_run: String,
}

/// One drawing.
#[derive(Clone, Debug, Serialize)]
pub struct FigureContext {
    /// Its anchor and the stem of its files.
    pub id: String,
    /// Which figure of the paper it re-derives.
    pub label: String,
    /// What it shows.
    pub title: String,
    /// What can be seen in it.
    pub description: String,
    /// At what scale its runs were made.
    pub scale: String,
    /// Is any of its settings on a reduced grid?
    pub quick: bool,
    /// The drawing, safe for the page.
    pub svg: String,
    /// The anchor of the one setting that it stands with; empty where it shows several, or stands in the main part.
    pub home: String,
    /// Does it stand in the main part of the page?
    pub featured: bool,
    /// Anchors of the settings behind it.
    pub settings: Vec<super::claims::SettingLink>,
}

/// All sections and, in the same order, the figures themselves.
pub struct Drawn {
    /// For the page.
    pub sections: Vec<SectionContext>,
    /// For the theorem's section.
    pub theorem: Vec<FigureContext>,
    /// For the first screen.
    pub forest: Option<FigureContext>,
    /// For the files beside the page.
    pub figures: Vec<Figure>,
    /// The rule by which lines are thinned.
    pub rule: &'static str,
}

/// Draws every figure that the tables allow.
pub fn draw(tables: &Tables, index: &Index) -> Result<Drawn, RenderError> {
    let mut drawn =
        Drawn { sections: Vec::new(), theorem: Vec::new(), forest: None, figures: Vec::new(), rule: DECIMATION_RULE };
    let curves = by_setting(tables.curves.as_deref().unwrap_or_default());
    let of = |facts: &Facts| curves.iter().find(|(id, _)| *id == facts.id).map(|(_, rows)| rows.as_slice());
    let no_curves = "Not run: no learning curves are stored (`pipeline run` makes them).";

    let mut figures = vec![figure::flooded_objective()?];
    let mut sides = None;
    for facts in index.iter() {
        if let Some(rows) = of(facts)
            && let Some(level) = flooded_level(tables, &facts.id, rows)
            && let Some(figure) = figure::with_and_without(&facts.id, &facts.label, rows, level)?
        {
            sides = Some(figure);
            break;
        }
    }
    let missing = if sides.is_none() {
        "Not run: (c) and (d) need test curves of a setting with and without flooding."
    } else {
        ""
    };
    figures.extend(sides);
    drawn.add(["figure-1", "Figure 1: the idea", FIGURE_1], figures, None, missing, index);

    let figures = floating(tables, index, &curves)?;
    let missing = if figures.is_empty() { no_curves } else { "" };
    let table = measures::final_losses(tables, index);
    drawn.add(["floating", "Figure 1 (b), measured: the floating loss", FLOATING], figures, table, missing, index);

    let mut figures = Vec::new();
    for facts in index.iter() {
        let replays = replays(tables, &facts.id);
        if !replays.is_empty() {
            figures.push(figure::compared_curves(&facts.id, &facts.label, &replays)?);
        }
        if let Some(rows) = of(facts) {
            figures.push(figure::learning_curves(&facts.id, &facts.label, rows)?);
        }
    }
    let missing = if figures.is_empty() { no_curves } else { "" };
    let table = measures::descents(tables, index);
    drawn.add(["figure-2", "Figures 2 and 6: learning curves", FIGURE_2], figures, table, missing, index);

    let (mut figures, mut by_level) = (Vec::new(), Vec::new());
    let levels = tables.levels.as_deref().unwrap_or_default();
    // The two tables have different grids of levels: small multiples share their axes, so each has a figure.
    let mut groups: Vec<(&str, Option<TableId>)> = Vec::new();
    for facts in index.iter() {
        if !groups.contains(&(&*facts.reading, facts.table)) {
            groups.push((&facts.reading, facts.table));
        }
    }
    for (reading, table) in groups {
        let settings: Vec<(&str, &str)> = index
            .iter()
            .filter(|facts| facts.reading == reading && facts.table == table)
            .filter(|facts| levels.iter().any(|row| row.setting == facts.id))
            .map(|facts| (&*facts.id, &*facts.row))
            .collect();
        if !settings.is_empty() {
            let label = super::names::label(tables, reading);
            let (id, title) = match table {
                Some(TableId::Table2) => (format!("table-2-{reading}"), format!("Table 2, {label}")),
                Some(TableId::Table3) => ("table-3".to_owned(), "Table 3".to_owned()),
                None => (format!("other-{reading}"), format!("settings of no table of the paper, {label}")),
            };
            figures.push(figure::memorization([&id, &title], &settings, levels)?);
            by_level.push(figure::accuracy_by_level([&id, &title], &settings, levels)?);
        }
    }
    let missing = if figures.is_empty() { "Not run: no level has a complete trial." } else { "" };
    drawn.add(["levels", "Test accuracy against b", LEVELS], by_level, None, missing, index);
    drawn.keep_together("levels");
    let table = controls::memorised(tables, index);
    drawn.add(["figure-3", "Figure 3: memorisation", FIGURE_3], figures, table, missing, index);

    let mut figures = Vec::new();
    for facts in index.iter() {
        figures.extend(gradients(tables, facts, of(facts).unwrap_or_default())?);
    }
    let missing = if figures.is_empty() { "Not run: no setting of this profile measured gradient norms." } else { "" };
    drawn.add(["figure-4", "Figures 4 and 7: performance and gradients", FIGURE_4], figures, None, missing, index);
    draw_probes(tables, index, &mut drawn)?;

    let rows = tables.theorem.as_deref().unwrap_or_default();
    for (number, (scenario, rows)) in scenarios(rows).into_iter().enumerate() {
        let Some(figure) = figure::mse_against_level(number, scenario, &rows)? else { continue };
        drawn.theorem.push(context(&figure, index));
        drawn.figures.push(figure);
    }
    let readings = main_readings(tables, TableId::Table2);
    let names: Vec<(&str, &str)> = readings.iter().map(|(name, label)| (&**name, &**label)).collect();
    drawn.feature("figure-2", tables);
    if let Some(figure) = figure::forest(
        &names,
        tables.scorecard.as_deref().unwrap_or_default(),
        tables.accuracy.as_deref().unwrap_or_default(),
    ) {
        drawn.forest = Some(context(&figure, index));
        drawn.figures.push(figure);
    }
    Ok(drawn)
}

/// The floating training loss of the first setting of each dataset and reading: the others look alike.
fn floating(tables: &Tables, index: &Index, curves: &[(&str, Vec<&CurveRow>)]) -> Result<Vec<Figure>, RenderError> {
    let profile = tables.overview.as_ref().map_or("unknown", |overview| &*overview.profile);
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut figures = Vec::new();
    for facts in index.iter() {
        let Some((_, rows)) = curves.iter().find(|(id, _)| *id == facts.id) else { continue };
        if seen.contains(&(&*facts.dataset, &*facts.reading)) {
            continue;
        }
        seen.push((&facts.dataset, &facts.reading));
        let ends: Vec<_> = tables.final_losses.iter().flatten().filter(|row| row.setting == facts.id).collect();
        figures.push(figure::floating_loss(&facts.id, &facts.label, rows, &ends, profile)?);
    }
    Ok(figures)
}

/// Figures 5 and 8, and calibration.
fn draw_probes(tables: &Tables, index: &Index, drawn: &mut Drawn) -> Result<(), RenderError> {
    let mut figures = Vec::new();
    for facts in index.iter() {
        let rows: Vec<_> = tables.flatness.iter().flatten().filter(|row| row.setting == facts.id).collect();
        if !rows.is_empty() {
            figures.push(figure::flatness(&facts.id, &facts.label, &rows)?);
        }
    }
    let missing = if figures.is_empty() { "Not run: no loss landscape has been measured in this profile." } else { "" };
    let table = measures::sharpness(tables, index);
    drawn.add(["figure-5", "Figures 5 and 8: flatness", FIGURE_5], figures, table, missing, index);

    let mut figures = Vec::new();
    for facts in index.iter() {
        let rows: Vec<_> = tables.reliability_bins.iter().flatten().filter(|row| row.setting == facts.id).collect();
        if !rows.is_empty() {
            figures.push(figure::calibration(&facts.id, &facts.label, &rows)?);
        }
    }
    let missing = if figures.is_empty() { "Not run: calibration has not been measured in this profile." } else { "" };
    let table = measures::calibration(tables, index);
    drawn.add(["calibration", "Calibration", CALIBRATION], figures, table, missing, index);
    for (text, table, missing) in [
        (PLACEBO, controls::placebo(tables, index), "Not run: the profile `placebo` runs it."),
        (GAINS, controls::gains(tables), "Not run: a single interpretation was run; the profile `factors` runs more."),
        (BASELINES, controls::baselines(tables), "Not run: no setting of Table 2 was run without flooding."),
        (TRAINED_THEOREM, controls::trained_theorem(tables, index), "Not run: no trial of this profile is probed."),
    ] {
        let missing = if table.is_some() { "" } else { missing };
        drawn.add(text, Vec::new(), table, missing, index);
    }
    Ok(())
}

impl Drawn {
    /// Puts one drawing of a section into the main part of the page: that of the setting with the largest gain.
    fn feature(&mut self, section: &str, tables: &Tables) {
        let gain = |anchor: &str| {
            let of = tables.accuracy.iter().flatten().filter(|row| super::setting_anchor(&row.setting) == anchor);
            of.filter_map(|row| row.difference).map(|difference| difference.mean).fold(f64::NEG_INFINITY, f64::max)
        };
        let figures = self.sections.iter_mut().filter(|one| one.id == section).flat_map(|one| &mut one.figures);
        // Of the setting with the largest gain the first one: that of the compared runs, where they were trained again.
        let figures: Vec<_> = figures.rev().collect();
        if let Some(figure) = figures.into_iter().max_by(|a, b| gain(&a.home).total_cmp(&gain(&b.home))) {
            figure.featured = true;
            figure.home = String::new();
        }
    }

    /// Shows a section's drawings in the section itself, also one of a single setting.
    fn keep_together(&mut self, section: &str) {
        for figure in self.sections.iter_mut().filter(|one| one.id == section).flat_map(|one| &mut one.figures) {
            figure.home = String::new();
        }
    }

    fn add(
        &mut self,
        [id, heading, intro]: [&'static str; 3],
        figures: Vec<Figure>,
        table: Option<MeasureTable>,
        missing: &str,
        index: &Index,
    ) {
        let contexts = figures.iter().map(|figure| context(figure, index)).collect();
        self.sections.push(SectionContext {
            id,
            heading,
            intro,
            figures: contexts,
            table,
            not_run: missing.to_owned(),
        });
        self.figures.extend(figures);
    }
}

const FIGURE_1: &str = "The sketch is drawn by us after the paper’s; it holds no data.";
const FLOATING: &str = "The paper’s claim: with flooding the training loss does not go to zero but floats around the level b, \
    while for a small b the training accuracy still reaches 100%. One setting of each dataset is drawn, with at most five \
    levels above 0; the table has the same levels of every setting.";
const FIGURE_2: &str = "The paper’s claim: with flooding the test loss ends lower, after a second descent.";
const FIGURE_3: &str = "The paper’s claim: the selected flood level often leaves the training accuracy at 100%, so training error \
    can be zero while training loss is not; higher levels give memorisation up.";
const LEVELS: &str = "How much depends on the level, and how sure the choice of one is: a flat top, or ticks that scatter \
    over it, say that the gain does not hang on the level chosen.";
const FIGURE_4: &str = "The paper’s claim: with flooding the model does not stay where the training gradient vanishes, and \
    the test loss improves as the test gradient becomes smaller.";
const FIGURE_5: &str = "The paper’s claim: along a random, filter-normalised direction the test loss becomes lower and \
    flatter during training with flooding.";

const CALIBRATION: &str = "The paper opens with the claim that training to zero loss makes a network overconfident; it \
    shows no calibration figure, so this one is ours.";

const PLACEBO: [&str; 3] = [
    "placebo",
    "Control: what selecting among many runs gives",
    "“With” is the best of many runs by validation accuracy, “without” is one run. Flooding’s effect is what is left when \
     as many unflooded runs are selected in the same way.",
];
const GAINS: [&str; 3] = [
    "gain-by-reading",
    "Control: which open detail carries the effect",
    "The paper leaves details open, and its authors’ demo differs from its text. Each interpretation was run by itself.",
];
const BASELINES: [&str; 3] = [
    "baselines",
    "Control: the baselines beside the paper’s",
    "What the paper leaves open about the data and the network is judged by training without flooding alone.",
];
const TRAINED_THEOREM: [&str; 3] = [
    "theorem-1-trained",
    "Theorem 1 at trained models",
    "The theorem is about a fixed model. Here it is looked up at the models of the probes, with their own level.",
];

fn context(figure: &Figure, index: &Index) -> FigureContext {
    let facts: Vec<&Facts> = figure.settings.iter().filter_map(|id| index.get(id)).collect();
    let known: Vec<_> = facts.iter().map(|facts| &facts.scale).filter(|scale| scale.full != (0, 0)).collect();
    let quick = known.iter().any(|scale| !scale.is_full());
    let scale = super::facts::Scale::common_sentence(&known).unwrap_or_default();
    let settings = facts.iter().map(|facts| super::claims::SettingLink {
        // The title names the interpretation.
        label: facts.row.clone(),
        anchor: super::setting_anchor(&facts.id),
    });
    let home = match &facts[..] {
        [one] => super::setting_anchor(&one.id),
        _ => String::new(),
    };
    FigureContext {
        home,
        featured: false,
        id: figure.id.clone(),
        label: figure.label.clone(),
        title: figure.title.clone(),
        description: figure.description.clone(),
        scale,
        quick,
        svg: svg::inline(&figure.scene, &figure.id, &figure.title, &figure.description),
        settings: settings.collect(),
    }
}

/// The curves of each setting, in order of appearance; rows of a setting need not stand together.
fn by_setting(rows: &[CurveRow]) -> Vec<(&str, Vec<&CurveRow>)> {
    let mut at = std::collections::BTreeMap::new();
    let mut groups: Vec<(&str, Vec<&CurveRow>)> = Vec::new();
    for row in rows {
        let index = *at.entry(row.setting.as_str()).or_insert_with(|| {
            groups.push((&row.setting, Vec::new()));
            groups.len() - 1
        });
        groups[index].1.push(row);
    }
    groups
}

/// The level to show as "with flooding": the one that most trials chose at the last epoch, if it is not b = 0; else
/// the lowest level above 0 that has curves.
fn flooded_level(tables: &Tables, setting: &str, rows: &[&CurveRow]) -> Option<Level> {
    let mut chosen: Vec<Level> = choices(tables, setting, Checkpoint::LastEpoch)
        .map(|trial| trial.level)
        .filter(|level| !level.is_zero())
        .collect();
    chosen.sort_unstable();
    let most = chosen.iter().max_by_key(|level| {
        let times = chosen.iter().filter(|other| other == level).count();
        // Of levels chosen equally often, the lowest.
        (times, std::cmp::Reverse(**level))
    });
    most.copied().or_else(|| rows.iter().map(|row| row.level).filter(|level| !level.is_zero()).min())
}

/// The compared runs of a setting, trained again and measured at every epoch.
fn replays<'a>(tables: &'a Tables, setting: &str) -> Vec<&'a ReplayRow> {
    tables.replays.iter().flatten().filter(|row| row.setting == setting).collect()
}

/// Figures 4 and 7 of a setting: from the compared runs where they were trained again, else from the grid's curves.
fn gradients(tables: &Tables, facts: &Facts, curves: &[&CurveRow]) -> Result<Option<Figure>, RenderError> {
    let replays = replays(tables, &facts.id);
    let stop = |which: fn(&SelectionRow) -> u32| {
        let epochs: Vec<u32> = choices(tables, &facts.id, Checkpoint::BestValidation).map(which).collect();
        let count = epochs.len() as u32;
        (count > 0).then(|| (epochs.iter().sum::<u32>() + count / 2) / count)
    };
    let stops = [stop(|trial| trial.without_epoch), stop(|trial| trial.with_epoch)];
    let (levels, points, trials, csv) = if replays.iter().any(|row| row.gradient_norm.is_some()) {
        let of = |model| Point::of_replays(&replays, model);
        let trials = replays.iter().map(|row| row.trials).max().unwrap_or(0);
        let points = [of(ProbedModel::Without), of(ProbedModel::With)];
        (figure::compared_levels(&replays), points, trials, to_csv(replays.iter().copied()))
    } else {
        let level = flooded_level(tables, &facts.id, curves).unwrap_or(Level::ZERO);
        let measured: Vec<&CurveRow> = (curves.iter().copied())
            .filter(|row| {
                [Level::ZERO, level].contains(&row.level) && row.gradient_norm.is_some() && row.test.is_some()
            })
            .collect();
        let trials = measured.iter().map(|row| row.gradient_trials.min(row.test_trials)).max().unwrap_or(0);
        let points = [Level::ZERO, level].map(|level| Point::of_curves(&measured, level));
        (format!("b = {level}"), points, trials, to_csv(measured.iter().copied()))
    };
    let [without, with] = points;
    let sides = [
        Side { level: String::new(), stop: stops[0], points: without },
        Side { level: levels, stop: stops[1], points: with },
    ];
    Ok(figure::gradient_amplitude(&facts.id, &facts.label, sides, trials, csv)?)
}

fn choices<'a>(
    tables: &'a Tables,
    setting: &'a str,
    checkpoint: Checkpoint,
) -> impl Iterator<Item = &'a SelectionRow> + use<'a> {
    tables.selections.iter().flatten().filter(move |row| row.setting == setting && row.checkpoint == checkpoint)
}
