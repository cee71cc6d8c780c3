//! The repetition of requests that certainly changed nothing.

use std::time::Duration;

use time::OffsetDateTime;

use crate::pve::error::{Error, ErrorKind};
use crate::pve::net::clock::http_date;

/// The pause before a read is repeated for a second time, or after a gateway that names none.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest pause that a gateway may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The number of repetitions of a request that certainly changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// A read whose connection broke, or that a gateway refused for now. Defaults to 1: most often
    /// the server closed an idle connection in the same moment.
    pub lost_read: u32,
    /// A write that waited ten seconds for the cluster's lock in vain. Defaults to 2.
    pub held_lock: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            lost_read: 1,
            held_lock: 2,
        }
    }
}

impl From<u32> for Retries {
    fn from(each: u32) -> Self {
        Self {
            lost_read: each,
            held_lock: each,
        }
    }
}

/// Waits before a read is repeated after this error. `None` where repeating it does not help.
pub(crate) async fn before_read(repetition: u32, error: &Error) -> Option<()> {
    match &error.kind {
        // Not at all the first time, since only its connection was old.
        ErrorKind::Lost { .. } if repetition == 1 => {}
        ErrorKind::Lost { .. } => tokio::time::sleep(PAUSE).await,
        ErrorKind::Gateway { retry_after, .. } => {
            tokio::time::sleep(retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
        }
        _ => return None,
    }
    Some(())
}

/// The wait that a header `Retry-After` asks for: seconds, or until a date.
pub(crate) fn after(header: &str) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    (http_date(header)? - OffsetDateTime::now_utc())
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use proptest::proptest;
    use time::format_description::well_known::Rfc2822;

    use super::*;

    proptest! {
        #[test]
        fn no_header_is_too_odd_for_a_wait(header in ".{0,40}") {
            let _ = after(&header);
        }
    }

    #[test]
    fn a_gateway_names_seconds_or_a_date() {
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("soon"), None);
        assert_eq!(after("Thu, 01 Jan 1970 00:00:00 GMT"), None);
        let date = OffsetDateTime::now_utc() + Duration::from_secs(60);
        let wait = after(&date.format(&Rfc2822).unwrap()).unwrap();
        assert!((50..=60).contains(&wait.as_secs()), "{wait:?}");
    }
}
