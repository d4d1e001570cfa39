//! The same rows as data frames, for Parquet and CSV.

use std::io::Cursor;

use flooding_core::config::TableId;
use flooding_core::probes::{Band, CalibrationRow, FlatnessRow, Sharpness, SharpnessRow};
use flooding_core::spreadsheet::inert;
use flooding_core::tables::{
    AccuracyRow, ClaimRow, CurveRow, DescentRow, FloatRow, LevelRow, MeanStd, RunRow, Stopping,
};
use polars::prelude::*;
use polars_io::SerWriter as _;
use polars_io::csv::write::CsvWriter;
use polars_io::parquet::write::{ParquetCompression, ParquetWriter};

/// Training or test set: its name and what a row knows of it.
type Set<T, V> = (&'static str, fn(&T) -> Option<V>);

/// A data frame in the making: one column after another over the same rows.
struct Sheet<'a, T> {
    rows: &'a [T],
    columns: Vec<Column>,
}

impl<'a, T> Sheet<'a, T> {
    fn new(rows: &'a [T]) -> Self {
        Self { rows, columns: Vec::new() }
    }

    fn text(mut self, name: &str, of: impl Fn(&T) -> String) -> Self {
        let values: Vec<String> = self.rows.iter().map(of).collect();
        self.columns.push(Column::new(name.into(), values));
        self
    }

    fn count(mut self, name: &str, of: impl Fn(&T) -> Option<u32>) -> Self {
        let values: Vec<Option<u32>> = self.rows.iter().map(of).collect();
        self.columns.push(Column::new(name.into(), values));
        self
    }

    fn flag(mut self, name: &str, of: impl Fn(&T) -> Option<bool>) -> Self {
        let values: Vec<Option<bool>> = self.rows.iter().map(of).collect();
        self.columns.push(Column::new(name.into(), values));
        self
    }

    fn number(mut self, name: &str, of: impl Fn(&T) -> Option<f64>) -> Self {
        let values: Vec<Option<f64>> = self.rows.iter().map(of).collect();
        self.columns.push(Column::new(name.into(), values));
        self
    }

    fn moments(self, name: &str, of: impl Fn(&T) -> Option<MeanStd>) -> Self {
        self.number(&format!("{name}_mean"), |row| of(row).map(|m| m.mean))
            .number(&format!("{name}_std"), |row| of(row).and_then(|m| m.std))
    }

    fn interval(self, name: &str, of: impl Fn(&T) -> Option<(f64, f64)>) -> Self {
        self.number(&format!("{name}_ci_low"), |row| of(row).map(|ends| ends.0))
            .number(&format!("{name}_ci_high"), |row| of(row).map(|ends| ends.1))
    }

    fn finish(self) -> PolarsResult<DataFrame> {
        DataFrame::new(self.rows.len(), self.columns)
    }
}

/// `A` or `B`.
pub(crate) const fn stopping_name(stopping: Stopping) -> &'static str {
    match stopping {
        Stopping::LastEpoch => "A",
        Stopping::EarlyStopping => "B",
    }
}

const fn table_name(table: Option<TableId>) -> &'static str {
    match table {
        Some(TableId::Table2) => "table2",
        Some(TableId::Table3) => "table3",
        None => "",
    }
}

/// Ours beside the paper's; accuracies and differences in percent (points).
pub(crate) fn accuracy(rows: &[AccuracyRow]) -> PolarsResult<DataFrame> {
    let paper = |row: &AccuracyRow| row.paper;
    let difference = |row: &AccuracyRow| row.difference;
    Sheet::new(rows)
        .text("table", |row| table_name(row.table).to_owned())
        .text("subtable", |row| stopping_name(row.stopping).to_owned())
        .text("row_1", |row| row.row[0].clone())
        .text("row_2", |row| row.row[1].clone())
        .text("reading", |row| row.reading.clone())
        .text("setting", |row| row.setting.clone())
        .count("whole_trials", |row| Some(row.with.map_or(0, |with| with.n)))
        .count("trials", |row| Some(row.trials))
        .count("levels", |row| Some(row.levels))
        .count("full_trials", |row| Some(row.full_grid.0))
        .count("full_levels", |row| Some(row.full_grid.1))
        .text("reduced", |row| row.reduced.join(" "))
        .count("missing_runs", |row| Some(row.missing.len() as u32))
        .moments("without", |row| row.without)
        .interval("without", |row| row.without_interval)
        .moments("with", |row| row.with)
        .interval("with", |row| row.with_interval)
        .moments("chosen_b", |row| row.chosen_b)
        .number("difference", |row| difference(row).map(|d| d.mean))
        .interval("difference", |row| difference(row).and_then(|d| d.interval))
        .number("p_student", |row| difference(row).and_then(|d| d.p_student))
        .number("p_welch", |row| difference(row).and_then(|d| d.p_welch))
        .number("p_paired", |row| difference(row).and_then(|d| d.p_paired))
        .number("p_holm", |row| difference(row).and_then(|d| d.p_holm))
        .number("cohens_d", |row| difference(row).and_then(|d| d.effect))
        .number("power", |row| difference(row).and_then(|d| d.power))
        .flag("bold_without", |row| Some(row.bold_without))
        .flag("bold_with", |row| Some(row.bold_with))
        .flag("dash", |row| Some(row.dash))
        .flag("underline_without", |row| Some(row.underline_without))
        .flag("underline_with", |row| Some(row.underline_with))
        .number("paper_without_mean", |row| paper(row).and_then(|p| p.without).map(|cell| cell.0))
        .number("paper_without_std", |row| paper(row).and_then(|p| p.without).and_then(|cell| cell.1))
        .number("paper_with_mean", |row| paper(row).and_then(|p| p.with).map(|cell| cell.0))
        .number("paper_with_std", |row| paper(row).and_then(|p| p.with).and_then(|cell| cell.1))
        .number("paper_chosen_b_mean", |row| paper(row).and_then(|p| p.chosen_b).map(|cell| cell.0))
        .number("paper_chosen_b_std", |row| paper(row).and_then(|p| p.chosen_b).map(|cell| cell.1))
        .flag("paper_bold_without", |row| paper(row).map(|p| p.bold_without))
        .flag("paper_bold_with", |row| paper(row).map(|p| p.bold_with))
        .number("z_without", |row| paper(row).and_then(|p| p.z).map(|z| z.0))
        .number("z_with", |row| paper(row).and_then(|p| p.z).map(|z| z.1))
        .finish()
}

pub(crate) fn levels(rows: &[LevelRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .number("level", |row| Some(row.level.value()))
        .text("subtable", |row| stopping_name(row.stopping).to_owned())
        .count("trials", |row| Some(row.test_accuracy.n))
        .count("chosen_in", |row| Some(row.chosen_in))
        .moments("train_accuracy", |row| Some(row.train_accuracy))
        .moments("validation_accuracy", |row| Some(row.validation_accuracy))
        .moments("test_accuracy", |row| Some(row.test_accuracy))
        .moments("train_loss", |row| Some(row.train_loss))
        .moments("test_loss", |row| Some(row.test_loss))
        .finish()
}

pub(crate) fn curves(rows: &[CurveRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .number("level", |row| Some(row.level.value()))
        .count("epoch", |row| Some(row.epoch))
        .count("trials", |row| Some(row.trials))
        .number("batch_loss", |row| row.batch_loss)
        .number("train_loss", |row| row.train.map(|pair| pair.0))
        .number("train_accuracy", |row| row.train.map(|pair| pair.1))
        .number("validation_loss", |row| Some(row.validation.0))
        .number("validation_accuracy", |row| Some(row.validation.1))
        .number("test_loss", |row| row.test.map(|pair| pair.0))
        .number("test_accuracy", |row| row.test.map(|pair| pair.1))
        .number("train_gradient_norm", |row| row.gradients.map(|pair| pair.0))
        .number("test_gradient_norm", |row| row.gradients.map(|pair| pair.1))
        .finish()
}

pub(crate) fn descents(rows: &[DescentRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .number("level", |row| Some(row.level.value()))
        .count("trials", |row| Some(row.trials))
        .count("peak_epoch", |row| Some(row.peak_epoch))
        .interval("peak_epoch", |row| row.peak_epoch_interval)
        .number("peak_loss", |row| Some(row.peak_loss))
        .count("valley_epoch", |row| Some(row.valley_epoch))
        .number("valley_loss", |row| Some(row.valley_loss))
        .number("rise", |row| Some(row.rise))
        .number("fall", |row| Some(row.fall))
        .number("depth", |row| Some(row.depth))
        .interval("depth", |row| row.depth_interval)
        .finish()
}

pub(crate) fn floats(rows: &[FloatRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .number("level", |row| Some(row.level.value()))
        .count("trials", |row| Some(row.train_loss.n))
        .count("train_examples", |row| Some(row.examples[0]))
        .count("first_epoch", |row| Some(row.epochs.0))
        .count("last_epoch", |row| Some(row.epochs.1))
        .moments("batch_loss", |row| Some(row.batch_loss))
        .moments("train_loss", |row| Some(row.train_loss))
        .number("train_loss_least", |row| Some(row.train_loss_range.0))
        .number("train_loss_greatest", |row| Some(row.train_loss_range.1))
        .moments("train_accuracy", |row| Some(row.train_accuracy))
        .finish()
}

pub(crate) fn runs(rows: &[RunRow]) -> PolarsResult<DataFrame> {
    let mut sheet = Sheet::new(rows)
        .text("key", |row| row.key.to_string())
        .text("setting", |row| row.setting.clone())
        .count("trial", |row| Some(row.trial))
        .number("level", |row| Some(row.level.value()))
        .text("status", |row| row.status.clone());
    for (i, set) in ["train", "validation", "test"].into_iter().enumerate() {
        sheet = sheet.number(&format!("last_{set}_accuracy"), |row| row.last.map(|last| last[i]));
    }
    sheet = sheet.count("best_epoch", |row| row.best.map(|best| best.0));
    for (i, set) in ["train", "validation", "test"].into_iter().enumerate() {
        sheet = sheet.number(&format!("best_{set}_accuracy"), |row| row.best.map(|best| best.1[i]));
    }
    sheet.finish()
}

pub(crate) fn claims(rows: &[ClaimRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("id", |row| row.id.clone())
        .text("claim", |row| row.claim.clone())
        .text("source", |row| row.source.clone())
        .text("reading", |row| row.reading.clone())
        .text("verdict", |row| word(row.verdict))
        .text("statistic", |row| row.statistic.clone())
        .text("rule", |row| row.rule.clone())
        .text("settings", |row| row.settings.join(" "))
        .number("runs", |row| Some(row.runs as f64))
        .finish()
}

pub(crate) fn flatness(rows: &[FlatnessRow]) -> PolarsResult<DataFrame> {
    let mut sheet = Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .text("model", |row| word(row.model))
        .number("alpha", |row| Some(row.alpha));
    let sets: [Set<FlatnessRow, Band>; 2] = [("train", |row| row.train), ("test", |row| row.test)];
    for (name, of) in sets {
        sheet = sheet
            .number(&format!("{name}_loss_mean"), |row| of(row).map(|band| band.mean))
            .number(&format!("{name}_loss_low"), |row| of(row).map(|band| band.low))
            .number(&format!("{name}_loss_high"), |row| of(row).map(|band| band.high));
    }
    sheet.finish()
}

pub(crate) fn sharpness(rows: &[SharpnessRow]) -> PolarsResult<DataFrame> {
    let mut sheet = Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .text("model", |row| word(row.model))
        .count("trials", |row| Some(row.trials))
        .count("directions", |row| Some(row.directions));
    let sets: [Set<SharpnessRow, Sharpness>; 2] = [("train", |row| row.train), ("test", |row| row.test)];
    for (name, of) in sets {
        sheet = sheet
            .number(&format!("{name}_rise"), |row| of(row).map(|rise| rise.mean))
            .interval(&format!("{name}_rise"), |row| of(row).and_then(|rise| rise.interval))
            .number(&format!("{name}_minus_without"), |row| of(row).and_then(|rise| rise.minus_without))
            .interval(&format!("{name}_minus_without"), |row| of(row).and_then(|rise| rise.minus_without_interval));
    }
    sheet.finish()
}

pub(crate) fn calibration(rows: &[CalibrationRow]) -> PolarsResult<DataFrame> {
    Sheet::new(rows)
        .text("setting", |row| row.setting.clone())
        .text("model", |row| word(row.model))
        .count("trials", |row| Some(row.error.n))
        .moments("expected_calibration_error", |row| Some(row.error))
        .moments("accuracy", |row| Some(row.accuracy))
        .moments("confidence", |row| Some(row.confidence))
        .finish()
}

/// The word that stands in the JSON document for one of a fixed vocabulary.
fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The bytes of a Parquet file.
pub(crate) fn parquet(frame: &mut DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Zstd(None)).finish(frame)?;
    Ok(bytes.into_inner())
}

/// The bytes of a CSV file with a header; an absent value is an empty field, and no text is a formula.
pub(crate) fn csv(frame: &DataFrame) -> PolarsResult<Vec<u8>> {
    let inert_text = |column: &Column| match column.str() {
        Ok(texts) => {
            let texts: Vec<Option<String>> = texts.iter().map(|text| Some(inert(text?).into_owned())).collect();
            Column::new(column.name().clone(), texts)
        }
        Err(_) => column.clone(),
    };
    let columns = frame.columns().iter().map(inert_text).collect();
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes).finish(&mut DataFrame::new(frame.height(), columns)?)?;
    Ok(bytes)
}
