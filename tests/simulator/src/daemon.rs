//! The privileged daemon of a node, to which the proxy passes protected calls.
//!
//! It has three workers with one request at a time each; the other requests wait for a free worker,
//! before they ever meet the lock of the user configuration. A daemon that hangs still accepts
//! requests, and does them when it goes on, whether or not anyone still waits for the response
//! (552-pvedaemon-hung-regenerate, 554-pvedaemon-hung-acl).

use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, SemaphorePermit, watch};

/// How many requests the daemon works on at the same time.
const WORKERS: usize = 3;

/// What a daemon that hangs is like to its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hang {
    /// After how long it goes on by itself; until it is resumed otherwise.
    pub(crate) lasts: Option<Duration>,
    /// The proxy responds with 596 after its thirty (scaled) seconds. Otherwise nothing responds,
    /// and the time limit of the client comes first.
    pub(crate) gives_up: bool,
}

/// The privileged daemon of one node.
pub(crate) struct Daemon {
    workers: Semaphore,
    hang: watch::Sender<Option<Hang>>,
    /// Those who wait for the daemon to go on pass here, in the order of arrival.
    gate: Mutex<()>,
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            workers: Semaphore::new(WORKERS),
            hang: watch::Sender::new(None),
            gate: Mutex::new(()),
        }
    }
}

impl Daemon {
    /// Hangs from now on.
    pub(crate) fn hang(&self, hang: Hang) {
        self.hang.send_replace(Some(hang));
    }

    /// Goes on, with what was asked in the meantime.
    pub(crate) fn resume(&self) {
        self.hang.send_replace(None);
    }

    /// A worker, in the order of arrival, once the daemon does not hang.
    pub(crate) async fn worker(&self) -> Option<SemaphorePermit<'_>> {
        let worker = self.workers.acquire().await.ok();
        let _gate = self.gate.lock().await;
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.hang.subscribe().wait_for(Option::is_none).await;
        worker
    }

    /// Whether a worker has a request.
    pub(crate) fn is_busy(&self) -> bool {
        self.workers.available_permits() < WORKERS
    }

    /// Comes back when the daemon hangs in a way that the proxy gives up on.
    pub(crate) async fn gives_up(&self) {
        let mut hang = self.hang.subscribe();
        let _ = hang
            .wait_for(|hang| hang.is_some_and(|hang| hang.gives_up))
            .await;
    }
}
