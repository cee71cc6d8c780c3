//! The server's clock, by the dates of its responses.
//!
//! Proxmox VE judges expiry by its own clock, so what ends "in 90 days" is counted on that one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// The largest difference of the two clocks that is believed, ten years. A host without a battery
/// begins in 1970, and what a gateway or an impostor says may be any date: by such a clock a token
/// would be dead at once, or live forever. Then this machine's clock counts.
const LARGEST_DIFFERENCE: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A smaller difference of the two clocks is not worth a word.
const NOTABLE_DIFFERENCE: Duration = Duration::from_secs(5 * 60);

/// How far a server's clock is from this machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDifference {
    /// How far the server's clock is ahead; negative if it is behind.
    pub ahead: time::Duration,
    /// Whether times count on the server's clock all the same.
    pub is_believed: bool,
}

/// The date in a header of HTTP.
pub(crate) fn http_date(header: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(header.trim(), &Rfc2822).ok()
}

/// Whether a date can be the time of a server's clock.
fn is_believable(date: OffsetDateTime) -> bool {
    let difference = (date - OffsetDateTime::now_utc()).unsigned_abs();
    difference <= LARGEST_DIFFERENCE
}

/// The `Date` header of the latest response, and the moment of its arrival.
#[derive(Default)]
pub(crate) struct ServerClock(Mutex<Observed>);

#[derive(Clone, Copy, Default)]
struct Observed {
    /// The latest date that can be the time of a clock, and when it came.
    date: Option<(OffsetDateTime, Instant)>,
    difference: Option<ClockDifference>,
}

impl ServerClock {
    /// Notes the date of a response, and returns it if it is believed.
    pub(crate) fn note(&self, date: OffsetDateTime) -> Option<OffsetDateTime> {
        let ahead = date - OffsetDateTime::now_utc();
        let is_believed = is_believable(date);
        let mut observed = self.observed();
        observed.difference = (ahead.unsigned_abs() >= NOTABLE_DIFFERENCE)
            .then_some(ClockDifference { ahead, is_believed });
        if is_believed {
            observed.date = Some((date, Instant::now()));
        }
        is_believed.then_some(date)
    }

    /// How far the clocks are apart by the latest date, if that is notable.
    pub(crate) fn difference(&self) -> Option<ClockDifference> {
        self.observed().difference
    }

    fn observed(&self) -> MutexGuard<'_, Observed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest date and the time that has passed since; this machine's clock before the first.
    pub(crate) fn now(&self) -> OffsetDateTime {
        match self.observed().date {
            Some((date, since)) => date
                .checked_add(since.elapsed().try_into().unwrap_or_default())
                .unwrap_or(date),
            None => OffsetDateTime::now_utc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};
    use time::PrimitiveDateTime;

    use super::*;

    proptest! {
        #[test]
        fn any_date_of_a_response_leaves_a_believable_clock(seconds: i64) {
            let clock = ServerClock::default();
            if let Ok(date) = OffsetDateTime::from_unix_timestamp(seconds) {
                clock.note(date);
            }
            prop_assert!(is_believable(clock.now()));
        }

        #[test]
        fn no_header_is_too_odd_for_a_date(header in "[A-Za-z]{3}, [0-9]{1,3} [A-Za-z]{3} [0-9]{1,6} [0-9:]{1,9} .{0,6}") {
            if let Some(date) = http_date(&header) {
                ServerClock::default().note(date);
            }
        }
    }

    #[test]
    fn dates_that_no_clock_shows_are_not_believed() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "Fri, 31 Dec 9999 23:59:60 GMT",
        ] {
            assert!(!http_date(text).is_some_and(is_believable), "{text}");
        }
        assert!(is_believable(OffsetDateTime::now_utc()));
    }

    #[test]
    fn no_date_makes_the_clock_overflow() {
        let clock = ServerClock::default();
        for extreme in [PrimitiveDateTime::MAX, PrimitiveDateTime::MIN] {
            clock.note(extreme.assume_utc());
            assert!(is_believable(clock.now()));
        }
    }

    #[test]
    fn the_server_s_time_goes_on_from_where_it_was_told() {
        let clock = ServerClock::default();
        let date = OffsetDateTime::now_utc() - time::Duration::days(400);
        clock.note(date);
        let passed = clock.now() - date;
        assert!(!passed.is_negative() && passed.whole_seconds() < 60);
    }
}
