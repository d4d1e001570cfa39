//! The tables of small grids of records whose every number was worked out by hand.

mod support;

use flooding_aggregate::{Inputs, prepare};
use flooding_core::config::TableId;
use flooding_core::context::Context;
use flooding_core::record::{History, Measure, Provenance, Record, Status, Summary};
use flooding_core::store::Layout;
use flooding_core::work::{Decision, Reason};
use flooding_tables::probes::ProbedModel;
use flooding_tables::{
    Band, Checkpoint, ComputeRow, CurveRow, DescentRow, FinalLossRow, LevelRow, MeanStd, Overview, Printed, ReplayRow,
    Rows, RunRow, RunStatus, SensitivityRow,
};
use support::claims::MadeProbe;
use support::{Grid, Made, history, outcome, small_plan};

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

/// Three trials of `spiral-high` at levels 0, 0.1 and 0.2. At the last epoch they select 0.1, 0.2 and (a tie of all)
/// 0; at the best epoch always 0.2.
fn three_trials() -> Grid {
    let grid = Grid::new();
    grid.fill(&small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]), |trial, level| {
        let (validation, test) = match (trial, (level * 10.0).round() as u32) {
            (0, 0) => (0.80, 0.81),
            (0, 1) => (0.90, 0.88),
            (0, 2) => (0.85, 0.99),
            (1, 0) => (0.70, 0.80),
            (1, 1) => (0.71, 0.10),
            (1, 2) => (0.72, 0.90),
            (2, 0) => (0.75, 0.82),
            (2, _) => (0.75, 0.20),
            _ => unreachable!(),
        };
        let best = if level == 0.2 { [0.95, 0.95, 0.92] } else { [0.9, 0.99, 0.85] };
        Made { last: [validation, validation, test], best, best_epoch: 3 }
    });
    grid
}

#[test]
fn the_last_epochs_row_selects_by_validation_accuracy_and_averages_over_trials() {
    let grid = three_trials();
    grid.aggregate(&small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]));
    let row = grid.accuracy(Checkpoint::LastEpoch);
    let chosen: Vec<f64> = (grid.selections(Checkpoint::LastEpoch).iter()).map(|choice| choice.level.value()).collect();
    assert_eq!(chosen, [0.1, 0.2, 0.0]);
    let without = row.without.unwrap();
    assert_eq!(without.n, 3);
    close(without.mean, 81.0);
    close(without.std.unwrap(), 1.0);
    // 88, 90 and 82.
    let with = row.with.unwrap();
    close(with.mean, 260.0 / 3.0);
    close(with.std.unwrap(), (52.0f64 / 3.0).sqrt());
    close(row.selected_level.unwrap().mean, 0.1);
    close(row.selected_level.unwrap().std.unwrap(), 0.1);
    close(row.difference.unwrap().mean, 17.0 / 3.0);
    assert!(!row.dash && row.missing_runs == 0);
    assert!(row.bold_with && row.bold_without, "three trials do not tell 81 from 86.7");
}

#[test]
fn the_early_stopping_row_uses_the_best_epoch_of_each_level() {
    let grid = three_trials();
    grid.aggregate(&small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]));
    let row = grid.accuracy(Checkpoint::BestValidation);
    let choices = grid.selections(Checkpoint::BestValidation);
    assert_eq!(choices.len(), 3);
    for choice in choices {
        assert_eq!((choice.level.value(), choice.without_epoch, choice.with_epoch), (0.2, 3, 3));
    }
    close(row.with.unwrap().mean, 92.0);
    close(row.with.unwrap().std.unwrap(), 0.0);
    // Neither side varies: no evidence is needed to tell 85 from 92.
    assert_eq!(row.difference.unwrap().p_student, Some(0.0));
    assert!(row.bold_with && !row.bold_without);
}

#[test]
fn other_ways_to_break_ties_and_to_select_are_reported_beside_the_main_one() {
    let grid = three_trials();
    grid.aggregate(&small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]));
    let rows: Rows<SensitivityRow> = grid.read("selection_sensitivity.json");
    let (last, best) = rows.0.split_at(2);
    assert!(last.iter().all(|row| row.checkpoint == Checkpoint::LastEpoch));
    assert!(best.iter().all(|row| row.checkpoint == Checkpoint::BestValidation));
    assert_eq!(last[0].choice, "ties: largest b");
    // The third trial's tie goes to 0.2 with 20%.
    close(last[0].with, (88.0 + 90.0 + 20.0) / 3.0);
    close(last[0].selected_level, 0.5 / 3.0);
    assert_eq!(best[1].choice, "levels by clean validation labels");
    close(best[1].with, 85.0);
    close(best[1].selected_level, 0.0);
}

#[test]
fn the_papers_numbers_stand_beside_ours_with_their_distance() {
    let grid = three_trials();
    grid.aggregate(&small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]));
    let paper = grid.accuracy(Checkpoint::LastEpoch).paper.unwrap();
    assert_eq!(paper.without, Some(Printed { mean: 82.38, std: Some(1.80) }));
    assert_eq!(paper.with, Some(Printed { mean: 87.64, std: Some(1.60) }));
    close(paper.z_without.unwrap(), (81.0 - 82.38) / (1.0f64 / 3.0 + 1.8 * 1.8 / 10.0).sqrt());
}

#[test]
fn a_trial_with_a_missing_level_does_not_count_and_its_run_is_named() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 2, &[0.0, 0.1]);
    let missing = plan.runs().find(|spec| spec.trial == 1 && !spec.level.is_zero()).unwrap();
    for spec in plan.runs().filter(|spec| spec.key() != missing.key()) {
        grid.complete(&spec, Made::flat(0.5, if spec.trial == 0 { 0.6 } else { 0.9 }));
    }
    let report = grid.aggregate(&plan);
    let row = grid.accuracy(Checkpoint::LastEpoch);
    assert_eq!((row.missing_runs, row.complete_trials), (1, 1));
    let runs: Rows<RunRow> = grid.read("runs.json");
    let absent: Vec<String> = runs.0.iter().filter(|run| run.status == RunStatus::Missing).map(RunRow::id).collect();
    assert_eq!(absent, ["spiral-high t01 b0.10"]);
    assert_eq!(row.without, Some(MeanStd { n: 1, mean: 60.0, std: None }));
    assert_eq!(row.difference.unwrap().p_student, None);
    assert!(row.dash, "a tie of all levels goes to b = 0");
    assert_eq!(report.missing.len(), 1);
    assert!(report.missing[0].why.contains("1 of 4 runs"), "{}", report.missing[0].why);
    // The baseline of the torn trial is still part of the averages by level.
    let levels: Rows<LevelRow> = grid.read("levels.json");
    assert_eq!(levels.0.iter().map(|row| row.test_accuracy.n).collect::<Vec<_>>(), [2, 2, 1, 1]);
    assert_eq!(levels.0[0].selected_in, 1);
}

#[test]
fn damaged_failed_and_foreign_records_are_listed_and_nothing_else_suffers() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 4, &[0.0]);
    grid.fill(&plan, |_, _| Made::flat(0.5, 0.75));
    let specs: Vec<_> = plan.runs().collect();
    let record = |i: usize| grid.store.layout().run(&specs[i]).join(Layout::RECORD);
    let text = String::from_utf8(grid.store.read(&record(0)).unwrap().unwrap()).unwrap();
    grid.store.write(&record(0), text.replace("0.75", "0.99").as_bytes()).unwrap();
    let failed = Status::Failed { cause: "the loss is not finite".into(), step: 7, last_finite_loss: Some(3.0) };
    grid.write(&specs[1], failed, None, &History::default());
    grid.store.write(&record(2), &grid.store.read(&record(3)).unwrap().unwrap()).unwrap();
    let report = grid.aggregate(&plan);
    let whys: Vec<&str> = report.missing.iter().map(|result| &*result.why).collect();
    assert!(whys[0].contains("damaged"), "{whys:?}");
    assert!(whys[1].contains("the loss is not finite (at step 7)"), "{whys:?}");
    assert!(whys[2].contains("is the record of another run"), "{whys:?}");
    assert_eq!(grid.accuracy(Checkpoint::LastEpoch).without, Some(MeanStd { n: 1, mean: 75.0, std: None }));
    let overview: Overview = grid.read("overview.json");
    assert_eq!(overview.runs, (4, 1));
    let runs: Rows<RunRow> = grid.read("runs.json");
    assert_eq!(runs.0.len(), 4);
    let statuses: Vec<RunStatus> = runs.0.iter().map(|run| run.status).collect();
    let expected = [RunStatus::Damaged, RunStatus::Failed, RunStatus::Damaged, RunStatus::Complete];
    assert_eq!(statuses, expected);
    assert_eq!(runs.0[3].at_last.unwrap().test_accuracy, 75.0);
}

#[test]
fn a_history_that_is_not_the_one_of_its_record_costs_its_curve_and_says_so() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 2, &[0.0]);
    grid.fill(&plan, |_, _| Made::flat(0.5, 0.75));
    let spec = plan.runs().next().unwrap();
    let path = grid.store.layout().run(&spec).join(Layout::HISTORY);
    let text = String::from_utf8(grid.store.read(&path).unwrap().unwrap()).unwrap();
    grid.store.write(&path, text.replacen("0.5", "0.6", 1).as_bytes()).unwrap();
    let report = grid.aggregate(&plan);
    assert!(report.missing[0].why.contains("damaged"), "{:?}", report.missing);
    let curves: Rows<CurveRow> = grid.read("curves.json");
    assert!(
        curves.0.iter().all(|row| row.trials == 1 && row.train.is_some_and(|train| train.loss >= 1.0)),
        "only the second trial is left"
    );
    assert_eq!(grid.accuracy(Checkpoint::LastEpoch).without.unwrap().n, 2, "its record is sound");
}

#[test]
fn where_no_run_samples_the_test_set_its_curve_is_the_last_epoch_alone() {
    let grid = Grid::new();
    let mut plan = small_plan("spiral-low", 1, &[0.0]);
    plan.settings[0].observe.test_every = 0;
    for spec in plan.runs() {
        grid.complete(&spec, Made::flat(0.5, 0.5));
        let record = grid.store.read_document::<Record>(&grid.store.layout().run(&spec).join(Layout::RECORD));
        // The second epoch was selected, so its test set was measured.
        let test = |epoch: u32| (epoch == 2 || epoch == spec.epochs).then_some(1.0);
        grid.write(&spec, Status::Complete, record.unwrap().unwrap().summary, &history(&spec, test));
    }
    grid.aggregate(&plan);
    let curves: Rows<CurveRow> = grid.read("curves.json");
    let with_test: Vec<u32> = curves.0.iter().filter(|row| row.test.is_some()).map(|row| row.epoch).collect();
    assert_eq!(with_test, [curves.0.last().unwrap().epoch]);
    assert!(with_test[0] > 2);
}

#[test]
fn curves_are_means_over_trials_and_test_values_those_of_the_sampling_trials() {
    let grid = Grid::new();
    let mut plan = small_plan("spiral-high", 3, &[0.0]);
    plan.settings[0].observe.test_every = 2;
    plan.settings[0].observe.trials = 2;
    grid.fill(&plan, |_, _| Made::flat(0.5, 0.5));
    for spec in plan.runs() {
        // Epoch 3 happened to be selected in the second trial; the third one only knows its last epoch.
        let test = |epoch: u32| match (spec.trial, epoch) {
            (0 | 1, 2 | 4) | (1, 3) => Some(f64::from(spec.trial * 10 + epoch)),
            (2, 4) => Some(1000.0),
            _ => None,
        };
        let summary = grid.store.read_document::<Record>(&grid.store.layout().run(&spec).join(Layout::RECORD));
        grid.write(&spec, Status::Complete, summary.unwrap().unwrap().summary, &history(&spec, test));
    }
    grid.aggregate(&plan);
    let curves: Rows<CurveRow> = grid.read("curves.json");
    let tests: Vec<Option<f64>> = curves.0.iter().map(|row| row.test.map(|test| test.loss)).collect();
    assert_eq!(tests, [None, Some(7.0), None, Some(9.0)]);
    close(curves.0[1].train.unwrap().loss, 1.5);
    assert_eq!(curves.0[1].trials, 3);
    let descents: Rows<DescentRow> = grid.read("second_descents.json");
    assert_eq!(descents.0, [], "two epochs have no shape");
}

#[test]
fn where_a_training_loss_ends_is_the_mean_of_the_last_tenth_of_its_epochs_over_trials() {
    for (epochs, first) in [(4, 1), (30, 26), (100, 91)] {
        let grid = Grid::new();
        let mut plan = small_plan("spiral-high", 2, &[0.0, 0.1]);
        plan.settings[0].epochs = epochs;
        for spec in plan.runs() {
            // 1.5 and 2.5, up and down by a half; far away before the last epochs.
            let mut history = history(&spec, |_| None);
            for row in &mut history.rows {
                let swing = if row.epoch % 2 == 0 { 0.5 } else { -0.5 };
                let loss = if row.epoch < first { 9.0 } else { 1.5 + f64::from(spec.trial) + swing };
                row.train = row.train.map(|train| Measure { loss, ..train });
                row.batch_loss = 0.25;
            }
            let made = outcome(epochs, [0.5; 3], &spec);
            grid.write(&spec, Status::Complete, Some(Summary { last: made, best: made }), &history);
        }
        grid.aggregate(&plan);
        let rows: Rows<FinalLossRow> = grid.read("final_training_loss.json");
        assert_eq!(rows.0.iter().map(|row| row.level.value()).collect::<Vec<_>>(), [0.0, 0.1]);
        let row = &rows.0[1];
        assert_eq!((row.first_epoch, row.last_epoch), (first, epochs));
        let examples = [row.train_examples, row.validation_examples, row.test_examples];
        assert_eq!(examples, [100, 100, 20_000]);
        // An odd number of epochs leaves a tenth of a swing of a half.
        let tilt = if (epochs - first) % 2 == 0 { 0.1 } else { 0.0 };
        close(row.train_loss.mean, 2.0 + tilt);
        close(row.train_loss.std.unwrap(), 0.5f64.sqrt());
        assert_eq!((row.train_loss.n, row.train_loss_min, row.train_loss_max), (2, 1.0, 3.0));
        close(row.batch_loss.mean, 0.25);
        close(row.train_accuracy.mean, 50.0);
    }
}

#[test]
fn the_second_run_does_nothing_until_something_changes_and_says_what() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 2, &[0.0, 0.1]);
    grid.fill(&plan, |_, _| Made::flat(0.5, 0.75));
    let decision =
        |inputs: Inputs| prepare(&plan, &grid.store, &Context::default(), inputs).unwrap().items.remove(0).decision;
    assert_eq!(decision(Inputs::default()), Decision::Run(Reason::New));
    assert_eq!(grid.aggregate(&plan).done, 1);
    assert_eq!(decision(Inputs::default()), Decision::Skip(Reason::UpToDate));
    let again = grid.aggregate(&plan);
    assert_eq!((again.done, again.skipped), (0, 1));
    let other = Inputs { configuration: "x".into(), ..Inputs::default() };
    assert_eq!(decision(other), Decision::Run(Reason::InputChanged { input: "the configuration".into() }));
    grid.store.remove(&grid.store.layout().tables().join("accuracy.csv")).unwrap();
    assert!(matches!(decision(Inputs::default()), Decision::Run(Reason::Damaged { .. })));
    grid.aggregate(&plan);
    grid.complete(&plan.runs().next().unwrap(), Made::flat(0.5, 0.76));
    assert_eq!(decision(Inputs::default()), Decision::Run(Reason::InputChanged { input: "the records".into() }));
    grid.aggregate(&plan);
    close(grid.accuracy(Checkpoint::LastEpoch).without.unwrap().mean, 75.5);
}

#[test]
fn the_same_records_give_the_same_bytes_of_every_table_with_and_without_the_cache() {
    let plan = small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]);
    let (first, second) = (three_trials(), three_trials());
    first.aggregate(&plan);
    second.aggregate(&plan);
    let files = first.table_files();
    assert_eq!(files, second.table_files());
    let forced = Context { force: true, ..Context::default() };
    prepare(&plan, &second.store, &forced, Inputs::default()).unwrap().run().unwrap();
    assert_eq!(files, second.table_files());
    for name in [
        "overview.json",
        "accuracy.parquet",
        "runs.csv",
        "curves.parquet",
        "second_descents.csv",
        "final_training_loss.csv",
        "claims.json",
    ] {
        assert!(files.contains_key(name), "{name} is missing from {:?}", files.keys());
    }
    assert_eq!(&files["accuracy.parquet"][..4], b"PAR1");
}

#[test]
fn a_plan_without_the_baseline_has_a_selected_level_and_no_comparison() {
    let grid = Grid::new();
    let plan = small_plan("spiral-high", 2, &[0.1, 0.2]);
    grid.fill(&plan, |_, level| Made::flat(0.5 + level, 0.75));
    grid.aggregate(&plan);
    let row = grid.accuracy(Checkpoint::LastEpoch);
    assert_eq!((row.without, row.difference), (None, None));
    close(row.with.unwrap().mean, 75.0);
    close(row.selected_level.unwrap().mean, 0.2);
}

#[test]
fn a_plan_of_which_nothing_ran_has_whole_tables_that_say_so() {
    let grid = Grid::new();
    let plan = small_plan("mnist-mlp", 1, &[0.0, 0.02]);
    let report = grid.aggregate(&plan);
    assert_eq!(report.missing.len(), 1);
    let row = grid.accuracy(Checkpoint::LastEpoch);
    assert_eq!((row.without, row.with, row.dash), (None, None, false));
    assert_eq!(row.missing_runs, 2);
    assert_eq!(row.paper.unwrap().with, Some(Printed { mean: 98.76, std: None }));
}

#[test]
fn replays_become_curves_of_the_trials_that_were_trained_again() {
    let grid = three_trials();
    let plan = small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]);
    let run = |trial, level: f64| plan.runs().find(|spec| spec.trial == trial && spec.level.value() == level).unwrap();
    // Test losses 3, 1, 1 + bump, 1 at epochs 1 to 4; gradients at epoch 4 alone.
    let made = |bump, gradient| MadeProbe {
        losses: [1.0, 0.5],
        curvatures: [1.0; 3],
        bumps: [bump, 0.0],
        gradients: [[gradient, 2.0 * gradient], [1.0, 1.0]],
        confidences: [0.9; 2],
    };
    grid.probe(&run(0, 0.1), &run(0, 0.0), &made(0.5, 3.0));
    grid.probe(&run(1, 0.2), &run(1, 0.0), &made(1.5, 5.0));
    grid.aggregate(&plan);
    let rows: Rows<ReplayRow> = grid.read("replays.json");
    let with: Vec<&ReplayRow> = rows.0.iter().filter(|row| row.model == ProbedModel::With).collect();
    assert_eq!(with.iter().map(|row| (row.epoch, row.trials)).collect::<Vec<_>>(), [(1, 2), (2, 2), (3, 2), (4, 2)]);
    assert_eq!(with[0].levels.iter().map(|level| level.value()).collect::<Vec<_>>(), [0.1, 0.2]);
    assert_eq!(with[2].test_loss, Band { mean: 2.0, min: 1.5, max: 2.5 });
    assert_eq!((with[2].test_accuracy.mean, with[2].test_examples), (80.0, 100));
    assert_eq!(with[2].gradient_norm, None, "no trial measured it there");
    assert_eq!(with[3].gradient_norm.map(|norms| (norms.train, norms.test)), Some((4.0, 8.0)));
    assert_eq!(rows.0.len(), 8, "as many without flooding");
}

#[test]
fn the_account_of_computing_counts_runs_by_machine_and_is_the_same_for_any_short_run() {
    let grid = three_trials();
    let plan = small_plan("spiral-high", 3, &[0.0, 0.1, 0.2]);
    grid.aggregate(&plan);
    let rows: Rows<ComputeRow> = grid.read("compute.json");
    let expected = ComputeRow {
        table: Some(TableId::Table2),
        device: "cpu".to_owned(),
        processor: "any".to_owned(),
        cores: Some(2),
        memory: Some(16),
        runs: 9,
        hours: 0,
        elapsed_hours: Some(0),
    };
    assert_eq!(rows.0, [expected]);
    // Four hours for a run of trial 0, whose levels shared their path: they are counted once.
    let spec = plan.runs().next().unwrap();
    let path = grid.store.layout().run(&spec).join(Layout::PROVENANCE);
    let made: Provenance = grid.store.read_document(&path).unwrap().unwrap();
    grid.store.write_document(&path, &Provenance { seconds: 4.0 * 3600.0, ..made }).unwrap();
    assert_eq!(grid.aggregate(&plan).done, 1, "what computing took is a reason to make the tables again");
    let rows: Rows<ComputeRow> = grid.read("compute.json");
    assert_eq!((rows.0[0].runs, rows.0[0].hours, rows.0[0].elapsed_hours), (9, 4, Some(4)));
}
