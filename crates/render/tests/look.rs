//! Writes the report of made-up tables to `target/render-fixture`, for people (and scripts/check_report.sh) to look at.

mod common;

use std::path::Path;

#[test]
#[ignore = "writes files to look at"]
fn the_made_up_report_is_written_to_look_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/render-fixture");
    for (name, bytes) in flooding_render::render(&common::tables(common::QUICK)).unwrap() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
