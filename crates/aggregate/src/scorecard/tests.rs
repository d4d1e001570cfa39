//! The paper's Table 2 against itself, and against what it is not.

use flooding_core::config::TableId;
use flooding_tables::{Checkpoint, Criteria};

use super::criteria::{Judged, Published, accuracy, difference};
use crate::paper;

/// Ten values with exactly this mean and standard deviation; those of two phases are uncorrelated.
fn trials(mean: f64, std: f64, phase: f64) -> Vec<f64> {
    // Sine and cosine at ten even steps sum to 0, have squares that sum to 5, and products that sum to 0.
    let wave = |i: u32| (f64::from(i) * std::f64::consts::TAU / 10.0 + phase).sin();
    (0..10).map(|i| mean + std * wave(i) * (9.0f64 / 5.0).sqrt()).collect()
}

struct Row {
    name: String,
    with: [f64; 2],
    without: [f64; 2],
    significant: bool,
}

/// All 18 cells of Table 2.
fn table_2() -> Vec<Row> {
    let mut rows = Vec::new();
    for data in ["Two Gaussians", "Spiral", "Sinusoid"] {
        for noise in ["Low", "Middle", "High"] {
            for checkpoint in [Checkpoint::LastEpoch, Checkpoint::BestValidation] {
                let cell = paper::cell(TableId::Table2, &[data.to_owned(), noise.to_owned()], checkpoint).unwrap();
                let (with, without) = (cell.with.unwrap(), cell.without.unwrap());
                rows.push(Row {
                    name: format!("{data}, {noise}, {checkpoint:?}"),
                    with: [with.mean, with.std.unwrap()],
                    without: [without.mean, without.std.unwrap()],
                    significant: !cell.bold_without,
                });
            }
        }
    }
    rows
}

/// The difference of a row whose trials have the paper's spreads, with flooding `shift` points better than there.
fn judged(row: &Row, shift: f64, margin: f64) -> Judged {
    let published = |[mean, std]: [f64; 2]| Published::Summary { mean, std };
    let with = trials(row.with[0] + shift, row.with[1], 0.0);
    let without = trials(row.without[0], row.without[1], std::f64::consts::FRAC_PI_2);
    difference([&with, &without], Some([published(row.with), published(row.without)]), Some(margin), 0.0)
}

fn met(criterion: Criteria) -> [Option<bool>; 5] {
    [
        criterion.same_direction,
        criterion.significant,
        criterion.paper_in_ours,
        criterion.ours_in_paper,
        criterion.predicted,
    ]
}

#[test]
fn the_paper_against_itself_meets_every_criterion_in_every_cell() {
    let rows = table_2();
    assert_eq!(rows.len(), 18);
    for row in &rows {
        // Equivalence takes a margin that ten trials can resolve: Spiral, High needs almost two points.
        let found = judged(row, 0.0, 2.5);
        let significant = row.significant.then_some(true);
        assert_eq!(met(found.criterion), [Some(true), significant, Some(true), Some(true), Some(true)], "{}", row.name);
        assert_eq!(found.criterion.equivalent, Some(true), "{}", row.name);
        assert_eq!(found.unavailable, None);
        let combined = found.compared.unwrap().combined.unwrap();
        assert!((combined.mean - (row.with[0] - row.without[0])).abs() < 1e-9, "{}", row.name);
    }
    assert_eq!(rows.iter().filter(|row| row.significant).count(), 13);
}

#[test]
fn a_copy_that_is_shifted_to_the_other_side_meets_none() {
    for row in table_2() {
        let gain = row.with[0] - row.without[0];
        let found = judged(&row, -2.0 * gain - 8.0, 2.5);
        let significant = row.significant.then_some(false);
        assert_eq!(
            met(found.criterion),
            [Some(false), significant, Some(false), Some(false), Some(false)],
            "{}",
            row.name
        );
        assert_eq!(found.criterion.equivalent, Some(false), "{}", row.name);
    }
}

#[test]
fn a_larger_gain_keeps_its_direction_and_loses_the_paper_s_size() {
    for row in table_2() {
        let found = judged(&row, 8.0, 1.0).criterion;
        assert_eq!(found.same_direction, Some(true), "{}", row.name);
        assert_eq!((found.ours_in_paper, found.predicted, found.equivalent), (Some(false), Some(false), Some(false)));
    }
}

#[test]
fn accuracies_are_compared_with_the_paper_s_own() {
    for row in table_2() {
        let [mean, std] = row.without;
        let published = Some(Published::Summary { mean, std });
        let same = accuracy(&trials(mean, std, 0.0), published, Some(2.5), 0.0).criterion;
        assert_eq!(met(same), [None, None, Some(true), Some(true), Some(true)], "{}", row.name);
        let lower = accuracy(&trials(mean - 12.0, std, 0.0), published, Some(2.5), 0.0).criterion;
        assert_eq!(met(lower), [None, None, Some(false), Some(false), Some(false)], "{}", row.name);
    }
}

#[test]
fn a_single_run_in_the_paper_is_predicted_by_three_trials_and_not_by_two() {
    // MNIST, MLP (A): 98.45 without and 98.76 with.
    let paper = Some([Published::Single(98.76), Published::Single(98.45)]);
    let three = difference([&[98.8, 98.7, 98.9], &[98.4, 98.5, 98.3]], paper, Some(1.0), 0.25);
    assert_eq!(three.criterion.predicted, Some(true));
    assert_eq!(three.criterion.paper_in_ours, None);
    let two = difference([&[98.8, 98.7], &[98.4, 98.5]], paper, Some(1.0), 0.25);
    assert_eq!((two.criterion.predicted, two.criterion.same_direction), (None, Some(true)));
    assert!(two.unavailable.unwrap().contains("at least three complete trials"));
}

#[test]
fn criteria_that_need_more_than_there_is_say_why_and_decide_nothing() {
    let paper = Some([Published::Summary { mean: 88.0, std: 1.0 }, Published::Summary { mean: 84.0, std: 1.0 }]);
    let one = difference([&[88.0], &[84.5]], paper, Some(1.0), 0.0);
    assert_eq!(met(one.criterion), [Some(true), None, None, None, None]);
    assert_eq!(one.unavailable.as_deref(), Some("one complete trial has no spread"));
    // Welch's interval of two times 1/sqrt(10): 4 -+ 2.1009 (t at 18 degrees of freedom) times sqrt(0.2).
    let ci = one.paper.unwrap().ci.unwrap();
    assert!((ci.low - (4.0 - 0.939_56)).abs() < 1e-4 && (ci.high - (4.0 + 0.939_56)).abs() < 1e-4, "{ci:?}");
    let none = difference([&[], &[]], paper, Some(1.0), 0.0);
    assert_eq!(none.paper.unwrap().ci, Some(ci), "the published interval does not wait for our trials");
    assert_eq!(met(none.criterion), [None; 5]);
    assert_eq!(none.unavailable.as_deref(), Some("no complete trial"));
    let unknown = difference([&[88.0, 87.0], &[84.5, 84.0]], None, Some(1.0), 0.0);
    assert_eq!(unknown.unavailable.as_deref(), Some("the paper has no number"));
    let no_margin = difference([&[88.0, 87.0], &[84.5, 84.0]], paper, None, 0.0);
    assert_eq!((no_margin.criterion.equivalent, no_margin.criterion.predicted), (None, Some(true)));
}
