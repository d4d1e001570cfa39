//! What flooding does to the training loss of a network on real images.

mod support;

use flooding_core::record::{EpochRow, History};
use support::{Project, real_data};

/// The last epochs over which a mean is taken: the loss swings from epoch to epoch.
const LAST: usize = 20;

/// The history of the only run of the MNIST MLP at this level.
fn history(project: &Project, level: &str) -> Vec<EpochRow> {
    let trial = project.path("data/runs/mnist-mlp/t00");
    let mut folders = std::fs::read_dir(&trial).unwrap().map(|entry| entry.unwrap().path());
    let start = format!("b{level}-");
    let of_level = folders.find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)));
    let text = std::fs::read_to_string(of_level.expect("the level was trained").join("history.csv")).unwrap();
    History::from_csv(&text).unwrap().rows
}

fn mean_of_last(rows: &[EpochRow], of: fn(&EpochRow) -> f64) -> f64 {
    rows[rows.len() - LAST..].iter().map(of).sum::<f64>() / LAST as f64
}

#[test]
fn on_real_images_the_flooded_loss_floats_around_b_at_full_training_accuracy_and_the_plain_loss_sinks_far_below() {
    let Some(mirror) = real_data() else { return };
    let project = Project::new();
    let sizes = ["--train-size", "3000", "--test-size", "200", "--epochs", "40", "--levels", "0,0.002"];
    let place = ["--only", "setting:mnist-mlp", "--offline", "--mirror", mirror.to_str().unwrap()];
    project.pipeline(&[&["stage", "fetch"], &place[..], &sizes].concat()).exits(0);
    project.pipeline(&[&["stage", "train"], &place[..], &sizes].concat()).exits(0);

    let (plain, flooded) = (history(&project, "0.00"), history(&project, "0.002"));
    assert_eq!((plain.len(), flooded.len()), (40, 40));
    for (name, loss) in [
        ("mini-batch", mean_of_last(&flooded, |row| row.batch_loss)),
        ("training", mean_of_last(&flooded, |row| row.train.unwrap().loss)),
    ] {
        assert!((loss / 0.002 - 1.0).abs() < 0.1, "the mean {name} loss at b = 0.002 is {loss}");
    }
    let sunk = mean_of_last(&plain, |row| row.train.unwrap().loss);
    assert!(sunk < 0.001, "without flooding the mean training loss is {sunk}");
    // The level lies where every training image is already classified as labelled.
    for rows in [&plain, &flooded] {
        assert_eq!(mean_of_last(rows, |row| row.train.unwrap().accuracy), 1.0);
    }
    // Both start as one: nothing differs before the loss first falls below b.
    assert_eq!(plain[0], flooded[0]);
}
