//! How much of a stage's work is done.

use std::sync::{Mutex, PoisonError};

/// Work in floating-point operations. What levels share is done once and counts for all of them; what is left is counted
/// as if nothing more were shared, so it is the most that can be left.
pub(super) struct Meter(Mutex<Work>);

/// Done by this process, and left at most.
#[derive(Clone, Copy)]
struct Work {
    done: f64,
    left: f64,
}

impl Meter {
    /// So much work, if nothing is shared.
    pub(super) fn new(left: f64) -> Self {
        Self(Mutex::new(Work { done: 0.0, left }))
    }

    fn change(&self, done: f64, left: f64) -> (f64, f64) {
        let mut work = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work.done += done;
        work.left = (work.left - left).max(0.0);
        (work.done, work.left)
    }

    /// This work was done by each of `members` networks, which so many levels follow. Returns what is done and left.
    pub(super) fn done(&self, cost: f64, members: usize, levels: usize) -> (f64, f64) {
        self.change(cost * members as f64, cost * levels as f64)
    }

    /// Work that need not be done: an earlier process did it, or its run has failed.
    pub(super) fn skip(&self, cost: f64) {
        self.change(0.0, cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_levels_share_is_done_once_and_leaves_all_of_them_less() {
        let meter = Meter::new(30.0);
        assert_eq!(meter.done(1.0, 1, 3), (1.0, 27.0));
        meter.skip(10.0);
        assert_eq!(meter.done(1.0, 1, 1), (2.0, 16.0));
    }

    #[test]
    fn a_group_of_networks_does_the_work_of_each() {
        let meter = Meter::new(30.0);
        assert_eq!(meter.done(1.0, 2, 3), (2.0, 27.0));
    }
}
