//! Cancellation and deadline of a call.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Cancellation and deadline of one call, handed to every method that does I/O.
///
/// Both end waiting (for the write lock, a login, a one-time code, a retry) and reading at once. A
/// write that has been sent runs to its end all the same: giving it up would not undo it, only
/// lose its answer. It is bounded by the request timeout.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Ends the call when cancelled.
    pub cancel: CancellationToken,
    /// Ends the call when reached.
    pub deadline: Option<Instant>,
    /// Whether a write goes ahead of all that wait for their turn.
    pub goes_first: bool,
}

/// Why a wait ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Cancelled,
    /// After this much waiting.
    Deadline(Duration),
}

impl Context {
    /// Runs `work` until it is done, or the call is cancelled or its deadline passes.
    pub(crate) async fn bound<T>(&self, work: impl Future<Output = T>) -> Result<T, Stopped> {
        let begun = Instant::now();
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stopped::Cancelled),
            () = self.expired() => Err(Stopped::Deadline(begun.elapsed())),
            done = work => Ok(done),
        }
    }

    /// Whether there is no point in beginning anything more.
    pub(crate) fn is_over(&self) -> bool {
        self.cancel.is_cancelled()
            || self
                .deadline
                .is_some_and(|deadline| deadline <= Instant::now())
    }

    async fn expired(&self) {
        match self.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}
