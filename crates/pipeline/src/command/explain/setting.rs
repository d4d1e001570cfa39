//! A setting with its rows, and the figures that are drawn of one.

use flooding_core::spec::RunSpec;
use flooding_core::store::Layout;
use flooding_tables::{AccuracyRow, Checkpoint, Rows};

use super::stored::Known;
use super::{Explained, departures, repeat, row, unique};
use crate::exit::Failure;

/// `None` where neither the plan nor the tables have such a setting.
pub fn explain(id: &str, known: &Known) -> Result<Option<Explained>, Failure> {
    let planned = known.project.plan.settings.iter().find(|setting| setting.id == id);
    let rows: Vec<_> = known.accuracy()?.into_iter().filter(|row| row.setting == id).collect();
    let specs = known.runs_of(id)?;
    let Some(first) = specs.first() else { return Ok(None) };
    let labels = |row: &AccuracyRow| [row.data.clone(), row.setup.clone()];
    let row = planned.map(|setting| setting.row.clone()).or_else(|| rows.first().map(labels));
    let mut text = format!("{id}: {}\n", row.map_or_else(String::new, |row| row.join(" / ")));
    text.push_str(&describe(first)?);
    let stored = specs.iter().filter(|spec| known.store.layout().run(spec).join(Layout::RECORD).exists()).count();
    text.push_str(&format!("{} runs, {stored} of them stored\n", specs.len()));
    for row in &rows {
        let letter = if row.checkpoint == Checkpoint::LastEpoch { "A" } else { "B" };
        text.push_str(&format!("\nrow {id}:{letter}: {}{}", row::grid(row), row::numbers(row)));
    }
    let commands = repeat::command(known.project, &specs).into_iter().collect::<Vec<_>>();
    text.push_str(&how_to_repeat(&commands, specs.len()));
    let runs = specs.iter().map(RunSpec::key).collect();
    Ok(Some(Explained { text, runs, commands, rows: Some(Rows(rows)), ..Explained::default() }))
}

fn describe(spec: &RunSpec) -> Result<String, Failure> {
    let json = |value: Result<String, serde_json::Error>| value.map_err(Failure::stage);
    Ok(format!(
        "reading `{}`, {} epochs in batches of {}\n{}data: {}\nmodel: {}\noptimiser: {}\n",
        spec.reading,
        spec.epochs,
        spec.batch_size,
        departures(&spec.reduced),
        json(serde_json::to_string(&spec.data))?,
        json(serde_json::to_string(&spec.model))?,
        json(serde_json::to_string(&spec.optimiser))?,
    ))
}

/// A figure's id ends in the setting that it shows.
pub fn explain_figure(figure: &str, known: &Known) -> Result<Explained, Failure> {
    let mut settings: Vec<String> = known.project.plan.settings.iter().map(|setting| setting.id.clone()).collect();
    settings.extend(known.tabulated()?.into_iter().map(|row| row.setting));
    let named = settings.iter().filter(|id| figure.ends_with(&format!("-{id}")));
    // `figure-2-spiral-high-demo` also ends in nothing shorter, but be sure to take the longest id.
    let Some(setting) = named.max_by_key(|id| id.len()) else {
        return Err(Failure::Usage(format!(
            "no setting is named in `figure-{figure}`: a figure of one setting is called figure-NUMBER-SETTING; the \
             settings are: {}",
            unique(settings.iter().map(|id| &**id).collect())
        )));
    };
    let specs = known.runs_of(setting)?;
    let commands = repeat::command(known.project, &specs).into_iter().collect::<Vec<_>>();
    let mut text = format!("figure-{figure} is drawn from {} runs of {setting}\n", specs.len());
    for run in &specs {
        text.push_str(&format!("  {}  trial {} b = {}\n", run.key().short(), run.trial, run.level));
    }
    text.push_str(&how_to_repeat(&commands, specs.len()));
    let runs = specs.iter().map(RunSpec::key).collect();
    Ok(Explained { text, runs, commands, ..Explained::default() })
}

/// The commands that train these runs again, or why there are none.
pub fn how_to_repeat(commands: &[String], runs: usize) -> String {
    if commands.is_empty() {
        return "no options make these runs from the configuration as it is now; their records stay\n".to_owned();
    }
    let these = if runs == 1 { "to repeat its run".to_owned() } else { format!("to repeat its {runs} runs") };
    let lines: String = commands.iter().map(|command| format!("  {command}\n")).collect();
    format!("{these}:\n{lines}")
}
