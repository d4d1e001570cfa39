//! Runs side by side within the memory there is: one that would fit alone waits for those under way; one that does not
//! fit at all is refused before it allocates anything.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::allocation::in_words;

/// How often one that waits looks again by itself: memory may come back, or the user may ask to stop.
const LOOK: Duration = Duration::from_millis(200);

/// The memory that runs share.
pub struct MemoryBudget {
    /// Bytes that are available now; `None` where nobody knows, and then everything fits.
    available: fn() -> Option<u64>,
    /// Held by the one that is next, so that a large run is not overtaken for ever.
    next: Mutex<()>,
    state: Mutex<State>,
    left: Condvar,
}

#[derive(Default)]
struct State {
    /// Foreseen bytes of the runs under way.
    under_way: u64,
    runs: usize,
    /// What was available when none was under way.
    at_rest: u64,
}

/// Memory reserved for a run; it is free again when this is dropped.
pub struct Reservation<'a>(&'a MemoryBudget, u64);

/// Why nothing is reserved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReservation {
    /// It would not fit alone, either.
    #[error(
        "out of memory: it needs about {}, and {} is available; lower batch_size or the network's size, or repeat where \
         there is more",
        in_words(*needed), in_words(*there)
    )]
    TooLarge {
        /// Bytes that the run would take.
        needed: u64,
        /// Bytes that are available.
        there: u64,
    },
    /// The user asked to stop.
    #[error("asked to stop")]
    Stopped,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryBudget {
    /// A budget of what `available` returns.
    pub fn new(available: fn() -> Option<u64>) -> Self {
        Self { available, next: Mutex::default(), state: Mutex::default(), left: Condvar::new() }
    }

    /// Reserves this many bytes for a run, waiting for those under way where that helps.
    pub fn reserve(&self, bytes: u64, is_stopped: impl Fn() -> bool) -> Result<Reservation<'_>, NoReservation> {
        let _next = lock(&self.next);
        let mut state = lock(&self.state);
        loop {
            let now = (self.available)().unwrap_or(u64::MAX);
            if state.runs == 0 {
                state.at_rest = now;
            }
            // What the runs under way have not taken yet is theirs.
            let there = state.at_rest.saturating_sub(state.under_way).min(now);
            if bytes <= there {
                state.under_way += bytes;
                state.runs += 1;
                return Ok(Reservation(self, bytes));
            }
            if state.runs == 0 {
                return Err(NoReservation::TooLarge { needed: bytes, there });
            }
            if is_stopped() {
                return Err(NoReservation::Stopped);
            }
            state = self.left.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.under_way -= self.1;
        state.runs -= 1;
        self.0.left.notify_all();
    }
}
