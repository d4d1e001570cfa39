//! Several tasks for one job: clusters suffer from thousands of jobs of a minute.

use std::time::Duration;

use flooding_core::task::TaskId;

use crate::tasks::OpenTask;

/// The part of a job's time that its tasks fill by forecast: the rest is for what the forecast does not know.
const FILL: f64 = 0.7;

/// Divides the tasks, in their order, into jobs that last about `limit` with `jobs` runs side by side. A task that is
/// longer, or of which nothing is known, gets its own job: it is requeued until it is done.
pub fn pack(tasks: &[OpenTask], limit: Duration, jobs: usize) -> Vec<Vec<TaskId>> {
    let capacity = limit.as_secs_f64() * FILL * jobs as f64;
    let mut packed: Vec<(f64, Vec<TaskId>)> = Vec::new();
    for task in tasks {
        let takes = task.takes.map_or(capacity, |takes| takes.as_secs_f64());
        match packed.last_mut().filter(|(filled, _)| filled + takes <= capacity) {
            Some((filled, ids)) => {
                *filled += takes;
                ids.push(task.id.clone());
            }
            None => packed.push((takes, vec![task.id.clone()])),
        }
    }
    packed.into_iter().map(|(_, ids)| ids).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_filled_and_long_and_unknown_tasks_have_one_of_their_own() {
        let task = |trial: u32, seconds: Option<u64>| OpenTask {
            id: TaskId { setting: "a".to_owned(), trial },
            runs: Vec::new(),
            failed: 0,
            takes: seconds.map(Duration::from_secs),
            memory: None,
            argv: Vec::new(),
        };
        let seconds = [Some(30), Some(30), Some(30), Some(500), None, Some(1)];
        let tasks: Vec<OpenTask> = (0..).zip(seconds).map(|(trial, seconds)| task(trial, seconds)).collect();
        let packed = pack(&tasks, Duration::from_secs(100), 1);
        let trials: Vec<Vec<u32>> = packed.iter().map(|ids| ids.iter().map(|id| id.trial).collect()).collect();
        assert_eq!(trials, [vec![0, 1], vec![2], vec![3], vec![4], vec![5]]);
        assert_eq!(pack(&tasks[..3], Duration::from_secs(100), 2).len(), 1);
    }
}
