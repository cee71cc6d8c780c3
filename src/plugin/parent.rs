//! The process that started this one.
//!
//! A Terraform that is killed says no `Shutdown`. Its plugin would go on for ever, with its
//! credentials, so it ends when its parent is gone.

use std::time::Duration;

/// The pause between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The parent of this process.
pub(super) struct ParentProcess(#[cfg(unix)] u32);

impl ParentProcess {
    /// The parent at this moment.
    pub fn current() -> Self {
        #[cfg(unix)]
        return Self(std::os::unix::process::parent_id());
        #[cfg(not(unix))]
        return Self();
    }

    /// Waits until the parent is gone: the system gives an orphan another parent. Waits for ever on
    /// a system that does not.
    pub async fn gone(&self) {
        #[cfg(unix)]
        while std::os::unix::process::parent_id() == self.0 {
            tokio::time::sleep(INTERVAL).await;
        }
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}
