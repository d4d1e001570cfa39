//! The level chosen in each trial, beside one level for all trials and beside the best that the test set knows.

use std::collections::BTreeMap;

use flooding_core::level::Level;
use flooding_core::plan::{Plan, Setting};
use flooding_core::record::Outcome;
use flooding_tables::{Checkpoint, LevelChoice, MeanStd, SelectionNoiseRow};

use crate::frame::percent;
use crate::published_report::{self, Origins};
use crate::scan::Found;
use crate::stats::{Sample, mean_interval};

/// Validation and test accuracy of each level of a trial, in percent, levels ascending.
type Trial = Vec<(Level, f64, f64)>;

/// What was chosen in a trial: the level, its test accuracy, and that of b = 0.
type Chosen = (Level, f64, f64);

/// Three rows a setting and checkpoint selection with a complete trial and a run without flooding.
pub(crate) fn selection_noise(plan: &Plan, runs: &[Found], origins: &Origins<'_>) -> Vec<SelectionNoiseRow> {
    let mut rows = Vec::new();
    for (index, setting) in plan.settings.iter().enumerate() {
        if !setting.levels.contains(&Level::ZERO) {
            continue;
        }
        let of: Vec<&Found> = runs.iter().filter(|run| run.setting == index).collect();
        for checkpoint in [Checkpoint::LastEpoch, Checkpoint::BestValidation] {
            let trials = complete_trials(setting, &of, checkpoint);
            let held_out =
                published_report::examples(plan, runs, origins, index).map_or(0, |[_, held_out, _]| held_out);
            rows.extend(
                choices(&trials).into_iter().map(|(choice, chosen)| SelectionNoiseRow {
                    setting: setting.id.clone(),
                    reading: setting.reading.clone(),
                    checkpoint,
                    choice,
                    levels: setting.levels.len() as u32,
                    validation_examples: held_out,
                    level: moments(chosen.iter().map(|(level, _, _)| level.value())),
                    accuracy: moments(chosen.iter().map(|(_, test, _)| *test)),
                    gain: moments(chosen.iter().map(|(_, test, without)| test - without)),
                    gain_ci: mean_interval(Sample::of(&chosen.iter().map(|(_, t, w)| t - w).collect::<Vec<_>>()))
                        .map(Into::into),
                }),
            );
        }
    }
    rows
}

/// The trials none of whose levels is missing.
fn complete_trials(setting: &Setting, runs: &[&Found], checkpoint: Checkpoint) -> Vec<Trial> {
    let mut trials: BTreeMap<u32, Trial> = BTreeMap::new();
    for run in runs {
        if let Some(summary) = run.summary() {
            let outcome: &Outcome = match checkpoint {
                Checkpoint::LastEpoch => &summary.last,
                Checkpoint::BestValidation => &summary.best,
            };
            let accuracies = (percent(outcome.validation.accuracy), percent(outcome.test.accuracy));
            trials.entry(run.spec.trial).or_default().push((run.spec.level, accuracies.0, accuracies.1));
        }
    }
    trials.retain(|_, levels| levels.len() == setting.levels.len());
    trials
        .into_values()
        .map(|mut levels| {
            levels.sort_by_key(|(level, _, _)| *level);
            levels
        })
        .collect()
}

/// What each way of choosing takes in each trial.
fn choices(trials: &[Trial]) -> Vec<(LevelChoice, Vec<Chosen>)> {
    let Some(first) = trials.first() else { return Vec::new() };
    let mean_validation: Vec<f64> = (0..first.len()).map(|at| trials.iter().map(|t| t[at].1).sum::<f64>()).collect();
    let fixed = first_best(&mean_validation);
    let by = |at: &dyn Fn(&Trial) -> usize| -> Vec<Chosen> {
        trials.iter().map(|trial| (trial[at(trial)].0, trial[at(trial)].2, trial[0].2)).collect()
    };
    let column = |trial: &Trial, of: fn(&(Level, f64, f64)) -> f64| trial.iter().map(of).collect::<Vec<_>>();
    vec![
        (LevelChoice::PerTrial, by(&|trial| first_best(&column(trial, |level| level.1)))),
        (LevelChoice::Fixed, by(&|_| fixed)),
        (LevelChoice::Oracle, by(&|trial| first_best(&column(trial, |level| level.2)))),
    ]
}

/// The index of the largest value; of equals the first, that is, the smallest level. Sums over trials that differ by
/// rounding alone are equal.
fn first_best(values: &[f64]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] + 1e-9 {
            best = index;
        }
    }
    best
}

fn moments(values: impl Iterator<Item = f64>) -> MeanStd {
    let sample = Sample::of(&values.collect::<Vec<_>>());
    MeanStd { n: sample.n, mean: sample.mean, std: (sample.n > 1).then_some(sample.std) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(hundredths: u32) -> Level {
        Level::from_millionths(hundredths * 10_000)
    }

    #[test]
    fn each_way_of_choosing_takes_its_own_level() {
        // Validation prefers 0.1 in the first trial and 0.2 in the second; on average 0.2; the test set 0.2 and 0.
        let trials = vec![
            vec![(level(0), 80.0, 70.0), (level(10), 90.0, 72.0), (level(20), 89.0, 75.0)],
            vec![(level(0), 80.0, 78.0), (level(10), 80.0, 77.0), (level(20), 91.0, 76.0)],
        ];
        let found = choices(&trials);
        let levels = |which: usize| found[which].1.iter().map(|chosen| chosen.0).collect::<Vec<_>>();
        assert_eq!(levels(0), [level(10), level(20)]);
        assert_eq!(levels(1), [level(20), level(20)]);
        assert_eq!(levels(2), [level(20), level(0)]);
        let gains: Vec<f64> = found[2].1.iter().map(|(_, test, without)| test - without).collect();
        assert_eq!(gains, [5.0, 0.0]);
    }

    #[test]
    fn of_equally_good_levels_the_smallest_is_taken() {
        assert_eq!(first_best(&[1.0, 3.0, 3.0]), 1);
        assert_eq!(first_best(&[0.1 + 0.2, 0.3]), 0);
    }
}
