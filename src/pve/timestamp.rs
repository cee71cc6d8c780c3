//! Instants and dates of expiry, in whole seconds since 1970, as Proxmox VE counts them.

use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// An instant in whole seconds since 1970. Arithmetic stops at the first and the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant that is so many seconds after the beginning of 1970.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The seconds since the beginning of 1970.
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// The time of this machine's clock.
    pub fn now() -> Self {
        OffsetDateTime::now_utc().into()
    }

    /// The time that has passed since `earlier`; none where that is later.
    pub fn since(self, earlier: Self) -> Duration {
        let seconds = self.0.saturating_sub(earlier.0);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }
}

impl From<OffsetDateTime> for Timestamp {
    fn from(instant: OffsetDateTime) -> Self {
        Self(instant.unix_timestamp())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add_unsigned(duration.as_secs()))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub_unsigned(duration.as_secs()))
    }
}

/// When a token or a user expires. `Never` is later than any date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Expiry {
    /// At this instant.
    At(Timestamp),
    /// Never.
    #[default]
    Never,
}

impl Expiry {
    /// The form of the API, in which 0 stands for never.
    pub const fn from_unix(seconds: i64) -> Self {
        match seconds {
            0 => Self::Never,
            seconds => Self::At(Timestamp(seconds)),
        }
    }

    /// The form of the API, in which 0 stands for never.
    pub const fn unix(self) -> i64 {
        match self {
            Self::At(date) => date.0,
            Self::Never => 0,
        }
    }

    /// The date, where there is one.
    pub const fn date(self) -> Option<Timestamp> {
        match self {
            Self::At(date) => Some(date),
            Self::Never => None,
        }
    }
}

impl From<Option<Timestamp>> for Expiry {
    fn from(date: Option<Timestamp>) -> Self {
        date.map_or(Self::Never, Self::At)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, proptest};

    use super::*;

    proptest! {
        #[test]
        fn no_instant_and_no_duration_overflow(seconds: i64, duration: u64) {
            let (instant, duration) = (Timestamp(seconds), Duration::from_secs(duration));
            let (earlier, later) = (instant - duration, instant + duration);
            prop_assert!(earlier <= instant && instant <= later);
            prop_assert!(later.since(instant) <= duration && instant.since(later).is_zero());
        }
    }

    #[test]
    fn never_is_later_than_any_date_and_0_in_the_api() {
        let late = Expiry::At(Timestamp::from_unix(i64::MAX));
        assert!(late < Expiry::Never);
        assert_eq!(Expiry::from_unix(0), Expiry::Never);
        assert_eq!((Expiry::from_unix(5).unix(), Expiry::Never.unix()), (5, 0));
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        let (first, last) = (
            Timestamp::from_unix(i64::MIN),
            Timestamp::from_unix(i64::MAX),
        );
        let day = Duration::from_secs(24 * 60 * 60);
        assert_eq!((first - day, last + day), (first, last));
        assert_eq!(first.since(last), Duration::ZERO);
    }
}
