//! One write at a time.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// The lane in which the writes to one cluster go one after another, in the order in which they
/// came.
///
/// The cluster has one lock for its user configuration, and whoever meets it locked waits in
/// whole seconds: fifty creations take half a second in a row and two seconds side by side
/// (recording `337-parallel-create-30`). Clients of one cluster can share a lane.
#[derive(Debug, Clone, Default)]
pub struct Lane(Arc<Mutex<()>>);

impl Lane {
    /// Waits for one's turn, which lasts until the guard is dropped. Dropping the future leaves
    /// the queue.
    pub(super) async fn enter(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0).lock_owned().await
    }

    /// Whether both are the same lane.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
