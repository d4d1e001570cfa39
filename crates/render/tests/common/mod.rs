//! Made-up tables in the shape of a real run's, for tests and for looking at the page. None of these numbers is a result.

#![allow(dead_code)] // Each test file uses a part of it.

mod probes;
mod scorecard;

use flooding_core::config::{Scenario, TableId};
use flooding_core::level::Level;
use flooding_core::plan::LeftOut;
use flooding_core::record::Provenance;
use flooding_core::spec::RunKey;
use flooding_core::work::{MissingResult, Stage};
use flooding_render::Tables;
use flooding_tables::{
    AccuracyRow, Checkpoint, ClaimGroup, ClaimReadingRow, ClaimRow, ComputeRow, CurveRow, DatasetRow, Difference,
    EpochAccuracy, Estimate, FORMATS, FinalLossRow, GradientNorms, LevelRow, Magnitude, MeanStd, Measured, MethodRow,
    Overview, PaperCell, Printed, RunRow, RunStatus, SelectionRow, SensitivityRow, TheoremCheck, TheoremRow, Verdict,
    catalogue,
};

/// How much to make up.
#[derive(Clone, Copy)]
pub struct Size {
    pub settings: usize,
    pub levels: u32,
    pub trials: u32,
    pub epochs: u32,
}

pub const SMALL: Size = Size { settings: 2, levels: 3, trials: 2, epochs: 20 };
/// The paper's grid with as many epochs as `aggregate` hands over.
pub const FULL: Size = Size { settings: 48, levels: 51, trials: 10, epochs: 125 };
pub const QUICK: Size = Size { settings: 10, levels: 11, trials: 3, epochs: 500 };

const ROWS: [(&str, &str, &str, &str, TableId); 12] = [
    ("gaussians-low", "Two Gaussians", "Low", "paper", TableId::Table2),
    ("gaussians-high", "Two Gaussians", "High", "paper", TableId::Table2),
    ("spiral-low", "Spiral", "Low", "paper", TableId::Table2),
    ("spiral-high", "Spiral", "High", "paper", TableId::Table2),
    ("sinusoid-low", "Sinusoid", "Low", "paper", TableId::Table2),
    ("sinusoid-high", "Sinusoid", "High", "paper", TableId::Table2),
    ("gaussians-high-demo", "Two Gaussians", "High", "demo", TableId::Table2),
    ("spiral-high-demo", "Spiral", "High", "demo", TableId::Table2),
    ("sinusoid-high-demo", "Sinusoid", "High", "demo", TableId::Table2),
    ("mnist-mlp", "MNIST", "MLP", "paper", TableId::Table3),
    ("gaussians-middle", "Two Gaussians", "Middle", "paper", TableId::Table2),
    ("spiral-middle", "Spiral", "Middle", "paper", TableId::Table2),
];

/// Has a file this ending?
pub fn ends(name: &str, ending: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|found| found == ending)
}

/// A reproducible number from 0 to 1 for these words.
pub fn noise(words: &[u32]) -> f64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for word in words {
        state = (state ^ u64::from(*word)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^= state >> 29;
    }
    (state >> 11) as f64 / (1_u64 << 53) as f64
}

fn key(words: &[u32]) -> RunKey {
    let parts: Vec<String> = (0..8).map(|i| format!("{:08x}", (noise(&[words, &[i]].concat()) * 4e9) as u32)).collect();
    let digits = parts.concat();
    RunKey::try_from(digits).expect("64 digits")
}

fn level(index: u32, size: Size) -> Level {
    Level::from_millionths(index * 500_000 / (size.levels - 1).max(1))
}

fn mean_std(values: &[f64]) -> MeanStd {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let std = (values.len() > 1).then(|| (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt());
    MeanStd { n: values.len() as u32, mean, std }
}

/// Tables of a quick run of this size.
pub fn tables(size: Size) -> Tables {
    let mut tables = Tables {
        published: Some("2020-07-13".to_owned()),
        overview: Some(overview(size)),
        methods: Some(methods()),
        accuracy: Some(Vec::new()),
        scorecard: None,
        scorecard_counts: None,
        overall: Some(scorecard::overall()),
        paired: None,
        selection_noise: None,
        spread: None,
        selections: Some(Vec::new()),
        sensitivity: Some(Vec::new()),
        levels: Some(Vec::new()),
        curves: Some(Vec::new()),
        runs: Some(Vec::new()),
        claims: Some(claims()),
        claim_readings: Some(claim_readings()),
        placebo: Some(Vec::new()),
        gains: Some(Vec::new()),
        baselines: Some(Vec::new()),
        trial_probes: Some(Vec::new()),
        final_losses: Some(Vec::new()),
        descents: Some(probes::descents(ROWS[1].0)),
        replays: Some(probes::replays(ROWS[1].0)),
        compute: Some(compute()),
        flatness: Some(probes::flatness(ROWS[1].0)),
        sharpness: Some(probes::sharpness(ROWS[1].0)),
        calibration: Some(probes::calibration(ROWS[1].0)),
        reliability_bins: Some(probes::reliability_bins(ROWS[1].0)),
        theorem: Some(theorem()),
        checks: Some(checks()),
        files: files(),
    };
    for setting in 0..size.settings as u32 {
        add_setting(&mut tables, setting, size);
    }
    let rows = tables.accuracy.as_deref().unwrap_or_default();
    let cells = scorecard::cells(rows);
    tables.paired = Some(scorecard::paired(rows));
    tables.scorecard_counts = Some(scorecard::counts(&cells));
    tables.scorecard = Some(cells);
    tables
}

fn add_setting(tables: &mut Tables, setting: u32, size: Size) {
    let (id, first, second, reading, table) = ROWS[setting as usize % ROWS.len()];
    let round = setting as usize / ROWS.len();
    let id = if round == 0 { id.to_owned() } else { format!("{id}-{round}") };
    for checkpoint in [Checkpoint::LastEpoch, Checkpoint::BestValidation] {
        let selections = selections(setting, &id, reading, checkpoint, size);
        let row = accuracy(setting, &id, [first, second], reading, table, &selections, size);
        for index in 0..size.levels {
            let at = level(index, size);
            let selected_in = selections.iter().filter(|t| t.level == at).count() as u32;
            tables.levels.as_mut().unwrap().push(level_row(setting, &id, at, checkpoint, selected_in, size));
        }
        tables.sensitivity.as_mut().unwrap().push(SensitivityRow {
            setting: id.clone(),
            reading: reading.to_owned(),
            checkpoint,
            choice: "ties: largest b".to_owned(),
            with: row.with.unwrap().mean + 0.1,
            selected_level: 0.21,
        });
        tables.accuracy.as_mut().unwrap().push(row);
        tables.selections.as_mut().unwrap().extend(selections);
    }
    for index in 0..size.levels {
        tables.final_losses.as_mut().unwrap().push(final_loss(setting, &id, level(index, size), size));
        for epoch in 1..=size.epochs {
            tables.curves.as_mut().unwrap().push(curve(setting, &id, level(index, size), epoch, size));
        }
        for trial in 0..size.trials {
            tables.runs.as_mut().unwrap().push(RunRow {
                key: key(&[setting, trial, index]),
                setting: id.clone(),
                reading: reading.to_owned(),
                trial,
                level: level(index, size),
                status: RunStatus::Complete,
                cause: None,
                at_last: Some(EpochAccuracy {
                    epoch: size.epochs,
                    train_accuracy: 100.0,
                    validation_accuracy: 80.5,
                    test_accuracy: 80.0 + noise(&[setting, trial, index]),
                }),
                at_best_validation: Some(EpochAccuracy {
                    epoch: 31,
                    train_accuracy: 99.0,
                    validation_accuracy: 82.0,
                    test_accuracy: 81.0,
                }),
            });
        }
    }
}

fn selections(setting: u32, id: &str, reading: &str, checkpoint: Checkpoint, size: Size) -> Vec<SelectionRow> {
    let base = 78.0 + f64::from(setting % 4) * 4.0;
    let epoch = if checkpoint == Checkpoint::LastEpoch { size.epochs } else { size.epochs / 4 };
    let selection = |trial: u32| {
        let index = 1 + (noise(&[setting, trial, 7]) * f64::from(size.levels - 2)) as u32;
        SelectionRow {
            setting: id.to_owned(),
            reading: reading.to_owned(),
            checkpoint,
            trial,
            level: level(index, size),
            without: base + noise(&[setting, trial, 8]),
            with: base + 1.5 + noise(&[setting, trial, 9]),
            train_accuracy: 100.0 - noise(&[setting, trial, 10]),
            without_epoch: epoch,
            with_epoch: epoch,
            flooded_from: Some(epoch / 2),
            without_run: key(&[setting, trial, 0]),
            with_run: key(&[setting, trial, index]),
        }
    };
    (0..size.trials).map(selection).collect()
}

fn methods() -> Vec<MethodRow> {
    let row = |method: &str, targets_training_loss| MethodRow {
        method: method.to_owned(),
        targets_training_loss,
        domain_independent: true,
        task_independent: true,
        model_independent: true,
        assumption: "Learning until zero loss is harmful".to_owned(),
    };
    vec![row("Weight decay", false), row("Flooding", true)]
}

/// Stand-ins for the tables' own files, which the page only copies and links.
fn files() -> std::collections::BTreeMap<String, Vec<u8>> {
    let tables = catalogue::AGGREGATED.into_iter().chain(catalogue::VERIFIED);
    let names = tables.flat_map(|table| FORMATS.map(|format| format!("{}.{format}", table.name)));
    names.map(|name| (name.clone(), name.into_bytes())).collect()
}

fn accuracy(
    setting: u32,
    id: &str,
    row: [&str; 2],
    reading: &str,
    table: TableId,
    selections: &[SelectionRow],
    size: Size,
) -> AccuracyRow {
    let column = |of: fn(&SelectionRow) -> f64| mean_std(&selections.iter().map(of).collect::<Vec<_>>());
    let (without, with) = (column(|t| t.without), column(|t| t.with));
    AccuracyRow {
        setting: id.to_owned(),
        reading: reading.to_owned(),
        table: Some(table),
        data: row[0].to_owned(),
        setup: row[1].to_owned(),
        checkpoint: selections[0].checkpoint,
        trials: size.trials,
        complete_trials: size.trials,
        levels: size.levels,
        paper_trials: if table == TableId::Table2 { 10 } else { 1 },
        paper_levels: if table == TableId::Table2 { 51 } else { 11 },
        missing_runs: 0,
        reduced: if size.epochs < 500 { vec!["epochs".to_owned()] } else { Vec::new() },
        without: Some(without),
        with: Some(with),
        selected_level: Some(column(|t| t.level.value())),
        difference: Some(Difference {
            mean: with.mean - without.mean,
            ci: Some((with.mean - without.mean - 0.9, with.mean - without.mean + 0.9).into()),
            p_student: Some(if setting.is_multiple_of(3) { 0.000_02 } else { 0.031 }),
            p_welch: Some(0.035),
            p_paired: Some(0.006),
            p_holm: Some(0.21),
            cohens_d: Some(1.7),
            power: Some(0.55),
        }),
        bold_without: !setting.is_multiple_of(3),
        bold_with: true,
        without_selected: 1,
        selected_before_flooding: 0,
        dash: false,
        underline_without: false,
        underline_with: table == TableId::Table3,
        without_ci: None,
        with_ci: None,
        paper: Some(PaperCell {
            without: Some(Printed { mean: 78.44, std: Some(0.92) }),
            with: Some(Printed { mean: 83.59, std: Some(0.92) }),
            selected_level: (table == TableId::Table2).then_some(Printed { mean: 0.32, std: Some(0.08) }),
            bold_without: false,
            bold_with: true,
            underline_without: false,
            underline_with: false,
            z_without: Some(0.4),
            z_with: Some(-1.2),
        }),
    }
}

fn level_row(setting: u32, id: &str, at: Level, checkpoint: Checkpoint, selected_in: u32, size: Size) -> LevelRow {
    let b = at.value();
    let pair = |mean: f64| MeanStd { n: size.trials, mean, std: (size.trials > 1).then_some(0.5) };
    let drop = (b - 0.12 - 0.02 * f64::from(setting % 4)).max(0.0) * 60.0;
    let early = if checkpoint == Checkpoint::BestValidation { 3.0 } else { 0.0 };
    LevelRow {
        setting: id.to_owned(),
        reading: "paper".to_owned(),
        level: at,
        checkpoint,
        train_accuracy: pair(100.0 - drop - early),
        validation_accuracy: pair(80.0 + 4.0 * b),
        test_accuracy: pair(79.0 + 4.0 * b),
        test_accuracy_ci: (size.trials > 1).then(|| (78.0 + 4.0 * b, 80.0 + 4.0 * b).into()),
        train_loss: pair(b + 0.001),
        test_loss: pair(1.2 - b),
        fit_flipped: Some(pair(60.0 - drop)),
        fit_unflipped: Some(pair(100.0 - drop)),
        test_clean_accuracy: pair(84.0 + 4.0 * b),
        selected_in,
    }
}

fn curve(setting: u32, id: &str, at: Level, epoch: u32, size: Size) -> CurveRow {
    let b = at.value();
    let t = f64::from(epoch) / f64::from(size.epochs);
    let wiggle = 1.0 + 0.15 * (noise(&[setting, at.millionths(), epoch]) - 0.5);
    let train = ((0.69 * (-9.0 * t).exp()).max(b) + 1e-5) * wiggle;
    let over = if b == 0.0 { 2.4 * t } else { 0.9 * (t * (-4.0 * t).exp()) };
    let held_out = (0.69 * (-14.0 * t).exp() + 0.42 + over) * wiggle;
    let accuracy = 100.0 - 50.0 * (-12.0 * t).exp();
    CurveRow {
        setting: id.to_owned(),
        reading: "paper".to_owned(),
        level: at,
        epoch,
        trials: size.trials,
        batch_loss: Some(train * 1.1),
        train: Some(Measured { loss: train, accuracy: accuracy - (b - 0.3).max(0.0) * 30.0 }),
        validation: Measured { loss: held_out * 1.04, accuracy: accuracy * 0.83 },
        test: (epoch == 1 || epoch.is_multiple_of(5))
            .then_some(Measured { loss: held_out, accuracy: accuracy * 0.82 + 3.0 * b }),
        test_trials: 1,
        gradient_trials: 1,
        gradient_norm: (epoch.is_multiple_of(5) && setting == 1)
            .then_some(GradientNorms { train: train * 3.0 * wiggle, test: held_out * wiggle }),
    }
}

fn final_loss(setting: u32, id: &str, at: Level, size: Size) -> FinalLossRow {
    let pair = |mean: f64| MeanStd { n: size.trials, mean, std: (size.trials > 1).then_some(0.001) };
    let loss = (at.value() * (1.0 + 0.1 * (noise(&[setting, at.millionths()]) - 0.5))).max(1e-4);
    FinalLossRow {
        setting: id.to_owned(),
        reading: "paper".to_owned(),
        level: at,
        train_examples: 100,
        validation_examples: 100,
        test_examples: 20_000,
        first_epoch: size.epochs - (size.epochs / 10).max(5) + 1,
        last_epoch: size.epochs,
        batch_loss: pair(loss * 1.1),
        train_loss: pair(loss),
        train_loss_min: loss * 0.8,
        train_loss_max: loss * 1.3,
        train_accuracy: pair(100.0 - (at.value() - 0.3).max(0.0) * 30.0),
    }
}

fn compute() -> Vec<ComputeRow> {
    let row = |table, processor: &str, cores, hours| ComputeRow {
        table,
        device: "cpu".to_owned(),
        processor: processor.to_owned(),
        cores,
        memory: cores.map(|cores| 8 * cores),
        runs: 90,
        hours,
        elapsed_hours: Some(hours / 2),
    };
    vec![
        row(Some(TableId::Table2), "A processor (avx2, fma)", Some(2), 12),
        row(Some(TableId::Table2), "Another processor (avx512)", None, 3),
        row(None, "A processor (avx2, fma)", Some(2), 0),
    ]
}

fn overview(size: Size) -> Overview {
    let left_out =
        [("spiral-middle", "Spiral", "Middle", TableId::Table2), ("cifar10", "CIFAR-10", "ResNet44", TableId::Table3)];
    let runs = size.settings as u64 * u64::from(size.levels * size.trials);
    Overview {
        profile: "quick".to_owned(),
        options: Vec::new(),
        summary: "A reduced grid, made up for a test.".to_owned(),
        master_seed: 20_200_713,
        readings: vec![
            ("paper".to_owned(), "The paper's text, literally.".to_owned()),
            ("demo".to_owned(), "The data, network and batch size of the authors' demo.".to_owned()),
        ],
        reading_labels: vec![("paper".to_owned(), "as the text says".to_owned())],
        margin: Some(1.0),
        runs: (runs + 11, runs),
        missing: vec![MissingResult {
            stage: Stage::Fetch,
            id: "kmnist".to_owned(),
            why: "dataset not available: no network and no mirror".to_owned(),
        }],
        left_out: left_out
            .map(|(setting, first, second, table)| LeftOut {
                setting: setting.to_owned(),
                row: [first.to_owned(), second.to_owned()],
                table: Some(table),
                why: "not part of profile `quick`".to_owned(),
            })
            .to_vec(),
        published: Vec::new(),
        made_by: vec![Provenance {
            version: "0.1.0".to_owned(),
            commit: "0123456789ab-dirty".to_owned(),
            rustc: "rustc 1.95.0".to_owned(),
            device: "cpu".to_owned(),
            processor: "A processor (avx2, fma)".to_owned(),
            finished: "2026-01-01T00:00:00Z".to_owned(),
            seconds: 0.0,
            training_seconds: 0.0,
            cores: Some(2),
            memory: None,
        }],
        datasets: vec![DatasetRow {
            name: "mnist".to_owned(),
            licence: "CC BY-SA 3.0".to_owned(),
            citation: "LeCun et al. 1998".to_owned(),
            files: vec![
                (
                    "train-images-idx3-ubyte.gz".to_owned(),
                    9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609".to_owned(),
                ),
                (
                    "t10k-labels-idx1-ubyte.gz".to_owned(),
                    4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6".to_owned(),
                ),
            ],
        }],
        configuration: "# pipeline.toml\nmaster_seed = 20200713\n\n[model.mlp]\nkind = \"mlp\"\nhidden = [500]\n"
            .to_owned(),
    }
}

fn claims() -> Vec<ClaimRow> {
    let row = |id: &str, claim: &str, verdict, settings: &[&str]| ClaimRow {
        id: id.to_owned(),
        group: match id {
            "theorem" => ClaimGroup::Theory,
            "memorisation" => ClaimGroup::Mechanism,
            _ => ClaimGroup::Accuracy,
        },
        claim: claim.to_owned(),
        source: "Section 4.1, Table 2".to_owned(),
        verdict,
        magnitude: (id == "accuracy").then_some(Magnitude::Smaller),
        statistic: "+1.20 points [+0.30, +2.10] over 6 rows".to_owned(),
        rule: "Agrees if the 95% interval lies above 0.".to_owned(),
        reason: "One point is the smallest effect that would carry the conclusion.".to_owned(),
        qualification: (id == "theorem").then(|| "It is about a fixed model.".to_owned()),
        settings: settings.iter().map(|id| (*id).to_owned()).collect(),
        runs: 66,
    };
    vec![
        row(
            "accuracy",
            "Flooding often improves test accuracy.",
            Verdict::ConsistentAtThisScale,
            &["gaussians-low", "gaussians-high"],
        ),
        row(
            "noise",
            "The selected flood level grows with label noise.",
            Verdict::InconsistentAtThisScale,
            &["gaussians-high"],
        ),
        row(
            "memorisation",
            "The selected flood level keeps zero training error.",
            Verdict::Inconclusive,
            &["gaussians-low"],
        ),
        row("benchmarks", "The best setup of each dataset uses flooding.", Verdict::NotRun, &["cifar10"]),
        row("theorem", "Flooding lowers the mean squared error for b below R.", Verdict::Confirmed, &[]),
    ]
}

/// One reading of each claim that was run.
fn claim_readings() -> Vec<ClaimReadingRow> {
    let reading = |row: ClaimRow| ClaimReadingRow {
        claim: row.id,
        reading: "paper".to_owned(),
        table: Some(TableId::Table2),
        verdict: row.verdict,
        magnitude: row.magnitude,
        effect: Some(1.2),
        effect_ci: Some((0.3, 2.1).into()),
        unit: "points".to_owned(),
        paper_effect: Some(3.3),
        paper_effect_ci: Some((3.0, 3.6).into()),
        rows: 6,
        paper_rows: 9,
        trials: 18,
        statistic: row.statistic,
        settings: row.settings,
    };
    claims().into_iter().filter(|row| row.verdict != Verdict::NotRun).map(reading).collect()
}

fn checks() -> Vec<TheoremCheck> {
    let row = |statement: &str, passed| TheoremCheck {
        statement: statement.to_owned(),
        source: "Theorem 1".to_owned(),
        passed,
        cells: 120,
        detail: "largest deviation 2.9 standard errors, expected below 4.1".to_owned(),
    };
    vec![row("identity gain = 4 (R - b) E[(b - R^)+]", true), row("b = R is a tie", true), row("made to fail", false)]
}

fn theorem() -> Vec<TheoremRow> {
    let mut rows = Vec::new();
    for scenario in [Scenario::Bernoulli { p: 0.1 }, Scenario::Exponential { theta: 0.4 }] {
        let (risk, variance) = if matches!(scenario, Scenario::Bernoulli { .. }) { (0.1, 0.09) } else { (0.4, 0.16) };
        for n in [10, 100, 1000] {
            for step in 0..=8_u32 {
                let level = risk * f64::from(step) / 4.0;
                let estimate = |exact: f64| Estimate { exact, mc: exact * 1.01, se: exact.abs() * 0.01 };
                let mse = variance / f64::from(n);
                let below = (level / risk - 0.2).clamp(0.0, 1.0);
                let shortfall = mse.sqrt() * below * below;
                let gain = 4.0 * (risk - level) * shortfall * 0.3;
                rows.push(TheoremRow {
                    scenario: scenario.clone(),
                    sample_size: n,
                    level,
                    risk,
                    mse_empirical: estimate(mse),
                    mse_flooded: estimate(mse - gain.min(mse * 0.8)),
                    gain: estimate(gain),
                    shortfall: estimate(shortfall),
                    prob_below: estimate(below),
                });
            }
        }
    }
    rows
}
