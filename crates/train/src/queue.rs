//! What there is to do, for several workers: the groups of a training, or the trials that are probed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::branch::{Branch, Start};

/// How often one that waits looks whether the user has asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// How often a process with nothing else to do looks again at groups that others have.
const AGAIN: Duration = Duration::from_millis(300);

/// A branch of the group with this number.
pub(crate) struct Task<B> {
    pub(crate) group: usize,
    pub(crate) branch: B,
}

/// What a worker does next.
pub(crate) enum Next<B> {
    /// Start the group with this number.
    Group(usize),
    /// Train a branch.
    Branch(Task<B>),
}

/// Groups in their order, and the branches of those that were started: these come first, so that few groups are under way
/// at a time. Where groups have no branches, `B` is [`Infallible`](std::convert::Infallible).
pub(crate) struct Queue<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
    groups: usize,
    /// Branches with their state in memory that wait at most.
    most_states: usize,
}

struct State<B> {
    next_group: usize,
    /// Groups that other processes had when they were looked at, each with when it is to be looked at again.
    elsewhere: VecDeque<(usize, Instant)>,
    branches: VecDeque<Task<B>>,
    /// Workers that may still bring branches.
    active: usize,
}

impl<B> Queue<B> {
    pub(crate) fn new(groups: usize, most_states: usize) -> Self {
        let state = State { next_group: 0, elsewhere: VecDeque::new(), branches: VecDeque::new(), active: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), groups, most_states }
    }

    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next work, waiting for branches of those under way; `None` when there is none left, or when asked to stop.
    /// Whoever gets something says [`done`](Self::done) afterwards.
    pub(crate) fn next(&self, is_stopped: impl Fn() -> bool) -> Option<Next<B>> {
        let mut state = self.lock();
        while !is_stopped() {
            if let Some(task) = state.branches.pop_front() {
                state.active += 1;
                return Some(Next::Branch(task));
            }
            if state.next_group < self.groups {
                state.active += 1;
                state.next_group += 1;
                return Some(Next::Group(state.next_group - 1));
            }
            if let Some(&(group, due)) = state.elsewhere.front()
                && Instant::now() >= due
            {
                state.elsewhere.pop_front();
                state.active += 1;
                return Some(Next::Group(group));
            }
            if state.active == 0 && state.elsewhere.is_empty() {
                return None;
            }
            state = self.changed.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }

    /// A worker has ended what it got.
    pub(crate) fn done(&self) {
        self.lock().active -= 1;
        self.changed.notify_all();
    }

    /// Another process has this group: it is looked at again later, after all others.
    pub(crate) fn postpone(&self, group: usize) {
        self.lock().elsewhere.push_back((group, Instant::now() + AGAIN));
    }

    /// The branches that nobody has begun.
    pub(crate) fn take_branches(&self) -> Vec<Task<B>> {
        std::mem::take(&mut self.lock().branches).into()
    }
}

impl Queue<Branch> {
    /// Takes a branch in; gives it back where too many states wait in memory.
    pub(crate) fn offer(&self, group: usize, branch: Branch) -> Option<Branch> {
        let mut state = self.lock();
        let is_state = |branch: &Branch| matches!(branch.start, Start::State(_));
        let waiting = state.branches.iter().filter(|task| is_state(&task.branch)).count();
        if is_state(&branch) && waiting >= self.most_states {
            return Some(branch);
        }
        state.branches.push_back(Task { group, branch });
        self.changed.notify_all();
        None
    }
}

#[cfg(test)]
mod tests {
    use flooding_core::level::Level;

    use super::*;
    use crate::checkpoint::{Checkpoint, State};

    fn branch(in_memory: bool) -> Branch {
        let state = Checkpoint { state: State::new((0, 0), 0, Vec::new()), tensors: std::collections::BTreeMap::new() };
        let start = if in_memory { Start::State(Box::new(state)) } else { Start::Stored };
        Branch { start, ..Branch::new(vec![Level::ZERO]) }
    }

    #[test]
    fn branches_come_before_further_groups_and_the_last_worker_ends_the_work() {
        let queue = Queue::<Branch>::new(2, 1);
        assert!(matches!(queue.next(|| false), Some(Next::Group(0))));
        assert!(queue.offer(0, branch(false)).is_none());
        assert!(matches!(queue.next(|| false), Some(Next::Branch(Task { group: 0, .. }))));
        assert!(matches!(queue.next(|| false), Some(Next::Group(1))));
        (0..3).for_each(|_| queue.done());
        assert!(queue.next(|| false).is_none());
    }

    #[test]
    fn states_in_memory_are_few_and_those_on_disk_as_many_as_there_are() {
        let queue = Queue::<Branch>::new(0, 2);
        assert!((0..2).all(|_| queue.offer(0, branch(true)).is_none()));
        assert!(queue.offer(0, branch(true)).is_some());
        assert!((0..50).all(|_| queue.offer(0, branch(false)).is_none()));
    }

    #[test]
    fn a_worker_waits_for_the_branches_of_those_under_way() {
        let queue = Queue::<Branch>::new(1, 1);
        assert!(matches!(queue.next(|| false), Some(Next::Group(0))));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| queue.next(|| false).is_some());
            assert!(queue.offer(0, branch(true)).is_none());
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn a_group_that_another_process_has_is_looked_at_again_and_keeps_the_workers() {
        let queue = Queue::<Branch>::new(1, 1);
        assert!(matches!(queue.next(|| false), Some(Next::Group(0))));
        queue.postpone(0);
        queue.done();
        assert!(matches!(queue.next(|| false), Some(Next::Group(0))));
        queue.done();
        assert!(queue.next(|| false).is_none());
    }

    #[test]
    fn a_raised_stop_flag_ends_the_wait() {
        let queue = Queue::<Branch>::new(1, 1);
        assert!(queue.next(|| false).is_some());
        assert!(queue.next(|| true).is_none());
    }
}
