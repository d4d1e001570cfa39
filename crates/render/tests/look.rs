//! Writes the report of made-up tables to `target/render-fixture`, for people (and `scripts/check_report.sh`) to look at.

mod common;

use std::path::Path;

use flooding_render::{Files, RenderError, Tables, Templates, render};

fn made(tables: &Tables) -> Result<Files, RenderError> {
    render(tables, &Templates::built_in())
}

#[test]
#[ignore = "writes files to look at"]
fn the_made_up_report_is_written_to_look_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/render-fixture");
    for (name, bytes) in made(&common::tables(common::QUICK)).unwrap() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
#[ignore = "as large as the full grid: takes some seconds"]
fn the_full_grid_renders_with_a_learning_curve_for_every_setting() {
    let files = made(&common::tables(common::FULL)).unwrap();
    let curves = files.keys().filter(|name| name.starts_with("figures/figure-2-") && common::ends(name, "svg"));
    assert_eq!(curves.count(), common::FULL.settings);
    let size = files["index.html"].len();
    assert!(size < 12_000_000, "index.html has {size} bytes");
}
