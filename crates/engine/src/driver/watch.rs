//! Looking at something while something else is done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Ends the watcher however the work ends.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does `work`, and gives the lowest number that `look` returns before it, meanwhile (in a separate thread, every
/// millisecond) and after it; `None` if it returned none once. A panic of the work ends both.
pub(crate) fn lowest_during<T>(look: impl Fn() -> Option<u64> + Sync, work: impl FnOnce() -> T) -> (T, Option<u64>) {
    let done = AtomicBool::new(false);
    let watch = || {
        let mut lowest = look()?;
        while !done.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
            lowest = lowest.min(look()?);
        }
        Some(lowest)
    };
    std::thread::scope(|scope| {
        let watcher = scope.spawn(watch);
        let result = {
            let _done = Done(&done);
            work()
        };
        (result, watcher.join().ok().flatten())
    })
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Barrier;
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn the_lowest_number_seen_during_the_work_is_returned_with_its_result() {
        let level = AtomicU64::new(7);
        let seen = Barrier::new(2);
        let look = || {
            let now = level.load(Ordering::SeqCst);
            if now == 3 {
                level.store(9, Ordering::SeqCst);
                seen.wait();
            }
            Some(now)
        };
        let work = || {
            level.store(3, Ordering::SeqCst);
            seen.wait();
            "done"
        };
        assert_eq!(lowest_during(look, work), ("done", Some(3)));
    }

    #[test]
    fn work_that_panics_ends_its_watcher_and_the_panic_comes_through() {
        let work = || -> () { std::panic::resume_unwind(Box::new("the device failed")) };
        let panic = catch_unwind(AssertUnwindSafe(|| lowest_during(|| Some(1), work))).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the device failed"));
    }

    #[test]
    fn where_nothing_is_told_the_work_is_done_all_the_same() {
        assert_eq!(lowest_during(|| None, || 5), (5, None));
    }
}
