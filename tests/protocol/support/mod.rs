//! Support that the tests share.

pub mod catalog;
pub mod client;
pub mod process;

use std::time::Duration;

/// Longer than anything takes; only a hanging test waits for it.
const LIMIT: Duration = Duration::from_secs(20);

/// Waits for a future, but not for ever.
pub async fn within_limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("still waiting after 20 s")
}
