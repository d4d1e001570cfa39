//! Parts of a plan that are disjoint by construction.

use std::collections::BTreeSet;
use std::str::FromStr;

use flooding_core::plan::Plan;
use flooding_core::task::TaskId;

/// One of several parts of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    index: usize,
    /// Of how many.
    count: usize,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shard = text
            .split_once('/')
            .and_then(|(index, count)| Some(Self { index: index.parse().ok()?, count: count.parse().ok()? }));
        shard
            .filter(|shard| (1..=shard.count).contains(&shard.index))
            .ok_or_else(|| "expected I/N with I from 1 to N, such as 1/3".to_owned())
    }
}

impl Shard {
    /// The tasks of this part. They depend on the plan alone, not on what is done: processes that start at different
    /// times, on separate folders, still divide the same plan in the same way.
    ///
    /// The costliest task goes first, each to the part with the least cost so far (Graham 1969: at most 4/3 of the best
    /// division's longest part).
    pub fn of(self, plan: &Plan) -> BTreeSet<TaskId> {
        let mut tasks: Vec<(TaskId, f64)> = (plan.groups())
            .filter_map(|group| {
                let cost = group.runs.iter().map(flooding_train::cost).sum();
                Some((TaskId::of_group(&group)?, cost))
            })
            .collect();
        // Equals keep the plan's order.
        tasks.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let mut costs = vec![0.0; self.count.min(tasks.len())];
        let mut chosen = BTreeSet::new();
        for (task, cost) in tasks {
            let least = (0..costs.len()).min_by(|&a, &b| f64::total_cmp(&costs[a], &costs[b])).unwrap_or(0);
            costs[least] += cost;
            if least + 1 == self.index {
                chosen.insert(task);
            }
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_from_two_numbers_and_others_are_refused() {
        assert_eq!("2/3".parse(), Ok(Shard { index: 2, count: 3 }));
        for text in ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/3", "1/3/5"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
