//! Old results are reused where the revisions in them are today's. So whoever changes results has to raise a revision and
//! to say so in `CHANGELOG.md`.

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use support::cli::Tiny;

/// The first line of the changelog that names revisions: those of the newest version.
fn documented() -> BTreeMap<String, u32> {
    let changelog = include_str!("../CHANGELOG.md");
    let line =
        changelog.lines().find_map(|line| line.strip_prefix("Revisions: ")).expect("the changelog names revisions");
    line.trim_end_matches('.')
        .split(", ")
        .map(|part| {
            let (name, revision) = part.rsplit_once(' ').expect("a name and a number");
            (name.to_owned(), revision.parse().expect("a number"))
        })
        .collect()
}

#[test]
fn the_changelog_names_the_revisions_of_this_version() {
    let expected = [
        ("engine", flooding_core::spec::ENGINE_REVISION),
        ("generator", flooding_generate::GENERATOR_REVISION),
        ("probes", flooding_train::probes::PROBES_REVISION),
        ("report", flooding_render::REPORT_REVISION),
        ("tables", flooding_aggregate::TABLES_REVISION),
        ("theorem", flooding_verify::VERIFY_REVISION),
    ];
    let expected: BTreeMap<String, u32> = expected.map(|(name, revision)| (name.to_owned(), revision)).into();
    assert_eq!(documented(), expected, "CHANGELOG.md, the first line that starts with `Revisions:`");
}

/// Setting, level, and the training, validation and test loss after three epochs, at the engine's revision 1 and the
/// generator's revision 1.
const RESULTS: [(&str, f64, [f64; 3]); 4] = [
    ("gaussians-high", 0.0, [0.814_961_757, 0.912_524_675, 0.873_266_414]),
    ("gaussians-high", 0.9, [0.845_659_366, 0.949_919_740, 0.906_592_453]),
    ("tiles", 0.0, [0.096_410_704, 0.110_136_614, 0.099_072_470]),
    ("tiles", 0.9, [1.049_116_873, 1.079_421_008, 1.059_303_153]),
];

/// Vector widths round differently; a change of the method or of a random stream moves these losses far more.
const TOLERANCE: f64 = 1e-4;

#[test]
fn small_trainings_end_where_they_ended_when_their_revisions_were_set() {
    assert_eq!(
        (flooding_core::spec::ENGINE_REVISION, flooding_generate::GENERATOR_REVISION),
        (1, 1),
        "a revision was raised: replace the numbers of this test by those that the new revision gives"
    );
    let tiny = Tiny::new();
    for stage in ["fetch", "generate", "train"] {
        let mirror: &[&str] = if stage == "generate" { &[] } else { &["--mirror", "mirror"] };
        tiny.pipeline(&[&["stage", stage, "--offline", "--levels", "0,0.9", "--trials", "1"], mirror].concat())
            .exits(0);
    }
    for (setting, level, expected) in RESULTS {
        let folder = tiny.path(&format!("data/runs/{setting}/t00"));
        let prefix = format!("b{level:.2}-");
        let run = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let run =
            run.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix)).unwrap();
        let record: Value = serde_json::from_slice(&std::fs::read(run.join("record.json")).unwrap()).unwrap();
        let last = &record["body"]["summary"]["last"];
        let found = ["train", "validation", "test"].map(|split| last[split]["loss"].as_f64().unwrap());
        let close = found.iter().zip(expected).all(|(found, expected)| (found / expected - 1.0).abs() < TOLERANCE);
        assert!(
            close,
            "{setting} at b = {level} ends at {found:?}, not at {expected:?}: if this change of results is meant, raise \
             ENGINE_REVISION or GENERATOR_REVISION, say so in CHANGELOG.md, and replace the numbers of this test"
        );
    }
}
