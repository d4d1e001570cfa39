//! The three formats of a table hold the same rows under the same names.

use std::collections::BTreeMap;

use flooding_core::config::{Scenario, TableId};
use flooding_core::level::Level;
use flooding_core::store::{OutputWriter, Store};
use flooding_tables::{
    AccuracyRow, Checkpoint, CurveRow, Difference, Estimate, FORMATS, GradientNorms, MeanStd, Measured, PaperCell,
    Printed, Rows, Table, TheoremRow, from_csv, read, write,
};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value};

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("data"), folder.path().join("reports")).unwrap();
    (folder, store)
}

fn written<T: Table>(store: &Store, rows: &Rows<T>) {
    let mut outputs = OutputWriter::begin(store, store.layout().tables()).unwrap();
    write(&mut outputs, rows).unwrap();
    outputs.finish(BTreeMap::new(), Vec::new()).unwrap();
}

fn curve(epoch: u32) -> CurveRow {
    CurveRow {
        setting: "odd, \"quoted\"".to_owned(),
        reading: "paper".to_owned(),
        level: Level::from_millionths(50_000),
        epoch,
        trials: 3,
        test_trials: 1,
        gradient_trials: 1,
        batch_loss: Some(0.1 + 0.2),
        train: Some(Measured { loss: 1e-300, accuracy: 100.0 }),
        validation: Measured { loss: 2.0, accuracy: 1.0 / 3.0 },
        test: epoch.is_multiple_of(2).then_some(Measured { loss: 0.5, accuracy: 92.5 }),
        gradient_norm: (epoch == 4).then_some(GradientNorms { train: 1e12, test: -0.0 }),
    }
}

fn accuracy() -> AccuracyRow {
    let mean = |mean| Some(MeanStd { n: 2, mean, std: Some(0.25) });
    AccuracyRow {
        setting: "spiral-high".to_owned(),
        reading: "paper".to_owned(),
        table: Some(TableId::Table2),
        data: "Spiral".to_owned(),
        setup: String::new(),
        checkpoint: Checkpoint::BestValidation,
        trials: 2,
        complete_trials: 2,
        levels: 51,
        paper_trials: 10,
        paper_levels: 51,
        reduced: vec!["epochs".to_owned(), "test_size".to_owned()],
        missing_runs: 0,
        without: mean(80.5),
        without_ci: None,
        with: mean(81.25),
        with_ci: Some((80.0, 82.5).into()),
        selected_level: mean(0.15),
        difference: Some(Difference {
            mean: 0.75,
            ci: None,
            p_student: Some(0.03),
            p_welch: None,
            p_paired: None,
            p_holm: None,
            cohens_d: None,
            power: None,
        }),
        bold_without: false,
        bold_with: true,
        without_selected: 1,
        selected_before_flooding: 0,
        dash: false,
        underline_without: false,
        underline_with: false,
        paper: Some(PaperCell {
            without: Some(Printed { mean: 82.38, std: Some(1.8) }),
            with: None,
            selected_level: None,
            bold_without: true,
            bold_with: false,
            underline_without: false,
            underline_with: false,
            z_without: None,
            z_with: None,
        }),
    }
}

/// The rows of the Parquet file as JSON objects.
fn parquet_rows(bytes: Vec<u8>) -> Vec<Map<String, Value>> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let value = |field: &Field| match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => (*flag).into(),
        Field::Long(number) => (*number).into(),
        Field::Double(number) => (*number).into(),
        Field::Str(text) => text.clone().into(),
        other => panic!("{other:?}"),
    };
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
        .collect()
}

/// Writes the rows and reads them back from each format.
fn same_in_every_format<T: Table + PartialEq + std::fmt::Debug>(rows: Vec<T>) {
    let (_folder, store) = store();
    let folder = store.layout().tables();
    let rows = Rows(rows);
    written(&store, &rows);
    let [parquet, csv, json] = FORMATS.map(|format| format!("{}.{format}", T::NAME));
    let [parquet, csv, json] = [parquet, csv, json].map(|name| store.read(&folder.join(name)).unwrap().unwrap());
    assert_eq!(read::<T>(&store, &folder).unwrap().unwrap(), rows.0, "JSON");
    assert_eq!(from_csv::<T>(&csv).unwrap(), rows.0, "CSV");
    let document: Value = serde_json::from_slice(&json).unwrap();
    let objects: Vec<Map<String, Value>> =
        document["body"].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect();
    assert_eq!(parquet_rows(parquet), objects, "Parquet");
    let names: Vec<String> = T::columns().into_iter().map(|column| column.name).collect();
    assert_eq!(objects[0].keys().cloned().collect::<Vec<_>>(), names);
    assert_eq!(String::from_utf8(csv).unwrap().lines().next().unwrap(), names.join(","));
}

#[test]
fn numbers_texts_flags_and_empty_cells_are_the_same_in_parquet_csv_and_json() {
    same_in_every_format((1..=4).map(curve).collect());
    same_in_every_format(vec![accuracy(), AccuracyRow { table: None, paper: None, difference: None, ..accuracy() }]);
    let estimate = Estimate { exact: 0.1, mc: 0.11, se: 0.01 };
    let scenario = Scenario::CrossEntropy { alpha: 1.0, eps: 0.1, m: 0.25, d: 10 };
    let cell = TheoremRow {
        scenario,
        sample_size: 10,
        level: 0.5,
        risk: 0.25,
        mse_empirical: estimate,
        mse_flooded: estimate,
        gain: estimate,
        shortfall: estimate,
        prob_below: estimate,
    };
    same_in_every_format(vec![cell.clone(), TheoremRow { scenario: Scenario::Bernoulli { p: 0.3 }, ..cell }]);
}

#[test]
fn a_table_without_rows_still_has_its_columns() {
    let (_folder, store) = store();
    let folder = store.layout().tables();
    written(&store, &Rows(Vec::<CurveRow>::new()));
    let csv = store.read(&folder.join("curves.csv")).unwrap().unwrap();
    assert_eq!(from_csv::<CurveRow>(&csv).unwrap(), []);
    let parquet = store.read(&folder.join("curves.parquet")).unwrap().unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(parquet)).unwrap();
    let metadata = reader.metadata().file_metadata();
    assert_eq!(metadata.schema_descr().num_columns(), CurveRow::columns().len());
}

#[test]
fn a_parquet_file_tells_units_and_meanings() {
    let bytes = flooding_tables::to_parquet(&[curve(1)]).unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let pairs = reader.metadata().file_metadata().key_value_metadata().unwrap().clone();
    let of = |key: &str| pairs.iter().find(|pair| pair.key == key).and_then(|pair| pair.value.clone()).unwrap();
    assert_eq!((of("table"), of("version")), ("curves".to_owned(), CurveRow::VERSION.to_string()));
    let columns: Value = serde_json::from_str(&of("columns")).unwrap();
    assert_eq!(columns["test_accuracy"]["unit"], "%");
    assert_eq!(columns["level"]["meaning"], "flood level b");
}

#[test]
fn a_number_that_is_not_finite_is_refused_by_table_row_and_column() {
    let (_folder, store) = store();
    let mut row = curve(2);
    row.test = Some(Measured { loss: f64::INFINITY, accuracy: 50.0 });
    let mut outputs = OutputWriter::begin(&store, store.layout().tables()).unwrap();
    let error = write(&mut outputs, &Rows(vec![curve(1), row])).unwrap_err().to_string();
    assert_eq!(error, "table curves, row 2: test_loss is inf, which is not a finite number");
}

#[test]
fn a_csv_file_with_other_columns_or_other_cells_is_refused_by_name() {
    let error = from_csv::<CurveRow>(b"setting,level\nx,0.1\n").unwrap_err().to_string();
    assert!(error.contains("not those of the table curves") && error.contains("setting, level"), "{error}");
    let csv = String::from_utf8(flooding_tables::to_csv(&[curve(1)])).unwrap();
    let error = from_csv::<CurveRow>(csv.replace(",0.05,", ",deep,").as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "table curves, row 1, column level: `deep` is not a number");
}
