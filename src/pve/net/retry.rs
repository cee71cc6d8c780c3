//! The repetition of requests that certainly changed nothing.

use std::time::Duration;

/// The pause before a read is repeated for a second time.
const PAUSE: Duration = Duration::from_secs(1);

/// The number of repetitions of a request that certainly changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// A read whose connection broke. Defaults to 1: most often the server closed an idle
    /// connection in the same moment.
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

/// Waits before a read is repeated: not at all the first time, since only its connection was old.
pub(crate) async fn before_read(repetition: u32) {
    if repetition > 1 {
        tokio::time::sleep(PAUSE).await;
    }
}
