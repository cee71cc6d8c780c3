//! One write at a time.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// The lock by which the writes to one cluster run one after another, in the order of their calls.
///
/// The cluster has one lock for its user configuration, and a request that meets it locked waits in
/// whole seconds: fifty creations take half a second in a row and two seconds side by side
/// (recording `337-parallel-create-30`). Clients of one cluster can share a write lock.
#[derive(Debug, Clone, Default)]
pub struct WriteLock {
    /// Where writes wait for the one in progress. Only the first of them competes for the turn, so
    /// that a write which goes first waits for no other.
    queue: Arc<Mutex<()>>,
    turn: Arc<Mutex<()>>,
}

/// The turn of one write, until it is dropped. The next one that goes first has it before the next
/// one of the queue.
pub(crate) struct Turn {
    _turn: OwnedMutexGuard<()>,
    _queue: Option<OwnedMutexGuard<()>>,
}

impl WriteLock {
    /// Waits for the turn of a write, which may go first. Dropping the future leaves the queue.
    pub(crate) async fn enter(&self, goes_first: bool) -> Turn {
        let begun = Instant::now();
        let queue = match goes_first {
            true => None,
            false => Some(Arc::clone(&self.queue).lock_owned().await),
        };
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let waited_ms = begun.elapsed().as_millis();
        if waited_ms > 0 {
            tracing::info!(waited_ms, "Waited for other writes to the same cluster");
        }
        Turn {
            _turn: turn,
            _queue: queue,
        }
    }

    /// Whether both are the same lock.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.turn, &other.turn)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::WriteLock;

    #[tokio::test]
    async fn turns_come_in_order_and_the_queue_can_be_left() {
        let write_lock = WriteLock::default();
        let turn = write_lock.enter(false).await;
        let mut second = Box::pin(write_lock.enter(false));
        let mut third = Box::pin(write_lock.enter(false));
        let mut fourth = Box::pin(write_lock.enter(false));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert!((&mut fourth).now_or_never().is_none());
        drop(second);
        drop(turn);
        assert!((&mut fourth).now_or_never().is_none());
        let turn = (&mut third).now_or_never().expect("the third is next");
        drop(turn);
        assert!(fourth.now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_write_that_goes_first_waits_only_for_the_one_in_progress() {
        let write_lock = WriteLock::default();
        let turn = write_lock.enter(false).await;
        let mut second = Box::pin(write_lock.enter(false));
        let mut first = Box::pin(write_lock.enter(true));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut first).now_or_never().is_none());
        drop(turn);
        assert!((&mut second).now_or_never().is_none());
        let turn = (&mut first).now_or_never().expect("it goes first");
        assert!((&mut second).now_or_never().is_none());
        drop(turn);
        assert!(second.now_or_never().is_some());
    }
}
