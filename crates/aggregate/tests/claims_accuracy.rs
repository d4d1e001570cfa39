//! Verdicts on the claims about accuracies and selected levels, from made records whose truth is known: each comes out as
//! true, as false, and as undecidable.

mod support;

use flooding_core::plan::Plan;
use flooding_core::spec::{DataSpec, Objective, RunSpec};
use flooding_tables::{Magnitude, Verdict};
use support::Grid;
use support::claims::{Made, claim, readings, table_2, table_3, wobble};

const LEVELS: [f64; 3] = [0.0, 0.1, 0.2];

/// Test accuracies in percent: (A) without and with, (B) without and with; `spread` is the size of the noise.
#[derive(Clone, Copy)]
struct World {
    a: [f64; 2],
    b: [f64; 2],
    spread: f64,
}

/// Every trial chooses b = 0.1, whose runs are "with".
fn records(grid: &Grid, plan: &Plan, of: impl Fn(&RunSpec) -> World) {
    grid.make_all(plan, |spec| {
        let world = of(spec);
        let side = usize::from(!spec.level.is_zero());
        let noise = |phase| world.spread * wobble(spec.trial, phase) / 100.0;
        // The phases of any two cells that are compared differ, so that differences have a spread too.
        let [phase_a, phase_b] = [[0, 2], [1, 0]][side];
        let (a, b) = (world.a[side] / 100.0 + noise(phase_a), world.b[side] / 100.0 + noise(phase_b));
        let chosen = spec.level.value() == 0.1;
        Made {
            validation: if chosen { 0.9 } else { 0.8 },
            test: [a, b],
            parts_at: (side == 1).then_some(1),
            ..Made::default()
        }
    });
}

fn verdict(world: World, id: &str) -> (Verdict, String) {
    let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
    records(&grid, &plan, |_| world);
    let rows = grid.claims(&plan);
    let row = claim(&rows, id);
    (row.verdict, row.statistic.clone())
}

use Verdict::{ConsistentAtThisScale as Agrees, Inconclusive as Open, InconsistentAtThisScale as Disagrees};

#[test]
fn each_claim_about_an_accuracy_comes_out_true_false_and_undecidable() {
    let world = |a, b, spread| World { a, b, spread };
    // Noise of 6 points on 27 trials leaves intervals of four points on either side.
    for (id, truth, falsehood, open) in [
        (
            "flooding-improves-last-epoch",
            world([80.0, 84.0], [80.0; 2], 1.0),
            world([80.0, 78.0], [80.0; 2], 1.0),
            world([80.0, 80.5], [80.0; 2], 6.0),
        ),
        (
            "flooding-improves-early-stopping",
            world([80.0; 2], [80.0, 82.0], 1.0),
            world([80.0; 2], [80.0, 79.0], 1.0),
            world([80.0; 2], [80.0, 80.3], 6.0),
        ),
        (
            "flooding-does-not-hurt-early-stopping",
            world([80.0; 2], [80.0, 80.2], 0.5),
            world([80.0; 2], [80.0, 78.0], 1.0),
            world([80.0; 2], [80.0, 79.5], 6.0),
        ),
        (
            "early-stopping-is-not-enough",
            world([80.0, 84.0], [82.0, 84.0], 1.0),
            world([80.0, 81.0], [82.0, 84.0], 1.0),
            world([80.0, 82.2], [82.0, 84.0], 6.0),
        ),
        (
            "early-stopping-helps-the-baseline",
            world([80.0; 2], [82.0; 2], 1.0),
            world([80.0; 2], [79.0; 2], 1.0),
            world([80.0; 2], [80.2; 2], 6.0),
        ),
        (
            "last-epoch-is-as-good-as-early-stopping",
            world([80.0, 84.0], [80.0, 84.1], 0.5),
            world([80.0, 82.0], [80.0, 84.0], 1.0),
            world([80.0, 83.5], [80.0, 84.0], 6.0),
        ),
    ] {
        for (world, expected) in [(truth, Agrees), (falsehood, Disagrees), (open, Open)] {
            let (found, statistic) = verdict(world, id);
            assert_eq!(found, expected, "{id}: {statistic}");
        }
    }
}

#[test]
fn no_effect_at_all_contradicts_a_gain_and_supports_no_harm_only_by_trials_that_could_show_some() {
    let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
    // b = 0 has the best validation accuracy everywhere.
    grid.make_all(&plan, |spec| Made {
        validation: if spec.level.is_zero() { 0.9 } else { 0.8 },
        test: [0.8 + wobble(spec.trial, 0) / 100.0; 2],
        parts_at: (!spec.level.is_zero()).then_some(1),
        ..Made::default()
    });
    let rows = grid.claims(&plan);
    assert_eq!(claim(&rows, "flooding-improves-last-epoch").verdict, Disagrees);
    let row = claim(&rows, "flooding-does-not-hurt-early-stopping");
    assert_eq!(row.verdict, Open, "{}", row.statistic);
    assert!(row.statistic.contains("every difference is zero by construction"), "{}", row.statistic);
}

#[test]
fn a_run_selected_before_flooding_began_is_the_baseline_itself() {
    let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
    // The selected epoch is the second; flooding begins in the third. The last epochs differ by four points.
    grid.make_all(&plan, |spec| {
        let flooded = !spec.level.is_zero();
        Made {
            validation: if spec.level.value() == 0.1 { 0.9 } else { 0.8 },
            test: [if flooded { 0.84 } else { 0.8 } + wobble(spec.trial, u32::from(flooded)) / 100.0, 0.82],
            parts_at: flooded.then_some(3),
            ..Made::default()
        }
    });
    let rows = grid.claims(&plan);
    let row = claim(&rows, "flooding-does-not-hurt-early-stopping");
    assert_eq!(row.verdict, Open, "{}", row.statistic);
    let row = claim(&rows, "flooding-improves-early-stopping");
    assert!(row.statistic.contains("27 trials zero by construction"), "{}", row.statistic);
    assert_eq!(claim(&rows, "flooding-improves-last-epoch").verdict, Agrees);
}

#[test]
fn two_readings_that_differ_are_one_claim_with_both_verdicts_inside() {
    let (grid, plan) = (Grid::new(), table_2(&["paper", "demo"], 3, &LEVELS));
    records(&grid, &plan, |spec| {
        let with = if spec.reading == "demo" { 84.0 } else { 78.0 };
        World { a: [80.0, with], b: [80.0; 2], spread: 1.0 }
    });
    let rows = grid.claims(&plan);
    let row = claim(&rows, "flooding-improves-last-epoch");
    assert_eq!(row.verdict, Verdict::DependsOnReading);
    let inside: Vec<_> = readings(&rows, &row.id).iter().map(|r| (r.reading.clone(), r.verdict)).collect();
    assert_eq!(inside, [("paper".to_owned(), Disagrees), ("demo".to_owned(), Agrees)]);
    assert_eq!(rows.rows.iter().filter(|other| other.id == row.id).count(), 1);
    assert!(row.statistic.starts_with("paper: ") && row.statistic.contains(" | demo: "), "{}", row.statistic);
}

#[test]
fn the_size_of_an_effect_is_distinguished_from_the_papers() {
    let papers = |spec: &RunSpec, share: f64| {
        // The paper's gain of (A) in this row.
        let gain = match &*spec.setting {
            "gaussians-low" => 1.61,
            "gaussians-middle" => 3.24,
            "gaussians-high" => 5.15,
            "spiral-low" => 1.00,
            "spiral-middle" => 3.96,
            "spiral-high" => 5.26,
            "sinusoid-low" => 0.04,
            "sinusoid-middle" => 2.34,
            "sinusoid-high" => 7.31,
            other => panic!("{other} is no row of Table 2"),
        };
        World { a: [80.0, 80.0 + share * gain], b: [80.0; 2], spread: 1.0 }
    };
    for (share, expected) in [(1.0, Magnitude::AgreesWithThePaper), (0.4, Magnitude::Smaller), (1.7, Magnitude::Larger)]
    {
        let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
        records(&grid, &plan, |spec| papers(spec, share));
        let rows = grid.claims(&plan);
        let row = claim(&rows, "flooding-improves-last-epoch");
        assert_eq!((row.verdict, row.magnitude), (Agrees, Some(expected)), "{}", row.statistic);
        let papers = readings(&rows, &row.id)[0].paper_effect.unwrap();
        assert!((papers - 3.3233).abs() < 1e-3, "{papers}");
    }
}

#[test]
fn strangers_are_not_on_the_jury() {
    let alone = {
        let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
        records(&grid, &plan, |_| World { a: [80.0, 84.0], b: [80.0, 82.0], spread: 1.0 });
        grid.claims(&plan)
    };
    // Another noise level, another objective, another reading, and a row that is not the paper's: all say the contrary.
    let (grid, mut plan) = (Grid::new(), table_2(&["paper"], 3, &LEVELS));
    let model = plan.settings[0].clone();
    for (id, change) in [("mine-noise", 0), ("mine-objective", 1), ("mine-reading", 2), ("mine-row", 3)] {
        let mut setting = model.clone();
        setting.id = id.into();
        setting.base = id.into();
        match change {
            0 => {
                if let DataSpec::Synthetic(data) = &mut setting.data {
                    data.label_noise = 0.2;
                }
            }
            1 => setting.objective = Objective::SoftAd,
            2 => setting.reading = "mine".into(),
            _ => setting.row[1] = "Extreme".into(),
        }
        plan.settings.push(setting);
    }
    records(&grid, &plan, |spec| {
        let with = if spec.setting.starts_with("mine") { 60.0 } else { 84.0 };
        World { a: [80.0, with], b: [80.0, 82.0], spread: 1.0 }
    });
    assert_eq!(grid.claims(&plan), alone);
}

#[test]
fn a_level_that_the_paper_does_not_have_changes_no_verdict() {
    let worlds = |levels: &[f64]| {
        let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, levels));
        grid.make_all(&plan, |spec| {
            let stranger = spec.level.value() == 0.005;
            let flooded = !spec.level.is_zero();
            let test = match (stranger, flooded) {
                (true, _) => 0.99,
                (false, true) => 0.78,
                (false, false) => 0.8,
            };
            let validation = if stranger { 0.99 } else { 0.8 + f64::from(u8::from(flooded)) / 10.0 };
            let test = test + wobble(spec.trial, u32::from(flooded)) / 100.0;
            Made { validation, test: [test; 2], parts_at: flooded.then_some(1), ..Made::default() }
        });
        grid.claims(&plan)
    };
    let (with, without) = (worlds(&[0.0, 0.005, 0.1, 0.2]), worlds(&LEVELS));
    let id = "flooding-improves-last-epoch";
    assert_eq!(claim(&with, id).verdict, Disagrees);
    assert_eq!(readings(&with, id), readings(&without, id));
}

#[test]
fn too_few_rows_or_trials_or_levels_are_not_tested_and_nothing_was_not_run() {
    let good = |_: &RunSpec| World { a: [80.0, 84.0], b: [80.0, 82.0], spread: 1.0 };
    let id = "flooding-improves-last-epoch";
    let mut few_rows = table_2(&["paper"], 3, &LEVELS);
    few_rows.settings.truncate(4);
    for plan in [few_rows, table_2(&["paper"], 2, &LEVELS), table_2(&["paper"], 3, &LEVELS[..2])] {
        let grid = Grid::new();
        records(&grid, &plan, good);
        let rows = grid.claims(&plan);
        assert_eq!(claim(&rows, id).verdict, Verdict::NotTested, "{}", claim(&rows, id).statistic);
    }
    let rows = Grid::new().claims(&table_2(&["paper"], 3, &LEVELS));
    for row in &rows.rows {
        assert_eq!(row.verdict, Verdict::NotRun, "{}", row.id);
        assert!(!row.statistic.is_empty() && !row.rule.is_empty() && !row.reason.is_empty());
    }
}

#[test]
fn a_chosen_level_that_grows_with_the_noise_does_and_one_that_does_not_does_not() {
    let growth = |of: &dyn Fn(&RunSpec) -> f64| {
        let (grid, plan) = (Grid::new(), table_2(&["paper"], 3, &[0.0, 0.1, 0.2, 0.3, 0.4]));
        grid.make_all(&plan, |spec| {
            let favourite = (spec.level.value() - of(spec)).abs() < 1e-9;
            Made { validation: if favourite { 0.9 } else { 0.8 }, ..Made::default() }
        });
        let rows = grid.claims(&plan);
        let row = claim(&rows, "level-grows-with-noise").clone();
        (row.verdict, row.magnitude, row.statistic)
    };
    let rank = |spec: &RunSpec| ["low", "middle", "high"].iter().position(|n| spec.setting.ends_with(n)).unwrap();
    let (verdict, _, statistic) = growth(&|spec| [0.1, 0.2, 0.3][rank(spec)] + [0.0, 0.0, 0.1][spec.trial as usize]);
    assert_eq!(verdict, Agrees, "{statistic}");
    assert!(statistic.contains("Spiral 0.133 → 0.233 → 0.333"), "{statistic}");
    let (verdict, magnitude, statistic) =
        growth(&|spec| [0.1, 0.2, 0.4][(spec.trial as usize + rank(spec) * rank(spec)) % 3]);
    assert_eq!(verdict, Open, "{statistic}");
    assert_ne!(magnitude, Some(Magnitude::AgreesWithThePaper));
    let (verdict, _, statistic) = growth(&|spec| [0.3, 0.2, 0.1][rank(spec)] + [0.0, 0.0, 0.1][spec.trial as usize]);
    assert_eq!(verdict, Disagrees, "{statistic}");
}

/// "With" minus "without" in points, by the row's place in the table.
fn benchmarks(grid: &Grid, plan: &Plan, gain: impl Fn(usize) -> f64) {
    grid.make_all(plan, |spec| {
        let place = plan.settings.iter().position(|setting| setting.id == spec.setting).unwrap();
        let chosen = spec.level.value() == 0.02;
        let flooded = !spec.level.is_zero();
        // Rows differ, so that one cell of a dataset is the best.
        let base = 0.9 + place as f64 / 1000.0;
        let test = if chosen { base + gain(place) / 100.0 } else { base - f64::from(u8::from(flooded)) / 10.0 };
        let validation = if chosen { 0.95 } else { 0.9 };
        Made { validation, test: [test; 2], parts_at: flooded.then_some(1), ..Made::default() }
    });
}

/// A gain in points by the row's place in the table.
type Gain = fn(usize) -> f64;

#[test]
fn benchmark_claims_come_out_true_false_and_undecidable_and_the_whole_grid_confirms_and_contradicts() {
    let short = [0.0, 0.01, 0.02];
    let ids = ["benchmark-accuracy-improves", "regularisers-are-complementary", "best-benchmark-cell-uses-flooding"];

    let cases: [(Gain, [Verdict; 2]); 3] = [
        (|i| 0.4 + i as f64 / 100.0, [Agrees, Verdict::Confirmed]),
        (|i| -0.2 - i as f64 / 100.0, [Disagrees, Verdict::Contradicted]),
        (|i| if i % 4 < 2 { 3.0 } else { -3.0 }, [Open, Open]),
    ];
    for (gain, expected) in cases {
        for (levels, expected) in [Some(&short[..]), None].into_iter().zip(expected) {
            let (grid, plan) = (Grid::new(), table_3(levels));
            benchmarks(&grid, &plan, gain);
            let rows = grid.claims(&plan);
            for id in ids {
                assert_eq!(claim(&rows, id).verdict, expected, "{id}: {}", claim(&rows, id).statistic);
            }
        }
    }
}

#[test]
fn a_missing_run_keeps_the_whole_grid_from_confirming() {
    let (grid, plan) = (Grid::new(), table_3(None));
    benchmarks(&grid, &plan, |i| 0.4 + i as f64 / 100.0);
    let spec = plan.runs().last().unwrap();
    grid.store.remove(&grid.store.layout().run(&spec).join(flooding_core::store::Layout::RECORD)).unwrap();
    assert_eq!(claim(&grid.claims(&plan), "benchmark-accuracy-improves").verdict, Agrees);
}

#[test]
fn a_gain_that_selection_explains_is_none_of_floodings() {
    for (placebo_gain, expected) in [(0.0, Agrees), (4.0, Disagrees), (2.8, Open)] {
        let mut plan = table_2(&["paper"], 3, &LEVELS);
        plan.settings.retain(|setting| setting.row[1] == "High");
        let placebos: Vec<_> = (plan.settings.iter())
            .map(|setting| {
                let mut placebo = setting.clone();
                placebo.id = format!("placebo-{}", setting.id);
                placebo.base.clone_from(&placebo.id);
                placebo.table = None;
                placebo.objective = Objective::None;
                placebo.streams_of = Some(setting.id.clone());
                placebo
            })
            .collect();
        plan.settings.extend(placebos);
        let grid = Grid::new();
        records(&grid, &plan, |spec| {
            let gain = if spec.setting.starts_with("placebo") { placebo_gain } else { 4.0 };
            let spread = if expected == Open { 3.0 } else { 0.5 };
            World { a: [80.0, 80.0 + gain], b: [80.0; 2], spread }
        });
        // The placebo's noise is its own.
        for spec in plan.runs().filter(|spec| spec.setting.starts_with("placebo") && spec.level.value() == 0.1) {
            let spread = if expected == Open { 3.0 } else { 0.5 };
            let test = (80.0 + placebo_gain + spread * wobble(spec.trial, 0)) / 100.0;
            grid.make(&spec, Made { validation: 0.9, test: [test; 2], parts_at: Some(1), ..Made::default() });
        }
        let rows = grid.claims(&plan);
        let row = claim(&rows, "gain-is-not-selection");
        assert_eq!(row.verdict, expected, "{}", row.statistic);
    }
}
