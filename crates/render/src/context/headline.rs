//! The first screen: at most four findings, each written by rule from the scorecard, and the forest plot.

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, Count, OverallRow, Quantity, ScorecardCountRow};
use serde::Serialize;

use super::facts::Index;
use super::names::main_readings;
use crate::format::{count, interval, signed};
use crate::tables::Tables;

/// The head of the report.
#[derive(Clone, Debug, Serialize)]
pub struct HeadlineContext {
    /// The large word beside the title, such as `Quick run`; `None` for the whole grid.
    pub badge: Option<String>,
    /// What the badge means.
    pub badge_note: String,
    /// The findings.
    pub findings: Vec<Finding>,
    /// How much was run, by what.
    pub scale: String,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What it is about.
    pub topic: &'static str,
    /// What was found, in a sentence with its numbers.
    pub text: String,
}

impl HeadlineContext {
    /// From all tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let badge = badge(tables, index);
        let readings = main_readings(tables, TableId::Table2);
        let findings = if readings.is_empty() { Vec::new() } else { findings(tables, &readings) };
        Self {
            badge_note: badge_note(badge.as_deref(), index),
            badge,
            findings: if findings.is_empty() { vec![nothing(tables)] } else { findings },
            scale: scale(tables, index),
        }
    }
}

/// A reading and its label.
type Named = (String, String);

fn findings(tables: &Tables, readings: &[Named]) -> Vec<Finding> {
    let gains = |topic, checkpoint| gains(tables, readings, checkpoint).map(|text| Finding { topic, text });
    let of = |topic, text: Option<String>| text.map(|text| Finding { topic, text });
    [
        gains("At the last epoch", Checkpoint::LastEpoch),
        gains("With early stopping", Checkpoint::BestValidation),
        of("The gain’s size", sizes(tables, readings)),
        of("The accuracies", accuracies(tables, readings)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nothing(tables: &Tables) -> Finding {
    let text = match &tables.accuracy {
        None => "Nothing has been measured yet: `pipeline run` does it.",
        Some(_) => "No row of Table 2 has been run, so flooding’s gain there is neither reproduced nor refuted.",
    };
    Finding { topic: "Table 2", text: text.to_owned() }
}

/// In how many rows flooding's gain is there again.
fn gains(tables: &Tables, readings: &[Named], checkpoint: Checkpoint) -> Option<String> {
    let parts: Vec<String> = (readings.iter())
        .filter_map(|(reading, label)| {
            let row = counts(tables, reading, Some(checkpoint), Quantity::Difference)?;
            let Count { met, of } = row.same_direction;
            let direction = (of > 0).then(|| format!("in {met} of {} {label}", rows(of, row.paper_rows)))?;
            let Count { met, of } = row.significant;
            Some(if of == 0 { direction } else { format!("{direction} (significant in {met} of {of})") })
        })
        .collect();
    let tested = readings.iter().any(|(reading, _)| {
        counts(tables, reading, Some(checkpoint), Quantity::Difference).is_some_and(|row| row.significant.of > 0)
    });
    let significant =
        if tested { " Significance is at 1%, among the rows whose published gain is significant." } else { "" };
    (!parts.is_empty()).then(|| format!("Flooding’s gain has the published direction {}.{significant}", list(&parts)))
}

/// `9 rows`, or `6 of the 9 rows` of the paper's table.
fn rows(run: u32, all: u32) -> String {
    if run == all { count(run.into(), "row") } else { format!("the {run} rows run (of {all})") }
}

/// The mean gain beside the published one.
fn sizes(tables: &Tables, readings: &[Named]) -> Option<String> {
    let mut text = String::new();
    for (checkpoint, when) in
        [(Checkpoint::LastEpoch, "At the last epoch"), (Checkpoint::BestValidation, "with early stopping")]
    {
        let mut parts: Vec<String> = Vec::new();
        let mut published = None;
        for (reading, label) in readings {
            let Some(row) = overall(tables, reading, checkpoint) else { continue };
            let Some(paper) = row.paper_effect else { continue };
            // Readings that run the same rows share one published mean.
            published.get_or_insert(paper);
            let against = if published == Some(paper) { String::new() } else { format!(" against {}", signed(paper)) };
            let range = row.ci.map_or_else(String::new, |ci| format!(" {}", interval(ci)));
            parts.push(format!("{}{range} {label}{against}{}", signed(row.effect), size(row, tables)));
        }
        if let Some(published) = published {
            let separator = if text.is_empty() { "" } else { "; " };
            text.push_str(&format!(
                "{separator}{when} the published mean gain is {}, ours {}",
                signed(published),
                list(&parts)
            ));
        }
    }
    (!text.is_empty()).then(|| format!("{text} (percentage points)."))
}

/// Is ours of the published size? By the interval of the difference and the margin.
fn size(row: &OverallRow, tables: &Tables) -> &'static str {
    let margin = tables.overview.as_ref().and_then(|overview| overview.margin);
    match (row.minus_paper_ci, margin) {
        (Some(ci), Some(margin)) if ci.low > -margin && ci.high < margin => " (the published size within the margin)",
        (Some(ci), _) if ci.high < 0.0 => " (smaller)",
        (Some(ci), _) if ci.low > 0.0 => " (larger)",
        (Some(_), _) => " (size cannot be told apart)",
        (None, _) => "",
    }
}

/// How many of our accuracies are as the paper's would predict.
fn accuracies(tables: &Tables, readings: &[Named]) -> Option<String> {
    let parts: Vec<String> = (readings.iter())
        .filter_map(|(reading, label)| {
            let both = [Quantity::Without, Quantity::With].map(|side| counts(tables, reading, None, side));
            let (met, of) = both
                .into_iter()
                .flatten()
                .fold((0, 0), |(met, of), row| (met + row.predicted.met, of + row.predicted.of));
            (of > 0).then(|| format!("{met} of {of} {label}"))
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!(
            "Of our accuracies themselves, {} lie where the published ones predict them (95% prediction intervals).",
            list(&parts)
        )
    })
}

fn counts<'a>(
    tables: &'a Tables,
    reading: &str,
    checkpoint: Option<Checkpoint>,
    quantity: Quantity,
) -> Option<&'a ScorecardCountRow> {
    tables.scorecard_counts.iter().flatten().find(|row| {
        row.table == TableId::Table2
            && row.reading == reading
            && row.checkpoint == checkpoint
            && row.quantity == quantity
    })
}

fn overall<'a>(tables: &'a Tables, reading: &str, checkpoint: Checkpoint) -> Option<&'a OverallRow> {
    tables
        .overall
        .iter()
        .flatten()
        .find(|row| row.table == TableId::Table2 && row.reading == reading && row.checkpoint == checkpoint)
}

/// `a`, `a and b`, `a, b and c`.
fn list(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn badge(tables: &Tables, index: &Index) -> Option<String> {
    let Some(overview) = &tables.overview else { return Some("No results".to_owned()) };
    if !index.is_full() {
        return Some("Quick run".to_owned());
    }
    (overview.runs.0 != overview.runs.1 || !overview.gaps.is_empty()).then(|| "Unfinished".to_owned())
}

fn badge_note(badge: Option<&str>, index: &Index) -> String {
    match badge {
        None => "Every setting below was run on the paper’s whole grid.".to_owned(),
        Some("Unfinished") => {
            "The paper’s grid was planned, but some runs are missing; see what was not run.".to_owned()
        }
        Some("No results") => "No tables have been made yet; run `pipeline run` first.".to_owned(),
        Some(_) => {
            let reduced = index.iter().filter(|facts| !facts.scale.is_full()).count();
            format!(
                "{reduced} of {} ran fewer trials, levels or epochs than in the paper: such a run can agree or disagree \
                 with it, not confirm or contradict it.",
                count(index.iter().count() as u64, "setting")
            )
        }
    }
}

fn scale(tables: &Tables, index: &Index) -> String {
    let Some(overview) = &tables.overview else { return "Nothing is known of the scale.".to_owned() };
    let mut scales: Vec<String> = Vec::new();
    for facts in index.iter().filter(|facts| facts.scale.full != (0, 0)) {
        let numbers = facts.scale.numbers();
        if !scales.contains(&numbers) {
            scales.push(numbers);
        }
    }
    let (planned, complete) = overview.runs;
    let runs = if planned == complete {
        count(planned, "run")
    } else {
        format!("{complete} of {}", count(planned, "planned run"))
    };
    match scales.as_slice() {
        [one] => format!("Profile “{}”, {runs}; each setting: {one}.", overview.profile),
        _ => format!("Profile “{}”, {runs}.", overview.profile),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_sentences_do() {
        let parts = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(list(&parts(1)), "0");
        assert_eq!(list(&parts(2)), "0 and 1");
        assert_eq!(list(&parts(3)), "0, 1 and 2");
    }

    #[test]
    fn rows_that_were_not_run_are_reported() {
        assert_eq!(rows(9, 9), "9 rows");
        assert_eq!(rows(6, 9), "the 6 rows run (of 9)");
    }
}
