//! The events of a call that responds with a stream.

use async_trait::async_trait;

/// The receiver of the events of one call.
#[async_trait]
pub trait Sink<T>: Send + Sync {
    /// Sends an event. Returns whether the caller wants more.
    async fn send(&self, event: T) -> bool;
}
