//! The data files beside the page: every table as CSV and JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use flooding_core::config::TableId;
use flooding_core::tables::{AccuracyRow, LevelRow, MeanStd, RunRow};
use serde::Serialize;

use crate::RenderError;
use crate::context::ReportContext;
use crate::context::accuracy::letter;
use crate::csv::{field, line};
use crate::figure::theorem_csv;
use crate::tables::Tables;

/// Files by their path under `reports/`.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Adds every table that is there.
pub fn add_tables(files: &mut Files, tables: &Tables, report: &ReportContext) -> Result<(), RenderError> {
    json(files, "tables/table1.json", &report.methods.rows)?;
    files.insert("tables/table1.csv".to_owned(), methods(report).into_bytes());
    for (name, id) in [("table2", TableId::Table2), ("table3", TableId::Table3)] {
        let rows: Vec<&AccuracyRow> = tables.accuracy.iter().flatten().filter(|r| r.table == Some(id)).collect();
        json(files, &format!("tables/{name}.json"), &rows)?;
        files.insert(format!("tables/{name}.csv"), accuracy(&rows).into_bytes());
    }
    if let Some(rows) = &tables.claims {
        json(files, "tables/claims.json", rows)?;
        let mut csv = line(["id", "claim", "source", "reading", "verdict", "statistic", "settings"]);
        for (row, shown) in rows.iter().zip(&report.claims.rows) {
            let settings = row.settings.join(" ");
            csv.push_str(&line([
                &*row.id,
                &row.claim,
                &row.source,
                &row.reading,
                shown.verdict,
                &row.statistic,
                &settings,
            ]));
        }
        files.insert("tables/claims.csv".to_owned(), csv.into_bytes());
    }
    if let Some(rows) = &tables.runs {
        json(files, "tables/runs.json", rows)?;
        files.insert("tables/runs.csv".to_owned(), runs(rows).into_bytes());
    }
    if let Some(rows) = &tables.levels {
        json(files, "tables/levels.json", rows)?;
        files.insert("tables/levels.csv".to_owned(), levels(rows).into_bytes());
    }
    for table in report.figures.iter().filter_map(|section| section.table.as_ref()) {
        let mut csv = line(table.head.iter().copied());
        for row in &table.rows {
            csv.push_str(&line(row.iter().map(String::as_str)));
        }
        files.insert(format!("tables/{}.csv", table.file), csv.into_bytes());
    }
    if let Some(rows) = &tables.descents {
        json(files, "tables/descents.json", rows)?;
    }
    if let Some(rows) = &tables.floats {
        json(files, "tables/floats.json", rows)?;
    }
    if let Some(rows) = &tables.sharpness {
        json(files, "tables/sharpness.json", rows)?;
    }
    if let Some(rows) = &tables.calibration {
        json(files, "tables/calibration.json", rows)?;
    }
    if let Some(rows) = &tables.checks {
        json(files, "tables/theorem-checks.json", rows)?;
        let mut csv = line(["statement", "source", "passed", "cells", "detail"]);
        for row in rows {
            let (passed, cells) = (row.passed.to_string(), row.cells.to_string());
            csv.push_str(&line([&*row.statement, &row.source, &passed, &cells, &row.detail]));
        }
        files.insert("tables/theorem-checks.csv".to_owned(), csv.into_bytes());
    }
    if let Some(rows) = &tables.theorem {
        json(files, "tables/theorem.json", rows)?;
        let cells: Vec<_> = rows.iter().collect();
        files.insert("tables/theorem.csv".to_owned(), theorem_csv(&cells).into_bytes());
    }
    Ok(())
}

fn json<T: Serialize + ?Sized>(files: &mut Files, name: &str, rows: &T) -> Result<(), RenderError> {
    let mut text = serde_json::to_vec(rows).map_err(|source| RenderError::Json { file: name.to_owned(), source })?;
    text.push(b'\n');
    files.insert(name.to_owned(), text);
    Ok(())
}

fn methods(report: &ReportContext) -> String {
    let mut csv = line([
        "method",
        "targets_training_loss",
        "domain_independent",
        "task_independent",
        "model_independent",
        "assumption",
    ]);
    for row in &report.methods.rows {
        let [a, b, c, d] = row.properties.map(|yes| if yes { "yes" } else { "no" });
        csv.push_str(&line([row.name, a, b, c, d, row.assumption]));
    }
    csv
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn pair(value: Option<MeanStd>) -> [String; 2] {
    [number(value.map(|v| v.mean)), number(value.and_then(|v| v.std))]
}

fn accuracy(rows: &[&AccuracyRow]) -> String {
    let mut csv = line([
        "setting",
        "row",
        "column",
        "reading",
        "stopping",
        "trials_planned",
        "trials_whole",
        "levels",
        "paper_trials",
        "paper_levels",
        "reduced",
        "without_mean",
        "without_std",
        "with_mean",
        "with_std",
        "chosen_b_mean",
        "chosen_b_std",
        "difference",
        "interval_low",
        "interval_high",
        "p_student",
        "p_welch",
        "p_paired",
        "p_holm",
        "effect",
        "power",
        "bold_without",
        "bold_with",
        "paper_without_mean",
        "paper_without_std",
        "paper_with_mean",
        "paper_with_std",
        "paper_chosen_b_mean",
        "paper_chosen_b_std",
        "missing_runs",
    ]);
    for row in rows {
        let d = row.difference;
        let paper = row.paper;
        let theirs = |value: Option<(f64, Option<f64>)>| [number(value.map(|v| v.0)), number(value.and_then(|v| v.1))];
        let mut fields = vec![
            row.setting.clone(),
            row.row[0].clone(),
            row.row[1].clone(),
            row.reading.clone(),
            letter(row.stopping).to_owned(),
            row.trials.to_string(),
            row.per_trial.len().to_string(),
            row.levels.to_string(),
            row.full_grid.0.to_string(),
            row.full_grid.1.to_string(),
            row.reduced.join(" "),
        ];
        fields.extend(pair(row.without));
        fields.extend(pair(row.with));
        fields.extend(pair(row.chosen_b));
        let interval = d.and_then(|d| d.interval);
        fields.extend([number(d.map(|d| d.mean)), number(interval.map(|i| i.0)), number(interval.map(|i| i.1))]);
        fields.extend([
            number(d.and_then(|d| d.p_student)),
            number(d.and_then(|d| d.p_welch)),
            number(d.and_then(|d| d.p_paired)),
            number(d.and_then(|d| d.p_holm)),
            number(d.and_then(|d| d.effect)),
            number(d.and_then(|d| d.power)),
        ]);
        fields.extend([row.bold_without.to_string(), row.bold_with.to_string()]);
        fields.extend(theirs(paper.and_then(|p| p.without)));
        fields.extend(theirs(paper.and_then(|p| p.with)));
        fields.extend(theirs(paper.and_then(|p| p.chosen_b).map(|(mean, std)| (mean, Some(std)))));
        fields.push(row.missing.len().to_string());
        csv.push_str(&line(fields.iter().map(String::as_str)));
    }
    csv
}

fn runs(rows: &[RunRow]) -> String {
    let mut csv = String::from(
        "key,setting,trial,level,status,last_train,last_validation,last_test,best_epoch,best_train,best_validation,best_test\n",
    );
    for row in rows {
        let triple =
            |values: Option<[f64; 3]>| values.map_or_else(|| ",,".to_owned(), |[a, b, c]| format!("{a},{b},{c}"));
        let epoch = row.best.map_or_else(String::new, |(epoch, _)| epoch.to_string());
        let (last, best) = (triple(row.last), triple(row.best.map(|(_, values)| values)));
        let (setting, status) = (field(&row.setting), field(&row.status));
        writeln!(csv, "{},{setting},{},{},{status},{last},{epoch},{best}", row.key, row.trial, row.level)
            .expect("writing to a string cannot fail");
    }
    csv
}

fn levels(rows: &[LevelRow]) -> String {
    let names = ["train_accuracy", "validation_accuracy", "test_accuracy", "train_loss", "test_loss"];
    let mut csv = String::from("setting,stopping,level,trials,chosen_in");
    for name in names {
        write!(csv, ",{name}_mean,{name}_std").expect("writing to a string cannot fail");
    }
    csv.push('\n');
    for row in rows {
        write!(
            csv,
            "{},{},{},{},{}",
            field(&row.setting),
            letter(row.stopping),
            row.level,
            row.train_accuracy.n,
            row.chosen_in
        )
        .expect("writing to a string cannot fail");
        for v in [row.train_accuracy, row.validation_accuracy, row.test_accuracy, row.train_loss, row.test_loss] {
            let [mean, std] = pair(Some(v));
            write!(csv, ",{mean},{std}").expect("writing to a string cannot fail");
        }
        csv.push('\n');
    }
    csv
}
