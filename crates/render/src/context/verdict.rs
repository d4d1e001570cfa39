//! The answer first: what was reproduced, what not, at what scale, on what machine.

use flooding_tables::{AccuracyRow, Difference, Verdict};
use serde::Serialize;

use super::facts::Index;
use crate::format::count;
use crate::tables::Tables;

/// The head of the report.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictContext {
    /// The large word beside the title, such as `Quick run`; `None` for the whole grid.
    pub badge: Option<String>,
    /// What the badge means.
    pub badge_note: String,
    /// The five lines.
    pub lines: Vec<Line>,
}

/// One line of the verdict.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What it is about.
    pub topic: &'static str,
    /// What it says.
    pub text: String,
}

impl VerdictContext {
    /// From all tables.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let badge = badge(tables, index);
        Self {
            badge_note: badge_note(badge.as_deref(), index),
            badge,
            lines: vec![
                Line { topic: "Reproduced", text: claims(tables, true) },
                Line { topic: "Not reproduced", text: claims(tables, false) },
                Line { topic: "Accuracy", text: accuracy(tables) },
                Line { topic: "Scale", text: scale(tables, index) },
                Line { topic: "Made by", text: machines(tables) },
            ],
        }
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
                "A reduced grid: {reduced} of {} here ran fewer trials, levels or epochs than the paper. \
                 Such a run can agree or disagree with the paper; it can neither confirm nor contradict it. \
                 `make reproduce PROFILE=full` runs the paper’s grid.",
                count(index.iter().count() as u64, "setting")
            )
        }
    }
}

/// One sentence of what was reproduced, or of what was not; claims are counted once, whatever their readings.
fn claims(tables: &Tables, positive: bool) -> String {
    let Some(claims) = &tables.claims else {
        return "Not judged: the claims table has not been made.".to_owned();
    };
    let of = |verdicts: &[Verdict]| -> Vec<&str> {
        claims.iter().filter(|claim| verdicts.contains(&claim.verdict)).map(|claim| &*claim.id).collect()
    };
    let parts: &[(Verdict, bool)] = if positive {
        &[(Verdict::Confirmed, true), (Verdict::ConsistentAtThisScale, true)]
    } else {
        &[
            (Verdict::Contradicted, true),
            (Verdict::InconsistentAtThisScale, true),
            (Verdict::DependsOnReading, true),
            (Verdict::Inconclusive, true),
            (Verdict::NotTested, false),
            (Verdict::NotRun, false),
        ]
    };
    let said: Vec<String> = (parts.iter())
        .filter(|(verdict, _)| !of(&[*verdict]).is_empty())
        .map(|(verdict, named)| {
            let ids = of(&[*verdict]);
            let names = if *named { format!(" ({})", ids.join(", ")) } else { String::new() };
            format!("{} {}{names}", ids.len(), verdict.describe())
        })
        .collect();
    match said.as_slice() {
        [] if positive => format!("None of {}.", count(claims.len() as u64, "claim")),
        [] => "Nothing.".to_owned(),
        parts => format!("Of {}: {}.", count(claims.len() as u64, "claim"), parts.join("; ")),
    }
}

fn accuracy(tables: &Tables) -> String {
    let rows: Vec<&AccuracyRow> = tables.accuracy.iter().flatten().collect();
    let judged: Vec<_> = rows.iter().filter_map(|row| row.difference.map(|d| (*row, d))).collect();
    if judged.is_empty() {
        return "Not measured: no comparison has a complete trial.".to_owned();
    }
    let higher = judged.iter().filter(|(_, d)| d.mean > 0.0).count();
    let significant = |sign: f64, p: &dyn Fn(&Difference) -> Option<f64>| {
        judged.iter().filter(|(_, d)| d.mean * sign > 0.0 && p(d).is_some_and(|p| p < 0.01)).count()
    };
    let (each, holm) = (|d: &Difference| d.p_student, |d: &Difference| d.p_holm);
    let mut text = format!(
        "In {higher} of {} the mean test accuracy with flooding is higher than without; by a t-test at 1%, significantly \
         higher in {} and lower in {}, after Holm’s correction over each table in {} and {}.",
        count(judged.len() as u64, "comparison"),
        significant(1.0, &each),
        significant(-1.0, &each),
        significant(1.0, &holm),
        significant(-1.0, &holm),
    );
    let mut readings: Vec<&str> = judged.iter().map(|(row, _)| row.reading.as_str()).collect();
    readings.dedup();
    readings.sort_unstable();
    readings.dedup();
    if readings.len() > 1 {
        let parts = readings.iter().map(|reading| {
            let of: Vec<_> = judged.iter().filter(|(row, _)| row.reading == **reading).collect();
            format!("{reading} {} of {}", of.iter().filter(|(_, d)| d.mean > 0.0).count(), of.len())
        });
        text = format!("{text} Higher by reading: {}.", parts.collect::<Vec<_>>().join(", "));
    }
    text
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
    let mut text = format!("Profile “{}”: {complete} of {} complete.", overview.profile, count(planned, "planned run"));
    match scales.as_slice() {
        [] => {}
        [one] => text = format!("{text} Each setting: {one}."),
        many => text = format!("{text} Settings differ: {}.", many.join(" | ")),
    }
    if !overview.gaps.is_empty() {
        text = format!("{text} {} could not be done.", count(overview.gaps.len() as u64, "piece") + " of work");
    }
    text
}

fn machines(tables: &Tables) -> String {
    let makers = tables.overview.as_ref().map_or(&[][..], |overview| &overview.made_by);
    if makers.is_empty() {
        return "The machine is not recorded.".to_owned();
    }
    let mut words: Vec<String> = Vec::new();
    for made in makers {
        let device = if made.device == "cpu" { String::new() } else { format!("{}, ", made.device) };
        let word =
            format!("{device}{}; version {}, commit {}, {}", made.processor, made.version, made.commit, made.rustc);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    format!("{}.", words.join(" | "))
}
