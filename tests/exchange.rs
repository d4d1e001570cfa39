//! Results between machines: what `pack` writes, `import` takes, and what it refuses.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use flooding_core::record::{Provenance, Record};
use flooding_core::store::{Store, document_bytes};
use support::cli::Tiny;
use support::{assert_same, tiny};

/// Everything below `data/` and `reports/`.
fn everything(project: &Tiny) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| (path.clone(), fs::read(project.path(path.to_str().unwrap())).unwrap());
    tiny::files(project.0.path()).into_iter().map(read).collect()
}

/// A finished project, and a pack of it.
fn packed(more: &[&str]) -> (Tiny, String) {
    let project = Tiny::finished();
    let file = project.path("pack.tar").display().to_string();
    project.pipeline(&[&["pack", "-o", &file], more].concat()).exits(0);
    (project, file)
}

/// The folder of the run of this setting, trial 0, without flooding.
fn baseline(project: &Tiny, setting: &str) -> PathBuf {
    let group = project.path(&format!("data/runs/{setting}/t00"));
    let run = fs::read_dir(group).unwrap().map(|entry| entry.unwrap().path());
    run.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("b0.00-")).unwrap()
}

/// Changes the baseline's record as another machine's rounding might: another loss, with right digests.
fn retrain_elsewhere(project: &Tiny) {
    let folder = baseline(project, "tiles");
    let store = Store::read_only(project.path("data"), project.path("reports"));
    let path = folder.join("record.json");
    let mut record: Record = store.read_document(&path).unwrap().unwrap();
    record.summary.as_mut().unwrap().last.test.loss += 1e-7;
    fs::write(&path, document_bytes(&path, &record).unwrap()).unwrap();
    let path = folder.join("provenance.json");
    let provenance: Provenance = store.read_document(&path).unwrap().unwrap();
    let elsewhere = Provenance { processor: "Abacus 3000 (beads)".to_owned(), ..provenance };
    fs::write(&path, document_bytes(&path, &elsewhere).unwrap()).unwrap();
}

#[test]
fn parts_trained_apart_give_the_same_tables_and_report_when_imported() {
    let whole = Tiny::finished();
    let parts = ["gaussians-high", "tiles"].map(|setting| {
        let part = Tiny::new();
        part.run(&["--only", setting]).exits(0);
        let file = part.path("part.tar.gz").display().to_string();
        part.pipeline(&["pack", "--only", setting, "-o", &file]).exits(0).says(&["packed 4 of 4 runs"]);
        (part, file)
    });
    let merged = Tiny::new();
    merged
        .pipeline(&["import", &parts[0].1, &parts[1].1])
        .exits(0)
        .says(&["imported 8 runs, 2 drawn trials and 3 probes"]);
    merged
        .pipeline(&["stage", "train", "--dry-run"])
        .exits(0)
        .says(&["gaussians-high (4 runs): up to date", "tiles (4 runs): up to date"]);
    merged.run(&[]).exits(0);
    assert_same(&without_weights(whole.results()), &without_weights(merged.results()));
    merged.pipeline(&["verify-store"]).exits(0);
    merged.pipeline(&["import", &parts[1].1]).exits(0).says(&["imported 0 runs", "4 of what came were here already"]);
}

/// The same without weights, which do not travel unless asked to, and without the notes that say so.
fn without_weights(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    let travels = |path: &Path| !path.ends_with("import.json") && !path.to_str().unwrap().contains("/weights-");
    files.retain(|path, _| travels(path));
    files
}

#[test]
fn a_folder_and_a_pack_with_weights_bring_everything() {
    let (project, file) = packed(&["--weights"]);
    for source in [file, project.0.path().display().to_string()] {
        let copy = Tiny::new();
        copy.pipeline(&["import", &source]).exits(0).says(&["imported 8 runs, 2 drawn trials and 3 probes"]);
        copy.run(&[]).exits(0);
        assert_same(&project.results(), &copy.results());
    }
}

#[test]
fn the_same_results_are_packed_as_the_same_bytes() {
    let (project, file) = packed(&[]);
    let again = project.path("again.tar").display().to_string();
    project.pipeline(&["pack", "-o", &again]).exits(0);
    assert!(fs::read(file).unwrap() == fs::read(&again).unwrap());
    // What was packed is replaced, and nothing else.
    project.pipeline(&["pack", "-o", &again]).exits(0);
    let words = ["a file is there that is not a tar file", "choose another name"];
    project.pipeline(&["pack", "-o", "pipeline.toml"]).exits(1).says(&words);
    project.pipeline(&["status"]).exits(0);
}

#[test]
fn a_tampered_record_and_a_tampered_history_are_refused_by_name_and_nothing_changes() {
    for (file, from, to) in [("record.json", "\"examples\":[", "\"examples\":[1"), ("history.csv", "\n1,", "\n1,9")] {
        let project = Tiny::finished();
        let path = baseline(&project, "tiles").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let here = Tiny::new();
        let before = everything(&here);
        let inner = path.strip_prefix(project.path("data")).unwrap().display().to_string();
        here.pipeline(&["import", &project.0.path().display().to_string()]).exits(2).says(&[
            "nothing was imported",
            &inner,
            "SHA-256",
        ]);
        assert_same(&before, &without_lock(everything(&here)));
    }
}

/// The lock is opened before anything is read.
fn without_lock(mut files: BTreeMap<PathBuf, Vec<u8>>) -> BTreeMap<PathBuf, Vec<u8>> {
    files.remove(Path::new("data/.lock"));
    files
}

#[test]
fn a_foreign_projects_records_are_refused_by_name_and_nothing_changes() {
    for (from, to, why) in [
        ("master_seed = 7", "master_seed = 8", "its master_seed is 8, this one's is 7"),
        ("lr = 0.1,", "lr = 0.2,", "its optimiser.lr is 0.2, `tiles` has 0.1 here"),
        ("[setting.tiles]", "[setting.shingles]", "pipeline.toml has no setting `shingles`"),
    ] {
        let foreign = Tiny::new();
        foreign.edit(from, to);
        foreign.run(&[]).exits(0);
        let file = foreign.path("pack.tar").display().to_string();
        foreign.pipeline(&["pack", "-o", &file]).exits(0);
        let here = Tiny::new();
        let before = everything(&here);
        here.pipeline(&["import", &file]).exits(2).says(&["record.json: belongs to another project", why]);
        assert_same(&before, &without_lock(everything(&here)));
    }
}

#[test]
fn a_run_with_other_results_is_refused_by_name_with_both_machines_unless_one_is_preferred() {
    let here = Tiny::finished();
    let there = Tiny::finished();
    retrain_elsewhere(&there);
    let source = there.0.path().display().to_string();
    let record = baseline(&here, "tiles").join("record.json");
    let (mine, theirs) = (fs::read(&record).unwrap(), fs::read(baseline(&there, "tiles").join("record.json")).unwrap());
    let name = record.strip_prefix(here.path("data")).unwrap().display().to_string();
    here.pipeline(&["import", &source]).exits(2).says(&[
        &name,
        "tiles t00 b0.00",
        "trained here on cpu of ",
        "there on cpu of Abacus 3000",
        "--prefer mine",
    ]);
    here.pipeline(&["import", &source, "--prefer", "mine"])
        .exits(0)
        .says(&["imported 0 runs", "1 were left out: other results are here already (--prefer mine)"]);
    assert!(fs::read(&record).unwrap() == mine);
    here.pipeline(&["import", &source, "--prefer", "theirs"]).exits(0).says(&[
        "imported 1 runs",
        "1 of them replaced other results that were here (--prefer theirs)",
        "Abacus 3000",
    ]);
    assert!(fs::read(&record).unwrap() == theirs);
    here.run(&[]).exits(0);
    assert!(fs::read_to_string(here.path("reports/index.html")).unwrap().contains("Abacus 3000"));
}

#[test]
fn two_sources_that_contradict_each_other_are_refused() {
    let [one, other] = [Tiny::finished(), Tiny::finished()];
    retrain_elsewhere(&other);
    let sources = [&one, &other].map(|project| project.0.path().display().to_string());
    Tiny::new()
        .pipeline(&["import", &sources[0], &sources[1], "--prefer", "theirs"])
        .exits(2)
        .says(&["tiles t00 b0.00", "is another one in"]);
}

#[test]
fn a_result_replaces_a_failed_run_and_a_failed_run_replaces_nothing() {
    let complete = Tiny::finished();
    let failed = Tiny::finished();
    let path = baseline(&failed, "tiles").join("record.json");
    let store = Store::read_only(failed.path("data"), failed.path("reports"));
    let record: Record = store.read_document(&path).unwrap().unwrap();
    let cause =
        flooding_core::record::Status::Failed { cause: "out of memory".into(), step: 1, last_finite_loss: None };
    let record = Record { status: cause, summary: None, ..record };
    fs::write(&path, document_bytes(&path, &record).unwrap()).unwrap();
    let [of_complete, of_failed] = [&complete, &failed].map(|project| project.0.path().display().to_string());
    complete.pipeline(&["import", &of_failed]).exits(0).says(&["imported 0 runs"]);
    failed.pipeline(&["import", &of_complete]).exits(0).says(&["imported 1 runs"]);
    assert_same(&complete.results(), &failed.results());
}

#[test]
fn a_pack_that_is_cut_short_or_changed_anywhere_is_refused_and_nothing_changes() {
    let (_project, file) = packed(&[]);
    let whole = fs::read(&file).unwrap();
    let here = Tiny::new();
    let before = everything(&here);
    let damaged = here.0.path().join("damaged.tar");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&damaged, bytes).unwrap();
        let run = here.pipeline(&["import", damaged.to_str().unwrap()]);
        assert_eq!(run.code, Some(2), "{what}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.starts_with("error: "), "{what}: {}", run.stderr);
        fs::remove_file(&damaged).unwrap();
        assert_same(&before, &without_lock(everything(&here)));
    };
    refused(b"", "empty");
    // At the ends of the files too, where a tar file looks whole.
    for blocks in (1..whole.len() / 512 - 2).step_by(17) {
        refused(&whole[..blocks * 512], &format!("{blocks} blocks"));
        refused(&whole[..blocks * 512 + 100], &format!("{blocks} blocks and a piece"));
    }
    for at in (0..whole.len() - 2048).step_by(4999) {
        let mut changed = whole.clone();
        changed[at] ^= 0x55;
        if is_padding(&whole, at) {
            continue;
        }
        refused(&changed, &format!("byte {at}"));
    }
}

/// Zeros between the end of a file and the next header carry nothing.
fn is_padding(tar: &[u8], at: usize) -> bool {
    let block = &tar[at / 512 * 512..(at / 512 + 1) * 512];
    tar[at] == 0 && block[at % 512..].iter().all(|&byte| byte == 0)
}

/// A project whose first task was killed in the middle of its training, and the checkpoint that it left.
fn interrupted() -> (Tiny, PathBuf) {
    let project = Tiny::new();
    project.edit("epochs = 3", "epochs = 600");
    project.pipeline(&["stage", "generate"]).exits(0);
    let train = ["stage", "train", "--jobs", "1", "--task", "gaussians-high/t00", "--checkpoint-every", "0"];
    let mut training = project.command(&train).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let is_checkpoint = |path: &PathBuf| path.ends_with("checkpoint.safetensors");
    let deadline = Instant::now() + Duration::from_secs(60);
    let checkpoint = || tiny::files(project.0.path()).into_iter().find(is_checkpoint);
    while checkpoint().is_none() {
        assert!(Instant::now() < deadline, "no checkpoint came");
        std::thread::sleep(Duration::from_millis(5));
    }
    training.kill().unwrap();
    training.wait().unwrap();
    let checkpoint = checkpoint().expect("the killed training left its checkpoint");
    (project, checkpoint)
}

#[test]
fn an_interrupted_training_is_resumed_elsewhere_from_its_checkpoint() {
    let (project, checkpoint) = interrupted();
    let file = project.path("part.tar").display().to_string();
    let pack = project.pipeline(&["pack", "--checkpoints", "-o", &file]).exits(0);
    assert!(pack.stdout.contains("packed 0 of 8 runs") && pack.stdout.contains("checkpoints"), "{}", pack.stdout);
    for source in [file, project.0.path().display().to_string()] {
        let there = Tiny::new();
        there.edit("epochs = 3", "epochs = 600");
        let import = there.pipeline(&["import", &source]).exits(0);
        assert!(import.stdout.contains("checkpoints"), "{}", import.stdout);
        let [here, copy] = [&project, &there].map(|of| fs::read(of.0.path().join(&checkpoint)).unwrap());
        assert!(here == copy);
        there.pipeline(&["import", &source]).exits(0).says(&["imported 0 runs, 0 drawn trials and 0 probes"]);
        // Resumed: nothing warns of a checkpoint that is not used, and it is gone when the runs are there.
        let train = ["stage", "train", "--jobs", "1", "--task", "gaussians-high/t00", "--only", "gaussians-high"];
        let train = there.pipeline(&train).exits(0);
        assert!(!train.stderr.contains("is not used"), "{}", train.stderr);
        assert!(!there.0.path().join(&checkpoint).exists());
        // A run with a record needs no checkpoint.
        there.pipeline(&["import", &source]).exits(0).says(&["imported 0 runs, 0 drawn trials and 0 probes"]);
        assert!(!there.0.path().join(&checkpoint).exists());
    }
}

#[test]
fn a_damaged_checkpoint_is_refused_by_name_and_one_that_no_profile_plans_is_left_out() {
    let (project, checkpoint) = interrupted();
    let source = project.0.path().display().to_string();
    // Here, the setting is trained for other epochs: nothing would ever resume it.
    let unplanned = "checkpoints were left out: no profile of this project plans their runs";
    Tiny::new().pipeline(&["import", &source]).exits(0).says(&["imported 0 runs", unplanned]);
    let path = project.0.path().join(&checkpoint);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let here = Tiny::new();
    let before = everything(&here);
    let inner = checkpoint.strip_prefix("data").unwrap().display().to_string();
    here.pipeline(&["import", &source]).exits(2).says(&["nothing was imported", &inner, "damaged: its SHA-256 is"]);
    assert_same(&before, &without_lock(everything(&here)));
}

#[test]
fn what_holds_no_results_is_refused_in_one_sentence() {
    let here = Tiny::new();
    fs::create_dir(here.path("empty")).unwrap();
    here.pipeline(&["import", "empty"]).exits(2).says(&["empty has no results"]);
    here.pipeline(&["import", "nowhere"]).exits(2).says(&["cannot read nowhere: No such file"]);
    let no_tar = here.pipeline(&["import", "pipeline.toml"]).exits(2);
    let no_tar = no_tar.says(&["pipeline.toml is not a tar file", "`pipeline pack`"]);
    assert_eq!(no_tar.stderr.lines().count(), 1, "{}", no_tar.stderr);
    here.pipeline(&["pack", "-o", "pack.tar"]).exits(2).says(&["nothing to pack: none of the 8 runs"]);
    assert!(!here.path("pack.tar").exists());
}

#[test]
fn an_import_killed_at_any_time_leaves_whole_runs_and_the_same_command_completes_it() {
    let (project, file) = packed(&["--weights"]);
    let here = Tiny::new();
    let mut was_cut = false;
    for delay in 0.. {
        let mut import = here.command(&["import", &file]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        import.kill().unwrap();
        if import.wait().unwrap().success() {
            break;
        }
        let runs = here.pipeline(&["verify-store"]).exits(0).stdout;
        was_cut |= !runs.starts_with("0 files");
    }
    assert!(was_cut, "no kill fell into the middle");
    here.pipeline(&["import", &file]).exits(0).says(&["imported 0 runs"]);
    here.run(&[]).exits(0);
    assert_same(&project.results(), &here.results());
}
