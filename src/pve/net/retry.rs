//! How often something is asked again that nobody answered, or for which it was not the time.

use std::time::Duration;

/// How long is waited before a read is repeated for a second time.
const PAUSE: Duration = Duration::from_secs(1);

/// How often requests are repeated that certainly changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    /// A read whose connection broke. Once unless told: most often the server had closed an idle
    /// connection in the same moment.
    pub lost_read: u32,
    /// A write that met the cluster's lock held for ten seconds. Twice unless told.
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
