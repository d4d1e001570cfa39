//! Several processes on one folder: each trains other tasks, the killed are replaced, and nothing is done twice.

#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flooding_core::store::{Claimed, Store};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::cli::Tiny;
use support::{Run, assert_same, tiny};

/// A project with enough to train for several processes: 12 tasks of 2 runs.
fn busy() -> Tiny {
    let project = Tiny::new();
    for _ in 0..2 {
        project.edit("epochs = 3\ntrials = 2", "epochs = 300\ntrials = 6");
    }
    project
}

fn start(project: &Tiny, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn end(child: Child) -> Run {
    Run::of(&child.wait_with_output().unwrap())
}

/// Each record that is there, and which file it is.
fn records(project: &Tiny) -> BTreeMap<PathBuf, u64> {
    let files = tiny::files(project.0.path()).into_iter().filter(|path| path.ends_with("record.json"));
    files.filter_map(|path| Some((path.clone(), fs::metadata(project.0.path().join(path)).ok()?.ino()))).collect()
}

/// Looks at the records over and over until told to stop; a record that became another file was written twice.
fn written_twice(project: &Tiny, is_over: &AtomicBool) -> Vec<PathBuf> {
    let mut seen = BTreeMap::new();
    let mut twice = Vec::new();
    loop {
        let was_over = is_over.load(Ordering::Relaxed);
        for (path, inode) in records(project) {
            if *seen.entry(path.clone()).or_insert(inode) != inode {
                twice.push(path);
            }
        }
        if was_over {
            return twice;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The number before these words.
fn number_before(text: &str, words: &str) -> usize {
    let before = text.split(words).next().unwrap().trim_end();
    before.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap_or_else(|_| panic!("{words}: {text}"))
}

#[test]
fn three_processes_at_once_one_of_them_killed_over_and_over_train_every_run_once() {
    let (alone, shared) = (busy(), busy());
    alone.run(&[]).exits(0);
    let is_over = AtomicBool::new(false);
    let arguments = [&tiny::RUN[..], &["--checkpoint-every", "0"]].concat();
    let (twice, ended) = std::thread::scope(|scope| {
        let watcher = scope.spawn(|| written_twice(&shared, &is_over));
        let workers = [start(&shared, &arguments), start(&shared, &arguments)];
        for delay in [40, 90, 150, 60, 200, 120, 80] {
            let mut victim = start(&shared, &arguments);
            std::thread::sleep(Duration::from_millis(delay));
            victim.kill().unwrap();
            victim.wait().unwrap();
        }
        let ended = workers.map(end);
        is_over.store(true, Ordering::Relaxed);
        (watcher.join().unwrap(), ended)
    });
    assert!(twice.is_empty(), "written twice: {twice:?}");
    for run in ended {
        run.exits(0);
    }
    // The killed process left temporary files, which the next one to work alone removes.
    shared.run(&[]).exits(0).says(&["nothing to do"]);
    assert_same(&alone.results(), &shared.results());
}

#[test]
fn two_processes_divide_the_runs_and_both_end_when_all_are_done() {
    let project = busy();
    project.pipeline(&["stage", "generate"]).exits(0);
    project.pipeline(&["stage", "fetch", "--offline", "--mirror", "mirror"]).exits(0);
    let train = ["stage", "train", "--jobs", "1"];
    let both = [start(&project, &train), start(&project, &train)].map(|child| end(child).exits(0).stdout);
    let done: Vec<usize> = both.iter().map(|text| number_before(text, " tasks,")).collect();
    assert_eq!(done.iter().sum::<usize>(), 27, "24 runs and 3 probes: {both:?}");
    assert!(done.iter().all(|&done| done > 2), "{both:?}");
}

#[test]
fn a_task_that_a_living_process_has_is_waited_for_and_taken_over_when_it_dies() {
    let project = Tiny::new();
    project.edit("epochs = 3", "epochs = 200000");
    project.pipeline(&["stage", "generate"]).exits(0);
    let train = ["stage", "train", "--jobs", "1", "--task", "gaussians-high/t00", "--checkpoint-every", "0"];
    let mut first = start(&project, &train);
    let claim = project.path("data/claims/gaussians-high/t00");
    wait_until(|| fs::read_to_string(&claim).is_ok_and(|text| text.contains(&format!("process {}", first.id()))));
    let second = start(&project, &train);
    std::thread::sleep(Duration::from_millis(700));
    first.kill().unwrap();
    first.wait().unwrap();
    let holder = format!("process {}", second.id());
    wait_until(|| fs::read_to_string(&claim).is_ok_and(|text| text.contains(&holder)));
    kill(Pid::from_raw(second.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let second = end(second).exits(130).says(&["waiting for gaussians-high/t00, which process"]);
    assert!(!second.stderr.contains("is not used"), "{}", second.stderr);
}

fn wait_until(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn tables_are_made_of_what_is_whole_while_others_train() {
    let project = busy();
    project.pipeline(&["stage", "fetch", "--offline", "--mirror", "mirror"]).exits(0);
    project.pipeline(&["stage", "generate"]).exits(0);
    project.pipeline(&["stage", "train", "--task", "gaussians-high/t01,gaussians-high/t02"]).exits(0);
    let store = Store::open(project.path("data"), project.path("reports")).unwrap();
    let _shared = store.share().unwrap();
    let Claimed::Ours(_claim) = store.try_claim("gaussians-high/t03").unwrap() else { panic!("nobody has it") };
    project.pipeline(&["stage", "aggregate"]).exits(3);
    project.pipeline(&["stage", "render"]).exits(0);
    assert!(project.path("reports/index.html").exists());
}

#[test]
fn shards_are_disjoint_cover_the_plan_and_give_the_same_tables() {
    let (whole, merged) = (Tiny::finished(), Tiny::new());
    let mut packs = Vec::new();
    let mut trained = 0;
    for shard in ["1/3", "2/3", "3/3"] {
        let part = Tiny::new();
        part.pipeline(&["stage", "fetch", "--offline", "--mirror", "mirror"]).exits(0);
        part.pipeline(&["stage", "generate"]).exits(0);
        part.pipeline(&["stage", "train", "--shard", shard]).exits(0);
        trained += records(&part).len();
        let file = part.path("part.tar").display().to_string();
        part.pipeline(&["pack", "--weights", "-o", &file]).exits(0);
        packs.push((part, file));
    }
    assert_eq!(trained, 8);
    let files: Vec<&str> = packs.iter().map(|(_, file)| &**file).collect();
    merged.pipeline(&[&["import"], &files[..]].concat()).exits(0).says(&["imported 8 runs"]);
    merged.run(&[]).exits(0);
    assert_same(&whole.results(), &merged.results());
}

#[test]
fn parts_that_do_not_exist_are_refused_and_nothing_changes() {
    let project = Tiny::new();
    for (arguments, why) in [
        (["stage", "train", "--task", "gaussians-high/t02"], "`quick` has no such task"),
        (["stage", "train", "--task", "nothing/t00"], "`quick` has no such task"),
        (["stage", "train", "--task", "gaussians-high"], "names no task: a task is SETTING/tTRIAL"),
        (["stage", "train", "--shard", "4/3"], "expected I/N with I from 1 to N"),
        (["stage", "aggregate", "--shard", "1/3"], "--shard goes with `stage train` alone"),
    ] {
        project.pipeline(&arguments).exits(2).says(&[why]);
    }
    assert!(!project.path("data/runs").exists());
}
