//! Claims about accuracies and chosen levels: Tables 2 and 3, Figure 3.

use flooding_core::config::TableId;
use flooding_core::spec::DataSpec;
use flooding_tables::{AccuracyRow, Checkpoint, SelectionRow};

use super::{Cell, Evidence, Judgement, Side, Vote, tally};
use crate::paper;
use crate::stats::{Kind, SIGNIFICANCE, Sample, ttest};

/// The vote of a difference that should be above 0: against only if a t-test at 1% says so, or if there can be no test
/// (one trial, as in the paper's Table 3).
pub(super) fn vote(better: &[f64], worse: &[f64]) -> Vote {
    let difference = Sample::of(better).mean - Sample::of(worse).mean;
    let significant = ttest(Kind::Student, better, worse).map_or(true, |test| test.p < SIGNIFICANCE);
    match difference {
        d if d > 0.0 => Vote::Agrees,
        d if d < 0.0 && significant => Vote::Disagrees,
        _ => Vote::Open,
    }
}

fn values(evidence: &Evidence, row: &AccuracyRow, side: Side) -> Vec<f64> {
    let of = |choice: &SelectionRow| match side {
        Side::Without => choice.without,
        Side::With => choice.with,
    };
    evidence.selections(row).map(of).collect()
}

/// A table's rows under one reading, for one checkpoint selection.
fn rows<'a>(
    evidence: &'a Evidence,
    table: TableId,
    reading: &'a str,
    checkpoint: Checkpoint,
) -> impl Iterator<Item = &'a AccuracyRow> {
    evidence
        .accuracy
        .iter()
        .filter(move |row| row.table == Some(table) && row.reading == reading && row.checkpoint == checkpoint)
}

/// Are these all rows of the paper's table, and did each run as in the paper?
fn whole_table(evidence: &Evidence, table: TableId, settings: &[String]) -> bool {
    settings.len() >= paper::row_count(table) && evidence.whole(settings)
}

/// Is the first column's mean above the second's?
pub(super) fn columns(evidence: &Evidence, table: TableId, better: Cell, worse: Cell) -> Vec<Judgement> {
    let one = |reading: String| {
        let (mut votes, mut settings, mut differences) = (Vec::new(), Vec::new(), Vec::new());
        let mut significant = 0;
        for left in rows(evidence, table, &reading, better.1) {
            let Some(right) = rows(evidence, table, &reading, worse.1).find(|row| row.setting == left.setting) else {
                continue;
            };
            let (a, b) = (values(evidence, left, better.0), values(evidence, right, worse.0));
            if a.is_empty() || b.is_empty() {
                continue;
            }
            votes.push(vote(&a, &b));
            settings.push(left.setting.clone());
            differences.push((Sample::of(&a).mean - Sample::of(&b).mean, format!("{}, {}", left.data, left.setup)));
            let test = ttest(Kind::Student, &a, &b);
            significant += u32::from(test.is_ok_and(|test| test.difference > 0.0 && test.p < SIGNIFICANCE));
        }
        differences.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut statistic = tally(&votes, "rows");
        if let (Some(least), Some(most)) = (differences.first(), differences.last()) {
            statistic = format!(
                "{statistic}, {significant} by a t-test at 1%; difference from {:+.2} ({}) to {:+.2} points ({})",
                least.0, least.1, most.0, most.1
            );
        }
        Judgement { whole: whole_table(evidence, table, &settings), reading, votes, statistic, settings }
    };
    evidence.readings().into_iter().map(one).collect()
}

/// Does the mean chosen level rise with the noise rate of a data set?
pub(super) fn level_grows_with_noise(evidence: &Evidence, checkpoint: Checkpoint) -> Vec<Judgement> {
    let noise = |row: &AccuracyRow| {
        let setting = evidence.plan.settings.iter().find(|setting| setting.id == row.setting)?;
        match &setting.data {
            DataSpec::Synthetic(spec) => Some(spec.label_noise),
            DataSpec::Images(_) => None,
        }
    };
    let one = |reading: String| {
        let (mut votes, mut settings, mut details) = (Vec::new(), Vec::new(), Vec::new());
        let all: Vec<&AccuracyRow> = rows(evidence, TableId::Table2, &reading, checkpoint)
            .filter(|row| evidence.selections(row).next().is_some())
            .collect();
        let mut names: Vec<&str> = all.iter().map(|row| &*row.data).collect();
        names.dedup();
        for name in names {
            let mut of_set: Vec<(f64, &AccuracyRow)> = (all.iter().filter(|row| row.data == name))
                .filter_map(|row| noise(row).map(|rate| (rate, *row)))
                .collect();
            of_set.sort_by(|a, b| a.0.total_cmp(&b.0));
            if of_set.len() < 2 {
                continue;
            }
            let levels: Vec<Vec<f64>> = (of_set.iter())
                .map(|(_, row)| evidence.selections(row).map(|choice| choice.level.value()).collect())
                .collect();
            let steps: Vec<Vote> = levels.windows(2).map(|pair| vote(&pair[1], &pair[0])).collect();
            votes.push(if steps.contains(&Vote::Disagrees) {
                Vote::Disagrees
            } else if steps.iter().all(|step| *step == Vote::Agrees) {
                Vote::Agrees
            } else {
                Vote::Open
            });
            let means: Vec<String> = levels.iter().map(|values| format!("{:.3}", Sample::of(values).mean)).collect();
            details.push(format!("{name} {}", means.join(" → ")));
            settings.extend(of_set.iter().map(|(_, row)| row.setting.clone()));
        }
        let statistic = format!("{}; mean b by rising noise: {}", tally(&votes, "data sets"), details.join(", "));
        Judgement { whole: whole_table(evidence, TableId::Table2, &settings), reading, votes, statistic, settings }
    };
    evidence.readings().into_iter().map(one).collect()
}

/// Is Table 3's best cell of each data set one with flooding?
pub(super) fn best_cell(evidence: &Evidence) -> Vec<Judgement> {
    let one = |reading: String| {
        let (mut votes, mut settings, mut details) = (Vec::new(), Vec::new(), Vec::new());
        let of_table = |row: &&AccuracyRow| row.table == Some(TableId::Table3) && row.reading == reading;
        let all: Vec<&AccuracyRow> =
            evidence.accuracy.iter().filter(of_table).filter(|row| evidence.selections(row).next().is_some()).collect();
        let mut names: Vec<&str> = all.iter().map(|row| &*row.data).collect();
        names.dedup();
        for name in names {
            let of_set = || all.iter().filter(|row| row.data == name);
            let with = of_set().find(|row| row.underline_with);
            let without = of_set().find(|row| row.underline_without);
            votes.push(match (with, without) {
                (Some(_), None) => Vote::Agrees,
                (None, Some(_)) => Vote::Disagrees,
                _ => Vote::Open,
            });
            if let Some(row) = with.or(without) {
                let (side, cell) = if with.is_some() { ("with", row.with) } else { ("without", row.without) };
                let best = cell.map_or(0.0, |cell| cell.mean);
                details.push(format!("{name} {best:.2}% {side} flooding ({})", row.setup));
            }
            settings
                .extend(of_set().filter(|row| row.checkpoint == Checkpoint::LastEpoch).map(|row| row.setting.clone()));
        }
        let statistic = format!("{}; {}", tally(&votes, "data sets"), details.join(", "));
        Judgement { whole: whole_table(evidence, TableId::Table3, &settings), reading, votes, statistic, settings }
    };
    evidence.readings().into_iter().map(one).collect()
}

/// Do the selected runs above b = 0 still classify every training example?
pub(super) fn zero_training_error(evidence: &Evidence, checkpoint: Checkpoint) -> Vec<Judgement> {
    let one = |reading: String| {
        let (mut votes, mut settings) = (Vec::new(), Vec::new());
        let (mut perfect, mut flooded) = (0, 0);
        for row in evidence.accuracy.iter().filter(|row| row.reading == reading && row.checkpoint == checkpoint) {
            let chosen: Vec<f64> = (evidence.selections(row))
                .filter(|choice| !choice.level.is_zero())
                .map(|choice| choice.train_accuracy)
                .collect();
            if chosen.is_empty() {
                continue;
            }
            let whole = chosen.iter().filter(|accuracy| **accuracy >= 100.0).count();
            votes.push(match (2 * whole).cmp(&chosen.len()) {
                std::cmp::Ordering::Greater => Vote::Agrees,
                std::cmp::Ordering::Equal => Vote::Open,
                std::cmp::Ordering::Less => Vote::Disagrees,
            });
            settings.push(row.setting.clone());
            perfect += whole;
            flooded += chosen.len();
        }
        let statistic =
            format!("{}; {perfect} of {flooded} trials with a chosen b > 0 train to 100%", tally(&votes, "settings"));
        Judgement {
            whole: evidence.plan.left_out.is_empty() && evidence.whole(&settings),
            reading,
            votes,
            statistic,
            settings,
        }
    };
    evidence.readings().into_iter().map(one).collect()
}
