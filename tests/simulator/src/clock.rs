//! The server's clock, which tests can move.
//!
//! It follows the system's clock with an offset, so that expiry, ticket lifetimes and one-time
//! codes can be tested without waiting. Waits (a refusal's three seconds, say) are shortened by
//! the time scale instead and never touch this clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch, as the server counts them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Clock {
    offset: i64,
}

impl Clock {
    /// Now, in seconds since the epoch.
    pub(crate) fn now(&self) -> i64 {
        let system = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
            });
        system.saturating_add(self.offset)
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&mut self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.offset = self.offset.saturating_add(seconds);
    }

    /// Sets how far the server's clock is from the system's, in seconds (negative: behind).
    pub(crate) fn set_offset(&mut self, seconds: i64) {
        self.offset = seconds;
    }

    /// Makes it `epoch` now.
    pub(crate) fn set(&mut self, epoch: i64) {
        self.offset = 0;
        self.offset = epoch.saturating_sub(self.now());
    }
}
