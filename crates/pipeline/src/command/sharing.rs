//! Which levels of a trial are going to share their steps, for `--dry-run`.

use std::collections::BTreeMap;

use flooding_core::group::Group;
use flooding_core::plan::Plan;
use flooding_core::record::{FirstCrossing, Record};
use flooding_core::spec::{Objective, RunSpec};
use flooding_core::store::{Layout, Store};
use flooding_core::work::WorkItem;
use flooding_train::run_id;

/// Stored runs of a setting that are looked at.
const SAMPLE: usize = 64;

/// A sentence for all settings of which the same can be said, where several levels of a trial are to be trained.
pub fn lines(items: &[WorkItem], plan: &Plan, store: &Store) -> Vec<String> {
    let wanted: BTreeMap<&str, bool> = items.iter().map(|item| (&*item.id, item.decision.runs())).collect();
    let (mut todo, mut stored): (Vec<RunSpec>, BTreeMap<String, Vec<RunSpec>>) = Default::default();
    for run in plan.runs() {
        match wanted.get(&*run_id(&run)) {
            Some(true) => todo.push(run),
            Some(false) => stored.entry(run.setting.clone()).or_default().push(run),
            None => {}
        }
    }
    let mut groups = Group::of(todo);
    groups.retain(|group| group.levels().len() > 1);
    // What holds for one trial of a setting holds for all.
    groups.dedup_by(|later, first| later.setting() == first.setting());
    let mut sentences: Vec<(String, Vec<String>)> = Vec::new();
    for group in &groups {
        let records = stored.get(group.setting()).into_iter().flatten().filter(|run| !run.level.is_zero()).take(SAMPLE);
        let records = records.filter_map(|run| {
            store.read_document::<Record>(&store.layout().run(run).join(Layout::RECORD)).ok().flatten()
        });
        let sentence = sentence(group, records);
        let name = format!("{} ({} levels)", group.setting(), group.levels().len());
        match sentences.iter_mut().find(|(other, _)| *other == sentence) {
            Some((_, names)) => names.push(name),
            None => sentences.push((sentence, vec![name])),
        }
    }
    sentences.into_iter().map(|(sentence, names)| format!("{sentence}: {}", names.join(", "))).collect()
}

fn sentence(group: &Group, records: impl Iterator<Item = Record>) -> String {
    if !group.shares_prefixes() {
        let why = match group.common().objective {
            Objective::IFlood | Objective::SoftAd => "the objective floods single examples",
            Objective::Flood | Objective::None => "each has its own initial weights",
        };
        return format!("every level is trained by itself, because {why}");
    }
    let shared: Vec<f64> = records.filter_map(|record| shared(&record)).collect();
    let how = "the levels of a trial share each step until a mini-batch loss lies between them";
    if shared.is_empty() {
        return format!("{how} (how many that saves shows while they are trained)");
    }
    let mean = shared.iter().sum::<f64>() / shared.len() as f64;
    format!("{how} (in {} stored runs with b > 0, {:.0}% of the steps are those of b = 0)", shared.len(), mean * 100.0)
}

/// The share of a run's steps that are those of the run without flooding.
fn shared(record: &Record) -> Option<f64> {
    let batch = u64::from(record.spec.batch_size);
    let steps = u64::from(record.examples[0]).div_ceil(batch) * u64::from(record.spec.epochs);
    match record.first_crossing? {
        FirstCrossing::Never => Some(1.0),
        FirstCrossing::Step(step) => Some(((step - 1) as f64 / steps as f64).min(1.0)),
    }
}
