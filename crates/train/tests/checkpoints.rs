//! Resuming from a checkpoint: where it begins, what may change in between, and what is not taken for a checkpoint.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flooding_core::context::Context;
use flooding_core::plan::Plan;
use flooding_core::progress::{Progress, StopFlag};
use flooding_core::spec::{ModelSpec, Observe, OptimiserSpec};
use flooding_core::store::{Layout, Store};
use flooding_train::checkpoint::Checkpoint;
use flooding_train::outcome::Cause;
use support::{Clouds, plan, run, setting, store};

const NAME: &str = "checkpoint.safetensors";

/// Hears everything, and raises the stop flag when a run has done so many epochs.
struct Listener {
    stop: StopFlag,
    stop_after: Option<u64>,
    epochs: Mutex<Vec<(String, u64)>>,
    warnings: Mutex<Vec<String>>,
}

impl Progress for Listener {
    fn stage_started(&self, _: &str, _: u64, _: &str) {}
    fn item_started(&self, _: &str, _: u64) {}
    fn item_advanced(&self, id: &str, done: u64) {
        self.epochs.lock().unwrap().push((id.to_owned(), done));
        if Some(done) == self.stop_after {
            self.stop.raise();
        }
    }
    fn item_finished(&self, _: &str, _: &str) {}
    fn stage_finished(&self) {}
    fn warn(&self, message: &str) {
        self.warnings.lock().unwrap().push(message.to_owned());
    }
}

/// Trains with a checkpoint after every epoch; stops in the epoch after `stop_after`.
fn train(plan: &Plan, store: &Store, jobs: usize, stop_after: Option<u64>) -> Arc<Listener> {
    let stop = StopFlag::default();
    let listener =
        Arc::new(Listener { stop: stop.clone(), stop_after, epochs: Mutex::default(), warnings: Mutex::default() });
    let context = Context { jobs, stop, checkpoint_every: Duration::ZERO, ..Context::default() };
    let context = Context { progress: listener.clone(), ..context };
    let report = run(plan, store, &context, &Clouds::default()).unwrap();
    assert_eq!(report.interrupted, stop_after.is_some());
    listener
}

/// One run of six epochs, with Adam and kept weights.
fn single() -> Plan {
    let mut plan = plan(vec![setting("clouds", &[0.1])]);
    plan.settings[0].trials = 1;
    plan.settings[0].observe =
        Observe { weights: true, trials: 1, test_every: 2, test_points: 7, gradients_every: 3, ..Observe::default() };
    plan
}

/// Where the checkpoint of a plan's first run lies.
fn place(plan: &Plan, store: &Store) -> PathBuf {
    store.layout().run(&plan.runs().next().unwrap()).join(NAME)
}

fn files(store: &Store) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>, root: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else if !path.ends_with(Layout::PROVENANCE) {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(&store.layout().runs(), &mut found, &store.layout().runs());
    found
}

fn uninterrupted(plan: &Plan) -> BTreeMap<PathBuf, Vec<u8>> {
    let (_folder, store) = store();
    train(plan, &store, 1, None);
    files(&store)
}

#[test]
fn what_a_checkpoint_holds_is_not_done_again() {
    let ((_folder, store), plan) = (store(), single());
    train(&plan, &store, 1, Some(4));
    assert!(place(&plan, &store).exists());
    let heard = train(&plan, &store, 1, None);
    let epochs: Vec<u64> = heard.epochs.lock().unwrap().iter().map(|(_, epoch)| *epoch).collect();
    assert_eq!(epochs, [5, 6], "the first four epochs are done");
    assert!(!place(&plan, &store).exists(), "a finished run needs no checkpoint");
    assert!(files(&store) == uninterrupted(&plan));
}

#[test]
fn a_training_resumes_under_other_threads_in_another_order_and_as_a_part_of_the_plan() {
    let mut whole = plan(vec![setting("clouds", &[0.0, 0.2]), setting("more-clouds", &[0.1])]);
    whole.settings[1].optimiser = OptimiserSpec::Sgd { lr: 0.05, momentum: 0.9, weight_decay: 1e-4 };
    whole.settings[1].model = ModelSpec::Mlp { hidden: vec![16], batch_norm: true };
    let (_folder, store) = store();
    train(&whole, &store, 2, Some(3));
    let mut other = whole.clone();
    other.settings.reverse();
    other.settings.truncate(1);
    train(&other, &store, 1, Some(5));
    train(&other, &store, 3, None);
    train(&whole, &store, 2, None);
    assert!(files(&store) == uninterrupted(&whole));
}

/// A training that was stopped, whose checkpoint `change` then replaces, starts from its beginning, says why in these
/// words, and ends as if nothing had happened.
fn not_used(change: impl Fn(&Path, Checkpoint), words: &str) {
    let ((_folder, store), plan) = (store(), single());
    train(&plan, &store, 1, Some(4));
    let path = place(&plan, &store);
    let checkpoint = Checkpoint::from_bytes(&fs::read(&path).unwrap()).unwrap();
    change(&path, checkpoint);
    let heard = train(&plan, &store, 1, None);
    let warnings = heard.warnings.lock().unwrap();
    let told = warnings.iter().find(|warning| warning.contains("is not used"));
    let told = told.unwrap_or_else(|| panic!("no warning has {words:?}: {warnings:?}"));
    assert!(told.contains(NAME) && told.contains(words), "{told}");
    assert_eq!(heard.epochs.lock().unwrap()[0].1, 1);
    let mut found = files(&store);
    found.retain(|path, _| !path.to_string_lossy().contains(NAME));
    assert!(found == uninterrupted(&plan), "{words}");
}

/// The same with a checkpoint whose digest is right and whose contents are not.
fn not_used_when(change: impl Fn(&mut Checkpoint), words: &str) {
    let write = |path: &Path, mut checkpoint: Checkpoint| {
        change(&mut checkpoint);
        fs::write(path, checkpoint.to_bytes()).unwrap();
    };
    not_used(write, words);
}

#[test]
fn a_checkpoint_that_does_not_fit_its_run_is_reported_and_not_used() {
    not_used_when(|c| c.state.members.clear(), "it is of other runs");
    not_used_when(|c| c.state.members[0].runs.clear(), "it is of other runs");
    not_used_when(|c| c.state.batches = 4, "4 batches");
    not_used_when(|c| c.state.batches = 1, "12 steps in 4 epochs and 1 batches");
    not_used_when(|c| c.state.steps = 11, "11 steps");
    not_used_when(|c| c.state.members.extend(c.state.members.clone()), "it has 2 members");
    not_used_when(|c| c.state.epochs = 6, "6 epochs");
    not_used_when(|c| c.state.epochs = u32::MAX, "4294967295 epochs");
    not_used_when(|c| c.state.epochs = 2, "rows");
    not_used_when(|c| c.state.members[0].rows.clear(), "rows");
    not_used_when(|c| c.state.members[0].rows[1].bits = [None; 14], "rows");
    not_used_when(|c| c.state.members[0].best = Some(4), "rows");
    not_used_when(|c| c.state.members[0].best = Some(usize::MAX), "rows");
    not_used_when(|c| c.state.members[0].best = None, "rows");
    let failed = || Some((Cause::Diverged("forged".to_owned()), 3, None));
    not_used_when(|c| (c.state.members[0].failure, c.state.members[0].best) = (failed(), Some(4)), "rows");
    not_used_when(|c| (c.state.members[0].failure, c.state.members[0].best) = (failed(), Some(usize::MAX)), "rows");
    not_used_when(
        |c| {
            let member = &mut c.state.members[0];
            member.failure = failed();
            member.rows.extend(member.rows.clone());
        },
        "rows",
    );
}

#[test]
fn a_checkpoint_without_a_tensor_or_with_another_shape_is_reported_and_not_used() {
    let ((_folder, store), plan) = (store(), single());
    train(&plan, &store, 1, Some(4));
    let names = Checkpoint::from_bytes(&fs::read(place(&plan, &store)).unwrap()).unwrap().tensors;
    for part in ["network.", "first.", "second.", "best.0."] {
        let name = names.keys().find(|name| name.starts_with(part)).unwrap_or_else(|| panic!("no {part}"));
        not_used_when(|c| drop(c.tensors.remove(name)), name);
        not_used_when(|c| c.tensors.get_mut(name).unwrap().push(0.0), name);
        not_used_when(|c| c.tensors.get_mut(name).unwrap().clear(), name);
    }
}

#[test]
fn a_checkpoint_of_another_run_is_reported_and_not_used() {
    let mut other = single();
    other.settings[0].epochs = 7;
    let (_folder, store) = store();
    train(&other, &store, 1, Some(4));
    let foreign = fs::read(place(&other, &store)).unwrap();
    not_used(|path, _| fs::write(path, &foreign).unwrap(), "it is of other runs");
}

#[test]
fn what_is_no_checkpoint_at_all_is_reported_and_not_used() {
    not_used(|path, _| fs::write(path, b"").unwrap(), "");
    not_used(|path, _| fs::write(path, [0xff; 100]).unwrap(), "");
    not_used(|path, c| fs::write(path, &c.to_bytes()[..500]).unwrap(), "");
    // A header of 2^63 bytes.
    not_used(|path, _| fs::write(path, [0, 0, 0, 0, 0, 0, 0, 0x80, b'{', b'}']).unwrap(), "");
    not_used(
        |path, c| {
            fs::write(path, c.to_bytes()).unwrap();
            fs::File::options().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
        },
        "more than any checkpoint of this run has",
    );
    not_used(
        |path, _| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
            fs::write(path.join("inside"), "kept").unwrap();
        },
        "it is not a file",
    );
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_checkpoint_is_never_written_through() {
    let ((_folder, store), plan) = (store(), single());
    train(&plan, &store, 1, Some(2));
    let (path, elsewhere) = (place(&plan, &store), tempfile::tempdir().unwrap());
    let target = elsewhere.path().join("moved");
    fs::rename(&path, &target).unwrap();
    let moved = fs::read(&target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    train(&plan, &store, 1, Some(4));
    assert!(fs::read(&target).unwrap() == moved, "a checkpoint was written through a link");
    train(&plan, &store, 1, None);
    assert!(fs::read(&target).unwrap() == moved && path.symlink_metadata().is_err());
    assert!(files(&store) == uninterrupted(&plan));
}
