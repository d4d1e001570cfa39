//! What is to be done and why, in as many lines as a person reads.

use std::fmt::Write as _;

use flooding_core::plan::Plan;
use flooding_core::spec::DataSpec;
use flooding_core::work::{Decision, Reason, Stage, WorkItem};

/// One line for each group of tasks of one kind that share a setting, a decision and a reason; a single one by name.
pub fn reasons<'a>(items: impl Iterator<Item = &'a WorkItem>) -> Vec<String> {
    let mut groups: Vec<(Kind, &Decision, Vec<&WorkItem>)> = Vec::new();
    for item in items {
        let kind = Kind::of(item);
        match groups.iter_mut().find(|(other, decision, _)| *other == kind && **decision == item.decision) {
            Some((_, _, members)) => members.push(item),
            None => groups.push((kind, &item.decision, vec![item])),
        }
    }
    let line = |(kind, decision, members): (Kind, &Decision, Vec<&WorkItem>)| {
        let (verb, reason) = match decision {
            Decision::Run(reason) => ("run ", reason),
            Decision::Skip(reason) => ("skip", reason),
        };
        match members.as_slice() {
            [only] => format!("{verb} {}: {reason}", only.id),
            many => format!("{verb} {} ({} {}s): {reason}", kind.name, many.len(), kind.unit),
        }
    };
    groups.into_iter().map(line).collect()
}

/// Tasks that are counted together.
#[derive(PartialEq)]
struct Kind {
    name: String,
    unit: &'static str,
}

impl Kind {
    /// By a task's id: `SETTING tNN bLEVEL` is a run, `SETTING tNN PROBE` a probe, `SETTING tNN` a draw.
    fn of(item: &WorkItem) -> Self {
        let words: Vec<&str> = item.id.split(' ').collect();
        let is_trial = |word: &str| word.strip_prefix('t').is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()));
        match (item.stage, words.as_slice()) {
            (Stage::Train, [setting, trial, level]) if is_trial(trial) && is_level(level) => {
                Self { name: (*setting).to_owned(), unit: "run" }
            }
            (_, [setting, trial, probe]) if is_trial(trial) => {
                Self { name: format!("{setting} {probe}"), unit: "trial" }
            }
            (_, [setting, trial]) if is_trial(trial) => Self { name: (*setting).to_owned(), unit: "trial" },
            (_, [first, ..]) => Self { name: (*first).to_owned(), unit: "task" },
            (_, []) => Self { name: item.id.clone(), unit: "task" },
        }
    }
}

/// `b` and a number.
fn is_level(word: &str) -> bool {
    word.strip_prefix('b').is_some_and(|level| level.parse::<f64>().is_ok())
}

/// What earlier stages are going to do, or cannot do, changes what later ones will do, whatever is stored now: runs without
/// their dataset are not trained, new records make new tables, and new tables a new report.
pub fn with_what_follows(mut items: Vec<WorkItem>, plan: &Plan) -> Vec<WorkItem> {
    without_missing_datasets(&mut items, plan);
    let runs = |items: &[WorkItem], stages: &[Stage]| {
        items.iter().any(|item| stages.contains(&item.stage) && item.decision.runs())
    };
    let follow = |items: &mut [WorkItem], stage: Stage, input: &str| {
        for item in items.iter_mut().filter(|item| item.stage == stage) {
            if item.decision == Decision::Skip(Reason::UpToDate) {
                item.decision = Decision::Run(Reason::InputChanged { input: input.to_owned() });
            }
        }
    };
    if runs(&items, &[Stage::Train, Stage::Verify]) {
        follow(&mut items, Stage::Aggregate, "what the stages before it are going to write");
    }
    if runs(&items, &[Stage::Aggregate]) {
        follow(&mut items, Stage::Render, "the tables");
    }
    items
}

fn without_missing_datasets(items: &mut [WorkItem], plan: &Plan) {
    let missing: Vec<String> = (items.iter())
        .filter(|item| item.stage == Stage::Fetch)
        .filter(|item| matches!(item.decision, Decision::Skip(Reason::Unavailable { .. })))
        .map(|item| item.id.clone())
        .collect();
    for setting in &plan.settings {
        let DataSpec::Images(images) = &setting.data else { continue };
        if !missing.contains(&images.dataset) {
            continue;
        }
        for item in items.iter_mut().filter(|item| item.stage == Stage::Train && item.decision.runs()) {
            if item.id.split(' ').next() == Some(&setting.id) {
                let why = format!("its dataset `{}` is missing", images.dataset);
                item.decision = Decision::Skip(Reason::Unavailable { why });
            }
        }
    }
}

/// What came of tasks: how many are done, were up to date, and are missing, all of those that were looked at.
pub fn conclusion([done, skipped, missing]: [u64; 3], is_interrupted: bool) -> String {
    match (done, skipped, missing) {
        (0, 0, 0) if !is_interrupted => "nothing to do: the plan holds no such work".to_owned(),
        (0, _, 0) if !is_interrupted => format!("nothing to do: all {skipped} tasks are up to date"),
        (0, ..) if !is_interrupted => {
            format!("nothing to do that could be done: {skipped} tasks are up to date, others are missing")
        }
        (0, ..) => format!("stopped before a task was finished; {skipped} were up to date"),
        _ if is_interrupted => format!("stopped: {done} tasks are done, {skipped} were up to date"),
        _ => format!("done: {done} tasks, {skipped} were up to date"),
    }
}

/// The answer of `--dry-run`; the lines say how work is shared.
pub fn dry_run(items: &[WorkItem], sharing: &[String]) -> String {
    let mut text = String::new();
    for stage in Stage::ALL {
        for line in reasons(items.iter().filter(|item| item.stage == stage)) {
            let _ = writeln!(text, "{:<9} {line}", stage.name());
        }
        for line in sharing.iter().filter(|_| stage == Stage::Train) {
            let _ = writeln!(text, "{:<9} {line}", stage.name());
        }
    }
    let would = items.iter().filter(|item| item.decision.runs()).count();
    let _ = writeln!(text, "{would} would run, {} would be skipped (--json lists each task)", items.len() - would);
    text
}

#[cfg(test)]
mod tests {
    use flooding_core::config::Config;
    use flooding_core::digest::Digest;
    use flooding_core::plan::{Overrides, Resolver};

    use super::*;

    fn item(stage: Stage, id: &str, decision: Decision) -> WorkItem {
        WorkItem { stage, id: id.to_owned(), decision }
    }

    #[test]
    fn runs_probes_and_draws_of_a_setting_are_counted_apart_and_by_their_names() {
        let new = || Decision::Run(Reason::New);
        let items = [
            item(Stage::Generate, "spiral-high t00", new()),
            item(Stage::Generate, "spiral-high t01", new()),
            item(Stage::Train, "spiral-high t00 b0.00", new()),
            item(Stage::Train, "spiral-high t00 b0.10", new()),
            item(Stage::Train, "spiral-high t00 b10.00", new()),
            item(Stage::Train, "spiral-high t00 flatness", new()),
            item(Stage::Train, "spiral-high t01 flatness", new()),
            item(Stage::Train, "spiral-high t00 calibration", new()),
            item(Stage::Verify, "bernoulli p=0.1", new()),
        ];
        assert_eq!(
            reasons(items.iter()),
            [
                "run  spiral-high (2 trials): new",
                "run  spiral-high (3 runs): new",
                "run  spiral-high flatness (2 trials): new",
                "run  spiral-high t00 calibration: new",
                "run  bernoulli p=0.1: new"
            ]
        );
    }

    /// The tracked configuration's smoke profile.
    fn plan() -> Plan {
        let text = include_str!("../../../../pipeline.toml");
        let path = std::path::Path::new("pipeline.toml");
        let names = ["mnist", "kmnist", "svhn", "cifar10", "cifar100"];
        let catalogue = names.map(|name| (name.to_owned(), Digest::of(name.as_bytes()))).into();
        let config = Config::parse(text, path).unwrap();
        Resolver::new(&config, text, path, &catalogue).plan("smoke", &Overrides::default()).unwrap()
    }

    #[test]
    fn runs_whose_dataset_is_missing_are_not_promised() {
        let missing = Decision::Skip(Reason::Unavailable { why: "not here".to_owned() });
        let items = vec![
            item(Stage::Fetch, "mnist", missing),
            item(Stage::Train, "mnist-mlp t00 b0.00", Decision::Run(Reason::New)),
            item(Stage::Train, "spiral-high t00 b0.00", Decision::Run(Reason::New)),
        ];
        let items = with_what_follows(items, &plan());
        assert!(!items[1].decision.runs() && items[2].decision.runs(), "{items:?}");
        assert!(
            dry_run(&items, &[]).contains("skip mnist-mlp t00 b0.00: not available: its dataset `mnist` is missing")
        );
    }

    #[test]
    fn what_was_stopped_is_never_called_up_to_date() {
        for counts in [[0, 0, 0], [0, 3, 0], [2, 3, 0], [0, 0, 1]] {
            let text = conclusion(counts, true);
            assert!(text.starts_with("stopped") && !text.contains("nothing to do"), "{text}");
        }
        assert_eq!(conclusion([0, 0, 0], false), "nothing to do: the plan holds no such work");
        assert_eq!(conclusion([0, 3, 0], false), "nothing to do: all 3 tasks are up to date");
        assert_eq!(conclusion([2, 3, 1], false), "done: 2 tasks, 3 were up to date");
    }

    #[test]
    fn a_training_that_will_run_makes_tables_and_report_run_too() {
        let current = || Decision::Skip(Reason::UpToDate);
        let items = |train| {
            let stages = [(Stage::Aggregate, "tables"), (Stage::Render, "index.html")];
            let later = stages.map(|(stage, id)| item(stage, id, current()));
            [vec![item(Stage::Train, "tiles t00 b0.00", train)], later.to_vec()].concat()
        };
        let all = with_what_follows(items(Decision::Run(Reason::New)), &plan());
        assert!(all.iter().all(|item| item.decision.runs()), "{all:?}");
        let none = with_what_follows(items(current()), &plan());
        assert!(none.iter().all(|item| !item.decision.runs()), "{none:?}");
    }
}
