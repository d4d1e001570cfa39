//! The replication scorecard and what stands behind it, as tables.

use flooding_core::config::TableId;
use flooding_tables::{
    Checkpoint, Count, Estimated, Interval, LevelChoice, MeanStd, Quantity, ScorecardCountRow, ScorecardRow,
};
use serde::Serialize;

use super::facts::Index;
use super::measures::MeasureTable;
use super::names::label;
use crate::format::{NONE, interval, mean_std, p_value, signed};
use crate::tables::Tables;

/// The scorecard.
#[derive(Clone, Debug, Serialize)]
pub struct ScorecardContext {
    /// In how many cells each criterion is met; `None` where nothing was compared.
    pub counts: Option<MeasureTable>,
    /// One effect over each table.
    pub overall: Option<MeasureTable>,
    /// What stands behind them, each with a heading.
    pub details: Vec<Detail>,
    /// The margin of equivalence with its unit; empty without one.
    pub margin: String,
}

/// A table that is folded at first.
#[derive(Clone, Debug, Serialize)]
pub struct Detail {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub heading: &'static str,
    /// The table.
    pub table: MeasureTable,
}

impl ScorecardContext {
    /// From the tables of the scorecard.
    pub fn new(tables: &Tables, index: &Index) -> Self {
        let details = [
            ("cells", "Cell by cell", cells(tables)),
            ("paired", "Trial by trial: paired tests", paired(tables, index)),
            ("selection-noise", "How much is the choice of the level", selection_noise(tables, index)),
            ("spread", "A check of the spread over trials", spread(tables, index)),
        ];
        let margin = tables.overview.as_ref().and_then(|overview| overview.margin);
        Self {
            counts: counts(tables),
            overall: overall(tables),
            details: details
                .into_iter()
                .filter_map(|(id, heading, table)| table.map(|table| Detail { id, heading, table }))
                .collect(),
            margin: margin.map_or_else(String::new, |margin| {
                format!("{margin} percentage point{}", if margin == 1.0 { "" } else { "s" })
            }),
        }
    }
}

const fn quantity(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Difference => "gain",
        Quantity::Without => "accuracy without",
        Quantity::With => "accuracy with",
    }
}

const fn when(checkpoint: Option<Checkpoint>) -> &'static str {
    match checkpoint {
        Some(Checkpoint::LastEpoch) => "(A) last epoch",
        Some(Checkpoint::BestValidation) => "(B) early stopping",
        None => "(A) and (B)",
    }
}

/// What the report calls a table of the paper.
pub const fn table_name(table: TableId) -> &'static str {
    match table {
        TableId::Table2 => "Table 2",
        TableId::Table3 => "Table 3",
    }
}

fn share(count: Count) -> String {
    if count.of == 0 { NONE.to_owned() } else { format!("{} of {}", count.met, count.of) }
}

fn table(
    file: &'static str,
    caption: &'static str,
    head: Vec<&'static str>,
    words: usize,
    rows: Vec<Vec<String>>,
) -> Option<MeasureTable> {
    (!rows.is_empty()).then_some(MeasureTable { file, caption, head, words, rows })
}

fn counts(tables: &Tables) -> Option<MeasureTable> {
    // Gains by checkpoint selection; the accuracies of both together.
    let is_compared =
        |row: &ScorecardCountRow| row.same_direction.of > 0 || row.paper_in_ours.of > 0 || row.predicted.of > 0;
    let shown = |row: &&ScorecardCountRow| {
        (row.quantity == Quantity::Difference) == row.checkpoint.is_some() && is_compared(row)
    };
    let rows = tables.scorecard_counts.iter().flatten().filter(shown).map(|row| {
        vec![
            table_name(row.table).to_owned(),
            label(tables, &row.reading),
            format!("{} {}", quantity(row.quantity), when(row.checkpoint)),
            share(row.same_direction),
            share(row.significant),
            share(row.paper_in_ours),
            share(row.ours_in_paper),
            share(row.predicted),
            share(row.equivalent),
        ]
    });
    table(
        "scorecard_counts",
        "In how many cells each criterion is met, of those in which it is available. Published in ours: the published number \
         lies in our 95% interval, and the other way round. Significant: at 1% by the paper’s own \
         t-test and in its direction, of the gains that are significant in the paper. Predicted: inside the published 95% \
         prediction interval (by t); for the single runs of Table 3, the published number inside ours. Equivalent: shown \
         to differ from the published number by less than the margin; with ten trials a row often cannot show it.",
        vec![
            "Table",
            "Interpretation",
            "What",
            "Same direction",
            "Significant",
            "Published in ours",
            "Ours in published",
            "Predicted",
            "Equivalent",
        ],
        3,
        rows.collect(),
    )
}

fn overall(tables: &Tables) -> Option<MeasureTable> {
    let rows = tables.overall.iter().flatten().map(|row| {
        vec![
            table_name(row.table).to_owned(),
            label(tables, &row.reading),
            when(Some(row.checkpoint)).to_owned(),
            format!("{} of {}", row.settings, row.paper_rows),
            row.trials.to_string(),
            signed(row.effect),
            row.ci.map_or_else(|| NONE.to_owned(), interval),
            row.paper_effect.map_or_else(|| NONE.to_owned(), signed),
            row.paper_ci.map_or_else(|| NONE.to_owned(), interval),
            row.minus_paper_ci.map_or_else(|| NONE.to_owned(), interval),
        ]
    });
    table(
        "overall",
        "One gain over the rows of a table, each row counting the same, in percentage points. Ours with a 95% bootstrap \
         interval that redraws trials within each row; published for the same rows.",
        vec![
            "Table",
            "Interpretation",
            "What",
            "Rows",
            "Trials",
            "Our gain",
            "95% interval",
            "Published",
            "95% interval",
            "Ours minus published, 95%",
        ],
        3,
        rows.collect(),
    )
}

/// An accuracy is `plain`; a difference has its sign.
fn number(value: f64, plain: bool) -> String {
    if plain { format!("{value:.2}") } else { signed(value) }
}

fn written(range: Interval, plain: bool) -> String {
    format!("[{}, {}]", number(range.low, plain), number(range.high, plain))
}

fn estimated(estimate: Option<Estimated>, plain: bool) -> String {
    let Some(Estimated { mean, ci }) = estimate else { return NONE.to_owned() };
    match ci {
        Some(ci) => format!("{} {}", number(mean, plain), written(ci, plain)),
        None => number(mean, plain),
    }
}

fn mark(criterion: Option<bool>) -> String {
    match criterion {
        Some(true) => "✓ yes",
        Some(false) => "✗ no",
        None => NONE,
    }
    .to_owned()
}

fn cells(tables: &Tables) -> Option<MeasureTable> {
    let row = |row: &ScorecardRow| {
        let plain = row.quantity != Quantity::Difference;
        let compared = row.compared.as_ref();
        let predicted = compared.map(|c| c.prediction_t).or(row.our_prediction);
        vec![
            format!("{}, {} {}", row.data, row.setup, when(Some(row.checkpoint))),
            label(tables, &row.reading),
            quantity(row.quantity).to_owned(),
            estimated(row.ours, plain),
            estimated(row.paper, plain),
            predicted.map_or_else(|| NONE.to_owned(), |range| written(range, plain)),
            compared.map_or_else(|| NONE.to_owned(), |c| signed(c.difference)),
            compared.map_or_else(|| NONE.to_owned(), |c| p_value(c.p)),
            compared.and_then(|c| c.combined).map_or_else(|| NONE.to_owned(), |c| format!("{:.2}", c.mean)),
            mark(row.criterion.same_direction),
            mark(row.criterion.significant),
            mark(row.criterion.paper_in_ours),
            mark(row.criterion.ours_in_paper),
            mark(row.criterion.predicted),
            mark(row.criterion.equivalent),
            row.unavailable.clone().unwrap_or_else(|| NONE.to_owned()),
        ]
    };
    let rows = tables.scorecard.iter().flatten().map(row).collect();
    table(
        "scorecard",
        "Each cell with 95% intervals; accuracies in percent, gains in points. The prediction interval is the published \
         one by t (for single runs ours); p is of no difference from the published number, by the normal distribution. \
         Combined is the fixed-effect estimate of both.",
        vec![
            "Row",
            "Interpretation",
            "What",
            "Ours",
            "Published",
            "Prediction interval",
            "Ours minus published",
            "p",
            "Combined",
            "Same direction",
            "Significant",
            "Published in ours",
            "Ours in published",
            "Predicted",
            "Equivalent",
            "Not available",
        ],
        3,
        rows,
    )
}

fn setting(index: &Index, id: &str) -> String {
    index.get(id).map_or_else(|| id.to_owned(), |facts| facts.label.clone())
}

fn paired(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let rows = tables.paired.iter().flatten().map(|row| {
        let or_none = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), p_value);
        vec![
            setting(index, &row.setting),
            when(Some(row.checkpoint)).to_owned(),
            row.trials.to_string(),
            signed(row.difference),
            interval(row.ci_corrected.unwrap_or(row.ci)),
            interval(row.bca),
            p_value(row.p_corrected.unwrap_or(row.p_paired)),
            or_none(row.p_sign_flip),
            format!("{:.2}", row.probability_of_improvement),
            format!("{:.2}", row.paired_improvement),
            or_none(row.p_beyond_margin),
        ]
    });
    table(
        "paired",
        "Trials share data, batches and initial weights across levels, so the gain is tested trial by trial: paired t (with \
         Nadeau and Bengio’s variance where trials redraw splits of one pool of images), BCa bootstrap, exact sign flips; \
         the probability that a trial with flooding beats one without, over all pairs and over the same trials; and p \
         against a gain or loss beyond the margin.",
        vec![
            "Setting",
            "What",
            "Trials",
            "Gain",
            "95% interval, t",
            "95% interval, BCa",
            "p, paired t",
            "p, sign flip",
            "P(better), all pairs",
            "P(better), same trial",
            "p, beyond the margin",
        ],
        2,
        rows.collect(),
    )
}

const fn choice(choice: LevelChoice) -> &'static str {
    match choice {
        LevelChoice::PerTrial => "each trial by its validation set (the paper’s)",
        LevelChoice::Fixed => "one level for all trials, by validation on average",
        LevelChoice::Oracle => "each trial by the test set (oracle)",
    }
}

fn moments(value: MeanStd) -> String {
    value.std.map_or_else(|| signed(value.mean), |std| format!("{} ({std:.2})", signed(value.mean)))
}

fn selection_noise(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let rows = tables.selection_noise.iter().flatten().map(|row| {
        vec![
            setting(index, &row.setting),
            when(Some(row.checkpoint)).to_owned(),
            choice(row.choice).to_owned(),
            row.levels.to_string(),
            row.validation_examples.to_string(),
            row.level
                .std
                .map_or_else(|| format!("{:.2}", row.level.mean), |std| format!("{:.2} ({std:.2})", row.level.mean)),
            mean_std(row.accuracy),
            moments(row.gain),
            row.gain_ci.map_or_else(|| NONE.to_owned(), interval),
        ]
    });
    table(
        "selection_noise",
        "The gain with the level chosen in three ways: the difference between the first and the second is what a small \
         validation set costs; the oracle is an upper bound that no method can reach. Means over trials, standard \
         deviations in parentheses.",
        vec![
            "Setting",
            "What",
            "Level chosen",
            "Levels",
            "Validation examples",
            "b",
            "Test accuracy",
            "Gain",
            "95% interval",
        ],
        3,
        rows.collect(),
    )
}

fn spread(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let rows = tables.spread.iter().flatten().filter(|row| row.accuracy.std.is_some()).map(|row| {
        let points = |std: Option<f64>| std.map_or_else(|| NONE.to_owned(), |std| format!("{std:.2}"));
        vec![
            setting(index, &row.setting),
            format!("{} {}", if row.with_flooding { "with" } else { "without" }, when(Some(row.checkpoint))),
            row.accuracy.n.to_string(),
            row.test_examples.to_string(),
            points(row.accuracy.std),
            points(Some(row.test_set_std)),
            points(row.paper_std),
            row.p_smaller.map_or_else(|| NONE.to_owned(), p_value),
        ]
    });
    table(
        "spread",
        "Standard deviations of the test accuracy over trials, in points, beside the one that a finite test set gives by \
         itself. A small p would say that trials spread less than their test sets allow.",
        vec![
            "Setting",
            "What",
            "Trials",
            "Test examples",
            "Over trials",
            "From the test set alone",
            "Published",
            "p of so small a spread",
        ],
        2,
        rows.collect(),
    )
}
