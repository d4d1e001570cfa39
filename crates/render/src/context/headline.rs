//! The first screen: at most five findings, each written by rule from the scorecard, and the forest plot.

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, Count, OverallRow, Quantity, ScorecardCountRow, stand_in};
use serde::Serialize;

use super::facts::Index;
use super::names::main_readings;
use crate::format::{count, interval, signed};
use crate::tables::Tables;

/// The head of the report.
#[derive(Clone, Debug, Serialize)]
pub struct HeadlineContext {
    /// The large words beside the title, such as `Quick run`; `None` for the whole grid.
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

/// How much of the paper's grid the findings rest on: they say so themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Unfinished,
    /// Some settings are the paper's grid, others are not.
    ReducedInPart,
    Reduced,
    Nothing,
}

impl Extent {
    fn of(tables: &Tables, index: &Index) -> Self {
        match &tables.overview {
            None => Self::Nothing,
            Some(_) if !index.is_full() && index.is_full_in_part() => Self::ReducedInPart,
            Some(_) if !index.is_full() => Self::Reduced,
            Some(overview) if overview.runs.0 != overview.runs.1 || !overview.missing.is_empty() => Self::Unfinished,
            Some(_) => Self::Whole,
        }
    }

    const fn badge(self) -> Option<&'static str> {
        match self {
            Self::Whole => None,
            Self::Unfinished => Some("Unfinished"),
            Self::ReducedInPart => Some("Reduced in part"),
            Self::Reduced => Some("Quick run"),
            Self::Nothing => Some("No results"),
        }
    }

    /// How a finding begins.
    const fn lead(self) -> &'static str {
        match self {
            Self::Whole | Self::Nothing => "Flooding’s gain",
            Self::Unfinished => "So far, flooding’s gain",
            Self::ReducedInPart => "In a run that is reduced in part, flooding’s gain",
            Self::Reduced => "In a reduced run, flooding’s gain",
        }
    }
}

impl HeadlineContext {
    /// From all tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let extent = Extent::of(tables, index);
        let readings = main_readings(tables, TableId::Table2);
        let mut findings = if readings.is_empty() { Vec::new() } else { findings(tables, &readings, extent) };
        let none = findings.is_empty();
        findings.extend(benchmarks(tables, extent));
        if none {
            findings.push(nothing(tables));
        }
        Self {
            badge_note: badge_note(extent, index),
            badge: extent.badge().map(str::to_owned),
            findings,
            scale: scale(tables, index),
        }
    }
}

/// A reading and its label.
type Named = (String, String);

fn findings(tables: &Tables, readings: &[Named], extent: Extent) -> Vec<Finding> {
    let gains = |topic, checkpoint| gains(tables, readings, checkpoint, extent).map(|text| Finding { topic, text });
    let of = |topic, text: Option<String>| text.map(|text| Finding { topic, text });
    [
        gains("At the last epoch", Checkpoint::LastEpoch),
        gains("With early stopping", Checkpoint::BestValidation),
        of("The gain’s size, in percentage points", sizes(tables, readings)),
        of("The accuracies themselves", accuracies(tables, readings)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn nothing(tables: &Tables) -> Finding {
    let any = tables.accuracy.iter().flatten().any(|row| row.table == Some(TableId::Table2));
    let text = match &tables.accuracy {
        None => "Nothing has been measured yet: `pipeline run` does it.",
        Some(_) if any => {
            "No trial of Table 2 is complete, so flooding’s gain there is so far neither reproduced nor refuted."
        }
        Some(_) => "No row of Table 2 has been run, so flooding’s gain there is neither reproduced nor refuted.",
    };
    Finding { topic: "Table 2", text: text.to_owned() }
}

/// In how many rows of Table 3 flooding's gain is there again.
fn benchmarks(tables: &Tables, extent: Extent) -> Option<Finding> {
    let readings = main_readings(tables, TableId::Table3);
    let times = [(Checkpoint::LastEpoch, "at the last epoch"), (Checkpoint::BestValidation, "with early stopping")];
    let parts: Vec<String> = (readings.iter())
        .flat_map(|named| times.iter().map(move |time| (named, time)))
        .filter_map(|((reading, label), (checkpoint, when))| {
            let row = counts(tables, TableId::Table3, reading, Some(*checkpoint), Quantity::Difference)?;
            let named = if readings.len() == 1 { String::new() } else { format!(" {label}") };
            (row.same_direction.of > 0)
                .then(|| format!("in {} {when}{named}", rows(row.same_direction, row.paper_rows, None)))
        })
        .collect();
    (!parts.is_empty()).then(|| Finding {
        topic: "On the benchmarks (Table 3)",
        text: format!("{} has the published direction {}.", extent.lead(), list(&parts)),
    })
}

/// In how many rows flooding's gain is there again.
fn gains(tables: &Tables, readings: &[Named], checkpoint: Checkpoint, extent: Extent) -> Option<String> {
    let found: Vec<(&str, &ScorecardCountRow)> = (readings.iter())
        .filter_map(|(reading, label)| {
            Some((&**label, counts(tables, TableId::Table2, reading, Some(checkpoint), Quantity::Difference)?))
        })
        .filter(|(_, row)| row.same_direction.of > 0)
        .collect();
    let directions: Vec<String> = (found.iter())
        .map(|(label, row)| {
            let others = stand_in(&row.reading)
                .and_then(|other| readings.iter().find(|(reading, _)| reading == other))
                .filter(|(other, _)| {
                    counts(tables, TableId::Table2, other, Some(checkpoint), Quantity::Difference)
                        .is_some_and(|other| other.same_direction.of == other.paper_rows)
                })
                .map(|(_, label)| &**label);
            format!("in {} {label}", rows(row.same_direction, row.paper_rows, others))
        })
        .collect();
    let tested: Vec<String> = (found.iter().filter(|(_, row)| row.significant.of > 0))
        .map(|(_, row)| format!("{} of {}", row.significant.met, row.significant.of))
        .collect();
    let significant = match tested.len() {
        0 => String::new(),
        1 if found.len() == 1 => format!(" Where the published gain is significant (1%), so is ours in {}.", tested[0]),
        many if many == found.len() => {
            format!(" Where the published gain is significant (1%), so is ours in {} respectively.", list(&tested))
        }
        _ => {
            let named: Vec<String> = (found.iter().filter(|(_, row)| row.significant.of > 0).zip(&tested))
                .map(|((label, _), share)| format!("{share} {label}"))
                .collect();
            format!(" Where the published gain is significant (1%), so is ours in {}.", list(&named))
        }
    };
    (!directions.is_empty())
        .then(|| format!("{} has the published direction {}.{significant}", extent.lead(), list(&directions)))
}

/// `9 of 9 rows`, with those of the paper's table that were not run, or that are the same under another reading, which has
/// them all.
fn rows(Count { met, of }: Count, all: u32, others: Option<&str>) -> String {
    let missing = all.saturating_sub(of);
    let left = match others {
        _ if missing == 0 => String::new(),
        Some(label) => format!(" (the other {missing}: {label})"),
        None => format!(" ({missing} not run)"),
    };
    format!("{met} of {}{left}", count(of.into(), "row"))
}

/// The mean gain beside the published one.
fn sizes(tables: &Tables, readings: &[Named]) -> Option<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (checkpoint, when) in [(Checkpoint::LastEpoch, "last epoch"), (Checkpoint::BestValidation, "early stopping")] {
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
            sentences.push(format!("{when}: published {}, ours {}", signed(published), list(&parts)));
        }
    }
    (!sentences.is_empty()).then(|| format!("Mean over rows, {}.", sentences.join("; ")))
}

/// Is ours of the published size? By the interval of the difference and the margin.
fn size(row: &OverallRow, tables: &Tables) -> &'static str {
    let margin = tables.overview.as_ref().and_then(|overview| overview.margin);
    match (row.minus_paper_ci, margin) {
        (Some(ci), Some(margin)) if ci.low > -margin && ci.high < margin => " (the published size)",
        (Some(ci), _) if ci.high < 0.0 => " (smaller)",
        (Some(ci), _) if ci.low > 0.0 => " (larger)",
        (Some(_), _) => " (size not decided)",
        (None, _) => "",
    }
}

/// How many of our accuracies are as the paper's would predict.
fn accuracies(tables: &Tables, readings: &[Named]) -> Option<String> {
    let parts: Vec<String> = (readings.iter())
        .filter_map(|(reading, label)| {
            let both =
                [Quantity::Without, Quantity::With].map(|side| counts(tables, TableId::Table2, reading, None, side));
            let (met, of) = both
                .into_iter()
                .flatten()
                .fold((0, 0), |(met, of), row| (met + row.predicted.met, of + row.predicted.of));
            (of > 0).then(|| format!("{met} of {of} {label}"))
        })
        .collect();
    (!parts.is_empty()).then(|| format!("{} lie in the 95% prediction interval of the published ones.", list(&parts)))
}

fn counts<'a>(
    tables: &'a Tables,
    table: TableId,
    reading: &str,
    checkpoint: Option<Checkpoint>,
    quantity: Quantity,
) -> Option<&'a ScorecardCountRow> {
    tables.scorecard_counts.iter().flatten().find(|row| {
        row.table == table && row.reading == reading && row.checkpoint == checkpoint && row.quantity == quantity
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

fn badge_note(extent: Extent, index: &Index) -> String {
    match extent {
        Extent::Whole => "Every setting below was run on the paper’s whole grid.".to_owned(),
        Extent::Unfinished => {
            "The paper’s grid was planned, but some runs are missing (see “Not run”): counts are of the \
             trials that are complete."
                .to_owned()
        }
        Extent::Nothing => "No tables have been made yet; run `pipeline run` first.".to_owned(),
        Extent::ReducedInPart | Extent::Reduced => {
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
    let trials: (u64, u64) =
        index.iter().filter(|facts| facts.table == Some(TableId::Table2)).fold((0, 0), |(complete, all), facts| {
            (complete + u64::from(facts.scale.complete), all + u64::from(facts.scale.trials))
        });
    let runs = if planned == complete || trials.1 == 0 {
        runs
    } else {
        format!("{runs}; {} of {} of Table 2 complete", trials.0, count(trials.1, "trial"))
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
    fn rows_that_were_not_run_or_are_the_same_elsewhere_are_named() {
        assert_eq!(rows(Count { met: 8, of: 9 }, 9, None), "8 of 9 rows");
        assert_eq!(rows(Count { met: 1, of: 1 }, 9, None), "1 of 1 row (8 not run)");
        assert_eq!(rows(Count { met: 3, of: 3 }, 9, Some("as the demo")), "3 of 3 rows (the other 6: as the demo)");
    }
}
