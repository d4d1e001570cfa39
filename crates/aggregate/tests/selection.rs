//! Properties of selection, and a snapshot of a small table set.

mod support;

use flooding_tables::{AccuracyRow, Rows, SelectionRow};
use proptest::prelude::*;
use support::{Grid, Made, small_plan};

const LEVELS: [f64; 4] = [0.0, 0.1, 0.2, 0.3];

/// Validation accuracies in quarters, so that ties are common; test accuracies in eighths.
fn accuracies() -> impl Strategy<Value = Vec<[(u32, u32); 4]>> {
    prop::collection::vec(prop::array::uniform4((0u32..=4, 0u32..=8)), 1..4)
}

fn aggregated(trials: &[[(u32, u32); 4]], levels: &[f64]) -> Grid {
    let grid = Grid::new();
    grid.fill(&small_plan("spiral-high", trials.len() as u32, levels), |trial, level| {
        let (validation, test) = trials[trial as usize][(level * 10.0).round() as usize];
        Made::flat(f64::from(validation) / 4.0, f64::from(test) / 8.0)
    });
    grid.aggregate(&small_plan("spiral-high", trials.len() as u32, levels));
    grid
}

fn rows(trials: &[[(u32, u32); 4]], levels: &[f64]) -> Vec<AccuracyRow> {
    aggregated(trials, levels).read::<Rows<AccuracyRow>>("accuracy.json").0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_selected_level_is_the_smallest_of_the_best_in_every_trial(trials in accuracies()) {
        let choices = aggregated(&trials, &LEVELS).read::<Rows<SelectionRow>>("selections.json").0;
        prop_assert_eq!(choices.len(), 2 * trials.len());
        for choice in &choices {
            let trial = trials[choice.trial as usize];
            let best = trial.iter().map(|(validation, _)| *validation).max().unwrap();
            let first = trial.iter().position(|(validation, _)| *validation == best).unwrap();
            prop_assert_eq!(choice.level.value(), LEVELS[first]);
            prop_assert_eq!(choice.with, f64::from(trial[first].1) * 12.5);
            prop_assert_eq!(choice.without, f64::from(trial[0].1) * 12.5);
        }
    }

    #[test]
    fn exchanging_two_trials_changes_no_mean(trials in accuracies()) {
        let mut reversed = trials.clone();
        reversed.reverse();
        for (one, other) in rows(&trials, &LEVELS).iter().zip(rows(&reversed, &LEVELS)) {
            for (a, b) in [(one.with, other.with), (one.without, other.without), (one.selected_level, other.selected_level)] {
                prop_assert!((a.unwrap().mean - b.unwrap().mean).abs() < 1e-9);
            }
            prop_assert_eq!((one.bold_with, one.bold_without), (other.bold_with, other.bold_without));
        }
    }

    #[test]
    fn a_level_that_is_never_best_changes_nothing(trials in accuracies()) {
        let mut worse = trials.clone();
        for trial in &mut worse {
            for (validation, _) in trial.iter_mut() {
                *validation = (*validation).max(1);
            }
            trial[3].0 = 0;
        }
        let (all, three) = (rows(&worse, &LEVELS), rows(&worse, &LEVELS[..3]));
        for (a, b) in all.iter().zip(&three) {
            prop_assert_eq!((a.with, a.selected_level), (b.with, b.selected_level));
        }
    }
}

#[test]
fn a_small_table_set_is_what_it_was() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 2, &[0.0, 0.1]);
    grid.fill(&plan, |trial, level| {
        let step = f64::from(trial) / 64.0 + level;
        Made { last: [0.5 + step, 0.5, 0.75 + step], best: [0.625, 0.5 - step, 0.875], best_epoch: 3 }
    });
    grid.aggregate(&plan);
    let files = grid.table_files();
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    insta::assert_snapshot!("accuracy.csv", text("accuracy.csv"));
    insta::assert_snapshot!("levels.csv", text("levels.csv"));
    insta::assert_snapshot!("curves.csv", text("curves.csv"));
}
