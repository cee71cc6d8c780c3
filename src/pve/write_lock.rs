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
pub struct WriteLock(Arc<Mutex<()>>);

impl WriteLock {
    /// Waits for the lock, which is held until the guard is dropped. Dropping the future leaves
    /// the queue.
    pub(crate) async fn enter(&self) -> OwnedMutexGuard<()> {
        if let Ok(turn) = Arc::clone(&self.0).try_lock_owned() {
            return turn;
        }
        tracing::debug!("waiting for other writes to the same cluster");
        let begun = Instant::now();
        let turn = Arc::clone(&self.0).lock_owned().await;
        tracing::info!(
            waited_ms = begun.elapsed().as_millis(),
            "waited for other writes to the same cluster"
        );
        turn
    }

    /// Whether both are the same lock.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::WriteLock;

    #[tokio::test]
    async fn turns_come_in_order_and_the_queue_can_be_left() {
        let write_lock = WriteLock::default();
        let turn = write_lock.enter().await;
        let mut second = Box::pin(write_lock.enter());
        let mut third = Box::pin(write_lock.enter());
        let mut fourth = Box::pin(write_lock.enter());
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
}
