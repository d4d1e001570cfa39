//! Verdicts on the paper's claims, from made-up records whose truth is known.

mod support;

use flooding_core::plan::{Overrides, Plan};
use flooding_core::record::{Measure, Status, Summary};
use flooding_tables::{ClaimRow, Rows, TheoremCheck, Verdict};
use support::{Grid, Made, history, outcome, plan};

fn claims(grid: &Grid, plan: &Plan) -> Vec<ClaimRow> {
    grid.aggregate(plan);
    grid.read::<Rows<ClaimRow>>("claims.json").0
}

fn claim<'a>(rows: &'a [ClaimRow], id: &str) -> &'a ClaimRow {
    rows.iter().find(|row| row.id == id && row.reading != "demo").unwrap_or_else(|| panic!("no claim {id}"))
}

/// The nine rows of Table 2 under the reading `paper`, four epochs, with these trials and levels.
fn table_2(trials: u32, levels: &[f64]) -> Plan {
    let mut plan = plan(
        "full",
        &Overrides { epochs: Some(4), trials: Some(trials), levels: Some(levels.to_vec()), ..Overrides::default() },
    );
    plan.settings.retain(|setting| setting.reading == "paper" && setting.row[1].len() <= "Middle".len());
    plan.settings.retain(|setting| setting.table == Some(flooding_core::config::TableId::Table2));
    assert_eq!(plan.settings.len(), 9);
    plan
}

/// As if that were the paper's whole grid.
fn as_whole(mut plan: Plan) -> Plan {
    for setting in &mut plan.settings {
        setting.full_grid = (setting.trials, setting.levels.len());
        setting.reduced.clear();
    }
    plan
}

/// Flooding helps by five points; the better level is 0.2 where labels are noisiest, else 0.1.
fn helpful(grid: &Grid, plan: &Plan) {
    for spec in plan.runs() {
        let favourite = if spec.setting.ends_with("-high") { 0.2 } else { 0.1 };
        let wobble = f64::from(spec.trial) / 1000.0;
        let flooded = spec.level.value() == favourite;
        grid.complete(&spec, Made::flat(if flooded { 0.9 } else { 0.8 }, if flooded { 0.85 } else { 0.8 } + wobble));
    }
}

#[test]
fn a_reduced_grid_that_agrees_is_consistent_and_the_whole_one_confirms() {
    let plan = table_2(3, &[0.0, 0.1, 0.2]);
    let grid = Grid::new();
    helpful(&grid, &plan);
    let reduced = claims(&grid, &plan);
    let row = claim(&reduced, "flooding-improves-last-epoch");
    assert_eq!(row.verdict, Verdict::ConsistentAtThisScale);
    assert!(row.statistic.starts_with("9 of 9 rows agree, 9 by a t-test at 1%"), "{}", row.statistic);
    assert_eq!((row.settings.len(), row.runs), (9, 81));

    let plan = as_whole(plan);
    let grid = Grid::new();
    helpful(&grid, &plan);
    let whole = claims(&grid, &plan);
    assert_eq!(claim(&whole, "flooding-improves-last-epoch").verdict, Verdict::Confirmed);
    // Low and middle noise choose the same level: neither growth nor decline.
    let growth = claim(&whole, "level-grows-with-noise");
    assert_eq!(growth.verdict, Verdict::Inconclusive);
    assert!(growth.statistic.contains("Spiral 0.100 → 0.100 → 0.200"), "{}", growth.statistic);
}

#[test]
fn flooding_that_hurts_contradicts_on_the_whole_grid_only() {
    let hurt = |spec: &flooding_core::spec::RunSpec| {
        let flooded = !spec.level.is_zero();
        let wobble = f64::from(spec.trial) / 1000.0;
        Made::flat(if flooded { 0.9 } else { 0.8 }, if flooded { 0.7 } else { 0.8 } + wobble)
    };
    for (plan, expected) in [
        (table_2(3, &[0.0, 0.1]), Verdict::InconsistentAtThisScale),
        (as_whole(table_2(3, &[0.0, 0.1])), Verdict::Contradicted),
    ] {
        let grid = Grid::new();
        for spec in plan.runs() {
            grid.complete(&spec, hurt(&spec));
        }
        assert_eq!(claim(&claims(&grid, &plan), "flooding-improves-last-epoch").verdict, expected);
    }
}

#[test]
fn a_subset_of_the_papers_rows_never_confirms() {
    let mut plan = as_whole(table_2(3, &[0.0, 0.1, 0.2]));
    plan.settings.truncate(8);
    let grid = Grid::new();
    helpful(&grid, &plan);
    let rows = claims(&grid, &plan);
    assert_eq!(claim(&rows, "flooding-improves-last-epoch").verdict, Verdict::ConsistentAtThisScale);
}

#[test]
fn a_missing_run_keeps_the_whole_grid_from_confirming() {
    let plan = as_whole(table_2(3, &[0.0, 0.1, 0.2]));
    let grid = Grid::new();
    helpful(&grid, &plan);
    let spec = plan.runs().last().unwrap();
    let record = grid.store.layout().run(&spec).join(flooding_core::store::Layout::RECORD);
    grid.store.remove(&record).unwrap();
    let rows = claims(&grid, &plan);
    assert_eq!(claim(&rows, "flooding-improves-last-epoch").verdict, Verdict::ConsistentAtThisScale);
}

#[test]
fn what_nothing_bears_on_was_not_run_and_says_so() {
    let plan = table_2(2, &[0.0, 0.1]);
    let rows = claims(&Grid::new(), &plan);
    assert!(rows.len() >= 9);
    for row in &rows {
        assert_eq!(row.verdict, Verdict::NotRun, "{}", row.id);
        assert!(!row.statistic.is_empty() && !row.rule.is_empty());
    }
}

#[test]
fn the_best_cell_of_a_benchmark_data_set_decides_its_claim_and_its_underline() {
    let mut plan = plan(
        "full",
        &Overrides {
            only: vec!["mnist".into()],
            epochs: Some(4),
            levels: Some(vec![0.0, 0.02]),
            ..Overrides::default()
        },
    );
    plan.settings.retain(|setting| setting.row[0] == "MNIST");
    let grid = Grid::new();
    for spec in plan.runs() {
        // Weight decay is best, and there flooding is better; elsewhere it is worse.
        let best = spec.setting.ends_with("-wd");
        let test = match (best, spec.level.is_zero()) {
            (true, true) => 0.985,
            (true, false) => 0.990,
            (false, true) => 0.980,
            (false, false) => 0.970,
        };
        grid.complete(&spec, Made::flat(if spec.level.is_zero() { 0.9 } else { 0.95 }, test));
    }
    let rows = claims(&grid, &plan);
    let row = claim(&rows, "best-benchmark-cell-uses-flooding");
    assert_eq!(row.verdict, Verdict::ConsistentAtThisScale);
    assert!(row.statistic.contains("MNIST 99.00% with flooding (MLP w/ weight decay)"), "{}", row.statistic);
    let table: Rows<flooding_tables::AccuracyRow> = grid.read("accuracy.json");
    let underlined: Vec<bool> = table.0.iter().map(|row| row.underline_with).collect();
    assert_eq!(underlined.iter().filter(|mark| **mark).count(), 2, "equal in both checkpoint selections");
    assert!(table.0.iter().all(|row| !row.underline_without));
}

/// Every run's training loss ends at `share` of its level.
fn losses_end_at(grid: &Grid, plan: &Plan, share: f64) {
    for spec in plan.runs() {
        let mut history = history(&spec, |_| None);
        for row in &mut history.rows {
            row.train = Some(Measure { loss: share * spec.level.value(), accuracy: 1.0, clean_accuracy: 1.0 });
        }
        let made = outcome(spec.epochs, [0.5; 3], &spec);
        grid.write(&spec, Status::Complete, Some(Summary { last: made, best: made }), &history);
    }
}

#[test]
fn the_training_loss_floats_within_a_tenth_of_b_and_not_where_it_is_half_of_b() {
    let plan = table_2(2, &[0.0, 0.1, 0.2]);
    for (share, expected) in [
        (1.09, Verdict::ConsistentAtThisScale),
        (0.7, Verdict::Inconclusive),
        (0.4, Verdict::InconsistentAtThisScale),
        (1.6, Verdict::InconsistentAtThisScale),
    ] {
        let grid = Grid::new();
        losses_end_at(&grid, &plan, share);
        let rows = claims(&grid, &plan);
        let row = claim(&rows, "training-loss-floats");
        assert_eq!(row.verdict, expected, "{share}: {}", row.statistic);
        let floating = if share == 1.09 { 2 } else { 0 };
        let detail =
            format!("Spiral, Low {floating} of 2 (b = 0.10: {:.5} at a training accuracy of 100.00%)", share * 0.1);
        assert!(row.statistic.contains(&detail), "{}", row.statistic);
    }
}

#[test]
fn one_failed_check_of_theorem_1_is_enough() {
    let plan = table_2(2, &[0.0, 0.1]);
    for (passed, expected) in [(true, Verdict::ConsistentAtThisScale), (false, Verdict::InconsistentAtThisScale)] {
        let grid = Grid::new();
        let check = |statement: &str, passed| TheoremCheck {
            statement: statement.into(),
            source: "Theorem 1".into(),
            passed,
            cells: 21,
            detail: String::new(),
        };
        let checks = Rows(vec![check("(8)", true), check("(9)", passed)]);
        grid.store.write_document(&grid.store.layout().theorem().join("theorem_checks.json"), &checks).unwrap();
        let rows = claims(&grid, &plan);
        let row = claim(&rows, "theorem-1");
        assert_eq!(row.verdict, expected);
        assert!(row.statistic.contains("over 42 cells"), "{}", row.statistic);
        assert_eq!(row.statistic.contains("failed: (9)"), !passed);
    }
}
