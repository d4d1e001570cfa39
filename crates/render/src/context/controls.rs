//! Tables of the controls: the placebo, flooding's gain by reading, baselines beside the paper's, what is memorised, and
//! Theorem 1 at trained models.

use flooding_tables::{BaselineRow, Checkpoint, Difference, GainRow, Interval, LevelRow, PlaceboRow, TrialProbeRow};

use super::facts::Index;
use super::measures::MeasureTable;
use crate::figure::shown_levels;
use crate::format::{NONE, mean_std, significant};
use crate::tables::Tables;

const fn checkpoint(which: Checkpoint) -> &'static str {
    match which {
        Checkpoint::LastEpoch => "(A)",
        Checkpoint::BestValidation => "(B)",
    }
}

fn points(value: f64, ci: Option<Interval>) -> String {
    ci.map_or_else(|| format!("{value:+.2}"), |ci| format!("{value:+.2} [{:+.2}, {:+.2}]", ci.low, ci.high))
}

/// "With" beside a placebo.
pub fn placebo(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let label = |id: &str| index.get(id).map_or_else(|| id.to_owned(), |facts| facts.label.clone());
    let of = |difference: &Difference| points(difference.mean, difference.ci);
    let row = |row: &PlaceboRow| {
        vec![
            label(&row.setting),
            checkpoint(row.checkpoint).to_owned(),
            row.with.n.to_string(),
            format!("{} / {}", row.candidates, row.placebo_candidates),
            mean_std(row.without),
            mean_std(row.placebo),
            mean_std(row.with),
            of(&row.selection),
            of(&row.effect),
        ]
    };
    let rows: Vec<_> = tables.placebo.iter().flatten().map(row).collect();
    (!rows.is_empty()).then_some(MeasureTable {
        file: "placebo",
        caption: "Flooding at the selected level beside a placebo: as many baseline runs on the same examples, with fresh \
            initial weights, selected by validation accuracy in the same way. Test accuracy in percent (standard deviation \
            over trials); what selection gives by itself, and flooding’s effect, in points with 95% intervals.",
        head: vec![
            "Setting",
            "Checkpoint",
            "Trials",
            "Candidates: flooding / placebo",
            "Without",
            "Placebo",
            "With",
            "Placebo minus without",
            "With minus placebo",
        ],
        words: 2,
        rows,
    })
}

/// Flooding's gain under each reading.
pub fn gains(tables: &Tables) -> Option<MeasureTable> {
    let row = |row: &GainRow| {
        vec![
            row.reading.clone(),
            row.summary.clone(),
            row.row.clone().unwrap_or_else(|| "all of its settings".to_owned()),
            checkpoint(row.checkpoint).to_owned(),
            row.trials.to_string(),
            points(row.gain, Some(row.gain_ci)),
            row.change.map_or_else(|| NONE.to_owned(), |change| points(change, row.change_ci)),
        ]
    };
    let rows: Vec<_> = tables.gains.iter().flatten().map(row).collect();
    (!rows.is_empty()).then_some(MeasureTable {
        file: "gain_by_reading",
        caption: "Flooding’s gain, with minus without in points with 95% intervals, under each interpretation of the paper, by \
            setting and over all of its settings; and that gain minus the one under the first interpretation in the same \
            settings. Where an interpretation changes one thing alone, this is what that thing carries.",
        head: vec!["Reading", "What it is", "Setting", "Checkpoint", "Trials", "Gain", "Change"],
        words: 4,
        rows,
    })
}

/// Baselines beside the paper's, one row a dataset and reading.
pub fn baselines(tables: &Tables) -> Option<MeasureTable> {
    let all = tables.baselines.as_deref()?;
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut rows = Vec::new();
    for row in all {
        let key = (&*row.data, &*row.reading);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let of: Vec<&BaselineRow> = all.iter().filter(|other| (&*other.data, &*other.reading) == key).collect();
        let cells = |which: Checkpoint| {
            let cell = |row: &&BaselineRow| {
                let z = row.z.map_or_else(|| NONE.to_owned(), |z| format!("{z:+.1}"));
                format!("{} {:.2} ({z})", row.setup, row.ours.mean)
            };
            of.iter().filter(|row| row.checkpoint == which).map(cell).collect::<Vec<_>>().join(", ")
        };
        let square = row.mean_square.map_or_else(|| NONE.to_owned(), significant);
        let mark = if row.closest { " (closest)" } else { "" };
        rows.push(vec![
            row.data.clone(),
            row.reading.clone(),
            row.summary.clone(),
            row.ours.n.to_string(),
            cells(Checkpoint::LastEpoch),
            cells(Checkpoint::BestValidation),
            format!("{square}{mark}"),
        ]);
    }
    (!rows.is_empty()).then_some(MeasureTable {
        file: "baselines",
        caption: "Test accuracy in percent without flooding, under each interpretation of the paper, with its distance from \
            Table 2 in standard errors (z) in parentheses; the mean of z squared, which is about 1 where only chance differs. \
            Flooding plays no part in it: the open details are decided by this table alone.",
        head: vec!["Data", "Reading", "What it is", "Trials", "(A)", "(B)", "Mean z squared"],
        words: 3,
        rows,
    })
}

/// What is memorised at each shown level: flipped and unflipped labels apart.
pub fn memorised(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let mut rows = Vec::new();
    for facts in index.iter() {
        let of: Vec<&LevelRow> = (tables.levels.iter().flatten())
            .filter(|row| row.setting == facts.id && row.checkpoint == Checkpoint::LastEpoch)
            .collect();
        let shown = shown_levels(of.iter().map(|row| row.level));
        for row in of.into_iter().filter(|row| shown.contains(&row.level)) {
            let Some((flipped, unflipped)) = row.fit_flipped.zip(row.fit_unflipped) else { continue };
            rows.push(vec![
                facts.label.clone(),
                row.level.to_string(),
                row.train_accuracy.n.to_string(),
                mean_std(unflipped),
                mean_std(flipped),
                mean_std(row.test_accuracy),
                mean_std(row.test_clean_accuracy),
            ]);
        }
    }
    (!rows.is_empty()).then_some(MeasureTable {
        file: "levels",
        caption: "Memorisation apart for clean and flipped labels, at the last epoch and at up to five levels: training \
            examples that are classified as labelled, and test accuracy against the labels as they are and before noise, in \
            percent (standard deviation over trials). A flipped label that is fitted is memorised.",
        head: vec![
            "Setting",
            "b",
            "Trials",
            "Training, label not flipped",
            "Training, label flipped",
            "Test, noisy labels",
            "Test, clean labels",
        ],
        words: 1,
        rows,
    })
}

/// Theorem 1 at the trained models of the probes.
pub fn trained_theorem(tables: &Tables, index: &Index) -> Option<MeasureTable> {
    let row = |row: &TrialProbeRow| {
        let cell = row.theorem?;
        Some(vec![
            index.get(&row.setting).map_or_else(|| row.setting.clone(), |facts| facts.label.clone()),
            row.trial.to_string(),
            row.level.to_string(),
            cell.n.to_string(),
            significant(cell.risk),
            significant(cell.prob_below),
            significant(cell.gain),
            significant(cell.mse_empirical),
        ])
    };
    let rows: Vec<_> = tables.trial_probes.iter().flatten().filter_map(row).collect();
    (!rows.is_empty()).then_some(MeasureTable {
        file: "trial_probes",
        caption: "Theorem 1 at the end of training with flooding: the model’s test losses stand for the loss distribution, \
            and empirical risks of as many losses as there are training examples are drawn from them. R is the mean test \
            loss; where the empirical risk never falls below b, flooding changes the estimate nowhere, and the theorem \
            promises nothing.",
        head: vec!["Setting", "Trial", "b", "n", "R", "Pr[R^ < b]", "Gain in MSE", "MSE(R^)"],
        words: 1,
        rows,
    })
}
