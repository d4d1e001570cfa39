//! Verdicts on the claims about the mechanism and the theory, from made records and probes whose truth is known.

mod support;

use flooding_core::level::Level;
use flooding_core::plan::Plan;
use flooding_core::store::OutputWriter;
use flooding_tables::Verdict;
use flooding_tables::{Rows, TheoremCheck};
use support::Grid;
use support::claims::{Made, MadeProbe, claim, table_2, table_3, wobble};

use Verdict::{ConsistentAtThisScale as Agrees, Inconclusive as Open, InconsistentAtThisScale as Disagrees};

const LEVELS: [f64; 3] = [0.0, 0.1, 0.2];

/// Records in which b = 0.1 is the compared level; `of` is given the place of the trial, from 0 to 26, and the level.
fn verdict(plan: &Plan, id: &str, of: impl Fn(u32, f64, Made) -> Made) -> (Verdict, String) {
    let grid = Grid::new();
    grid.make_all(plan, |spec| {
        let setting = plan.settings.iter().position(|setting| setting.id == spec.setting).unwrap() as u32;
        let flooded = !spec.level.is_zero();
        let made = Made {
            validation: if spec.level.value() == 0.1 { 0.9 } else { 0.8 },
            parts_at: flooded.then_some(1),
            ..Made::default()
        };
        of(setting * plan.settings[0].trials + spec.trial, spec.level.value(), made)
    });
    let rows = grid.claims(plan);
    let row = claim(&rows, id);
    (row.verdict, row.statistic.clone())
}

#[test]
fn the_training_loss_floats_within_a_tenth_of_b_in_more_than_half_of_the_trials_or_it_does_not() {
    let plan = table_2(&["paper"], 3, &LEVELS);
    // 27 trials: all, none, and 14 of them.
    for (floating, expected) in [(27, Agrees), (0, Disagrees), (14, Open)] {
        let (found, statistic) = verdict(&plan, "training-loss-floats", |place, level, made| Made {
            train_loss: level * if place < floating { 1.09 } else { 0.85 },
            ..made
        });
        assert_eq!(found, expected, "{statistic}");
        assert!(statistic.starts_with(&format!("{floating} of 27 trials")), "{statistic}");
    }
}

#[test]
fn zero_training_error_is_judged_on_data_without_label_noise_alone() {
    let id = "chosen-level-keeps-zero-training-error";
    let synthetic = table_2(&["paper"], 3, &LEVELS);
    assert_eq!(verdict(&synthetic, id, |_, _, made| made).0, Verdict::NotRun);
    let plan = table_3(Some(&[0.0, 0.05, 0.1]));
    for (perfect, expected) in [(12, Agrees), (1, Disagrees), (7, Open)] {
        let (found, statistic) =
            verdict(&plan, id, |place, _, made| Made { train: if place < perfect { 1.0 } else { 0.999 }, ..made });
        assert_eq!(found, expected, "{statistic}");
    }
}

#[test]
fn training_accuracy_and_test_loss_fall_rise_or_cannot_be_told() {
    let plan = table_2(&["paper"], 3, &LEVELS);
    for (fall, spread, expected) in [(0.05, 0.01, Agrees), (-0.05, 0.01, Disagrees), (0.003, 0.05, Open)] {
        let (found, statistic) = verdict(&plan, "training-accuracy-falls-with-level", |place, level, made| Made {
            train: 0.9 - if level == 0.2 { fall + spread * wobble(place, 0) } else { 0.0 },
            ..made
        });
        assert_eq!(found, expected, "{statistic}");
    }
    for (ratio, spread, expected) in [(2.0, 0.1, Agrees), (0.5, 0.1, Disagrees), (1.05, 1.0, Open)] {
        let (found, statistic) = verdict(&plan, "test-loss-falls", |place, level, made| {
            let noise: f64 = spread * wobble(place, 0);
            Made { test_loss: if level == 0.0 { ratio * noise.exp() } else { 1.0 }, ..made }
        });
        assert_eq!(found, expected, "{statistic}");
    }
}

/// The settings with high label noise, four trials each, with made probes in every trial.
fn probed(id: &str, of: impl Fn(f64) -> MadeProbe) -> (Verdict, String) {
    let (grid, mut plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
    plan.settings.retain(|setting| setting.row[1] == "High");
    grid.make_all(&plan, |spec| Made {
        validation: if spec.level.value() == 0.1 { 0.9 } else { 0.8 },
        parts_at: (!spec.level.is_zero()).then_some(1),
        ..Made::default()
    });
    for setting in &plan.settings {
        for trial in 0..setting.trials {
            let run = |level: f64| setting.run(plan.master_seed, trial, Level::try_from(level).unwrap());
            grid.probe(&run(0.1), &run(0.0), &of(wobble(trial, 0)));
        }
    }
    let rows = grid.claims(&plan);
    let row = claim(&rows, id);
    (row.verdict, row.statistic.clone())
}

/// A trial's probes with this effect, made from ones without.
type Maker = fn(MadeProbe, f64) -> MadeProbe;

#[test]
fn each_claim_that_rests_on_probes_comes_out_true_false_and_undecidable() {
    let none = MadeProbe {
        losses: [1.0; 2],
        curvatures: [1.0; 3],
        bumps: [0.0; 2],
        gradients: [[1.0; 2]; 2],
        confidences: [0.8; 2],
    };
    // What a probe finds if the claim's effect is `size`, in the claim's own unit; noise of a trial is added to it.
    let makers: [(&str, Maker, f64); 8] = [
        ("second-descent", |p, x| MadeProbe { bumps: [0.6 + x, 0.6], ..p }, 0.3),
        ("test-gradient-shrinks", |p, x| MadeProbe { gradients: [[1.0, (-x).exp()], [1.0; 2]], ..p }, 0.5),
        ("training-gradient-grows", |p, x| MadeProbe { gradients: [[x.exp(), 1.0], [1.0; 2]], ..p }, 0.5),
        ("test-loss-falls-during-flooding", |p, x| MadeProbe { losses: [x.exp(), 1.0], ..p }, 0.5),
        ("flatter-during-flooding", |p, x| MadeProbe { curvatures: [x.exp(), 1.0, 1.0], ..p }, 0.5),
        ("flatter-than-baseline", |p, x| MadeProbe { curvatures: [1.0, 1.0, x.exp()], ..p }, 0.5),
        ("baseline-is-overconfident", |p, x| MadeProbe { confidences: [0.8, 0.8 + x / 10.0], ..p }, 0.5),
        ("flooding-reduces-overconfidence", |p, x| MadeProbe { confidences: [0.8 - x / 10.0, 0.8], ..p }, 0.5),
    ];
    for (id, make, size) in makers {
        for (effect, spread, expected) in
            [(size, 0.1 * size, Agrees), (-size, 0.1 * size, Disagrees), (0.2 * size, size, Open)]
        {
            let (found, statistic) = probed(id, |noise| make(none, effect + spread * noise));
            assert_eq!(found, expected, "{id}, effect {effect}: {statistic}");
        }
    }
}

#[test]
fn a_model_on_a_maximum_of_the_loss_is_not_flat() {
    let on_a_maximum = |x: f64| MadeProbe {
        losses: [1.0; 2],
        curvatures: [1.0, 0.1 * (0.1 * x).exp(), -0.9],
        bumps: [0.0; 2],
        gradients: [[1.0; 2]; 2],
        confidences: [0.8; 2],
    };
    let (found, statistic) = probed("flatter-than-baseline", on_a_maximum);
    assert_eq!(found, Agrees, "{statistic}");
}

#[test]
fn a_theorem_needs_no_training_run_and_one_failed_check_contradicts_it() {
    let plan = table_2(&["paper"], 3, &LEVELS);
    for (passed, expected) in [(true, Verdict::Confirmed), (false, Verdict::Contradicted)] {
        let grid = Grid::new();
        let check = |statement: &str, source: &str, cells, passed| TheoremCheck {
            statement: statement.into(),
            source: source.into(),
            passed,
            cells,
            detail: String::new(),
        };
        let batches = "Section 3.3, equation 7";
        let checks = Rows(vec![
            check("(8)", "Theorem 1, equation 8", 231, true),
            check("(9)", "Theorem 1, equation 9", 105, passed),
            check("equal batches", batches, 6000, true),
        ]);
        let mut outputs = OutputWriter::begin(&grid.store, grid.store.layout().theorem()).unwrap();
        flooding_tables::write(&mut outputs, &checks).unwrap();
        let rows = grid.claims(&plan);
        let row = claim(&rows, "theorem-1");
        assert_eq!(row.verdict, expected);
        assert!(row.statistic.contains("on 231 cells"), "{}", row.statistic);
        assert_eq!(row.statistic.contains("failed: (9)"), !passed);
        let row = claim(&rows, "mini-batches-bound-the-full-batch");
        assert_eq!(row.verdict, Verdict::Confirmed);
        assert!(row.qualification.as_ref().unwrap().contains("unequal size"));
    }
}
