//! One run, planned or stored.

use flooding_core::record::{Record, Status};
use flooding_core::spec::RunSpec;
use flooding_core::work::Reason;

use super::stored::Known;
use super::{Explained, departures, repeat, unique};
use crate::exit::Failure;

pub fn explain(digits: &str, known: &Known) -> Result<Explained, Failure> {
    let spec = find(digits, known)?;
    let (record, provenance) = known.record(&spec)?;
    let mut text = format!("run {}\n{}, trial {}, b = {}\n", spec.key(), spec.setting, spec.trial, spec.level);
    text.push_str(&departures(&spec.reduced));
    text.push_str(&serde_json::to_string_pretty(&spec).map_err(Failure::stage)?);
    text.push('\n');
    match &record {
        Some(record) => {
            text.push_str(&format!("record: {}\n", known.store.layout().run(&spec).display()));
            text.push_str(&results(record));
        }
        None => text.push_str("not run yet\n"),
    }
    if let Some(made) = &provenance {
        text.push_str(&format!(
            "made by version {} ({}), {}, on {} ({}), {} in {:.1} s\n",
            made.version, made.commit, made.rustc, made.device, made.processor, made.finished, made.seconds
        ));
    }
    let commands = repeat::command(known.project, std::slice::from_ref(&spec)).into_iter().collect::<Vec<_>>();
    text.push_str(&match commands.first() {
        Some(command) => format!("to repeat it:\n  {command}\n"),
        None => not_described(&spec, known),
    });
    let runs = vec![spec.key()];
    Ok(Explained { text, runs, commands, specification: Some(spec), record, provenance, ..Explained::default() })
}

fn results(record: &Record) -> String {
    let [train, validation, test] = record.examples;
    let mut text = format!(
        "data: SHA-256 {}\nexamples: {train} to learn from, {validation} for validation, {test} for the test\n",
        record.data
    );
    if let Status::Failed { cause, step, .. } = &record.status {
        text.push_str(&format!("failed at step {step}: {cause}\n"));
    }
    let Some(summary) = &record.summary else { return text };
    for (name, at) in [("last epoch", &summary.last), ("selected epoch", &summary.best)] {
        text.push_str(&format!(
            "{name} {}: test accuracy {:.2}%, validation {:.2}%, training {:.2}%, test loss {:.4}\n",
            at.epoch,
            100.0 * at.test.accuracy,
            100.0 * at.validation.accuracy,
            100.0 * at.train.accuracy,
            at.test.loss
        ));
    }
    text
}

/// The one run whose key starts with these digits.
fn find(digits: &str, known: &Known) -> Result<RunSpec, Failure> {
    let wanted = digits.to_ascii_lowercase();
    if wanted.len() < 4 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(nothing(digits, known));
    }
    let runs = known.runs(&wanted)?;
    match runs.len() {
        0 => Err(nothing(digits, known)),
        1 => Ok(runs.into_values().next().expect("one")),
        many => {
            let shown: Vec<String> = (runs.iter().take(10))
                .map(|(key, run)| format!("\n  {} {} trial {} b = {}", key.short(), run.setting, run.trial, run.level))
                .collect();
            Err(Failure::Usage(format!("`{digits}` fits {many} runs, give more digits:{}", shown.concat())))
        }
    }
}

fn nothing(digits: &str, known: &Known) -> Failure {
    let settings: Vec<&str> = known.project.plan.settings.iter().map(|setting| &*setting.id).collect();
    Failure::Usage(format!(
        "`{digits}` is no setting, no claim of the tables, and no run, planned or stored, has a key that starts so (give \
         at least 4 digits); a row is SETTING:A or SETTING:B, a figure is figure-NUMBER-SETTING; the settings of profile \
         `{}` are: {}",
        known.project.plan.profile,
        unique(settings)
    ))
}

/// Why no command of this configuration makes a stored run.
fn not_described(spec: &RunSpec, known: &Known) -> String {
    let same = |run: &RunSpec| run.setting == spec.setting && run.trial == spec.trial && run.level == spec.level;
    let value = |spec: &RunSpec| serde_json::to_value(spec).unwrap_or_default();
    let difference = known.project.plan.runs().find(same);
    let difference = difference.and_then(|now| Reason::of_difference(&value(spec), &value(&now)));
    let why = difference.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("no options make this run from the configuration as it is now{why}; its record stays\n")
}
