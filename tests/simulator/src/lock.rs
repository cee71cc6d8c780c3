//! The cluster-wide lock that every write of the user configuration takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::call::Lock;
use crate::faults::Kind;
use crate::result::Failure;
use crate::server::{Shared, locked};

/// How long the lock is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after one attempt comes the next.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a write holds it: with the rest of a request, 50 creations by one writer take 0.57 s, as
/// those of genuine daemons do.
pub(crate) const HOLD: Duration = Duration::from_millis(9);

/// The cluster-wide lock while it is held.
pub(crate) struct HeldLock<'a>(&'a AtomicBool);

impl Drop for HeldLock<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Takes the lock, asking again each second as the server does (337-parallel-create-30). A node
/// without quorum asks for as long before it refuses (560-no-quorum-writes).
pub(crate) async fn acquire<'a>(
    shared: &'a Shared,
    lock: Lock,
    fault: Option<&Kind>,
    waited: &mut Duration,
) -> Result<HeldLock<'a>, Failure> {
    let timeout = "got lock request timeout";
    let quorate = locked(&shared.state).is_quorate();
    let refusal = match fault {
        _ if !quorate => Some((false, "no quorum!")),
        Some(Kind::NoQuorum) => Some((false, "no quorum!")),
        Some(Kind::UserConfigLocked) => Some((false, timeout)),
        Some(Kind::TokenConfigLocked) if lock.tokens => Some((true, timeout)),
        _ => None,
    };
    if let Some((tokens, why)) = refusal {
        shared.wait(PATIENCE).await;
        *waited += PATIENCE;
        return Err(lock.failure(tokens, why));
    }
    while *waited < PATIENCE {
        if !shared.lock.swap(true, Ordering::Acquire) {
            return Ok(HeldLock(&shared.lock));
        }
        shared.wait(PAUSE).await;
        *waited += PAUSE;
    }
    Err(lock.failure(false, timeout))
}
