//! The server's clock, by the dates of its responses.
//!
//! Proxmox VE judges expiry by its own clock, so what ends "in 90 days" is counted on that one.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use time::OffsetDateTime;

/// The `Date` header of the latest response, and the moment of its arrival.
#[derive(Default)]
pub(crate) struct ServerClock(Mutex<Option<(OffsetDateTime, Instant)>>);

impl ServerClock {
    pub(crate) fn set(&self, date: OffsetDateTime) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((date, Instant::now()));
    }

    /// The latest date and the time that has passed since; this machine's clock before the first.
    pub(crate) fn now(&self) -> OffsetDateTime {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((date, since)) => date + since.elapsed(),
            None => OffsetDateTime::now_utc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_s_time_goes_on_from_where_it_was_told() {
        let clock = ServerClock::default();
        let date = OffsetDateTime::UNIX_EPOCH;
        clock.set(date);
        let passed = clock.now() - date;
        assert!(!passed.is_negative() && passed.whole_seconds() < 60);
    }
}
