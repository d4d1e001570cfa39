//! Selection of the flood level: the lazy query plan from the flat runs frame to the tables.
//!
//! Only complete trials count (every level of the plan present): a trial with a hole could select a level that its missing
//! run would have beaten. All groupings keep the order of their input, so that no sum depends on the thread count.

use polars::prelude::*;

use crate::frame::{
    CHECKPOINT, EPOCH, FIT_FLIPPED, FIT_UNFLIPPED, LEVEL, LEVEL_VALUE, RUN, SETTING, TEST_ACCURACY, TEST_CLEAN,
    TEST_LOSS, TRAIN_ACCURACY, TRAIN_LOSS, TRIAL, VALIDATION_ACCURACY, VALIDATION_CLEAN,
};

/// How a trial's level is selected.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// The column whose largest value wins.
    pub criterion: &'static str,
    /// Among equals, the largest level instead of the smallest?
    pub largest: bool,
}

/// Best validation accuracy; among equals the smallest level.
pub(crate) const MAIN_RULE: Rule = Rule { criterion: VALIDATION_ACCURACY, largest: false };

/// Other choices that the paper's text would allow, by their name in the report.
pub(crate) const OTHER_RULES: [(&str, Rule); 2] = [
    ("ties: largest b", Rule { criterion: VALIDATION_ACCURACY, largest: true }),
    ("levels by clean validation labels", Rule { criterion: VALIDATION_CLEAN, largest: false }),
];

/// Columns of the selected frame that the runs frame does not have.
pub(crate) const BASE_RUN: &str = "base_run";
pub(crate) const BASE_EPOCH: &str = "base_epoch";
pub(crate) const WITHOUT: &str = "without";

/// What is averaged over the trials of each level.
pub(crate) const LEVEL_MOMENTS: [&str; 8] =
    [TRAIN_ACCURACY, VALIDATION_ACCURACY, TEST_ACCURACY, TRAIN_LOSS, TEST_LOSS, TEST_CLEAN, FIT_FLIPPED, FIT_UNFLIPPED];

const TRIAL_KEYS: [&str; 3] = [SETTING, CHECKPOINT, TRIAL];

fn keys(names: &[&str]) -> Vec<Expr> {
    names.iter().map(|name| col(*name)).collect()
}

/// The runs of complete trials.
pub(crate) fn in_whole_trials(runs: &LazyFrame, settings: LazyFrame) -> LazyFrame {
    let whole = runs
        .clone()
        .group_by_stable(keys(&TRIAL_KEYS))
        .agg([len().alias("present")])
        .join(settings, keys(&[SETTING]), keys(&[SETTING]), JoinArgs::new(JoinType::Inner))
        .filter(col("present").eq(col("levels")))
        .select(keys(&TRIAL_KEYS));
    runs.clone().join(whole, keys(&TRIAL_KEYS), keys(&TRIAL_KEYS), JoinArgs::new(JoinType::Inner))
}

/// The runs at these levels of their settings.
pub(crate) fn only_levels(runs: &LazyFrame, levels: LazyFrame) -> LazyFrame {
    let keys = || keys(&[SETTING, LEVEL]);
    runs.clone().join(levels, keys(), keys(), JoinArgs::new(JoinType::Inner))
}

/// One row a complete trial and checkpoint selection: the selected run, and the baseline's columns beside it (null where the
/// plan has no b = 0). Sorted by setting, checkpoint, trial.
pub(crate) fn selected(whole: &LazyFrame, rule: Rule) -> LazyFrame {
    let columns = [RUN, LEVEL, LEVEL_VALUE, EPOCH, TRAIN_ACCURACY, TEST_ACCURACY];
    let descending = vec![false, false, false, true, rule.largest];
    let chosen = whole
        .clone()
        .sort(
            [SETTING, CHECKPOINT, TRIAL, rule.criterion, LEVEL],
            SortMultipleOptions::default().with_order_descending_multi(descending),
        )
        .group_by_stable(keys(&TRIAL_KEYS))
        .agg(columns.map(|name| col(name).first()));
    let baseline = whole.clone().filter(col(LEVEL).eq(lit(0u32))).select([
        col(SETTING),
        col(CHECKPOINT),
        col(TRIAL),
        col(RUN).alias(BASE_RUN),
        col(EPOCH).alias(BASE_EPOCH),
        col(TEST_ACCURACY).alias(WITHOUT),
    ]);
    chosen
        .join(baseline, keys(&TRIAL_KEYS), keys(&TRIAL_KEYS), JoinArgs::new(JoinType::Left))
        .sort(TRIAL_KEYS, SortMultipleOptions::default())
}

/// Mean and standard deviation over trials of what [`selected`] gives: one row a setting and checkpoint selection.
pub(crate) fn pooled(selected: LazyFrame) -> LazyFrame {
    let mut moments = vec![len().alias("trials")];
    for name in [WITHOUT, TEST_ACCURACY, LEVEL_VALUE] {
        moments.extend(mean_and_std(name));
    }
    selected.group_by_stable(keys(&[SETTING, CHECKPOINT])).agg(moments)
}

/// One row a setting, level and checkpoint selection over all complete runs, with the number of trials that selected it.
pub(crate) fn by_level(runs: &LazyFrame, selected: LazyFrame) -> LazyFrame {
    let level_keys = [SETTING, CHECKPOINT, LEVEL];
    let chosen = selected.group_by_stable(keys(&level_keys)).agg([len().alias("selected_in")]);
    let mut moments = vec![len().alias("trials")];
    for name in LEVEL_MOMENTS {
        moments.extend(mean_and_std(name));
    }
    runs.clone()
        .group_by_stable(keys(&level_keys))
        .agg(moments)
        .join(chosen, keys(&level_keys), keys(&level_keys), JoinArgs::new(JoinType::Left))
        .sort([SETTING, LEVEL, CHECKPOINT], SortMultipleOptions::default())
}

/// The columns `NAME_mean` and `NAME_std` (n - 1; null for a single trial).
fn mean_and_std(name: &str) -> [Expr; 2] {
    [col(name).mean().alias(format!("{name}_mean")), col(name).std(1).alias(format!("{name}_std"))]
}
