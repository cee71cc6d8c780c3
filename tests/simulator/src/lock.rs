//! The cluster-wide lock that every write of the user configuration takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::call::Lock;
use crate::faults::Kind;
use crate::result::Failure;
use crate::server::{Shared, locked};

/// How long the lock is waited for, in seconds.
const LOCK: u64 = 10;
/// How long a write holds it.
pub(crate) const HOLD: Duration = Duration::from_millis(15);

/// The cluster-wide lock while it is held.
pub(crate) struct HeldLock<'a>(&'a AtomicBool);

impl Drop for HeldLock<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Takes the lock, asking again each second as the server does (337-parallel-create-30).
pub(crate) async fn acquire<'a>(
    shared: &'a Shared,
    lock: Lock,
    fault: Option<&Kind>,
    waited: &mut u64,
) -> Result<HeldLock<'a>, Failure> {
    let timeout = "got lock request timeout";
    let quorate = {
        let state = locked(&shared.state);
        state.cluster.as_ref().is_none_or(|cluster| cluster.quorate)
    };
    if !quorate || matches!(fault, Some(Kind::NoQuorum)) {
        return Err(lock.failure(false, "no quorum!"));
    }
    let held_elsewhere = match fault {
        Some(Kind::UserConfigLocked) => Some(false),
        Some(Kind::TokenConfigLocked) if lock.tokens => Some(true),
        _ => None,
    };
    if let Some(tokens) = held_elsewhere {
        *waited += LOCK;
        return Err(lock.failure(tokens, timeout));
    }
    for _ in 0..LOCK {
        if !shared.lock.swap(true, Ordering::Acquire) {
            return Ok(HeldLock(&shared.lock));
        }
        shared.wait(Duration::from_secs(1)).await;
    }
    Err(lock.failure(false, timeout))
}
