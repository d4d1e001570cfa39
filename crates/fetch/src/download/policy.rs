//! How long to wait, and how often to try.

use std::time::Duration;

/// Patience with one address; each address in the list gets all of it.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Tries of one address, when it fails in a way that may pass.
    pub attempts: u32,
    /// The wait before the second try; doubled before each further one.
    pub back_off: Duration,
    /// A server that asks for a longer wait (`Retry-After`) is left for the next address.
    pub longest_wait: Duration,
    /// Time to find the host and connect to it.
    pub connect: Duration,
    /// Longest time without a single byte.
    pub stall: Duration,
    /// Longest time for a whole file: so much, and what this many bytes a second need.
    pub grace: Duration,
    /// See `grace`.
    pub slowest: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 4,
            back_off: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(20),
            grace: Duration::from_mins(1),
            slowest: 16 << 10,
        }
    }
}

impl Policy {
    /// The longest time for a file of this size.
    pub fn total(&self, bytes: u64) -> Duration {
        self.grace + Duration::from_secs(bytes / self.slowest.max(1))
    }

    /// The wait before try number `attempt` (from 1; the first try is 0), a little different in each process so that
    /// several do not come back at the same instant.
    pub(super) fn wait(&self, attempt: u32) -> Duration {
        let base = self.back_off * 2_u32.saturating_pow(attempt.saturating_sub(1).min(16));
        base + base / 8 * (std::process::id() % 4)
    }
}
