//! The command that trains given runs again, and no others. It is searched for and checked: a command is printed only if
//! its plan holds exactly these runs.

use std::collections::BTreeSet;

use flooding_core::level::Level;
use flooding_core::plan::{ID_ALONE, Overrides, Plan};
use flooding_core::spec::{DataSpec, RunKey, RunSpec};

use crate::project::Project;
use crate::shell;

/// The command for runs of one setting; `None` where the configuration does not describe them (any more).
pub fn command(project: &Project, runs: &[RunSpec]) -> Option<String> {
    let wanted: BTreeSet<RunKey> = runs.iter().map(RunSpec::key).collect();
    project.profiles().find_map(|profile| {
        let overrides = overrides(project, profile, runs)?;
        let planned = keys(&project.plan_of(profile, &overrides).ok()?);
        if !wanted.is_subset(&planned) {
            return None;
        }
        let all = |overrides: &Overrides| project.plan_of(profile, overrides).is_ok_and(|plan| keys(&plan) == wanted);
        let narrower = Overrides { trials: Some(trials(runs)), levels: Some(levels(runs)), ..overrides.clone() };
        let exact = [overrides.clone(), narrower].into_iter().find(all);
        let exact = exact.unwrap_or_else(|| {
            let keys = wanted.iter().map(|key| key.short().to_owned()).collect();
            Overrides { keys, ..overrides }
        });
        Some(line(project, profile, &exact))
    })
}

/// The command that plans what `overrides` make of a profile, and trains all of it again.
fn line(project: &Project, profile: &str, overrides: &Overrides) -> String {
    let mut command: shell::Command = project.command(["stage", "train"]);
    command.option("profile", profile);
    for (name, value) in overrides.options() {
        command.option(name, value);
    }
    command.flag("force").to_string()
}

/// What the command line has to change of a profile for these runs to be in its plan, and nothing else.
fn overrides(project: &Project, profile: &str, runs: &[RunSpec]) -> Option<Overrides> {
    let run = runs.first()?;
    let mut overrides = Overrides { only: vec![format!("{ID_ALONE}{}", run.setting)], ..Overrides::default() };
    let plan = project.plan_of(profile, &overrides).ok()?;
    let setting = plan.settings.iter().find(|setting| setting.id == run.setting)?;
    overrides.epochs = (setting.epochs != run.epochs).then_some(run.epochs);
    match (&setting.data, &run.data) {
        (DataSpec::Images(planned), DataSpec::Images(wanted)) => {
            overrides.train_size = wanted.train_size.filter(|_| planned.train_size != wanted.train_size);
            overrides.test_size = wanted.test_size.filter(|_| planned.test_size != wanted.test_size);
        }
        (DataSpec::Synthetic(planned), DataSpec::Synthetic(wanted)) => {
            overrides.test_size = (planned.test != wanted.test).then_some(wanted.test);
        }
        _ => return None,
    }
    if runs.iter().any(|run| !setting.levels.contains(&run.level)) {
        overrides.levels = Some(levels(runs));
    }
    overrides.trials = Some(trials(runs)).filter(|trials| *trials > setting.trials);
    Some(overrides)
}

fn keys(plan: &Plan) -> BTreeSet<RunKey> {
    plan.runs().map(|run| run.key()).collect()
}

/// This number of trials hold all of these runs.
fn trials(runs: &[RunSpec]) -> u32 {
    runs.iter().map(|run| run.trial + 1).max().unwrap_or(1)
}

fn levels(runs: &[RunSpec]) -> Vec<f64> {
    let levels: BTreeSet<_> = runs.iter().map(|run| run.level).collect();
    levels.into_iter().map(Level::value).collect()
}
